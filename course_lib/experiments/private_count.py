"""A private count: how many shoppers bought something, from answers of which no single one can be believed.

Everybody tells the truth with the chance q = e^eps / (1 + e^eps), and else the opposite (Warner, Randomized Response,
JASA 1965). Whatever is done with the answers is then (eps, 0)-private, for one shopper's answer is at most e^eps times
as likely after a yes as after a no. With the true share s, n shoppers and the share y of answers "yes":

    y = q s + (1 - q)(1 - s),     estimate = (y - (1 - q)) / (2 q - 1),     sd = sqrt(y (1 - y) / n) / (2 q - 1)
    P(bought | said yes) = q s / y

Secure aggregation protects in another way: pairs of shoppers agree on masks that cancel in the sum, so the shop reads
the exact sum and no single number (Bonawitz et al., Practical Secure Aggregation, CCS 2017). Nothing hides the sum.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from course_lib.experiments.events import exact

SETTINGS = {  # (default, lowest, highest)
    "epsilon": (1.0, 0.1, 10.0),
    "asked_people": (1000, 10, 1_000_000),  # n
    "bought_share": (0.1, 0.01, 0.99),  # s, that nobody knows
}
MEASURES = {
    "half_width": "share",  # of the 95% interval of the estimated share
    "half_open": "share",  # the same where everybody tells the truth
    "certainty": "share",  # that one who says yes has bought it
    "truthful": "share",  # q
    "times_people": "number",  # how many times as many shoppers it takes for the same interval
}
TINY = {"asked_people": 10}

NORMAL = 1.959963985
CURVE = tuple(round(0.1 * 100 ** (n / 20), 4) for n in range(21))  # epsilons from 0.1 to 10
MODULUS = 1000  # of the masks
VALUES = (1, 0, 0, 1, 0)  # what five shoppers have


def answer(settings: Mapping[str, Any], asked: Mapping[str, Any]) -> dict[str, Any]:
    """Both sides at epsilon and along CURVE, and the sums of five shoppers' masked numbers.

    ``{"curve": [{"epsilon", "half_width", "certainty"}], "masks": [{"value", "masked"}], "sum", "measures"}``.
    """
    epsilon, people = float(settings["epsilon"]), int(settings["asked_people"])
    share = float(settings["bought_share"])
    here = both_sides(epsilon, people, share)
    half_open = NORMAL * math.sqrt(share * (1 - share) / people)
    measures = {**here, "half_open": half_open, "times_people": (here["half_width"] / half_open) ** 2}
    masked = mask(VALUES, int(1000 * epsilon) + people)
    return {
        "curve": [{"epsilon": one, **both_sides(one, people, share)} for one in CURVE],
        "epsilon": epsilon,
        "share": share,
        "masks": [{"value": value, "masked": hidden} for value, hidden in zip(VALUES, masked, strict=True)],
        "sum": sum(masked) % MODULUS,
        "measures": {name: exact(round(measures[name], 6)) for name in MEASURES},
    }


def both_sides(epsilon: float, people: int, share: float) -> dict[str, float]:
    """What the shop learns of all (``half_width``) and of one (``certainty``), and q (``truthful``)."""
    q = 1 / (1 + math.exp(-epsilon))
    yes = q * share + (1 - q) * (1 - share)
    return {
        "half_width": NORMAL * math.sqrt(yes * (1 - yes) / people) / (2 * q - 1),
        "certainty": q * share / yes,
        "truthful": q,
    }


def mask(values: tuple[int, ...], seed: int) -> list[int]:
    """Each value with the masks of its pairs: added by the first of a pair, subtracted by the other, modulo MODULUS.

    >>> sum(mask((1, 0, 1), seed=5)) % MODULUS
    2
    """
    rng, hidden = np.random.default_rng(seed), list(values)
    for first, second in itertools.combinations(range(len(values)), 2):
        drawn = int(rng.integers(MODULUS))
        hidden[first] += drawn
        hidden[second] -= drawn
    return [one % MODULUS for one in hidden]
