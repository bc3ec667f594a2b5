"""A linear ranker of search results that learns from clicks.

    s_i = w . x_i        x: what words, letters and meaning say of the pair, how often the product sells, its price
    loss = - sum over clicks c_j log softmax_j(s) / sum of c,      the softmax over the results of one search

with c_j = 1 for a click, or 1 / (chance that place j is looked at): then clicks at all places count as much as if each
had been looked at (inverse propensity; Joachims, Swaminathan & Schnabel, Unbiased Learning-to-Rank with Biased
Feedback, WSDM 2017; the softmax is ListNet's: Cao, Qin, Liu, Tsai & Li, ICML 2007). A small square penalty holds w.

It has no ``TASK``. Shapes: S searches, K results, F features.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

FEATURES = ("words", "letters", "meaning", "sales", "price")
PENALTY = 1e-3
ROUNDS = 40
Floats = NDArray[np.float64]
Scores = NDArray[np.float32]


def features(words: Scores, letters: Scores, meaning: Scores, sales: Floats, price: Floats) -> Scores:
    """(Q, V, F): the engines' scores over their best one, sales and prices as :func:`standard` numbers."""
    found = [one / np.maximum(one.max(axis=1, keepdims=True), 1e-9) for one in (words, letters, meaning)]
    found += [np.broadcast_to(one, words.shape) for one in (sales, price)]
    return np.stack(found, axis=-1).astype(np.float32)


def standard(values: Floats) -> Floats:
    """The logarithm with mean 0 and deviation 1; what is not above 0 counts as the mean."""
    known = values > 0
    logs = np.log(np.where(known, values, 1.0))
    mean, spread = (logs[known].mean(), logs[known].std()) if known.any() else (0.0, 1.0)
    found: Floats = np.where(known, (logs - mean) / max(spread, 1e-9), 0.0)
    return found


def fit(x: Scores, there: NDArray[np.bool_], clicks: NDArray[np.floating]) -> Floats:
    """(F,) the weights from (S, K, F) features, (S, K) where there is a result, and (S, K) what each click counts."""
    table, mask = torch.from_numpy(x), torch.from_numpy(there)
    counts = torch.from_numpy(np.where(there, clicks, 0.0).astype(np.float32))
    weights = torch.zeros(x.shape[-1], requires_grad=True)
    optimizer = torch.optim.LBFGS([weights], max_iter=ROUNDS, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        optimizer.zero_grad()
        scores = (table @ weights).masked_fill(~mask, -1e9)
        lost = -(counts * torch.log_softmax(scores, dim=1)).sum() / counts.sum().clamp_min(1e-9)
        lost = lost + PENALTY * weights.square().sum()
        lost.backward()  # type: ignore[no-untyped-call]
        return lost

    optimizer.step(loss)  # type: ignore[no-untyped-call]
    return weights.detach().numpy().astype(np.float64)
