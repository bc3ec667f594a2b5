"""The learning rate of each step: it rises while the optimiser gets to know the gradients, then falls, or stays."""

from __future__ import annotations

import math

WARM_UP = 0.1  # share of the steps in which the rate rises


def learning_rate(step: int, steps: int, peak: float, schedule: str = "cosine") -> float:
    """The rate of step ``step`` (from 0) of ``steps``: a line up to ``peak``, then a cosine to zero, or ``peak``.

    Source: Loshchilov & Hutter, SGDR: Stochastic Gradient Descent with Warm Restarts, ICLR 2017 (without restarts).
    Raises ValueError for a schedule that is neither "cosine" nor "constant".
    """
    warm = max(1, int(WARM_UP * steps))
    if step < warm:
        return peak * (step + 1) / warm
    if schedule == "constant":
        return peak
    if schedule != "cosine":
        raise ValueError(f"schedule is {schedule!r}, not cosine or constant")
    return peak * 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, steps - warm)))
