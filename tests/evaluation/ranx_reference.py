"""Metrics of ranked lists from ranx, the reference that ours are compared with."""

from __future__ import annotations

import importlib
import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

RANX = {"hr": "hit_rate", "ndcg": "ndcg", "mrr": "mrr", "recall": "recall", "precision": "precision", "map": "map"}


def by_ranx(
    scores: NDArray[np.float64], relevant: list[list[int]], k: int, cut: NDArray[np.bool_] | None = None
) -> dict[str, NDArray[np.float64]]:
    """Each metric of each row from ranx, for all V products but those ``cut`` (N, V + 1) from a row's list."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its dependencies warn on import
        numba: Any = importlib.import_module("numba")
        numba.config.DISABLE_JIT = True  # the same code as plain Python: compiling it takes most of a minute
        ranx: Any = importlib.import_module("ranx")
        rows = [f"{n:04d}" for n in range(len(scores))]
        qrels = ranx.Qrels({q: {str(i): 1 for i in items} for q, items in zip(rows, relevant, strict=True)})
        left = np.zeros(scores.shape, bool) if cut is None else cut
        run = ranx.Run(
            {
                q: {str(i): float(row[i]) for i in range(1, len(row)) if not out[i]}
                for q, row, out in zip(rows, scores, left, strict=True)
            }
        )
        found = ranx.evaluate(qrels, run, [f"{name}@{k}" for name in RANX.values()], return_mean=False)
    return {name: np.asarray(found[f"{theirs}@{k}"]) for name, theirs in RANX.items()}
