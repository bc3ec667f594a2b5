"""Semantic IDs on the shop: what they keep, collapse provoked and cured, and a word of its own for every product."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as some

from course_lib.data import registry
from course_lib.data.dataset import Address, Dataset
from course_lib.data.text_vectors import text_vectors
from course_lib.errors import CourseError
from course_lib.experiments import semantic_ids
from course_lib.experiments.config import RunConfig
from course_lib.experiments.events import Folder
from course_lib.models.rq_vae import RQVAE, centres

COLLAPSING = {"start": "normal", "reset": "off", "epochs": 12}


def run(home: Path, seed: int = 0, **settings: Any) -> dict[str, Any]:
    """A run on the smallest shop, whose catalogue is the whole one; its result."""
    config = RunConfig.make("semantic_ids", {"dataset": ("shop", "tiny")}, settings, seed=seed)
    *_, last = semantic_ids.run(config, Folder(home))
    assert last["kind"] == "result"
    return dict(last)


def value(result: dict[str, Any], name: str) -> float:
    return float(result["measures"][name]["value"])


def test_the_default_run_keeps_most_and_gives_every_product_a_word_of_its_own(tmp_path: Path) -> None:
    result = run(tmp_path)
    assert value(result, "r2") >= 0.70
    assert value(result, "unique") >= 900
    assert value(result, "nmi_type") >= 0.85  # the first code follows the product type
    assert [value(result, f"used_{level}") for level in (1, 2, 3)] == [64, 64, 64]
    words = semantic_ids.open(tmp_path, None).words
    assert len({tuple(word) for word in words}) == len(words) == 1260


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_random_codebook_collapses_and_a_start_by_kmeans_cures_it(tmp_path: Path, seed: int) -> None:
    collapsed = run(tmp_path / "collapsed", seed, **COLLAPSING)
    assert value(collapsed, "used_1") <= 5
    assert value(collapsed, "r2") < 0.05
    used = run(tmp_path / "used", seed, **{**COLLAPSING, "reset": "on"})
    assert value(used, "used_1") >= 60  # moving unused codes alone brings them into use; what they say comes later
    cured = run(tmp_path / "cured", seed, **{**COLLAPSING, "start": "kmeans"})
    assert value(cured, "used_1") >= 20
    assert value(cured, "r2") > 0.3


def test_averaged_errors_collapse_too_whatever_the_start(tmp_path: Path) -> None:
    assert value(run(tmp_path, reconstruction="mean", reset="off", epochs=12), "used_1") <= 5


def test_residual_kmeans_keeps_more_with_every_level(tmp_path: Path) -> None:
    config = RunConfig.make(
        "semantic_ids", {"dataset": ("shop", "tiny")}, {"method": "residual-kmeans", "levels": 4}, seed=0
    )
    told = [event["r2"] for event in semantic_ids.run(config, Folder(tmp_path)) if event["kind"] == "frame"]
    assert told == sorted(told)
    assert told[0] == 0
    assert told[-1] > 0.75


@given(some.lists(some.tuples(some.integers(0, 3), some.integers(0, 3)), min_size=1, max_size=60))
def test_the_last_number_tells_equal_words_apart(rows: list[tuple[int, int]]) -> None:
    words = semantic_ids.tell_apart(np.array(rows)).tolist()
    assert len({tuple(word) for word in words}) == len(rows)
    assert [tuple(word[:-1]) for word in words] == rows


def test_shared_information() -> None:
    one = np.array([0, 0, 1, 1, 2, 2])
    assert semantic_ids.shared_information(one, one) == pytest.approx(1)
    assert semantic_ids.shared_information(one, np.array([0, 1, 0, 1, 0, 1])) == pytest.approx(0)
    assert semantic_ids.shared_information(np.zeros(6, int), one) == 0


def test_alike_products_come_by_shared_beginning(tmp_path: Path) -> None:
    words = semantic_ids.Words([[1, 2, 0], [1, 3, 0], [1, 2, 1], [4, 2, 0]])
    answered = semantic_ids.answer(words, {"items": [4, 1], "k": 3})
    assert answered["word"] == [1, 2, 0]
    assert [(one["item"], one["shared"]) for one in answered["near"]] == [(3, 2), (2, 1), (4, 0)]
    collapsed = semantic_ids.Words([[0, n] for n in range(99)])
    near = [one["item"] for one in semantic_ids.answer(collapsed, {"items": [1], "k": 10})["near"]]
    assert near != sorted(near), "products with equal words must not come in the catalogue's order, type by type"
    assert semantic_ids.answer(words, {"items": [], "k": 3}) == {"word": [], "near": []}
    with pytest.raises(CourseError) as caught:
        semantic_ids.answer(words, {"items": [5], "k": 3})
    assert "5" in caught.value.text("zh")


def test_a_rate_that_is_too_high_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RQVAE, "forward", lambda self, x: (x * float("nan"), self.quantise(self.encoder(x))))
    with pytest.raises(CourseError) as caught:
        run(tmp_path, epochs=2, reset="off")
    assert caught.value.key == "codes_diverged"


def test_fewer_points_than_codes_leaves_codes_unused() -> None:
    points = torch.tensor([[0.0, 1.0], [2.0, 3.0]])
    assert centres(points, 5, seed=0).shape == (5, 2)
    assert {tuple(row) for row in centres(points, 5, seed=0).tolist()} == {(0.0, 1.0), (2.0, 3.0)}


# The vectors


def test_the_shops_vectors_are_kept_and_know_the_type() -> None:
    dataset = registry.load(registry.resolve("shop", "tiny"))
    vectors = text_vectors(dataset)
    assert vectors.shape == (1260, 512)
    assert np.array_equal(vectors, text_vectors(dataset))
    likeness = vectors @ vectors.T
    np.fill_diagonal(likeness, -1)
    nearest = np.argsort(-likeness, axis=1)[:, :10]
    kind = dataset.items["product_type"].to_numpy()
    assert (kind[nearest] == kind[:, None]).mean() > 0.9


def test_a_catalogue_without_titles_is_refused_in_a_sentence() -> None:
    dataset = registry.load(registry.resolve("shop", "tiny"))
    bare = Dataset(
        Address("untitled", "all", "0" * 12), dataset.events, dataset.items.assign(title_zh="", title_en=None)
    )
    with pytest.raises(CourseError) as caught:
        text_vectors(bare)
    assert "untitled" in caught.value.text("en")
