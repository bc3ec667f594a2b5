"""The work of the evaluation contenders: shoppers' and items' vectors and a target each, in a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.peers.protocol import Settings, Work, write_work

USERS, ITEMS, WIDTH = 6_040, 3_706, 64  # MovieLens-1M's size
K = 10


def write_vectors(
    folder: Path, threads: int, users: int = USERS, items: int = ITEMS, extra: dict[str, Any] | None = None
) -> Path:
    """Random vectors whose scores say something of the targets, so that metrics are neither 0 nor 1."""
    path = write_work(folder, Settings(items, width=WIDTH, threads=threads, extra=extra or {}), [], [])
    rng = np.random.default_rng(7)
    products = rng.standard_normal((items + 1, WIDTH), np.float32)
    targets = rng.integers(1, items + 1, users)
    shoppers = products[targets] * np.float32(0.3) + rng.standard_normal((users, WIDTH), np.float32)
    np.savez(folder / "vectors.npz", shoppers=shoppers, products=products, targets=targets)
    return path


def read_vectors(work: Work) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.int64]]:
    """Shoppers (N, D), products (V + 1, D) with padding at 0, targets (N,) in 1..V."""
    with np.load(work.folder / "vectors.npz") as arrays:
        return arrays["shoppers"], arrays["products"], arrays["targets"]
