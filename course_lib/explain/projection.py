"""Product vectors as points of a plane, the same way up from epoch to epoch."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]  # (V, 2)


def project(vectors: NDArray[np.float32], before: Points | None = None) -> Points:
    """(V, D) vectors to (V, 2) points: the two directions of largest variance, scaled to unit mean square.

    A principal direction has no sign, and two close ones may swap. So the points are turned (and mirrored if need be)
    to lie as near as possible to ``before``, the points of the epoch before: orthogonal Procrustes (Schönemann 1966).
    """
    centred = vectors.astype(np.float64) - vectors.mean(0)
    directions = np.linalg.svd(centred.T @ centred)[0][:, :2]
    points: Points = centred @ directions
    points /= np.sqrt((points**2).sum(1).mean()) or 1.0
    if before is not None:
        left, _, right = np.linalg.svd(points.T @ before)
        points = points @ left @ right
    return points
