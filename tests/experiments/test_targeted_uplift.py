"""Uplift learned from chosen shoppers: what straightening does to a log, and answers against the run's own table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from course_lib.errors import CourseError
from course_lib.experiments import targeted_uplift
from course_lib.experiments.config import CONFIG, RunConfig
from course_lib.experiments.events import Event, Folder
from course_lib.experiments.targeted_uplift import LOGS, straightened


def carried_out(home: Path, settings: dict[str, Any]) -> tuple[Path, list[Event]]:
    config = RunConfig.make("targeted_uplift", None, settings)
    folder = home / config.run_id
    folder.mkdir(parents=True)
    (folder / CONFIG).write_text(config.to_json(), encoding="utf-8")
    return folder, list(targeted_uplift.run(config, Folder(folder)))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Event]]:
    settings = {"shoppers": 3000, "logs": 3, "campaign": "diapers", "log_features": "few"}
    return carried_out(tmp_path_factory.mktemp("targeted"), settings)


def test_a_straightened_log_gives_coupons_to_all_alike_and_knows_the_mean_effect() -> None:
    """Two kinds of shoppers: the rule aims at one, which buys four times as often; the coupon adds .1 to either."""
    rng = np.random.default_rng(3)
    aimed = rng.random(200_000) < 0.3
    chance = np.where(aimed, 0.8, 0.1)
    treated = rng.random(len(aimed)) < chance
    bought = rng.random(len(aimed)) < np.where(aimed, 0.4, 0.1) + 0.1 * treated
    rows = straightened(treated, chance, len(aimed), rng)

    def effect(some: np.ndarray) -> float:
        given = treated[some]
        return float(bought[some][given].mean() - bought[some][~given].mean())

    assert effect(np.arange(len(aimed))) > 0.2, "as it is, the log sees the choice"
    assert effect(rows) == pytest.approx(0.1, abs=0.01)
    assert treated[rows][aimed[rows]].mean() == pytest.approx(0.5, abs=0.01)
    assert treated[rows][~aimed[rows]].mean() == pytest.approx(0.5, abs=0.01)
    assert aimed[rows].mean() == pytest.approx(0.3, abs=0.01), "and who is in it stays as it was"


def test_hidden_confounding_is_in_the_effect_that_t_tells(made: tuple[Path, list[Event]]) -> None:
    measures = made[1][-1]["measures"]
    assert measures["targeted_told"]["value"] > measures["true_effect"]["high"]
    assert measures["targeted_told"]["value"] > measures["lot_told"]["value"] + 0.02
    assert measures["targeted_promised"]["value"] > measures["targeted_earned"]["value"]
    assert measures["everyone_profit"]["value"] >= measures["targeted_earned"]["value"] - 200


def test_a_question_repeats_the_last_log(made: tuple[Path, list[Event]]) -> None:
    folder, _ = made
    artefact = targeted_uplift.open(folder, None)
    answer = targeted_uplift.answer(artefact, {"margin": 0.5})
    assert [row["log"] for row in answer["rows"]] == list(LOGS)
    truth = artefact.with_ - artefact.without
    for name, groups in answer["tenths"].items():
        told = [one["told"] for one in groups]
        assert told == sorted(told)
        assert np.mean([one["true"] for one in groups]) == pytest.approx(truth.mean(), abs=1e-3), name
    dear = targeted_uplift.answer(artefact, {"margin": 0.95})
    for row, other in zip(answer["rows"], dear["rows"], strict=True):
        assert row["promised"] >= 0
        assert row["sent"] <= other["sent"], "a dearer margin is for more shoppers"


def test_too_few_coupons_teach_nothing(tmp_path: Path) -> None:
    settings = {"shoppers": 1000, "aimed": 0.02, "unaimed": 0.02, "campaign": "headphones"}
    with pytest.raises(CourseError) as caught:
        carried_out(tmp_path, settings)
    assert caught.value.key == "campaign_few_with"
