"""The capstone: what the audit counts, findings that say no more than their intervals, the report and the zip."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from course_lib.course import capstone_report as words
from course_lib.course.audit import ASKED, RARE, USES, Audit, audit, check_learnable
from course_lib.course.capstone import MODELS, Study, configs
from course_lib.course.lessons import load_lessons
from course_lib.course.private_data import HERE, may_read
from course_lib.data.columns import Columns
from course_lib.data.counts import Counts
from course_lib.data.dataset import Address
from course_lib.data.intake import store
from course_lib.data.intake.pipeline import look, prepare
from course_lib.data.registry import resolve
from course_lib.errors import CourseError
from course_lib.experiments import who_is_served
from course_lib.experiments.config import RunConfig
from course_lib.experiments.events import Folder
from course_lib.runs.view import RunView
from course_lib.settings import load_settings
from course_lib.text import LANGUAGES, strings

COUNTED = ("popularity", "markov")


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LIVEREC_HOME", str(tmp_path / "home"))


def added(
    folder: Path, rows: list[str], head: str = "user,item,time", owner: str = HERE, name: str = "orders"
) -> Address:
    """A file of rows, taken in as a dataset of ``owner``."""
    path = folder / "orders.csv"
    path.write_text("\n".join([head, *rows]) + "\n", encoding="utf-8")
    return resolve(store.save(prepare(look(path)), name, owner).key)


def purchases(users: int, each: int, items: int = 7, more: str = "") -> list[str]:
    return [
        f"u{user},i{(user * 3 + n * n) % items},2024-01-{n + 1:02d} 10:00:00{more}"
        for user in range(users)
        for n in range(each)
    ]


def around(value: float, half: float = 0.01) -> dict[str, float]:
    return {"value": value, "low": value - half, "high": value + half}


def found(**changes: Any) -> Audit:
    """An audit of a shop of a size that leaves nothing unsaid."""
    one = Audit(
        Address("orders", "full", "0" * 12), 9000, 900, 80, 9000, "2024-01-01", "2024-06-01", 153, 9.0, 30, 900, 7200,
        6300, 90, 0.1, 0.4, 1.0, 1.0, 1.0, 1.0, 1.0, {"user": "customer"}, ("events", "items"),
    )  # fmt: skip
    return replace(one, **changes)


def result(score: float, gap: float, cost: float, groups: dict[str, float], half: float = 0.01) -> dict[str, Any]:
    told = {
        name: {
            "asked": 300,
            "model": around(value, half),
            "counted": {one: around(value - gap, half) for one in COUNTED},
            "over": {one: around(gap, half) for one in COUNTED},
        }
        for name, value in groups.items()
    }
    metrics = {name: around(score, half) for name in words.METRICS}
    return {
        "metrics": metrics, "measures": {"shuffle_cost": around(cost), "over_markov": around(gap),
        "over_popularity": around(0.2)},
        "baselines": {"popularity": {name: around(0.05) for name in words.METRICS},
                      "markov": {name: around(score - gap) for name in words.METRICS}},
        "groups": told, "short_until": 3.0, "long_from": 9.0, "rare_until": 5, "parameters": 1000, "epochs": 4,
        "kept_epoch": 2, "seconds": {"total": 5.0, "train": 4.0},
    }  # fmt: skip


GROUPS = {"short": 0.1, "long": 0.3, "rare": 0.25, "common": 0.26}


def studied(
    monkeypatch: pytest.MonkeyPatch, one: Audit | None = None, validation: tuple[float, float] = (0.3, 0.2), **more: Any
) -> Study:
    """A study of told runs: SASRec with ``more``, HSTU a little lower."""
    monkeypatch.setattr("course_lib.course.capstone.counts", lambda data: Counts(900, 80, 9000, 9000))
    given = {"score": 0.3, "gap": 0.05, "cost": 0.2, "groups": GROUPS, **more}
    views = {}
    for model, scored in zip(MODELS, validation, strict=True):
        settings = {"model": model, "schedule": "averaged"}
        config = RunConfig.make("who_is_served", {"dataset": ("shop", "tiny")}, settings)
        events: dict[str, Any] = {
            "score": ({"metrics": {"ndcg@10": around(scored)}},),
            "references": (
                {"baselines": {"popularity": {"ndcg@10": around(0.1)}, "markov": {"ndcg@10": around(0.2)}}},
            ),
        }
        own = {**given, "score": given["score"] - (0 if model == "sasrec" else 0.02)}
        views[model] = RunView(config.run_id, "finished", config, events=events, result=result(**own))
    made = {model: view.config for model, view in views.items() if view.config is not None}
    study = Study.of(one or found(), made, views)
    assert study is not None
    return study


# The audit


def test_the_audit_counts_what_is_in_the_file(tmp_path: Path) -> None:
    rows = purchases(40, 6, more=",Cup,,2.5")
    one = audit(added(tmp_path, rows, "user,item,time,title,category,price"))
    assert (one.events, one.users, one.items, one.baskets, one.asked) == (240, 40, 7, 240, 40)
    assert (one.first, one.last, one.days, one.median, one.longest) == ("2024-01-01", "2024-01-06", 6, 6.0, 6)
    assert (one.titles, one.categories, one.prices, one.several) == (1.0, 0.0, 1.0, 0.0)
    assert one.train == 240 - 2 * 40
    missing = {use.id: one.missing(use) for use in USES}
    assert missing["next"] == missing["money"] == missing["texts"] == ()
    assert missing["similar"] == ("categories",)
    assert missing["cart"] == ("baskets",)
    assert missing["clicks"] == ("shown",)
    one.check()


def test_a_table_that_is_there_meets_its_need() -> None:
    shown = next(use for use in USES if use.id == "online")
    assert found().missing(shown) == ("shown",)
    assert found(tables=("events", "items", "slates")).missing(shown) == ()


def test_baskets_at_one_time_have_no_order() -> None:
    from course_lib.course.audit import _ordered

    baskets = pd.DataFrame({Columns.USER: [0, 0, 0, 1], Columns.TIME: [5, 5, 9, 9]})
    assert _ordered(baskets) == 0.5
    assert _ordered(baskets.iloc[2:]) == 1.0


BAD = {
    "three each": (purchases(9, 3), "nothing_to_learn"),
    "20 rows": ([f"u{n},i{n % 5},2024-01-{n + 1:02d}" for n in range(20)], "intake_all_few"),
    "one shopper": (purchases(1, 20), "intake_one_user"),
    "one product": (purchases(30, 6, items=1), "intake_one_item"),
    "one time": (
        [f"u{user},i{(user + n) % 7},2024-01-01" for user in range(30) for n in range(5)],
        "capstone_nobody_returns",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_data_that_serve_nothing_are_a_sentence(tmp_path: Path, case: str) -> None:
    """The intake refuses most of it; the audit says why of the rest nothing can be trained."""
    rows, key = BAD[case]
    with pytest.raises(CourseError) as caught:
        audit(added(tmp_path, rows)).check()
    assert caught.value.key == key
    for language in LANGUAGES:
        assert "{" not in caught.value.text(language)


def test_what_has_nothing_to_learn_is_told_before_any_training(tmp_path: Path) -> None:
    few, enough = (added(tmp_path, purchases(9, each), name=f"n{each}") for each in (3, 4))

    def check(address: Address, model: str) -> None:
        check_learnable(RunConfig.make(data={"dataset": (address.name, address.size)}, settings={"model": model}))

    with pytest.raises(CourseError) as caught:
        check(few, "sasrec")
    assert caught.value.key == "nothing_to_learn"
    check(few, "markov")  # counts what there is
    check(enough, "sasrec")
    check_learnable(RunConfig.tiny())


def test_everything_that_is_missing_has_a_remedy() -> None:
    bare = found(asked=0, titles=0, categories=0, prices=0, several=0, ordered=0)
    for language in LANGUAGES:
        assert len(words.missing_words(bare, language)) == 9
        assert len(words.missing_words(found(), language)) == 3  # what no file of purchases holds


def test_rare_means_the_same_before_and_after_training() -> None:
    assert RARE == who_is_served.FEW


# The findings


@pytest.mark.parametrize(("cost", "outcome"), [(0.2, "yes"), (0.005, "level"), (-0.005, "level"), (-0.2, "no")])
def test_order_matters_where_the_interval_is_clear_of_zero(
    monkeypatch: pytest.MonkeyPatch, cost: float, outcome: str
) -> None:
    order, _, _ = studied(monkeypatch, cost=cost).findings()
    assert order.outcome == outcome
    assert f"{cost:.0%}" in order.sentence("en")


@pytest.mark.parametrize(("gap", "outcome"), [(0.05, "yes"), (0.009, "level"), (-0.009, "level"), (-0.05, "no")])
def test_a_transformer_beats_counting_only_by_an_interval(
    monkeypatch: pytest.MonkeyPatch, gap: float, outcome: str
) -> None:
    _, counting, _ = studied(monkeypatch, gap=gap).findings()
    assert counting.outcome == outcome
    for language in LANGUAGES:
        assert f"{gap:+.3f}" in counting.sentence(language)
    assert ("cannot be told apart" in counting.sentence("en")) == (outcome == "level")


def test_who_is_served_worst_is_the_widest_clear_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    _, _, served = studied(monkeypatch).findings()
    assert (served.outcome, served.params["weaker"]) == ("yes", "short")
    assert served.estimate is not None
    assert served.estimate.value == pytest.approx(-0.2)
    assert served.estimate.high - served.estimate.low == pytest.approx(2 * np.hypot(0.01, 0.01))
    _, _, other = studied(monkeypatch, groups={"rare": 0.3, "common": 0.1}).findings()
    assert other.params["weaker"] == "common", "whichever is worse is named, also against what one expects"
    _, _, level = studied(monkeypatch, groups={"rare": 0.25, "common": 0.26}).findings()
    assert level.outcome == "level"
    _, _, nobody = studied(monkeypatch, groups={"common": 0.26}).findings()
    assert nobody.outcome == "unasked"


def test_few_shoppers_are_no_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    study = studied(monkeypatch, found(asked=ASKED - 1))
    assert {one.outcome for one in study.findings()} == {"few"}
    for language in LANGUAGES:
        assert all(str(ASKED - 1) in one.sentence(language) for one in study.findings())
    assert study.unsaid()[0][0] == "few"


def test_a_model_that_finds_nothing_says_nothing_of_order(monkeypatch: pytest.MonkeyPatch) -> None:
    order, _, _ = studied(monkeypatch, score=0.0, cost=-1e7).findings()
    assert order.outcome == "unasked"
    assert "0.000" in order.sentence("en")


def test_validation_chooses_who_speaks(monkeypatch: pytest.MonkeyPatch) -> None:
    assert studied(monkeypatch).speaker == "sasrec"
    other = studied(monkeypatch, validation=(0.1, 0.2))  # on the test SASRec is better: that is not looked at
    assert other.speaker == "hstu"
    assert other.standings()[0][0] == "sasrec"
    assert other.counted == "markov"


def test_no_study_before_both_have_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    study = studied(monkeypatch)
    views = {**study.runs, "hstu": RunView("0" * 16, "running")}
    made = {model: view.config for model, view in study.runs.items() if view.config is not None}
    assert Study.of(found(), made, views) is None


def test_what_cannot_be_said_follows_from_the_data(monkeypatch: pytest.MonkeyPatch) -> None:
    said = {name for name, _ in studied(monkeypatch).unsaid()}
    assert said == {"small", "no_shown", "no_coupons", "one_seed", "online"}
    bare = studied(monkeypatch, found(titles=0, prices=0, ordered=0), groups={"common": 0.2})
    assert {name for name, _ in bare.unsaid()} >= {"no_titles", "no_prices", "no_order", "no_rare", "no_short"}


def test_every_outcome_has_its_sentence() -> None:
    outcomes = {"order": "yes no level few unasked", "counting": "yes no level few unasked"}
    outcomes["served"] = "yes level few unasked"
    for key, known in outcomes.items():
        for language in LANGUAGES:
            assert all(f"capstone.{key}_{one}" in strings(language) for one in known.split())


# Report and zip


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_report_says_all_of_it(monkeypatch: pytest.MonkeyPatch, language: str) -> None:
    study = studied(monkeypatch)
    told = words.report(study, load_lessons(), language)
    for finding in study.findings():
        assert finding.sentence(language) in told
    for part in (*words.unsaid_words(study, language), *words.missing_words(study.audit, language)):
        assert part in told
    assert all(view.run_id in told for view in study.runs.values())
    assert "{" not in told
    assert "0.300 [0.290, 0.310]" in told
    lines = told.splitlines()
    for number, line in enumerate(lines):  # each row of a table has as many cells as its head
        if line.startswith("| ---"):
            assert len({one.count("|") for one in lines[number - 1 : number + 3]}) == 1


def test_a_bar_in_a_cell_does_not_break_the_table() -> None:
    assert words.table(("a",), [("x|y",)]).splitlines()[-1] == "| x\\|y |"


def test_from_a_file_to_a_zip_with_real_runs(tmp_path: Path) -> None:
    """200 rows; both transformers are really trained, for two epochs, and the zip holds their weights."""
    address = added(tmp_path, purchases(40, 5))
    made = {
        model: RunConfig.make("who_is_served", config.sizes, {**config.settings, "epochs": 2})
        for model, config in configs(address.name, 10).items()
    }
    views = {}
    for model, config in made.items():
        folder = load_settings().runs / config.run_id
        folder.mkdir(parents=True)
        (folder / "config.json").write_text(config.to_json(), encoding="utf-8")
        events: dict[str, list[Any]] = {}
        lines = []
        for event in who_is_served.run(config, Folder(folder)):
            events.setdefault(event["kind"], []).append(event)
            lines.append(json.dumps({"t": float(len(lines)), **event}))
        result = events["result"][0]
        (folder / "result.json").write_text(json.dumps(result), encoding="utf-8")
        end = json.dumps({"t": 1e4, "kind": "finished"})
        started = json.dumps({"t": 0.0, "kind": "started"})
        (folder / "events.jsonl").write_text("\n".join([started, *lines, end]) + "\n", encoding="utf-8")
        told = {kind: tuple(some) for kind, some in events.items()}
        views[model] = RunView(config.run_id, "finished", config, events=told, result=result)
    study = Study.of(audit(address), made, views)
    assert study is not None
    for one in study.findings():
        assert one.outcome in ("yes", "no", "level", "unasked")
    package = zipfile.ZipFile(io.BytesIO(words.as_zip(study, load_lessons(), {"canvas.en.md": "mine"})))
    names = set(package.namelist())
    assert {"report.zh.md", "report.en.md", "findings.json", "canvas.en.md"} <= names
    for model in MODELS:
        assert {f"{model}/model/model.safetensors", f"{model}/repeat.ipynb", f"{model}/result.json"} <= names
    numbers = json.loads(package.read("findings.json"))
    assert numbers["runs"] == {model: config.run_id for model, config in made.items()}
    assert package.read("report.en.md").decode() == words.report(study, load_lessons(), "en")
    assert not may_read(address.name, "somebody-else")
    assert may_read(address.name, HERE)


def test_equal_choices_are_the_same_runs(tmp_path: Path) -> None:
    """So a reload, another tab and the command line find what is there."""
    address = added(tmp_path, purchases(40, 5))
    first, second = (
        {model: config.run_id for model, config in configs(address.name, budget).items()} for budget in (20, 20)
    )
    assert first == second
    assert set(first) == set(MODELS)
    assert len(set(first.values())) == len(MODELS)
