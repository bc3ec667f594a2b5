"""The experiments about coupons: questions, budgets of nothing, data without coupons, campaigns that teach nothing."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from course_lib.data import registry
from course_lib.data.columns import Columns
from course_lib.errors import CourseError
from course_lib.evaluation.household_mailings import Mailings
from course_lib.experiments import campaign_size, confounded_campaign, uplift
from course_lib.experiments.config import CONFIG, RunConfig
from course_lib.experiments.events import Event, Folder
from course_lib.experiments.light import answer_light

DEFAULTS = {"reach": 0.3, "margin": 0.5, "policy": "t"}


def carried_out(home: Path, config: RunConfig, run: Callable[..., Any]) -> tuple[Path, list[Event]]:
    folder = home / config.run_id
    folder.mkdir(parents=True)
    (folder / CONFIG).write_text(config.to_json(), encoding="utf-8")
    return folder, list(run(config, Folder(folder)))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Event]]:
    config = RunConfig.make("uplift", None, {"shoppers": 800})
    return carried_out(tmp_path_factory.mktemp("uplift"), config, uplift.run)


def rows(answer: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {row["policy"]: row for row in answer["rows"]}


def test_a_question_repeats_the_result(made: tuple[Path, list[Event]]) -> None:
    folder, events = made
    found = rows(uplift.answer(uplift.open(folder, None), DEFAULTS))
    for name in ("response", "t", "money", "everyone", "best"):
        assert found[name]["profit"] == events[-1]["measures"][f"{name}_profit"], name
    assert found["best"]["profit"]["value"] >= max(row["profit"]["value"] for row in found.values())
    assert sum(row["all"] for row in found["t"]["kinds"].values()) == pytest.approx(1.0)


def test_a_budget_of_nothing_brings_nothing(made: tuple[Path, list[Event]]) -> None:
    artefact = uplift.open(made[0], None)
    for name, row in rows(uplift.answer(artefact, {**DEFAULTS, "reach": 0.0})).items():
        if name != "everyone":
            assert row["sent"] == row["profit"]["value"] == row["gift"] == 0, name
            assert all(kind["reached"] == 0 for kind in row["kinds"].values())
    whole = rows(uplift.answer(artefact, {**DEFAULTS, "reach": 1.0}))
    assert whole["t"]["profit"] == whole["everyone"]["profit"]
    assert whole["money"]["sent"] < 1, "it sends nobody a coupon that it expects to lose by"


def test_curves_and_rows_agree(made: tuple[Path, list[Event]]) -> None:
    artefact = uplift.open(made[0], None)
    for budget in (0.25, 0.5):
        answer = uplift.answer(artefact, {**DEFAULTS, "reach": budget})
        place = answer["shares"].index(budget)
        for name in ("response", "t", "money", "best"):
            assert answer["profits"][name][place] == pytest.approx(rows(answer)[name]["profit"]["value"], abs=2e-3)
    shown = uplift.answer(artefact, {**DEFAULTS, "policy": "best", "reach": 1.0})["map"]
    money = [0.3 * one["with"] - 0.5 * one["without"] for one in shown]
    assert all(one["sent"] == (gain > 0) for one, gain in zip(shown, money, strict=True) if abs(gain) > 1e-4)


def test_an_early_frame_knows_the_learners_so_far(made: tuple[Path, list[Event]]) -> None:
    answer = uplift.answer(uplift.open(made[0], 1), {**DEFAULTS, "policy": "money"})
    assert answer["policy"] == "s"
    assert list(rows(answer)) == ["response", "s", "everyone", "best"]


def test_a_dearer_margin_is_for_more_shoppers(made: tuple[Path, list[Event]]) -> None:
    artefact = uplift.open(made[0], None)
    sent = [
        rows(uplift.answer(artefact, {**DEFAULTS, "reach": 1.0, "margin": margin}))["best"]["sent"]
        for margin in (0.25, 0.5, 0.95)
    ]
    assert sent == sorted(sent)
    assert sent[0] < sent[-1]


@pytest.mark.parametrize(("name", "key"), [("complete-journey", "coupons_journey"), ("shop-trends", "coupons_own")])
def test_data_without_coupons_says_what_it_can_serve(name: str, key: str, tmp_path: Path) -> None:
    with pytest.raises(CourseError) as caught:
        carried_out(tmp_path, RunConfig.make("uplift", {"dataset": name}), uplift.run)
    assert caught.value.key == key
    for language in ("zh", "en"):
        assert name in caught.value.text(language)


def test_a_campaign_that_teaches_nothing_says_so(tmp_path: Path) -> None:
    few = {"campaign": "headphones", "shoppers": 100, "window_days": 7}
    with pytest.raises(CourseError) as caught:
        carried_out(tmp_path, RunConfig.make("uplift", None, few, seed=3), uplift.run)
    assert caught.value.key.startswith("campaign_")


def test_small_campaigns_fall_back_on_what_they_know() -> None:
    from course_lib.evaluation.coupon_trials import CouponTrial
    from course_lib.shop.published import shop

    trial = CouponTrial.make(shop(), "headphones", 1200, 7)
    lab = campaign_size.Lab(trial, np.arange(200), np.arange(200, 1200), "linear", 0.5)
    found = [lab.once(20, np.random.default_rng(seed)) for seed in range(12)]
    unlearned = [one for one in found if one["unlearned"]]
    assert unlearned, "twenty shoppers and a week teach nothing"
    assert {one["profit"] for one in unlearned} <= {0.0, lab.everyone["value"]}
    many = lab.many(20, 3, [1])
    assert many["profit"]["low"] <= many["profit"]["value"] <= many["profit"]["high"]


def test_the_size_needed_is_one_from_which_on_it_is_enough() -> None:
    def row(size: int, low: float, order: float) -> dict[str, Any]:
        estimate = {"value": low, "low": low, "high": low}
        return {"size": size, "response_qini": estimate, "t_qini": estimate, "profit": estimate, "unlearned": 0.0,
                "t_over_response": {"low": order}, "worse": 0.0}  # fmt: skip

    everyone, best = {"value": 0.0, "low": -1.0, "high": 1.0}, {"value": 9.0, "low": 9.0, "high": 9.0}
    found = [row(250, 5.0, -1.0), row(500, 0.5, -1.0), row(1000, 2.0, -1.0), row(2000, 3.0, -0.1)]
    measures = campaign_size.measured(found, everyone, best)
    assert measures["needed"]["value"] == 1000
    assert "qini_needed" not in measures, "not even at the largest"
    assert campaign_size.sizes(3000) == [250, 500, 1000, 2000, 3000]


def test_a_rule_that_leaves_no_choice_is_refused(tmp_path: Path) -> None:
    for number, settings in enumerate(({"unaimed": 0.0}, {"aimed": 1.0})):
        config = RunConfig.make("confounded_campaign", None, {"shoppers": 500, **settings})
        with pytest.raises(CourseError) as caught:
            carried_out(tmp_path / str(number), config, confounded_campaign.run)
        assert caught.value.key == "campaign_no_overlap"


def test_households_by_a_plain_recount() -> None:
    """Mailing 13, from the tables themselves: lines a household during it, of those who got it and of the others."""
    began = time.perf_counter()
    mailing = Mailings.load().of("13")
    address = registry.resolve("complete-journey", "full")
    events = registry.load(address).events
    table = registry.load_table(address, "campaigns")
    row = table[table[Columns.CAMPAIGN] == "13"].iloc[0]
    ends = row[Columns.ENDS] + 86_400
    during = events[(events[Columns.TIME] >= row[Columns.STARTS]) & (events[Columns.TIME] < ends)]
    lines = during.groupby(Columns.USER).size().reindex(range(len(mailing.sent)), fill_value=0).to_numpy()
    found = mailing.estimates()
    assert found["naive"]["value"] == pytest.approx(lines[mailing.sent].mean() - lines[~mailing.sent].mean(), abs=1e-5)
    assert mailing.days == 48
    assert mailing.sent.sum() == 1077
    assert mailing.redeemed == 629
    assert found["did"]["value"] == pytest.approx(found["naive"]["value"] - found["before"]["value"], abs=1e-5)
    assert time.perf_counter() - began < 60


def test_one_coupon_by_hand() -> None:
    found = answer_light("one_coupon", {"without": 0.3, "with_coupon": 0.5})["measures"]
    assert found["added"]["value"] == pytest.approx(0.0), "half as likely again is not enough"
    assert found["pays_from"]["value"] == pytest.approx(0.5)
    assert found["gift"]["value"] == pytest.approx(1000 * 100 * 0.2 * 0.3)
    never = answer_light("one_coupon", {"margin": 0.2, "discount": 0.2})
    assert "pays_from" not in never["measures"]
    assert never["border"] == []


def test_message_drafts_count_who_is_left() -> None:
    found = answer_light("message_drafts", {"cap": 1, "others": 0.0, "opted_out": 0.25})["measures"]
    assert found["recipients_left"]["value"] == pytest.approx(0.75)
    assert found["recipients_capped"]["value"] == pytest.approx(0.0)
    nobody = answer_light("message_drafts", {"opted_out": 1.0})["measures"]
    assert nobody["recipients_left"]["value"] == 0
    told = answer_light("message_drafts", {"mistake": "hearsay"})["measures"]
    assert told["drafts_stopped"]["value"] == 0, "the check knows no claim in words of its own"
