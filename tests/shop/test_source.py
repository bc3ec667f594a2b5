"""The shop as a dataset: sound, and with models in the order that the course teaches."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from course_lib.data import registry
from course_lib.data.checks import check
from course_lib.data.columns import Columns
from course_lib.data.dataset import Dataset
from course_lib.data.splits import leave_one_out
from course_lib.evaluation.intervals import paired_difference
from course_lib.evaluation.metrics import ndcg
from course_lib.settings import load_settings
from course_lib.shop import source
from course_lib.training.references import References, references


def test_sound(dataset: Dataset) -> None:
    assert check(dataset) == ()
    assert dataset.num_users == source.sizes()["tiny"]


def test_sizes_and_versions() -> None:
    """The default is small; a version is 12 hexadecimal digits and belongs to one size."""
    assert next(iter(source.sizes())) == "small"
    assert {"tiny", "small", "large"} <= set(source.sizes())
    versions = [source.version(size) for size in source.sizes()]
    assert len(set(versions)) == len(versions)
    assert all(len(version) == 12 and int(version, 16) >= 0 for version in versions)


@pytest.mark.parametrize("size", source.sizes())
def test_a_size_is_its_number_of_shoppers(size: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the events, in the tables, and in the version."""
    monkeypatch.setenv("LIVEREC_HOME", str(tmp_path))
    before = source.version(size)
    monkeypatch.setattr(source, "sizes", lambda: dict.fromkeys(("small", "tiny", "large"), 9) | {size: 7})
    monkeypatch.setattr(source, "version", source.version.__wrapped__)
    assert source.version(size) != before
    assert source.load(size)[0][Columns.USER].nunique() == 7
    (frame,) = source.SOURCE.tables["coupons"].pieces(size)
    assert frame[Columns.USER].nunique() == 7


def test_read_from_disk_the_same(dataset: Dataset) -> None:
    """The first load writes what later ones read."""
    folder = load_settings().datasets / dataset.address.folder
    assert (folder / "events.parquet").exists()
    pd.testing.assert_frame_equal(registry.load(dataset.address).events, dataset.events)


@pytest.fixture(scope="module")
def lines(dataset: Dataset) -> References:
    return references(dataset, leave_one_out(dataset))


@pytest.mark.parametrize("part", ["validation", "test"])
@pytest.mark.parametrize(
    ("worse", "better"), [("popularity", "item-knn"), ("item-knn", "markov"), ("markov", "filtered")]
)
def test_the_order_of_the_models(lines: References, part: str, worse: str, better: str) -> None:
    """What the course teaches from: each model beats the one before, surely, on the same shoppers."""
    ranks = getattr(lines, part)
    gain = paired_difference(ndcg(ranks[better].to_numpy()), ndcg(ranks[worse].to_numpy()))
    assert gain.low > 0


@pytest.mark.parametrize("part", ["validation", "test"])
def test_knowing_everything_is_no_worse(lines: References, part: str) -> None:
    ranks = getattr(lines, part)
    gain = paired_difference(ndcg(ranks["known"].to_numpy()), ndcg(ranks["filtered"].to_numpy()))
    assert gain.high > 0
