"""Interleaving in the shop: the truth against visits that are drawn, what is refused, and a trained recommender."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from course_lib.errors import CourseError
from course_lib.evaluation.ab_tests import power
from course_lib.experiments import interleaving
from course_lib.experiments.config import RunConfig
from course_lib.experiments.events import Event, Folder


def run(folder: Path, **settings: Any) -> list[Event]:
    return list(interleaving.run(RunConfig.tiny("interleaving", settings), Folder(folder)))


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Event]]:
    folder = tmp_path_factory.mktemp("interleaving")
    return folder, run(folder)


def test_the_truth_is_what_many_visits_show(told: tuple[Path, list[Event]]) -> None:
    """The last count has 128,000 visits of each test."""
    events = told[1]
    last = [one for one in events if one["kind"] == "frame"][-1]
    measures = events[-1]["measures"]
    assert last["shoppers"] == 128_000
    difference, preferred = measures["difference"]["value"], measures["preferred"]["value"]
    assert last["ab"]["value"] == pytest.approx(difference, abs=0.008)  # three standard errors
    assert last["interleaving"]["value"] == pytest.approx(preferred, abs=0.008)
    for test in ("ab", "interleaving"):
        assert last[test]["low"] < last[test]["value"] < last[test]["high"]


def test_measures_agree_with_each_other(told: tuple[Path, list[Event]]) -> None:
    measures = {name: one["value"] for name, one in told[1][-1]["measures"].items()}
    assert measures["difference"] == pytest.approx(measures["treatment_rate"] - measures["control_rate"])
    assert measures["sensitivity"] == pytest.approx(measures["needed_ab"] / measures["needed_interleaving"])
    p, q = measures["control_rate"], measures["treatment_rate"]
    assert power(p, q / p - 1, measures["needed_ab"] / 2) == pytest.approx(0.8, abs=1e-3)


def test_the_answer_is_of_the_number_asked(told: tuple[Path, list[Event]]) -> None:
    artefact = interleaving.open(told[0], None)
    needed = int(told[1][-1]["measures"]["needed_interleaving"]["value"])
    found = interleaving.answer(artefact, {"shoppers": needed, "shopper": "meng"})
    assert found["interleaving"] == pytest.approx(0.8, abs=2e-3)
    assert found["ab"] < found["interleaving"]
    lists = found["lists"]
    for product, team in zip(lists["drafted"], lists["team"], strict=True):
        assert product in lists["treatment" if team else "control"]
    assert len(set(lists["drafted"])) == len(lists["drafted"]) == 4


def test_what_cannot_be_compared_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CourseError) as caught:
        run(tmp_path, treatment="popularity")
    assert caught.value.key == "ab_same"
    config = RunConfig.make("interleaving", {"dataset": "complete-journey"})
    with pytest.raises(CourseError) as caught:
        list(interleaving.run(config, Folder(tmp_path)))
    assert caught.value.key == "ab_needs_shop"


def test_a_trained_recommender_keeps_the_plan(tmp_path: Path) -> None:
    events = run(tmp_path, treatment="sasrec")
    counts = events[0]["counts"]
    for kind, count in counts.items():
        assert sum(one["kind"] == kind for one in events) == count
    assert [one["at"] for one in events if one["kind"] == "stage"] == list(range(1, counts["stage"] + 1))


def test_two_tests_may_prefer_different_ones() -> None:
    """Then neither is said to be more sensitive: they ask different questions."""
    truth = {
        "control_rate": 0.4,
        "treatment_rate": 0.41,
        "win": 0.2,
        "lose": 0.22,
        "needed_ab": 70,
        "needed_interleaving": 50,
    }
    found = interleaving._measured(truth)
    assert "sensitivity" not in found
    assert found["needed_ab"] == 70
    alike = {**truth, "treatment_rate": 0.4, "needed_ab": None}
    assert "needed_ab" not in interleaving._measured(alike)
