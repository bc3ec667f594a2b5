"""Fake stars: the run against the formula, and answers against the run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from course_lib.errors import CourseError
from course_lib.experiments import fake_stars
from course_lib.experiments.config import CONFIG, RunConfig
from course_lib.experiments.events import Event, Folder


def carried_out(folder: Path, dataset: tuple[str, str] | None = None, **settings: Any) -> list[Event]:
    config = RunConfig.make("fake_stars", {"dataset": dataset} if dataset else None, settings, 1)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / CONFIG).write_text(config.to_json(), encoding="utf-8")
    return list(fake_stars.run(config, Folder(folder)))


@pytest.fixture(scope="module")
def bayesian(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Event]:
    folder = tmp_path_factory.mktemp("stars")
    return folder, carried_out(folder)[-1]


def test_without_a_defence_the_formula_tells_when_each_is_listed(bayesian: tuple[Path, Event]) -> None:
    view = fake_stars.open(bayesian[0], None).view
    assert len(view["followed"]) == fake_stars.FOLLOWED
    for one in view["followed"]:
        first = next((count for count, at in enumerate(one["path"]) if at[2] is not None), None)
        assert first == (one["needed"] if one["needed"] < len(one["path"]) else None)


def test_more_accounts_never_unlist_where_nothing_is_dropped(bayesian: tuple[Path, Event]) -> None:
    listed = [one["listed"] for one in bayesian[1]["curve"]]
    assert listed == sorted(listed)
    assert listed[0] < 0.05 < 0.5 < listed[-1]
    half = bayesian[1]["measures"]["accounts_half"]["value"]
    assert bayesian[1]["curve"][int(half)]["listed"] >= 0.5 > bayesian[1]["curve"][int(half) - 1]["listed"]


def test_an_answer_is_the_list_at_that_count(bayesian: tuple[Path, Event]) -> None:
    artefact = fake_stars.open(bayesian[0], None)
    for number in range(1, 6):
        for accounts in (0, 10, 60, 200):
            told = fake_stars.answer(artefact, {"pushing": accounts, "followed_product": number})
            assert told["accounts"] == min(accounts, 60)
            rows = told["list"]
            scores = [row["score"] for row in rows[: fake_stars.PLACES]]
            assert scores == sorted(scores, reverse=True)
            assert [row["item"] for row in rows if row["pushed"]] == [told["item"]]
            if told["place"] is None:
                assert rows[-1]["pushed"]
                assert len(rows) == fake_stars.PLACES + 1
            else:
                assert rows[told["place"] - 1]["pushed"]
                assert len(rows) == fake_stars.PLACES


def test_defences_stop_the_clumsy_and_not_the_patient(tmp_path: Path, bayesian: tuple[Path, Event]) -> None:
    bare = carried_out(tmp_path / "bare", stars_defence="regulars")[-1]["measures"]
    assert bare["listed"]["high"] < 0.05
    patient = carried_out(tmp_path / "patient", stars_defence="regulars", reviewers="patient")[-1]["measures"]
    assert patient["listed"]["low"] > 0.5
    assert patient["ratings_dropped"] == bare["ratings_dropped"]
    week = carried_out(tmp_path / "week", stars_defence="surge")[-1]["measures"]
    slow = carried_out(tmp_path / "slow", stars_defence="surge", attack_days=180)[-1]["measures"]
    assert week["listed"]["high"] < 0.1 < slow["listed"]["low"]
    assert bayesian[1]["measures"]["ratings_dropped"]["value"] == 0


def test_a_product_listed_anew_leaves_its_ratings_behind(tmp_path: Path, bayesian: tuple[Path, Event]) -> None:
    anew = carried_out(tmp_path, listing="new")[-1]["measures"]
    assert anew["accounts_half"]["value"] < bayesian[1]["measures"]["accounts_half"]["value"]
    assert anew["listed_before"]["value"] == 0


def test_without_accounts_nothing_is_pushed(tmp_path: Path) -> None:
    told = carried_out(tmp_path, false_accounts=0)[-1]
    assert told["measures"]["listed"] == told["measures"]["listed_before"]
    assert "accounts_half" not in told["measures"]


def test_only_the_shop_knows_the_truth(tmp_path: Path) -> None:
    with pytest.raises(CourseError) as caught:
        carried_out(tmp_path, ("complete-journey", "full"))
    assert caught.value.key == "no_truth"
