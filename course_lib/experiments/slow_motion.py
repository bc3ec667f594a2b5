"""Slow motion: one training step of a recommender with 24 numbers, every one of them on the table.

Four products, two numbers a product, one exercise: this history, and what was bought next. The parts are those of a
transformer that recommends (SASRec: Kang & McAuley, ICDM 2018), cut to what fits on a page: one layer, one head, and
only the newest product asks. E is the product table, n the length of the history, t the product bought next.

    look up   X = E[history]                                     (n, 2)
    attend    q = x_n W_Q,  K = X W_K,  U = X W_V                (2,) (n, 2) (n, 2)
              a = softmax(K q / √2),  z = x_n + a U              (n,) (2,)
    score     y = E z + b,  p = softmax(y)                       (4,) (4,)
    loss      L = -ln p_t                                        nats
    gradients dL/d(each number), by the chain rule from the loss back to the table
    update    number <- number - learning rate * gradient        stochastic gradient descent

Nothing here is a library's: the backward pass is written out, and a test holds it to torch's.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

PRODUCTS = ("ball", "shoes", "jersey", "pump")
STAGES = ("look_up", "attend", "score", "loss", "gradients", "update")

DATA: dict[str, str] = {}
SETTINGS = {  # (default, lowest, highest) or (default, *choices)
    "step": (1, 1, 60),  # the training step on show
    "stage": ("look_up", "look_up", "attend", "score", "loss", "gradients", "update"),
    "history": ("ball_shoes", "ball_shoes", "shoes_ball", "ball_shoes_jersey", "ball_ball_shoes"),
    "target": ("jersey", "ball", "shoes", "jersey", "pump"),
    "learning_rate": (0.5, 0.01, 5.0),
    "weights": (1, 0, 9999),  # the seed of the weights at the start
}
MEASURES = {
    "loss_before": "nats",  # of the step on show
    "loss_after": "nats",
    "loss_change": "difference",  # after minus before: below zero where the step helped
    "tenfold_change": "difference",  # the same, had the step been ten times as long
    "chance_before": "share",  # that the model gives to what was really bought
    "chance_after": "share",
    "moved": "count",  # of the 24 numbers
    "steps_downhill": "count",  # steps in a row, from the first, that lowered the loss
}
ASKS: dict[str, Any] = {}
TINY = {"step": 2}

WIDTH = 2
STEPS = 60  # the loss is followed this far
LARGEST = 1e6  # a weight beyond this has run away; training stops there
RATES = [round(0.1 * tenth, 1) for tenth in range(51)]  # how far the step on show might have gone
SPREAD = 0.6  # standard deviation of the weights at the start
Array = NDArray[np.float64]
Weights = dict[str, Array]  # E (4, 2), W_Q, W_K, W_V (2, 2), b (4,)


def start(seed: int) -> Weights:
    """Random weights of two decimals, so that whoever likes can check the first step with pencil and paper."""
    random = np.random.default_rng(seed)
    shapes = {"E": (len(PRODUCTS), WIDTH), "W_Q": (WIDTH, WIDTH), "W_K": (WIDTH, WIDTH), "W_V": (WIDTH, WIDTH)}
    weights: Weights = {name: np.round(random.normal(0.0, SPREAD, shape), 2) for name, shape in shapes.items()}
    return weights | {"b": np.zeros(len(PRODUCTS))}


def softmax(x: Array) -> Array:
    """exp(x) / sum exp(x); the largest x is taken off first, which changes nothing but keeps exp from overflowing."""
    powers = np.exp(x - x.max())
    return np.asarray(powers / powers.sum())


def forward(w: Weights, history: list[int], target: int) -> dict[str, Any]:
    """From the history to the loss; every number on the way, by its name in the formulas above."""
    # Look up: each product of the history gets its row of the table.
    X = w["E"][history]
    # Attend: the newest product asks, every product answers, and what fits best is taken up most.
    q = X[-1] @ w["W_Q"]
    K, U = X @ w["W_K"], X @ w["W_V"]
    scores = K @ q / np.sqrt(WIDTH)
    a = softmax(scores)
    mixed = a @ U
    z = X[-1] + mixed
    # Score: the same table once more, now for what may come next.
    y = w["E"] @ z + w["b"]
    p = softmax(y)
    # Loss: how surprised the model is by what was really bought.
    loss = float(np.log(np.exp(y - y.max()).sum()) - (y[target] - y.max()))  # -ln p_t, exact where p_t is tiny
    return {"X": X, "q": q, "K": K, "U": U, "scores": scores, "a": a, "mixed": mixed, "z": z, "y": y, "p": p, "L": loss}


def backward(w: Weights, history: list[int], target: int, f: Mapping[str, Any]) -> tuple[Weights, dict[str, Array]]:
    """The gradient of the loss in every weight, and in every number between; ``d_z`` is dL/dz.

    Read it from the loss backwards: each line undoes one line of ``forward`` and hands on what it owes to whom.
    """
    # Loss and softmax together: too much probability is pushed down, the true product's lack of it is pulled up.
    d_y = f["p"].copy()
    d_y[target] -= 1
    # y = E z + b: the table is used here for the first time ...
    d_b = d_y.copy()
    d_E = np.outer(d_y, f["z"])
    d_z = w["E"].T @ d_y
    # z = x_n + a U: a sum hands its gradient to both sides unchanged.
    d_X = np.zeros_like(f["X"])
    d_X[-1] += d_z
    d_a = f["U"] @ d_z
    d_U = np.outer(f["a"], d_z)
    # a = softmax(scores): raising one share lowers the others, so only differences from the mean count.
    d_scores = f["a"] * (d_a - f["a"] @ d_a)
    # scores = K q / √2
    d_q = f["K"].T @ d_scores / np.sqrt(WIDTH)
    d_K = np.outer(d_scores, f["q"]) / np.sqrt(WIDTH)
    # q = x_n W_Q, K = X W_K, U = X W_V: a product hands each factor the other one times what came back.
    d_W_Q = np.outer(f["X"][-1], d_q)
    d_W_K, d_W_V = f["X"].T @ d_K, f["X"].T @ d_U
    d_X[-1] += w["W_Q"] @ d_q
    d_X += d_K @ w["W_K"].T + d_U @ w["W_V"].T
    # X = E[history]: ... and here for the second; a product that occurs twice collects from both places.
    for place, product in enumerate(history):
        d_E[product] += d_X[place]
    gradients = {"E": d_E, "W_Q": d_W_Q, "W_K": d_W_K, "W_V": d_W_V, "b": d_b}
    between = {"y": d_y, "z": d_z, "a": d_a, "U": d_U, "scores": d_scores, "q": d_q, "K": d_K, "X": d_X}
    return gradients, between


def update(w: Weights, gradients: Weights, rate: float) -> Weights:
    """Every weight a little downhill."""
    return {name: value - rate * gradients[name] for name, value in w.items()}


def nudged(w: Weights, history: list[int], target: int, size: float = 1e-5) -> Weights:
    """The gradient without any calculus: nudge one weight up and down, and see what the loss does."""
    found: Weights = {}
    for name, value in w.items():
        found[name] = np.zeros_like(value)
        for place in np.ndindex(value.shape):
            step = np.zeros_like(value)
            step[place] = size
            up = forward(w | {name: value + step}, history, target)["L"]
            down = forward(w | {name: value - step}, history, target)["L"]
            found[name][place] = (up - down) / (2 * size)
    return found


def exercise(settings: Mapping[str, int | float | str]) -> tuple[list[int], int]:
    """The history and the product bought next, by their places in PRODUCTS."""
    history = [PRODUCTS.index(name) for name in str(settings["history"]).split("_")]
    return history, PRODUCTS.index(str(settings["target"]))


def answer(settings: Mapping[str, int | float | str], asked: Mapping[str, Any]) -> dict[str, Any]:
    """Everything about one training step, and the loss before and after each of the first 60.

    A learning rate that is far too large makes the weights run away; then there are fewer steps, and ``step`` says
    which one is on show. ``forward`` and ``backward`` hold every number by name; ``weights``, ``gradients`` and
    ``updated`` each weight; ``after`` is the forward pass with the updated weights. ``losses`` has a value before any
    training and one after each step, and ``tables`` likewise E; ``along`` is the loss after the step on show, had the
    learning rate been each of RATES.
    """
    history, target = exercise(settings)
    rate, step = float(settings["learning_rate"]), int(settings["step"])
    weights = start(int(settings["weights"]))
    losses, tables = [], [weights["E"].tolist()]
    for number in range(1, STEPS + 1):
        passed = forward(weights, history, target)
        gradients, between = backward(weights, history, target, passed)
        after = update(weights, gradients, rate)
        again = forward(after, history, target)
        losses.append(passed["L"])
        tables.append(after["E"].tolist())
        if number <= step:
            shown = (number, weights, passed, gradients, between, after, again)
        weights = after
        if max(float(np.abs(value).max()) for value in after.values()) > LARGEST:
            break
    losses.append(again["L"])

    number, weights, passed, gradients, between, after, again = shown
    by_nudging = nudged(weights, history, target)
    downhill = [later < earlier for earlier, later in itertools.pairwise(losses)]
    counted: dict[str, float] = {
        "loss_before": passed["L"],
        "loss_after": again["L"],
        "loss_change": again["L"] - passed["L"],
        "tenfold_change": forward(update(weights, gradients, 10 * rate), history, target)["L"] - passed["L"],
        "chance_before": float(passed["p"][target]),
        "chance_after": float(again["p"][target]),
        "moved": sum(int((after[name] != weights[name]).sum()) for name in weights),
        "steps_downhill": downhill.index(False) if False in downhill else len(downhill),
    }
    return {
        "measures": {name: {"value": value, "low": value, "high": value} for name, value in counted.items()},
        "step": number,
        "products": list(PRODUCTS),
        "history": history,
        "target": target,
        "weights": _plain(weights),
        "forward": _plain(passed),
        "gradients": _plain(gradients),
        "backward": _plain(between),
        "updated": _plain(after),
        "after": _plain(again),
        "nudge_gap": max(float(np.abs(gradients[name] - by_nudging[name]).max()) for name in weights),
        "along": [[r, forward(update(weights, gradients, r), history, target)["L"]] for r in RATES],
        "losses": losses,
        "tables": tables,
    }


def _plain(numbers: Mapping[str, Any]) -> dict[str, Any]:
    """Arrays as lists, as JSON has them."""
    return {name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in numbers.items()}
