"""The vector index: what exact search and the indexes find, on clustered and on random vectors, and what is refused."""

from __future__ import annotations

import functools
import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from course_lib.errors import CourseError
from course_lib.experiments import vector_index
from course_lib.experiments.config import RunConfig
from course_lib.experiments.events import Folder
from course_lib.figures.base import Figure
from course_lib.figures.pictures import picture
from course_lib.figures.shown import Shown
from course_lib.runs.view import EventFold

SMALL = {"products": 5_000}


def events(home: Path, seed: int = 1, **settings: Any) -> list[dict[str, Any]]:
    config = RunConfig.make("vector_index", settings={**SMALL, **settings}, seed=seed)
    return list(vector_index.run(config, Folder(home)))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The function ``run(seed=1, **settings)``: a run's folder and its events, each made once for all tests."""

    @functools.cache
    def made(seed: int = 1, **settings: Any) -> tuple[Path, list[dict[str, Any]]]:
        home = tmp_path_factory.mktemp("vector_index")
        return home, events(home, seed, **settings)

    return made


@pytest.fixture(scope="module")
def result_of(run: Any) -> Any:
    """The function ``result_of(seed=1, **settings)``."""
    return lambda seed=1, **settings: run(seed, **settings)[1][-1]


def value(result: dict[str, Any], name: str) -> float:
    return float(result["measures"][name]["value"])


@pytest.mark.parametrize("vectors", ["clustered", "random"])
def test_exact_search_finds_all(run: Any, vectors: str) -> None:
    home, (*_, result) = run(index="exact", vectors=vectors)
    assert result["measures"]["recall@10"] == {"value": 1.0, "low": 1.0, "high": 1.0}
    assert vector_index.open(home, None).recall == [1.0] * len(vector_index.NEAREST)
    assert result["tradeoff"] == {}
    assert value(result, "megabytes") == 5_000 * 48 * 4 / 1e6


@pytest.mark.parametrize("index", ["hnsw", "ivf"])
def test_random_vectors_mislead(result_of: Any, index: str) -> None:
    """What an index finds of random vectors says little of what it finds of products."""
    clustered, random = (result_of(index=index, vectors=vectors) for vectors in ("clustered", "random"))
    assert value(clustered, "recall@10") > 0.97
    assert value(random, "recall@10") < 0.9
    assert clustered["measures"]["recall@10"]["low"] > random["measures"]["recall@10"]["high"]


@pytest.mark.parametrize("vectors", ["clustered", "random"])
@pytest.mark.parametrize("index", ["hnsw", "ivf"])
def test_who_looks_at_more_finds_no_less(result_of: Any, index: str, vectors: str) -> None:
    tradeoff = result_of(index=index, vectors=vectors)["tradeoff"]
    assert {*map(str, vector_index.TRIED[index]), "32"} == set(tradeoff)
    assert [int(one) for one in tradeoff] == sorted(int(one) for one in tradeoff)
    found = [one["recall"] for one in tradeoff.values()]
    assert all(more >= less - 0.005 for less, more in itertools.pairwise(found)), found
    assert found[-1] > found[0] + 0.05


def test_a_list_for_each_centre_is_exact(result_of: Any) -> None:
    """IVF that reads every list is exact search."""
    assert value(result_of(index="ivf", searched=512, vectors="random"), "recall@10") == 1.0


def test_larger_catalogues_begin_like_smaller_ones_and_lose_more(run: Any, result_of: Any) -> None:
    told = [one for one in run(index="hnsw", vectors="random")[1] if one["kind"] == "frame"]
    assert [one["products"] for one in told] == [1_000, 3_000, 5_000]
    recalls = [one["recall"] for one in told]
    assert recalls == sorted(recalls, reverse=True)
    exact = [one["exact_seconds"] for one in told]
    assert exact[-1] > 1.3 * exact[0], "exact search looks at every product"
    assert value(result_of(vectors="random", products=3_000), "recall@10") == pytest.approx(recalls[1])


def test_the_same_seed_gives_the_same_recall(tmp_path: Path, result_of: Any) -> None:
    one = result_of(index="hnsw", vectors="random")
    *_, again = events(tmp_path, vectors="random")
    assert one["measures"]["recall@10"] == again["measures"]["recall@10"]
    assert value(result_of(seed=2, vectors="random"), "recall@10") != value(one, "recall@10")


def test_vectors_have_length_one_and_queries_are_no_products() -> None:
    drawn = vector_index.Drawn(True, 3_000, 16, 1)
    products, queries = drawn.products(0, 3_000), drawn.queries(3_000)
    assert np.allclose(np.linalg.norm(products, axis=1), 1, atol=1e-5)
    assert (queries @ products.T).max() < 0.9999
    assert products.dtype == queries.dtype == np.float32


def test_megabytes_are_what_the_library_writes() -> None:
    faiss = vector_index.load_faiss()
    vectors = vector_index.Drawn(True, 5_000, 16, 1).products(0, 5_000)
    hnsw, flat = vector_index.new_index("hnsw", 16, 8), vector_index.new_index("exact", 16, 8)
    hnsw.add(vectors)
    flat.add(vectors)
    for index in (hnsw, flat, vector_index.trained_lists(vectors)):
        assert vector_index.bytes_of(index) == pytest.approx(faiss.serialize_index(index).nbytes, rel=0.02)


def test_recall_at_any_number_is_answered(run: Any) -> None:
    home, _ = run(index="hnsw", vectors="random")
    found = vector_index.open(home, None)
    assert vector_index.answer(found, {"k": 10}) == {"products": 5_000, "k": 10, "recall": round(found.recall[3], 4)}
    between = vector_index.answer(found, {"k": 15})["recall"]
    assert min(found.recall[3:5]) <= between <= max(found.recall[3:5])
    assert vector_index.open(home, 0).products == 1_000


@pytest.mark.parametrize("width", [128, 100])
def test_what_does_not_fit_is_refused_with_what_would(tmp_path: Path, width: int) -> None:
    with pytest.raises(CourseError) as caught:
        events(tmp_path, products=1_000_000, width=width)
    assert caught.value.key == "vectors_too_large"
    most = str(vector_index.LIMIT // vector_index.bytes_each(width, 16))
    for language in ("zh", "en"):
        said = caught.value.text(language)
        assert "1000000" in said
        assert str(width) in said
        assert most in said
    assert not (tmp_path / "frames").exists()


def test_a_million_of_the_default_width_fit() -> None:
    assert 1_000_000 * vector_index.bytes_each(48, 16) <= vector_index.LIMIT


# Pictures


def drawn(name: str, shown: Shown) -> Figure:
    return picture(f"vector_index.{name}")(shown, "en")


def test_pictures_show_what_the_runs_told(run: Any) -> None:
    views = []
    for vectors in ("clustered", "random"):
        config = RunConfig.make("vector_index", settings={**SMALL, "vectors": vectors})
        fold = EventFold()
        _, (*told, result) = run(index="hnsw", vectors=vectors)
        for n, event in enumerate([{"kind": "started"}, *told, {"kind": "finished"}]):
            fold.apply({"t": float(n), **event})
        views.append(fold.view(vectors, config, result))
    both = Shown(tuple(views), ("Clustered", "Random"))
    recall = drawn("recall", both)
    assert recall.frame["name"].tolist() == ["Clustered"] * 3 + ["Random"] * 3
    assert "Random" in recall.alt
    tradeoff = drawn("tradeoff", both).frame
    assert len(tradeoff) == 12
    assert tradeoff["searched"].tolist()[:6] == sorted(tradeoff["searched"].tolist()[:6])
    latency = drawn("latency", Shown((views[0],), at=1))
    assert latency.frame["name"].unique().tolist() == ["exact search", "HNSW"]
    assert latency.plot()["layout"]["shapes"][0]["x0"] == 3_000
    assert [len(drawn(name, Shown()).frame) for name in ("recall", "tradeoff", "latency")] == [0, 0, 0]
