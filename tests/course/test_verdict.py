"""Which model is best on one's own data: said only where the paired interval allows, with reasons the data bear out."""

from __future__ import annotations

from typing import Any

import pytest

from course_lib.course.verdict import is_improving, verdict
from course_lib.data.counts import Counts
from course_lib.experiments.config import RunConfig
from course_lib.text import LANGUAGES

MANY = Counts(50_000, 1_000, 1_000_000, 1_000_000)
FEW = Counts(40, 60, 130, 130)


def around(value: float, half: float = 0.01) -> dict[str, float]:
    return {"value": value, "low": value - half, "high": value + half}


def result(gap: float, cost: float = 0.3, **more: Any) -> dict[str, Any]:
    """A transformer at .2 and EASE ``gap`` below it; popularity far behind."""
    return {
        "metrics": {"ndcg@10": around(0.2)},
        "baselines": {"popularity": {"ndcg@10": around(0.05)}, "ease": {"ndcg@10": around(0.2 - gap)}},
        "measures": {
            "over_popularity": around(0.15),
            "over_ease": around(gap),
            "shuffle_cost": around(cost),
        },
        **{"epochs": 10, "kept_epoch": 10},
        **more,
    }


def config(epochs: int = 10, **settings: Any) -> RunConfig:
    given = {"model": "sasrec", "epochs": epochs, "schedule": "averaged", **settings}
    return RunConfig.make(data={"dataset": ("shop", "tiny")}, settings=given)


@pytest.mark.parametrize(("gap", "outcome"), [(0.05, "ahead"), (0.005, "level"), (-0.005, "level"), (-0.05, "behind")])
def test_an_interval_that_holds_zero_decides_nothing(gap: float, outcome: str) -> None:
    found = verdict(config(), result(gap), MANY)
    assert found is not None
    assert found.outcome == outcome
    assert found.counted.model == "ease"
    best_first = [one.value for one in found.ranking]
    assert best_first == sorted(best_first, reverse=True)
    assert len(best_first) == 3


def test_why_it_loses_is_what_the_data_say() -> None:
    told = verdict(config(), result(-0.05, cost=0.01), FEW)
    assert told is not None
    assert set(told.why) == {"few", "short", "wide", "order"}
    assert verdict(config(), result(-0.05), MANY).why == {}  # type: ignore[union-attr]
    assert verdict(config(), result(0.05, cost=0.01), FEW).why == {}, "a winner needs no excuse"  # type: ignore[union-attr]
    again = result(-0.05)
    again["baselines"]["personal-frequency"] = {"ndcg@10": around(0.4)}
    again["measures"]["over_personal_frequency"] = around(-0.2)
    assert set(verdict(config(), again, MANY).why) == {"again"}  # type: ignore[union-attr]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_reason_is_a_sentence(language: str) -> None:
    for gap in (0.05, 0.0, -0.05):
        found = verdict(config(), result(gap, cost=0.0), FEW)
        assert found is not None
        told = found.sentences(language)
        assert all(one and "{" not in one for one in told)
        assert len(told) == 1 + len(found.why) + found.improving
        assert "EASE" in told[0]
        assert "SASRec" in told[0]


def test_improving_only_where_the_epochs_ran_out_at_the_best() -> None:
    assert is_improving(config(10), result(0.0))
    assert is_improving(config(20), result(0.0, epochs=20, kept_epoch=18))
    assert not is_improving(config(20), result(0.0, epochs=20, kept_epoch=17))
    assert not is_improving(config(20), result(0.0, epochs=10, kept_epoch=10)), "it had lost patience"


def test_a_run_that_was_compared_with_nothing_has_none() -> None:
    assert verdict(config(), {"measures": {}, "metrics": {"ndcg@10": around(0.1)}}, MANY) is None
