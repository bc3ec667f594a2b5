"""Circular: the layers u = σ(W1 g + b1) and g = σ(W2 u + b2), each defined by the other, iterated from a start.

The founding document (§4.2) prints a user layer, a product layer and a read-out:

    u = σ(W1 g + b1)        g = σ(W2 u + b2)        r = σ(W3 g + b3)        σ(x) = 1 / (1 + exp(-x))

u needs g and g needs u, so neither can be computed first. Started from a guess and repeated, the pair settles, goes
round in a cycle, or neither. σ is nowhere steeper than 1/4, so one round stretches a distance by at most
‖W1‖ ‖W2‖ / 16 (spectral norms); below 1 the map is a contraction with exactly one end (Banach, 1922). Above 1 the bound
says nothing: it is sufficient and not necessary.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

DATA: dict[str, str] = {}
SETTINGS = {  # (default, lowest, highest) or (default, *choices); w1_12 is row 1, column 2 of W1
    "w1_11": (8.0, -12.0, 12.0),
    "w1_12": (0.0, -12.0, 12.0),
    "w1_21": (0.0, -12.0, 12.0),
    "w1_22": (8.0, -12.0, 12.0),
    "w2_11": (-8.0, -12.0, 12.0),
    "w2_12": (0.0, -12.0, 12.0),
    "w2_21": (0.0, -12.0, 12.0),
    "w2_22": (-8.0, -12.0, 12.0),
    "w3_11": (6.0, -12.0, 12.0),
    "w3_12": (-6.0, -12.0, 12.0),
    "w3_21": (-6.0, -12.0, 12.0),
    "w3_22": (6.0, -12.0, 12.0),
    "bias": ("centred", "centred", "zero"),  # centred: b = -W (½, ½), so that (½, ½) is always in balance
    "start_1": (0.9, 0.0, 1.0),  # g at the start; u too, where both are updated at once
    "start_2": (0.2, 0.0, 1.0),
    "order": ("in_turn", "in_turn", "at_once"),  # g from the new u, or both from the old pair
    "damping": (0.0, 0.0, 0.99),  # share of the old value that is kept in each round
    "steps": (200, 10, 400),
    "draw": (2, 0, 9999),  # which forty random pairs of layers are drawn for comparison
}
MEASURES = {
    "period": "count",  # 1: it settles; 0: it does not repeat within the steps
    "steps_to_settle": "count",  # steps + 1 where it does not settle within them
    "endings": "count",  # different ends that a grid of starts leads to
    "bound": "score",  # ‖W1‖ ‖W2‖ / 16
    "best_damping": "share",  # of 0, .1, ..., .9 the one that settles soonest; 0 where none does
    "settling_draws": "share",  # of the random layers whose bound is above 1
}
ASKS: dict[str, Any] = {}
TINY = {"steps": 60}

SETTLED = 0.001  # three decimals: this close to where it ends counts as having arrived
REPEATS = 1e-6  # a state that comes back this closely has come back
LONGEST = 32  # the longest period that is looked for
WATCHED = 200  # rounds at most where many orbits are followed at a time
GRID = 20  # starts along each side of the map of ends; even, so that none is exactly (½, ½), from which nothing moves
FIELD = 33  # points along each side where it is asked whether g goes up or down
DAMPINGS = tuple(round(0.1 * tenth, 1) for tenth in range(10))
DRAWS, SPREAD = 40, 4.0  # random pairs of layers, and the standard deviation of their weights
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Layers:
    """The printed layers. Weights are (2, 2), or (N, 2, 2) for N pairs of layers at a time; biases (2,) or (N, 2)."""

    W1: Array
    b1: Array
    W2: Array
    b2: Array

    @classmethod
    def make(cls, w1: Array, w2: Array, bias: str = "centred") -> Layers:
        """Layers with biases by ``bias``: "centred", b = -W (½, ½), or "zero"."""
        return cls(w1, biases(w1, bias), w2, biases(w2, bias))

    def user(self, g: Array) -> Array:
        """u = σ(W1 g + b1), for g (..., 2)."""
        return sigmoid(times(self.W1, g) + self.b1)

    def product(self, u: Array) -> Array:
        """g = σ(W2 u + b2), for u (..., 2)."""
        return sigmoid(times(self.W2, u) + self.b2)

    def bound(self) -> Array:
        """‖W1‖ ‖W2‖ / 16: how much one round can stretch a distance at most."""
        return np.asarray(np.linalg.norm(self.W1, 2, (-2, -1)) * np.linalg.norm(self.W2, 2, (-2, -1)) / 16)


def sigmoid(x: Array) -> Array:
    """σ(x) = 1 / (1 + exp(-x)), without overflow for the weights that the settings allow."""
    return np.asarray(1 / (1 + np.exp(-x)))


def times(w: Array, x: Array) -> Array:
    """W x for one matrix (2, 2) or one for each x (N, 2)."""
    return np.asarray(x @ w.T if w.ndim == 2 else (w * x[:, None, :]).sum(-1))


def biases(w: Array, kind: str) -> Array:
    """-W (½, ½), with which W x + b is 0 at x = (½, ½); or zeros."""
    return -w.sum(-1) / 2 if kind == "centred" else np.zeros(w.shape[:-1])


def iterate(
    layers: Layers, start: Array, steps: int, order: str = "in_turn", damping: float | Array = 0.0
) -> tuple[Array, Array]:
    """The layers repeated: u and g, each (steps + 1, ..., 2), the start included.

    In turn, g alone is carried from round to round, and u is computed from it. At once, u and g both are, and each
    is computed from the other's old value. ``damping`` is the share of a carried value that is kept.
    """
    new = 1 - np.asarray(damping, np.float64)
    g = np.asarray(start, np.float64)
    u = g if order == "at_once" else layers.user(g)
    us, gs = [u], [g]
    for _ in range(steps):
        if order == "at_once":
            u, g = u + new * (layers.user(g) - u), g + new * (layers.product(u) - g)
        else:
            g = g + new * (layers.product(u) - g)
            u = layers.user(g)
        us.append(u)
        gs.append(g)
    return np.array(us), np.array(gs)


def periods(states: Array) -> NDArray[np.int64]:
    """The smallest period of each orbit in ``states`` (T, N, K), (N,); 0 where it does not repeat within T.

    A gap that is small because the orbit creeps is no repetition: from how fast the gap shrinks the way that is still
    to go is estimated, and that has to be small.
    """
    found = np.zeros(states.shape[1], np.int64)
    for p in range(1, min(LONGEST, (len(states) - 1) // 3) + 1):
        near = np.abs(states[-1] - states[-1 - p]).max(1) < REPEATS
        asked = np.flatnonzero((found == 0) & near)  # few: the rest is not worth the work below
        window = max(p, min(24, (len(states) - p) // 2))  # long enough for an orbit that spirals in
        x = states[-2 * window - p :, asked]
        gaps = np.abs(x[p:] - x[:-p]).max(2)  # (2 windows, n) between a state and the one p before
        before, now = gaps[:window].max(0), gaps[window:].max(0)
        shrinks = np.minimum(now / np.maximum(before, 1e-300), 1 - 1e-9) ** (p / window)  # over one period
        to_go = np.where(now < 1e-13, now, now / (1 - shrinks))
        found[asked[to_go < REPEATS]] = p
    for p in (p for p in set(found.tolist()) if p > 1):  # what spirals in may pass at p before it passes at 1
        mine = np.flatnonzero(found == p)
        for d in (d for d in range(p - 1, 0, -1) if p % d == 0):
            x = states[-p - d :, mine]
            found[mine[np.abs(x[d:] - x[:-d]).max((0, 2)) < 100 * REPEATS]] = d
    return found


def steps_to_settle(states: Array, within: float = SETTLED) -> int:
    """The first step from which a settling orbit (T, K) stays this close to its last state."""
    far = np.flatnonzero(np.abs(states - states[-1]).max(1) >= within)
    return int(far[-1]) + 1 if len(far) else 0


def multiplier(layers: Layers, u: Array, g: Array, order: str, damping: float) -> float:
    """What is left of a small push after going once round the cycle u, g (p, 2): below 1 it dies out.

    The largest absolute eigenvalue of the product of the Jacobians along the cycle.
    """
    size = 4 if order == "at_once" else 2
    total = np.eye(size)
    for here_u, here_g in zip(u, g, strict=True):
        slope_u = layers.user(here_g)
        rise_u = (slope_u * (1 - slope_u))[:, None] * layers.W1  # du/dg, since σ' = σ (1 - σ)
        slope_g = layers.product(here_u)
        rise_g = (slope_g * (1 - slope_g))[:, None] * layers.W2  # dg/du
        if order == "at_once":
            jacobian = np.block([[np.zeros((2, 2)), rise_u], [rise_g, np.zeros((2, 2))]])
        else:
            jacobian = rise_g @ rise_u
        total = (damping * np.eye(size) + (1 - damping) * jacobian) @ total
    return float(np.abs(np.linalg.eigvals(total)).max())


def endings(layers: Layers, order: str, damping: float, steps: int) -> dict[str, Any]:
    """Where a grid of starts leads: ``labels`` [row by start_2][column by start_1], and the ends they number.

    Two orbits have the same end when they visit the same states, in whatever phase; compared are the means over one
    period of the coordinates and of their products. Label -1: does not repeat within the steps.
    """
    places = (np.arange(GRID) + 0.5) / GRID
    starts = np.stack(np.meshgrid(places, places), -1).reshape(-1, 2)
    u, g = iterate(layers, starts, min(steps, WATCHED), order, damping)
    period = periods(np.concatenate([u, g], 2))
    labels = np.full(len(starts), -1)
    ends: list[dict[str, Any]] = []
    for p in sorted(set(period.tolist()) - {0}):
        mine = np.flatnonzero(period == p)
        x = np.concatenate([u, g], 2)[-p:, mine]  # (p, n, 4) one period
        marks = np.concatenate([x, x[..., :1] * x, x[..., 1:2] * x, x[..., 2:3] * x, x**3], 2).mean(0)
        while len(mine):
            same = np.abs(marks - marks[0]).max(1) < SETTLED
            labels[mine[same]] = len(ends)
            ends.append({"period": p, "share": float(same.sum() / len(starts)), "points": _plain(g[-p:, mine[0]])})
            mine, marks = mine[~same], marks[~same]
    return {"places": _plain(places), "labels": labels.reshape(GRID, GRID).tolist(), "ends": ends}


def pull(layers: Layers) -> dict[str, Any]:
    """Where one round moves g up and where down: each coordinate's change on a grid, [row by g_2][column by g_1].

    Where both changes are 0 the layers agree with themselves: a fixed point.
    """
    places = np.linspace(0, 1, FIELD)
    g = np.stack(np.meshgrid(places, places), -1)
    change = layers.product(layers.user(g)) - g
    return {"places": _plain(places), "change_1": _plain(change[..., 0], 4), "change_2": _plain(change[..., 1], 4)}


def by_damping(layers: Layers, start: Array, order: str, steps: int) -> list[dict[str, Any]]:
    """Steps to settle for each of DAMPINGS, None where it does not settle."""
    share = np.array(DAMPINGS)[:, None]
    u, g = iterate(layers, np.tile(start, (len(share), 1)), steps, order, share)
    states = np.concatenate([u, g], 2)
    settles = periods(states) == 1
    return [
        {"damping": one, "steps": steps_to_settle(states[:, i]) if settles[i] else None}
        for i, one in enumerate(DAMPINGS)
    ]


def random_layers(draw: int, start: Array, steps: int) -> list[dict[str, Any]]:
    """Forty pairs of layers with independent normal weights, and whether each settles."""
    weights = np.random.default_rng(draw).normal(0.0, SPREAD, (2, DRAWS, 2, 2))
    layers = Layers.make(weights[0], weights[1])
    _, g = iterate(layers, np.tile(start, (DRAWS, 1)), min(steps, WATCHED))
    found = periods(g)
    return [{"bound": round(float(b), 4), "period": int(p)} for b, p in zip(layers.bound(), found, strict=True)]


def answer(settings: Mapping[str, int | float | str], asked: Mapping[str, Any]) -> dict[str, Any]:
    """The orbit from the start, what it ends as, the bound, and where other starts, dampings and layers lead.

    ``orbit`` has u, g and r (steps + 1 rows of 2); ``end`` says period, points (g over one period), steps (None
    unless it settles) and multiplier (what one period leaves of a small push; None where nothing repeats).
    """
    W1, W2, W3 = (matrix(settings, name) for name in ("w1", "w2", "w3"))
    bias, order = str(settings["bias"]), str(settings["order"])
    damping, steps = float(settings["damping"]), int(settings["steps"])
    start = np.array([float(settings["start_1"]), float(settings["start_2"])])
    layers = Layers.make(W1, W2, bias)
    u, g = iterate(layers, start, steps, order, damping)
    r = sigmoid(g @ W3.T + biases(W3, bias))
    states = np.concatenate([u, g], 1)
    period = int(periods(states[:, None])[0])
    settled = steps_to_settle(states) if period == 1 else None
    bound = float(layers.bound())
    ends = endings(layers, order, damping, steps)
    sweep = by_damping(layers, start, order, steps)
    draws = random_layers(int(settings["draw"]), start, steps)
    best = min((one for one in sweep if one["steps"] is not None), key=lambda one: one["steps"], default=sweep[0])
    wide = [one for one in draws if one["bound"] > 1]
    counted = {
        "period": period,
        "steps_to_settle": steps + 1 if settled is None else settled,
        "endings": len(ends["ends"]),
        "bound": bound,
        "best_damping": best["damping"],
        "settling_draws": sum(one["period"] == 1 for one in wide) / max(len(wide), 1),
    }
    return {
        "measures": {name: {"value": value, "low": value, "high": value} for name, value in counted.items()},
        "orbit": {"u": _plain(u), "g": _plain(g), "r": _plain(r)},
        "end": {
            "period": period,
            "steps": settled,
            "points": _plain(g[-period:]) if period else [],
            "multiplier": multiplier(layers, u[-period:], g[-period:], order, damping) if period else None,
        },
        "bound": {
            "norm_1": float(np.linalg.norm(W1, 2)),
            "norm_2": float(np.linalg.norm(W2, 2)),
            "value": bound,
            "guarantees": bound < 1,
        },
        "starts": ends,
        "pull": pull(layers),
        "dampings": sweep,
        "draws": draws,
    }


def matrix(settings: Mapping[str, int | float | str], name: str) -> Array:
    """The (2, 2) weights whose entries stand in the settings as ``name_11`` to ``name_22``."""
    return np.array([[float(settings[f"{name}_{row}{column}"]) for column in (1, 2)] for row in (1, 2)])


def _plain(array: Array, decimals: int = 9) -> list[Any]:
    """Numbers as JSON has them, cut to what can be seen, or the page would be heavier for nothing."""
    return list(np.round(array, decimals).tolist())
