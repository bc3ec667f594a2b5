"""What a training costs: parameters, arithmetic, seconds, and an estimate of its energy, from what a run tells.

    cost = cost_of(prepared, result, epochs=4)
    cost.flops            # 6 x parameters x targets learned from, None for a model that only counts
    cost.joules.value     # seconds x watts of a busy core

**Arithmetic.** A training step uses each parameter about six times for each target: a multiplication and an addition
forwards, and twice as many backwards (Kaplan et al., Scaling Laws for Neural Language Models, 2020, section 2.1). They
leave embeddings out; here all parameters count, because the product table is also the output layer, which meets every
target, as in the count of Hoffmann et al., Training Compute-Optimal Large Language Models, 2022, appendix F. Attention
between places and padding are left out. A test compares it with PyTorch's own count for every model.

**Energy.** Seconds of one busy core times its power. Nobody measures the power here, so it is a range: a core of a big
server takes about 4 W (280 W for 64 cores), a core that a small machine clocks up alone about 20 W; 12 W is what Green
Algorithms assumes for an unknown processor (Lannelongue, Grealey & Inouye, Advanced Science 8, 2021). Memory, cooling,
and what it took to build the machine are left out: the wall sees more.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from course_lib.errors import CourseError
from course_lib.evaluation.intervals import Interval

PER_PARAMETER = 6  # floating-point operations a parameter and target: 2 forwards, 4 backwards
CORE_WATTS = Interval(12.0, 4.0, 20.0)


@dataclass(frozen=True)
class Cost:
    """What one finished training took."""

    parameters: int
    targets: int  # learned from, all epochs together; of a counted model the purchases counted
    flops: float | None  # None: no gradient, so this way of counting says nothing
    seconds: float  # of training; evaluation and pictures left out
    joules: Interval


def training_flops(parameters: int, targets: int) -> float:
    """Operations of a training in which ``parameters`` learn from ``targets``, all epochs together."""
    return float(PER_PARAMETER) * parameters * targets


def training_joules(seconds: float) -> Interval:
    """Energy of ``seconds`` of one busy core, with the range that its unknown power leaves.

    >>> training_joules(10.0)
    Interval(value=120.0, low=40.0, high=200.0)
    """
    return Interval(*(seconds * watts for watts in (CORE_WATTS.value, CORE_WATTS.low, CORE_WATTS.high)))


def cost_of(prepared: Mapping[str, Any], result: Mapping[str, Any], epochs: int) -> Cost:
    """The cost of a finished next-item run, from its event "prepared" (``targets`` of all epochs) and its result
    (``parameters``, ``seconds.train``, ``epochs`` trained, 0 of a model that counts).

    ``epochs`` is how many were planned; patience may have ended it earlier. Raises CourseError ``cost_unknown`` where a
    number is missing or impossible."""
    try:
        targets, trained = int(prepared["targets"]), int(result["epochs"])
        parameters, seconds = int(result["parameters"]), float(result["seconds"]["train"])
    except (KeyError, TypeError, ValueError) as problem:
        raise CourseError("cost_unknown") from problem
    if min(trained, targets, parameters) < 0 or not (math.isfinite(seconds) and seconds >= 0):
        raise CourseError("cost_unknown")
    if trained:
        targets = round(targets * min(trained / max(epochs, 1), 1.0))
    flops = training_flops(parameters, targets) if trained else None
    return Cost(parameters, targets, flops, seconds, training_joules(seconds))
