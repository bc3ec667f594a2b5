"""How soon a training passes a goal, read off its curve, and what a sampled loss costs: on small real trainings."""

from __future__ import annotations

import pytest

from benchmarks import passing, sampled
from benchmarks.peers.environments import MissingError
from benchmarks.quality import Task
from course_lib.data.registry import load, resolve
from course_lib.data.splits import leave_one_out
from course_lib.experiments.config import RunConfig

CURVE = [(5.0, 0.06), (10.0, 0.0737), (15.0, 0.079), (20.0, 0.09)]
SLOW = [(5.0, 0.05), (10.0, 0.06), (15.0, 0.074), (20.0, 0.078)]
RANKS = [0, 10, 10, 10]  # of four shoppers: one target on top, three not among the ten


def test_a_goal_is_passed_by_more_than_itself() -> None:
    assert passing.passed(CURVE, 0.0737) == 15.0
    assert passing.passed(CURVE, 0.05) == 5.0
    assert passing.passed(CURVE, 0.1) is None


def test_rows_say_how_soon_and_who_never_did() -> None:
    ease, recency, end = passing.passing_rows([(CURVE, RANKS), (CURVE, RANKS), (CURVE, RANKS)])
    assert (ease.figure, ease.goal, ease.met) == ("15 s", "<= 20 s", True)
    assert (recency.figure, recency.met) == ("20 s", True)
    assert end.figure == "0.2500"
    ease, recency, _ = passing.passing_rows([(CURVE, RANKS), (SLOW, RANKS)])
    assert ease.figure == "15 s"
    assert (recency.figure, recency.met, recency.note) == ("not reached", False, "not reached by 1 of 2 seeds")


def test_a_small_training_has_a_curve_and_a_picture() -> None:
    data = load(resolve("shop", "tiny"))
    one = Task("tiny", data, leave_one_out(data), seen=False)
    curve, ranks = passing.trained(one, 1, {"width": 8, "layers": 1, "heads": 1}, {"epochs": 2})
    assert [seconds for seconds, _ in curve] == sorted(seconds for seconds, _ in curve)
    assert len(curve) == 2
    assert len(ranks) == len(one.split.test)
    drawn = passing.picture([(curve, ranks), (curve, ranks)])["passing.svg"]
    assert drawn.count("<polyline") == 3
    assert "EASE" in drawn


def test_without_the_films_there_is_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> Task:
        raise MissingError("no wheel")

    monkeypatch.setattr(passing, "task", missing)
    rows, pictures = passing.measure(full=False)
    assert [(row.figure, row.note) for row in rows] == [("not measured", "no wheel")]
    assert pictures == {}


def test_a_sampled_loss_is_compared_shopper_by_shopper(monkeypatch: pytest.MonkeyPatch) -> None:
    own = {"width": 8, "layers": 1, "heads": 1, "epochs": 1}
    monkeypatch.setattr(sampled, "NEGATIVES", (16,))
    whole, some = sampled.measure(False, RunConfig.make(data={"dataset": ("shop", "tiny")}, settings=own))
    assert whole.what.startswith("full softmax")
    assert "1 seed;" in some.note
    assert f"{whole.raw['by_seed'][0] - some.raw['by_seed'][0]:.4f} less" in some.note
