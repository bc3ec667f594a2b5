"""What titles know: n-grams against the encoder, fewer numbers, planted facts, and catalogues that lack something."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from course_lib.data.columns import Columns
from course_lib.data.dataset import Address, Dataset
from course_lib.errors import CourseError
from course_lib.experiments import item_text
from course_lib.experiments.catalogue import check_asked, experiment_card
from course_lib.experiments.config import RunConfig
from course_lib.experiments.events import Folder


def started(home: Path, **settings: Any) -> list[dict[str, Any]]:
    config = RunConfig.make("item_text", {"dataset": ("shop", "tiny")}, settings)
    (home / "config.json").write_text(config.to_json(), encoding="utf-8")
    return [dict(event) for event in item_text.run(config, Folder(home))]


def value(events: list[dict[str, Any]], name: str) -> float:
    return float(events[-1]["measures"][name]["value"])


@pytest.fixture(scope="module")
def sentences(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[dict[str, Any]]]:
    home = tmp_path_factory.mktemp("sentences")
    return home, started(home)


@pytest.fixture(scope="module")
def ngrams(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[dict[str, Any]]]:
    home = tmp_path_factory.mktemp("ngrams")
    return home, started(home, encoder="ngrams")


def test_within_a_language_counts_tie_and_across_they_do_not(sentences: Any, ngrams: Any) -> None:
    ours, theirs = sentences[1], ngrams[1]
    assert abs(value(ours, "same_type@10") - value(theirs, "same_type@10")) < 0.05
    assert value(ours, "translated_type@10") > 0.8
    assert value(theirs, "translated_type@10") < 0.3
    assert value(ours, "own_translation") > 10 * value(theirs, "own_translation")
    assert value(theirs, "probe_price") > value(ours, "probe_price") + 0.05  # sizes and materials are spelt out


def test_more_numbers_keep_more_and_tell_more(sentences: Any) -> None:
    frames = [event for event in sentences[1] if event["kind"] == "frame"]
    assert [frame["numbers"] for frame in frames] == [2, 4, 8, 16, 32, 64, 128, 256, 512]
    for name in ("kept", "probe_type"):
        told = [frame[name] for frame in frames]
        assert told == sorted(told)
    assert value(sentences[1], "kept") == pytest.approx(1, abs=1e-3)
    assert frames[0]["same_type@10"] < 0.2


def test_the_map_gathers_types(sentences: Any) -> None:
    folder = Folder(sentences[0])
    first, between, last = (folder.view(at)["map"] for at in (0, 4, 8))
    assert between is None
    items = item_text.registry.load_items(RunConfig.read(sentences[0]).data["dataset"])
    types = items[Columns.TYPE].to_numpy()

    def gathered(places: dict[str, list[float]]) -> float:
        at = np.stack([places["x"], places["y"]], 1)
        apart = ((at[:, None] - at[None]) ** 2).sum(-1)
        np.fill_diagonal(apart, np.inf)
        return float((types[np.argsort(apart, 1)[:, :10]] == types[:, None]).mean())

    assert gathered(last) > 0.9 > 4 * gathered(first)


def asked(artefact: item_text.Titles, **question: Any) -> dict[str, Any]:
    return item_text.answer(artefact, check_asked(experiment_card("item_text"), question))


def test_a_product_and_a_line_of_text_have_neighbours(sentences: Any, ngrams: Any) -> None:
    ours = item_text.open(sentences[0], None)
    found = asked(ours, items=[1])
    assert found["item"] == 1
    assert [one["item"] for one in found["near"]].count(1) == 0
    assert {one["role"] for one in found["near"]} == {"same"}
    typed = asked(ours, items=[1], text="バスケットボール")  # Japanese; the line goes before the product
    assert typed["item"] is None
    kinds = [ours.kinds[one["item"] - 1] for one in typed["near"]]
    assert kinds.count("basketball") >= 5
    unknown = asked(item_text.open(ngrams[0], None), text="バスケットボール")
    assert [ours.kinds[one["item"] - 1] for one in unknown["near"]].count("basketball") < 3
    assert asked(ours) == {"item": None, "text": "", "near": []}


def test_a_frame_answers_with_its_own_numbers(sentences: Any) -> None:
    early, late = (item_text.open(sentences[0], at) for at in (0, 8))
    assert (early.size, late.size) == (2, 512)
    assert asked(early, items=[1]) != asked(late, items=[1])


def test_the_same_run_twice(ngrams: Any, tmp_path: Path) -> None:
    again = started(tmp_path, encoder="ngrams")
    assert again[-1]["measures"] | {"seconds": 0} == ngrams[1][-1]["measures"] | {"seconds": 0}
    assert Folder(tmp_path).view(8) == Folder(ngrams[0]).view(8)


def planted(size: int = 80, **columns: Any) -> Dataset:
    """Titles that spell out a type of four and a price that doubles with it."""
    kinds = [f"kind{'abcd'[n % 4]}" for n in range(size)]
    items = pd.DataFrame(
        {
            Columns.ITEM: np.arange(1, size + 1),
            Columns.TITLE_EN: [f"{kind} model {n}" for n, kind in enumerate(kinds)],
            Columns.TYPE: kinds, Columns.PRICE: [2.0 ** (n % 4) for n in range(size)], **columns,
        }
    )  # fmt: skip
    return Dataset(Address("planted", "all", "0" * 12), pd.DataFrame(), items)


def run_on(data: Dataset, home: Path, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    monkeypatch.setattr(item_text.registry, "load", lambda address: data)
    return started(home, encoder="ngrams", numbers=16)


def test_probes_read_what_was_planted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    events = run_on(planted(), tmp_path, monkeypatch)
    assert value(events, "probe_type") == 1
    assert value(events, "probe_price") > 0.95
    measures = events[-1]["measures"]
    assert not {"probe_brand", "same_brand@10", "own_translation"} & set(measures)  # no brands, and one language


def test_a_probe_cannot_read_what_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    data = planted(**{Columns.PRICE: rng.permuted([2.0 ** (n % 4) for n in range(80)])})
    assert value(run_on(data, tmp_path, monkeypatch), "probe_price") < 0.3


def test_prices_that_are_missing_or_all_alike_are_not_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for n, price in enumerate(([np.nan] * 80, [5.0] * 80, [0.0] * 80)):
        home = tmp_path / str(n)
        home.mkdir()
        events = run_on(planted(**{Columns.PRICE: price}), home, monkeypatch)
        assert "probe_price" not in events[-1]["measures"]


def test_too_few_products_and_none_with_a_title(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for data, key in ((planted(30), "too_few_products"), (planted(**{Columns.TITLE_EN: None}), "no_titles")):
        with pytest.raises(CourseError) as caught:
            run_on(data, tmp_path, monkeypatch)
        assert caught.value.key == key


def test_equal_titles_stand_at_one_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = planted(**{Columns.TITLE_EN: ["the same thing"] * 80})
    events = run_on(data, tmp_path, monkeypatch)
    assert value(events, "same_type@10") < 0.5  # ten of a tie, in the catalogue's order
