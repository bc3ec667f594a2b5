r"""Which product of a history made the model recommend this one? Eight answers, and a test of each.

Explained is f(h) = log p(product | h). An answer gives every place of the history a number, the largest to its reason.

    attention      the last layer's weights of the place that answers, mean of its heads
    rollout        row of the place that answers of the product over layers of (A + I) / 2   (A: mean of heads)
    gradient       | df / de_i |, e_i the vector of the product at place i
    integrated     (e_i - b) . integral over a from 0 to 1 of df / de_i at b + a (e - b)   (b: zero, or the mean vector)
    leave_one_out  f(h) - f(h without place i)
    recent         the newest place, without looking at the model at all
    random         a draw: what any answer has to beat

Attention as an explanation is disputed (Jain & Wallace, Attention is not Explanation, NAACL 2019). Rollout: Abnar &
Zuidema, Quantifying Attention Flow in Transformers, ACL 2020. Integrated gradients are complete: their sum is
f(h) - f(baseline) (Sundararajan, Taly & Yan, Axiomatic Attribution for Deep Networks, ICML 2017).

The test takes products away or keeps only them, and asks the model again (DeYoung et al., ERASER: comprehensiveness and
sufficiency, ACL 2020).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from course_lib.data.histories import Histories
from course_lib.errors import CourseError

METHODS = (
    "attention", "rollout", "gradient", "integrated_zero", "integrated_mean", "leave_one_out", "recent", "random",
)  # fmt: skip
OF_ATTENTION = ("attention", "rollout")
NODES, BEND = 96, 6  # of the integral: that many, at a = u^BEND for evenly spaced u
Scores = NDArray[np.float64]


def log_probability(model: Any, histories: Sequence[Sequence[int]], product: int) -> Scores:
    """(N,) f of each history; an empty one is answered by the products' biases alone."""
    found = model.score(Histories.from_lists([list(one) for one in histories]))[:, product]
    return np.asarray(found, np.float64)


def attributions(model: Any, history: Sequence[int], product: int, seed: int = 0) -> dict[str, Scores]:
    """(L,) of each method, by its name; ``history`` is a window, oldest first. Without those of attention for a model
    that has none."""
    model.eval()
    window = torch.tensor([list(history)])
    L = len(history)
    found = {
        **_attention(model, window),
        "gradient": _gradient(model, window, product),
        "integrated_zero": integrated(model, window, product, torch.zeros(model.item.weight.shape[1])),
        "integrated_mean": integrated(model, window, product, mean_vector(model)),
        "leave_one_out": leave_one_out(model, history, product),
        "recent": np.arange(L, dtype=np.float64),
        "random": np.random.default_rng([seed, *map(int, history)]).random(L),
    }
    return {name: found[name] for name in METHODS if name in found}


def leave_one_out(model: Any, history: Sequence[int], product: int) -> Scores:
    """(L,) what is lost without each place."""
    without = [[*history[:place], *history[place + 1 :]] for place in range(len(history))]
    scores = log_probability(model, [history, *without], product)
    return np.asarray(scores[0] - scores[1:])


def mean_vector(model: Any) -> Tensor:
    """(D,) the mean of all products' vectors."""
    mean: Tensor = model.item.weight[1:].detach().mean(0)
    return mean


def integrated(model: Any, window: Tensor, product: int, baseline: Tensor) -> Scores:
    """(L,) integrated gradients of ``window`` (1, L) from ``baseline`` (D,) in each of its places.

    The nodes lie close where the path begins. Layer norm does not see how long a vector is, so on the path from zero
    nearly everything happens in its first thousandth, which evenly spaced nodes miss.
    """
    vectors = model.item(window)[0].detach()  # (L, D)
    u = (torch.arange(NODES) + 0.5) / NODES
    path = baseline + (u**BEND)[:, None, None] * (vectors - baseline)  # (NODES, L, D)
    slope = _slopes(model, window, product, path)
    mean = (slope * (BEND * u ** (BEND - 1) / NODES)[:, None, None]).sum(0)  # da = BEND u^(BEND - 1) du
    return np.asarray(((vectors - baseline) * mean).sum(-1).double().numpy())


def faithful(
    model: Any, history: Sequence[int], product: int, found: Mapping[str, Scores], counts: Mapping[str, int]
) -> dict[str, dict[str, float]]:
    """What is lost of f, by method: ``{"delete": ..., "keep": ...}`` without its first ``counts`` places, or with them
    alone, under the names of ``counts``, which begin with "delete" or "keep"."""
    asked: list[list[int]] = [list(history)]
    for scores in found.values():
        best = ranked(scores)
        for name, count in counts.items():
            some = set(best[:count].tolist())
            wanted = [n for n in range(len(history)) if (n in some) == name.startswith("keep")]
            asked.append([history[n] for n in wanted])
    values = log_probability(model, asked, product)
    lost = iter((values[0] - values[1:]).tolist())
    return {method: {name: next(lost) for name in counts} for method in found}


def ranked(scores: Scores) -> NDArray[np.int64]:
    """(L,) places, the strongest reason first; of equal ones the newest."""
    return np.lexsort((-np.arange(len(scores)), -scores))


def _attention(model: Any, window: Tensor) -> dict[str, Scores]:
    with torch.no_grad():
        layers = [layer[0].mean(0) for layer in model.attention(window)]  # (places that ask, L)
    if not layers:
        return {}
    last: Scores = layers[-1][-1].double().numpy()
    if any(layer.shape[0] != layer.shape[1] for layer in layers):  # a mask was appended to answer at
        return {"attention": last[: window.shape[1]]}
    flow = torch.eye(window.shape[1])
    for layer in layers:
        flow = (layer + torch.eye(len(layer))) / 2 @ flow
    return {"attention": last, "rollout": flow[-1].double().numpy()}


def _gradient(model: Any, window: Tensor, product: int) -> Scores:
    vectors = model.item(window).detach()
    return np.asarray(_slopes(model, window, product, vectors)[0].norm(dim=-1).double().numpy())


def _slopes(model: Any, window: Tensor, product: int, vectors: Tensor) -> Tensor:
    """(n, L, D) df / de at each of ``vectors`` (n, L, D) in the place of the window's own."""
    given = vectors.clone().requires_grad_()
    with torch.enable_grad():
        (slope,) = torch.autograd.grad(_value(model, window, product, given).sum(), given)
    return slope


def _value(model: Any, window: Tensor, product: int, vectors: Tensor) -> Tensor:
    """(n,) f with ``vectors`` (n, L, D) in the place of the window's own.

    Raises CourseError for a model that does not look its products up in ``item``.
    """
    seen: list[bool] = []

    def instead(_module: Any, _given: Any, _looked_up: Tensor) -> Tensor:
        seen.append(True)
        return vectors

    hook = model.item.register_forward_hook(instead)
    try:
        wanted = model.wanted_next(window.expand(len(vectors), -1))
    finally:
        hook.remove()
    if not seen:
        raise CourseError("no_gradient_of_products")
    logits = model.logits(wanted)
    logits = torch.cat([torch.full_like(logits[:, :1], float("-inf")), logits[:, 1:]], 1)
    return torch.as_tensor(logits.log_softmax(-1)[:, product])


def log_range(model: Any, history: Sequence[int], product: int, baseline: Tensor) -> float:
    """f(history) - f(baseline in each of its places): what integrated gradients have to add up to."""
    window = torch.tensor([list(history)])
    vectors = model.item(window)[0].detach()
    with torch.no_grad():
        ends = _value(model, window, product, torch.stack([baseline.expand_as(vectors), vectors]))
    return float(ends[1] - ends[0])
