"""One rule: who buys bread buys milk. Support, confidence and lift of a hundred baskets that one can count.

A share a of the baskets holds bread; of those a share p holds milk, of the others a share q:

    support      a p                          baskets with both
    confidence   p                            of those with bread, those with milk
    lift         p / (a p + (1 - a) q)        confidence against the share of milk in all baskets; 1: bread says nothing

Agrawal, Imielinski & Swami, SIGMOD 1993; lift as "interest": Brin, Motwani, Ullman & Tsur, SIGMOD 1997.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from course_lib.experiments.events import exact

SETTINGS = {  # (default, lowest, highest)
    "bread": (0.3, 0.01, 0.99),  # a
    "milk_with_bread": (0.8, 0.0, 1.0),  # p
    "milk_without_bread": (0.8, 0.0, 1.0),  # q
}
MEASURES = {
    "rule_support": "share",
    "rule_confidence": "share",
    "confidence_back": "share",  # who buys milk buys bread
    "rule_lift": "number",
}
TINY = {"bread": 0.5}

BASKETS = 100  # that are drawn


def answer(settings: Mapping[str, Any], asked: Mapping[str, Any]) -> dict[str, Any]:
    """The measures, and how many of a hundred baskets hold both, bread alone, milk alone, neither.

    Where no basket holds milk there is nothing to lift: 0.
    """
    bread, with_bread, without = (float(settings[name]) for name in SETTINGS)
    both = bread * with_bread
    milk = both + (1 - bread) * without
    counts = {"both": both, "bread_alone": bread - both, "milk_alone": milk - both, "neither": 1 - bread - milk + both}
    return {
        "baskets": whole(counts),
        "milk": milk,
        "measures": {
            "rule_support": exact(both),
            "rule_confidence": exact(with_bread),
            "confidence_back": exact(both / milk if milk else 0.0),
            "rule_lift": exact(with_bread / milk if milk else 0.0),
        },
    }


def whole(shares: Mapping[str, float]) -> dict[str, int]:
    """Shares as whole baskets of a hundred; what is left over goes to the largest remainders.

    >>> whole({"one": 0.335, "other": 0.665})
    {'one': 33, 'other': 67}
    """
    exactly = {name: BASKETS * max(share, 0.0) for name, share in shares.items()}
    counts = {name: int(value + 1e-9) for name, value in exactly.items()}
    rest = sorted(exactly, key=lambda name: (counts[name] - exactly[name], name))
    for name in rest[: BASKETS - sum(counts.values())]:
        counts[name] += 1
    return counts
