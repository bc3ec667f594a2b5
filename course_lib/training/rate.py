"""The learning rate of each step: it rises while the optimiser gets to know the gradients, then falls, or stays.

The schedule "averaged" knows no end: its rate rises for a fixed number of steps and stays, and a running average of the
weights (averages.py) does what a falling rate does elsewhere. So a training can be made longer and stays the same.
"""

from __future__ import annotations

import math

WARM_UP = 0.1  # share of the steps in which the rate rises
WARM_STEPS = 50  # steps in which it rises where nobody knows how many there will be


def learning_rate(step: int, steps: int, peak: float, schedule: str = "cosine") -> float:
    """The rate of step ``step`` (from 0) of ``steps``: a line up to ``peak``, then a cosine to zero, or ``peak``.

    Source: Loshchilov & Hutter, SGDR: Stochastic Gradient Descent with Warm Restarts, ICLR 2017 (without restarts).
    Raises ValueError for a schedule that is none of "cosine", "constant" and "averaged".
    """
    if schedule == "averaged":
        return peak * min(1.0, (step + 1) / WARM_STEPS)
    warm = max(1, int(WARM_UP * steps))
    if step < warm:
        return peak * (step + 1) / warm
    if schedule == "constant":
        return peak
    if schedule != "cosine":
        raise ValueError(f"schedule is {schedule!r}, not cosine, constant or averaged")
    return peak * 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, steps - warm)))
