"""What every model promises, asked of every file in course_lib/models that declares settings."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from course_lib.data.histories import Histories
from course_lib.evaluation.intervals import paired_difference
from course_lib.evaluation.protocol import evaluate
from course_lib.models.base import model_class
from course_lib.models.catalogue import model_card

Train = Callable[..., Any]
# Short, empty, repeated, longer than any window, and with a product never sold in training.
ODD = Histories.from_lists([[], [1], [3, 4], [2, 2, 2], [5, 6, 1, 2] * 60, [60, 59], []])
FEW = Histories.from_lists([[1, 2, 3, 4], [4, 5, 6], [2, 3], [6, 1, 2]])


def random_scores(histories: Histories) -> np.ndarray:
    """A scorer that knows nothing."""
    return np.random.default_rng(0).random((len(histories), 61), np.float32)


def test_learns_a_planted_pattern(model: Any, planted: Any) -> None:
    """Six of sixty products make up most sales: whoever learns anything ranks them far better than chance."""
    ours, chance = evaluate(model.score, planted.holdout), evaluate(random_scores, planted.holdout)
    gain = paired_difference(ours.per_row()["ndcg@10"], chance.per_row()["ndcg@10"])
    assert gain.low > 0.1
    assert ours.metrics["ndcg@10"]["value"] > 2 * chance.metrics["ndcg@10"]["value"]


def test_who_reads_the_order_learns_the_chain(model: Any, planted: Any) -> None:
    """A model whose scores change with the order of the history must have learned what follows what."""
    forward = Histories.from_lists([[1, 2, 3, 4], [4, 5]])
    backward = Histories.from_lists([[4, 3, 2, 1], [5, 4]])
    if np.allclose(model.score(forward)[:, 1:], model.score(backward)[:, 1:], atol=1e-5):
        pytest.skip("the order of the history does not matter to this model")
    answers = model.score(planted.holdout.histories)[:, 1:].argmax(1) + 1
    assert (answers == planted.holdout.targets).mean() > 0.9


def test_is_deterministic_in_its_seed(name: str, train_model: Train) -> None:
    """Trained twice with the same seed, every score has the same bits; a neural model depends on the seed at all."""
    first, again = (train_model(name, FEW, 60, seed=3, epochs=2).score(ODD) for _ in range(2))
    assert first.tobytes() == again.tobytes()
    if model_card(name).neural:
        assert not np.array_equal(first, train_model(name, FEW, 60, seed=4, epochs=2).score(ODD))


def test_saves_and_loads_with_equal_scores(name: str, model: Any, tmp_path: Path) -> None:
    model.save(tmp_path / "model")
    loaded = model_class(name).load(tmp_path / "model")
    assert loaded.num_items == model.num_items == 60
    # A file's tensors lie elsewhere in memory than a trained model's, which may change the last bits of a sum.
    np.testing.assert_allclose(loaded.score(ODD)[:, 1:], model.score(ODD)[:, 1:], rtol=1e-5, atol=1e-5)


def test_a_saved_model_is_json_and_safetensors(name: str, model: Any, tmp_path: Path) -> None:
    """Never a pickle: anybody's model may be opened."""
    model.save(tmp_path / "model")
    assert sorted(path.name for path in (tmp_path / "model").iterdir()) == ["config.json", "model.safetensors"]


def test_never_recommends_padding(model: Any, planted: Any) -> None:
    for histories in (planted.holdout.histories, ODD):
        scores = model.score(histories)
        assert np.isneginf(scores[:, 0]).all()
        best = np.argsort(-scores, axis=1, kind="stable")[:, :10]
        assert (best > 0).all()


def test_scores_every_product_of_every_history(model: Any) -> None:
    """Float32, one row a history, no NaN, and for an empty history as well."""
    scores = model.score(ODD)
    assert scores.shape == (len(ODD), 61)
    assert scores.dtype == np.float32
    assert np.isfinite(scores[:, 1:]).all()


def test_a_history_is_scored_as_if_it_were_alone(model: Any) -> None:
    """Who shares its batch, and how long theirs are, changes nothing but rounding."""
    together = model.score(ODD)
    for n in range(len(ODD)):
        alone = model.score(ODD.take(np.array([n])))
        np.testing.assert_allclose(together[n, 1:], alone[0, 1:], rtol=1e-4, atol=1e-4)


def test_no_histories_no_scores(model: Any) -> None:
    assert model.score(Histories.from_lists([])).shape == (0, 61)


def test_does_not_modify_its_input(name: str, train_model: Train) -> None:
    """Item-kNN once put the training histories in the order of product numbers: SASRec trained on them after that."""
    train = Histories.from_lists([[5, 3, 3, 1], [], [2, 6, 2, 4, 1], [9, 8]])
    asked = Histories.from_lists([[6, 2, 2, 1], [], [8, 3, 1, 3]])
    kept = [array.copy() for array in (train.items, train.offsets, asked.items, asked.offsets)]
    train_model(name, train, 60, epochs=1).score(asked)
    for array, before in zip((train.items, train.offsets, asked.items, asked.offsets), kept, strict=True):
        np.testing.assert_array_equal(array, before)
        assert array.dtype == before.dtype


def test_its_file_says_what_it_is(name: str) -> None:
    """A page shows the summary; the source is shown to the learner."""
    card = model_card(name)
    assert card.task, "without a TASK no experiment offers it"
    assert card.task == card.task.strip().lower()
    assert len(card.summary) > 20
    assert model_class(name).__name__.endswith("Model")
    assert len(card.source.read_text(encoding="utf-8").splitlines()) < 400
