"""The lines that a run is drawn against: right ranks, computed once, the oracle only where there is a truth."""

from __future__ import annotations

import numpy as np
import pytest

from course_lib.data.dataset import Address, Dataset
from course_lib.data.histories import Split
from course_lib.evaluation.protocol import evaluate
from course_lib.models.base import model_class
from course_lib.settings import load_settings
from course_lib.training import references as module
from course_lib.training.references import BASELINES, BOUNDS, references


def test_a_rank_for_every_target(dataset: Dataset, split: Split) -> None:
    found = references(dataset, split)
    for frame, holdout in ((found.validation, split.validation), (found.test, split.test)):
        assert list(frame.columns) == [*BASELINES, *BOUNDS]
        assert len(frame) == len(holdout)
        assert frame.to_numpy().min() >= 0
        assert frame.to_numpy().max() < dataset.num_items


def test_ranks_are_those_of_the_models(dataset: Dataset, split: Split) -> None:
    found = references(dataset, split)
    model = model_class("popularity").fit(split.train, dataset.num_items, {})
    for frame, holdout in ((found.validation, split.validation), (found.test, split.test)):
        np.testing.assert_array_equal(frame["popularity"], evaluate(model.score, holdout).ranks)


def test_computed_once(dataset: Dataset, split: Split, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second call reads what the first one wrote, and says the same."""
    first = references(dataset, split)

    def again(*_: object) -> None:
        raise AssertionError("computed again")

    monkeypatch.setattr(module, "_frames", again)
    second = references(dataset, split)
    for part in ("validation", "test"):
        assert getattr(first, part).equals(getattr(second, part))
        assert first.scores(part) == second.scores(part)


def test_kept_beside_the_prepared_data(dataset: Dataset, split: Split) -> None:
    references(dataset, split)
    folders = list(load_settings().datasets.glob(f"{dataset.address.folder}-references-*"))
    assert len(folders) == 1


def test_scores_of_some_rows(dataset: Dataset, split: Split) -> None:
    found = references(dataset, split)
    rows = np.array([3, 1, 4])
    mine = found.scores("test", rows)["baselines"]["markov"]["hr@10"]["value"]
    assert mine == pytest.approx((found.test["markov"].to_numpy()[rows] < 10).mean())
    assert found.scores("test")["oracle"] != found.scores("validation")["oracle"]


def test_scores_of_few_rows_that_all_differ(dataset: Dataset, split: Split) -> None:
    """No two targets at the same rank: the bootstrap once took the number of rows for the number of outcomes."""
    found = references(dataset, split)
    places, rows = np.unique(np.minimum(found.test["markov"], 10), return_index=True)
    assert len(rows) > 2
    scores = found.scores("test", rows[:3])["baselines"]["markov"]["hr@10"]
    assert scores["value"] == pytest.approx((places[:3] < 10).mean())
    assert scores["low"] <= scores["value"] <= scores["high"]


def test_no_oracle_without_a_truth(dataset: Dataset, split: Split) -> None:
    """The same purchases under another name: nobody knows the truth about them."""
    other = Dataset(Address("elsewhere", "tiny", "0" * 12), dataset.events, dataset.items)
    found = references(other, split)
    assert list(found.test.columns) == list(BASELINES)
    assert found.scores("test")["oracle"] is None
    ours = references(dataset, split).scores("test")["baselines"]
    assert found.scores("test")["baselines"] == ours
