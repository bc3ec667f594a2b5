"""Rare clicks: the closed form against drawing rows, and the ends of every scale."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from course_lib.experiments.light import answer_light
from course_lib.experiments.rare_clicks import judged


@pytest.mark.parametrize(("rate", "skill", "threshold"), [(0.07, 0.55, 0.1), (0.3, 1.5, 0.5), (0.5, 3.0, 0.8)])
def test_shares_are_those_of_many_drawn_rows(rate: float, skill: float, threshold: float) -> None:
    random = np.random.default_rng(0)
    y = random.random(400_000) < rate
    score = random.normal(size=y.shape) + skill * y
    odds = np.log(rate / (1 - rate)) + skill * score - skill**2 / 2
    said = 1 / (1 + np.exp(-odds)) > threshold
    drawn = {"hit": said & y, "missed": ~said & y, "false": said & ~y, "rest": ~said & ~y}
    found = judged(rate, skill, threshold)
    assert {name: float(one.mean()) for name, one in drawn.items()} == pytest.approx(found, abs=0.003)
    auc = answer_light("rare_clicks", {"click_rate": rate, "skill": skill})["measures"]["row_auc"]["value"]
    assert auc == pytest.approx(roc_auc_score(y, score), abs=0.004)


def test_a_model_without_skill_is_the_constant() -> None:
    found = answer_light("rare_clicks", {"skill": 0.0})["measures"]
    assert found["over_never"]["value"] == 0
    assert found["row_auc"]["value"] == 0.5
    bold = answer_light("rare_clicks", {"skill": 0.0, "threshold": 0.01})["measures"]
    assert bold["said"]["value"] == 1000


@pytest.mark.parametrize("skill", [0.0, 0.01, 4.0])
@pytest.mark.parametrize("rate", [0.01, 0.5])
def test_true_chances_are_never_worse_than_never_at_one_half(rate: float, skill: float) -> None:
    found = answer_light("rare_clicks", {"skill": skill, "click_rate": rate})
    assert found["measures"]["over_never"]["value"] >= -1e-12
    assert sum(found["parts"].values()) == pytest.approx(1000)
    best = max(one["accuracy"] for one in found["curve"])
    assert best == pytest.approx(found["measures"]["accuracy"]["value"]), "one half is the best threshold"
