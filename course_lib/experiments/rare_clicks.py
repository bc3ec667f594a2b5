"""Rare clicks: how right one is by saying "never", and what a threshold makes of chances that are true.

Whoever clicks has a score s drawn from N(d, 1), whoever does not from N(0, 1); r is the click rate. The true chance of
a click given the score, and the score at which it passes the threshold t, are then

    logit p(s) = logit r + d s - d^2 / 2,        s* = (logit t - logit r) / d + d / 2

    found = 1 - F(s* - d)      false alarms = 1 - F(s*)      accuracy = r found + (1 - r) F(s*)      AUC = F(d / √2)

where F is the normal distribution (the equal-variance binormal model; Green & Swets, Signal Detection Theory, 1966).
No model could have truer chances; and yet with rare clicks "never" is hard to beat by accuracy.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from statistics import NormalDist
from typing import Any

from course_lib.experiments.events import exact

DATA: dict[str, str] = {}
SETTINGS = {  # (default, lowest, highest)
    "click_rate": (0.07, 0.01, 0.5),  # r
    "skill": (0.55, 0.0, 4.0),  # d, how far apart the scores of clicks and of the rest are
    "threshold": (0.5, 0.01, 0.99),  # t: above it one says "click"
}
MEASURES = {
    "accuracy": "share",
    "never": "share",  # accuracy of who says "no click" of everything
    "over_never": "difference",
    "said": "count",  # of a thousand rows, how many are called a click
    "clicks_found": "share",  # of the clicks, how many are called so
    "row_auc": "score",
}
ASKS: dict[str, Any] = {}
TINY = {"threshold": 0.2}

ROWS = 1000
GRID = [round(0.01 * step, 2) for step in range(1, 100)]  # thresholds of the curve


def judged(rate: float, skill: float, threshold: float) -> dict[str, float]:
    """Shares of all rows, by what was said and what happened: hit, missed, false (alarm), rest."""
    normal = NormalDist()
    logit = math.log(threshold / (1 - threshold)) - math.log(rate / (1 - rate))
    if skill:
        cut = logit / skill + skill / 2
        found, alarms = 1 - normal.cdf(cut - skill), 1 - normal.cdf(cut)
    else:  # every chance is the click rate
        found = alarms = float(logit < 0)
    return {
        "hit": rate * found, "missed": rate * (1 - found), "false": (1 - rate) * alarms,
        "rest": (1 - rate) * (1 - alarms),
    }  # fmt: skip


def answer(settings: Mapping[str, Any], asked: Mapping[str, Any]) -> dict[str, Any]:
    """The measures, the four parts of a thousand rows, and accuracy and found clicks by threshold."""
    rate, skill, threshold = (float(settings[name]) for name in ("click_rate", "skill", "threshold"))
    parts = judged(rate, skill, threshold)
    accuracy, never = parts["hit"] + parts["rest"], 1 - rate
    curve = []
    for one in GRID:
        own = judged(rate, skill, one)
        curve.append({"threshold": one, "accuracy": own["hit"] + own["rest"], "found": own["hit"] / rate})
    measures = {
        "accuracy": accuracy, "never": never, "over_never": accuracy - never,
        "said": ROWS * (parts["hit"] + parts["false"]), "clicks_found": parts["hit"] / rate,
        "row_auc": NormalDist().cdf(skill / math.sqrt(2)),
    }  # fmt: skip
    return {
        "measures": {name: exact(value) for name, value in measures.items()},
        "parts": {name: ROWS * share for name, share in parts.items()},
        "curve": curve,
        "threshold": threshold,
    }
