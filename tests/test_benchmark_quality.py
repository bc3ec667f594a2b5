"""The quality benchmark: who takes part, what each is given, and that a table is made of real trials."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks import quality
from benchmarks.quality import Contender, Task, Trials, compare, contenders, entry, measure, task
from course_lib.data.histories import Histories
from course_lib.data.registry import load, resolve
from course_lib.data.splits import leave_one_out
from course_lib.evaluation.protocol import evaluate
from course_lib.experiments.config import RunConfig
from course_lib.models.base import model_class
from course_lib.models.catalogue import model_cards
from course_lib.training.settings import SETTINGS as TRAINING


@pytest.fixture(scope="module")
def tiny() -> Task:
    dataset = load(resolve("shop", "tiny"))
    return Task("shop", dataset, leave_one_out(dataset), seen=True)


def test_every_model_takes_part() -> None:
    assert {contender.model for contender in contenders()} == set(model_cards())
    names = [contender.name for contender in contenders()]
    assert len(set(names)) == len(names) == len(model_cards()) + 1


@pytest.mark.parametrize("contender", contenders(), ids=lambda contender: contender.name)
def test_every_draw_can_be_trained_and_is_the_same_each_time(contender: Contender) -> None:
    """The defaults come first, equal budgets for all that have something to set, and no draw is out of range."""
    draws = contender.draws(12)
    card = model_cards()[contender.model]
    assert draws == contender.draws(12)
    assert len(draws) == (12 if card.neural or set(card.settings) - set(contender.fixed) else 1)
    assert draws[0] == contender.fixed
    assert len({json.dumps(draw) for draw in draws}) == len(draws)
    for draw in draws:
        settings = {name: value for name, value in draw.items() if name in card.settings}
        loop = {name: value for name, value in draw.items() if name in TRAINING}
        assert len(settings) + len(loop) == len(draw)
        RunConfig.make(settings={"model": contender.model, **settings, **loop})
        assert contender.fixed.items() <= draw.items()


def test_the_best_on_validation_answers_the_test(tiny: Task, tmp_path: Path) -> None:
    trials = Trials(tmp_path / "trials.jsonl")
    row, outcomes = entry(tiny, Contender("ease", "ease"), trials, draws=3, seeds=(1, 2))
    assert outcomes.mean() == pytest.approx(row["ndcg"]["value"])
    best = max(
        Contender("ease", "ease").draws(3),
        key=lambda draw: evaluate(
            model_class("ease").fit(tiny.split.train, tiny.dataset.num_items, {"regularisation": 100.0, **draw}).score,
            tiny.split.validation,
        ).metrics["ndcg@10"]["value"],
    )
    assert row["settings"] == best
    model = model_class("ease").fit(tiny.split.train, tiny.dataset.num_items, {"regularisation": 100.0, **best})
    asked = evaluate(model.score, tiny.split.test).metrics
    for metric in ("ndcg", "hr"):
        assert row[metric]["value"] == pytest.approx(asked[f"{metric}@10"]["value"])
        assert row[metric]["low"] < row[metric]["value"] < row[metric]["high"]
        assert row[metric]["half_over_seeds"] == 0  # nothing in EASE is random


def test_a_finished_trial_is_not_made_again(tiny: Task, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    contender = Contender("markov", "markov")
    first, _ = entry(tiny, contender, Trials(tmp_path / "trials.jsonl"), draws=2, seeds=(1, 2))

    def again(*_: object) -> None:
        raise AssertionError("trained again")

    monkeypatch.setattr(quality, "learned", again)
    assert entry(tiny, contender, Trials(tmp_path / "trials.jsonl"), draws=2, seeds=(1, 2))[0] == first
    with pytest.raises(AssertionError, match="trained again"):
        entry(tiny, contender, Trials(tmp_path / "trials.jsonl"), draws=2, seeds=(1, 2, 3))


def test_models_are_compared_with_the_best_shopper_by_shopper() -> None:
    rng = np.random.default_rng(0)
    shoppers = rng.random(500)
    rows = [{"model": "oracle"}, {"model": "low"}, {"model": "high"}]
    compare(rows, {"low": shoppers - 0.1, "high": shoppers})
    assert [("behind" in row) for row in rows] == [False, True, False]
    behind = rows[1]["behind"]
    assert behind["value"] == pytest.approx(0.1)
    assert behind["high"] - behind["low"] < 1e-9  # the same gap for everyone, however different the shoppers are
    compare(rows, {"low": shoppers + 0.1, "high": shoppers})
    assert [("behind" in row) for row in rows] == [False, False, True]


def test_seen_products_are_removed_where_the_task_says_so(tiny: Task, tmp_path: Path) -> None:
    trials = Trials(tmp_path / "trials.jsonl")
    kept = trials.run(tiny, "personal-frequency", {}, 1, "test")["ranks"]
    removed = trials.run(Task("shop", tiny.dataset, tiny.split, seen=False), "personal-frequency", {}, 1, "test")
    again = [t in h for t, h in zip(tiny.split.test.targets, tiny.split.test.histories, strict=True)]
    assert 0 < sum(again) < len(again)
    assert {rank for rank, bought in zip(removed["ranks"], again, strict=True) if bought} == {10}
    assert min(rank for rank, bought in zip(kept, again, strict=True) if bought) < 10


def test_refit_learns_from_all_that_was_before_the_test(tiny: Task) -> None:
    whole = tiny.before_the_test
    assert len(whole) == tiny.dataset.num_users
    for user, history in zip(tiny.split.test.users, tiny.split.test.histories, strict=True):
        assert np.array_equal(whole[user], history)
    assert isinstance(whole, Histories)


def test_another_split_is_refused(tiny: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(quality.LOADERS, "ml-100k", (lambda: tiny.dataset, False))
    with pytest.raises(ValueError, match="another task"):
        task("ml-100k")


def test_the_table_is_written_with_the_oracle(tiny: Task, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(quality.LOADERS, "shop", (lambda: tiny.dataset, True))
    rows = list(measure(["shop"], ["popularity"], draws=2, seeds=(1, 2), results=tmp_path))
    assert [row.what for row in rows] == ["shop, popularity, NDCG@10"]
    assert "popularity" in (tmp_path / "quality.svg").read_text(encoding="utf-8")
    record = json.loads((tmp_path / "quality.json").read_text(encoding="utf-8"))
    assert [row["model"] for row in record["tables"]["shop"]["rows"]] == [
        "oracle: known", "oracle: filtered", "popularity",
    ]  # fmt: skip
    lines = (tmp_path / "quality.md").read_text(encoding="utf-8").splitlines()
    assert [line.split("|")[1].strip() for line in lines if line.startswith("| ")][2:] == [
        "oracle: known", "oracle: filtered", "popularity",
    ]  # fmt: skip
