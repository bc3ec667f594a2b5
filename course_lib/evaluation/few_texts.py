"""Shares over a handful of texts: Wilson's interval, which stays honest where all of ten are true, or none.

    centre = (p + z² / 2n) / (1 + z² / n),    half = z / (1 + z² / n) * sqrt(p (1 - p) / n + z² / 4n²)

A bootstrap of ten texts that are all true would give an interval without width. E. B. Wilson, Probable Inference, the
Law of Succession, and Statistical Inference, JASA 1927.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from course_lib.evaluation.intervals import Interval
from course_lib.evaluation.true_reasons import Claim, is_true

Z = 1.959964  # of 95%


def wilson(hits: int, count: int) -> Interval:
    """The share of ``hits`` in ``count``, at least one, with its 95% interval.

    >>> found = wilson(10, 10)
    >>> found.value, round(found.low, 2), round(found.high, 2)
    (1.0, 0.72, 1.0)
    """
    share, spread = hits / count, Z * Z / count
    centre = (share + spread / 2) / (1 + spread)
    half = Z / (1 + spread) * math.sqrt(share * (1 - share) / count + spread / (4 * count))
    return Interval(share, max(0.0, centre - half), min(1.0, centre + half))


def shares_of_few(checked: Sequence[Sequence[Claim]]) -> dict[str, dict[str, float]]:
    """``true`` and ``unreadable`` of texts, by their claims; empty where there are no texts."""
    if not checked:
        return {}
    counts = {"true": sum(map(is_true, checked)), "unreadable": sum(not claims for claims in checked)}
    return {name: wilson(count, len(checked)).to_dict() for name, count in counts.items()}
