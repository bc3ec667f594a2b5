"""The lines that a run is drawn against: right ranks, computed once, the oracle only where there is a truth."""

from __future__ import annotations

import numpy as np
import pytest

from course_lib.data.dataset import Address, Dataset
from course_lib.data.histories import Split
from course_lib.evaluation.protocol import evaluate
from course_lib.models.base import model_class
from course_lib.settings import load_settings
from course_lib.shop.published import shop
from course_lib.shop.truth.next_product import true_chances
from course_lib.training import references as module
from course_lib.training.references import BASELINES, BOUNDS, ELSEWHERE, LOSS, negative_log, oracle_ranks, references


def test_a_rank_for_every_target(dataset: Dataset, split: Split) -> None:
    found = references(dataset, split)
    for frame, holdout in ((found.validation, split.validation), (found.test, split.test)):
        ranks = frame[[*BASELINES, *BOUNDS]].to_numpy()
        assert set(frame.columns) == {*BASELINES, *BOUNDS, *(LOSS.format(name) for name in BOUNDS)}
        assert len(frame) == len(holdout)
        assert ranks.min() >= 0
        assert ranks.max() < dataset.num_items


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
    """The same purchases under another name: nobody knows the truth about them, and two more models are counted."""
    other = Dataset(Address("elsewhere", "tiny", "0" * 12), dataset.events, dataset.items)
    found = references(other, split)
    assert list(found.test.columns) == [*BASELINES, *ELSEWHERE]
    assert found.scores("test")["oracle"] is None
    assert found.losses("test") is None
    ours = references(dataset, split).scores("test")["baselines"]
    theirs = found.scores("test")["baselines"]
    assert list(theirs) == [*BASELINES, *ELSEWHERE]
    assert {name: theirs[name] for name in BASELINES} == ours


def test_the_irreducible_loss_is_the_entropy_of_the_truth(dataset: Dataset, split: Split) -> None:
    """Targets are drawn from the known chances, so -log p and the entropy agree but for the draw; and to know more is
    to be surprised less."""
    found = references(dataset, split).losses("test")
    assert found is not None
    blocks = [block for (block,) in true_chances(shop(), len(split.test), ago=(1,))]
    for name in BOUNDS:
        chances = np.concatenate([getattr(block, name) for block in blocks]).astype(np.float64)
        entropy = -(chances * np.log(np.maximum(chances, 1e-300))).sum(1)
        losses = references(dataset, split).test[LOSS.format(name)].to_numpy()
        surprise = losses - entropy  # mean 0 if the oracle is right
        assert abs(surprise.mean()) < 3 * surprise.std() / len(surprise) ** 0.5, name
        assert found[name]["low"] < losses.mean() < found[name]["high"]
        assert found[name]["value"] == pytest.approx(losses.mean())
    assert found["known"]["value"] < found["filtered"]["value"] < np.log(dataset.num_items)


def test_ranks_alone_are_the_same_ranks(dataset: Dataset, split: Split) -> None:
    (ranks,) = oracle_ranks(shop(), [split.test.targets], ago=(1,))
    assert set(ranks) == set(BOUNDS)
    for name in BOUNDS:
        np.testing.assert_array_equal(ranks[name], references(dataset, split).test[name])


def test_minus_log_of_the_targets_own_chance() -> None:
    chances = np.array([[0.5, 0.25, 0.25], [0.0, 1.0, 0.0]], np.float32)
    np.testing.assert_allclose(negative_log(chances, np.array([2, 2], np.int32)), [np.log(4), 0])
    assert np.isfinite(negative_log(chances, np.array([1, 1], np.int32))).all(), "impossible is not infinite"
