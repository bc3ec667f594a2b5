"""The search labs: what is known of the shop, odd queries, other catalogues, and what training may not see."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from course_lib.data import registry
from course_lib.data.dataset import Address, Dataset
from course_lib.errors import CourseError
from course_lib.experiments import click_bias, query_encoder, search_kinds
from course_lib.experiments.catalogue import check_asked, experiment_card
from course_lib.experiments.config import CONFIG, RunConfig
from course_lib.experiments.events import Event, Folder
from course_lib.experiments.light import answer_light
from course_lib.experiments.query_encoder import Material
from course_lib.experiments.word_match import TEXTS
from course_lib.shop.lexical import LexicalEngine
from course_lib.shop.published import shop

Made = tuple[Path, list[Event]]
ODD = {
    "": "empty", " \t ": "empty", "😀😀": "sign", "?!": "sign", "tax return": "unsure", "总统选举": "unsure",
    "баскетбол": "no_words", "كرة السلة": "no_words", "バスケットボール": "no_words",
    "<script>alert(1)</script>": "", "'; DROP TABLE items; --": "", "篮球": "", "basketball": "",
}  # fmt: skip


def carried_out(home: Path, module: Any, config: RunConfig) -> Made:
    folder = home / config.run_id
    folder.mkdir(parents=True)
    (folder / CONFIG).write_text(config.to_json(), encoding="utf-8")
    return folder, list(module.run(config, Folder(folder)))


@pytest.fixture(scope="module")
def kinds(tmp_path_factory: pytest.TempPathFactory) -> Made:
    config = RunConfig.make("search_kinds", {"dataset": ("shop", "tiny")}, {"queries": 900})
    return carried_out(tmp_path_factory.mktemp("search"), search_kinds, config)


@pytest.fixture(scope="module")
def ask(kinds: Made) -> Callable[..., dict[str, Any]]:
    """The function ``ask(text, ...)`` of the finished run."""
    artefact = search_kinds.open(kinds[0], None)
    card = experiment_card("search_kinds")
    return lambda text, **more: search_kinds.answer(artefact, check_asked(card, {"text": text, **more}))


def value(events: list[Event], name: str) -> float:
    return float(events[-1]["measures"][name]["value"])


def test_words_win_for_names_and_meaning_across_languages(kinds: Made) -> None:
    _, events = kinds
    assert events[-1]["measures"]["gap_brand"]["high"] < 0
    for name in ("gap_synonym", "gap_zh_en", "gap_en_zh"):
        assert events[-1]["measures"][name]["low"] > 0.2, name
    assert events[-1]["measures"]["sum_gain"]["low"] > 0


def test_the_sum_begins_at_words(kinds: Made) -> None:
    """Weight 0 leaves the order of the words, at as many candidates as places."""
    frames = [event for event in kinds[1] if event["kind"] == "frame"]
    assert [event["weight"] for event in frames] == [*(n / 10 for n in range(11)), 0.5], "and the run's own"
    assert frames[0]["score"] == pytest.approx(frames[0]["alone"]["words"], abs=2e-3)
    assert frames[10]["score"] == pytest.approx(frames[10]["alone"]["meaning"], abs=2e-3)


@pytest.mark.parametrize(("text", "note"), ODD.items())
def test_odd_queries_are_answered_as_a_good_shop_does(ask: Callable[..., dict[str, Any]], text: str, note: str) -> None:
    answer = ask(text)
    assert answer["note"] == note
    found = {column["name"]: len(column["list"]) for column in answer["columns"]}
    if note == "empty":
        assert found == {}
    elif note == "sign":
        assert not any(found.values())
    else:
        assert found["meaning"] == 10
        assert (found["words"] > 0) == (note == "")


def test_a_slip_is_asked_back_and_an_emoji_found(ask: Callable[..., dict[str, Any]]) -> None:
    assert ask("baksetball")["meant"] == "basketball"
    balls = {one["item"] for one in ask("🏀")["columns"][0]["list"]}
    assert balls <= set(shop().catalogue.items.query("emoji == '🏀'")["item_id"])
    assert balls


def test_ten_thousand_characters_are_refused_in_a_sentence() -> None:
    with pytest.raises(CourseError) as caught:
        check_asked(experiment_card("search_kinds"), {"text": "x" * 10_000})
    assert caught.value.key == "question_too_long"


def test_every_number_on_the_way_adds_up(ask: Callable[..., dict[str, Any]]) -> None:
    answer = ask("篮球 basketball")
    parts, near = answer["numbers"]["parts"], answer["numbers"]["near"]
    scaled = (near - parts["low"]) / (parts["high"] - parts["low"])
    total = (1 - parts["weight"]) * parts["found"] / parts["highest"] + parts["weight"] * scaled
    assert total == pytest.approx(parts["score"], abs=2e-3)
    assert sum(one for _, one in answer["numbers"]["words"]) == pytest.approx(parts["found"], abs=0.02)


def test_a_search_takes_milliseconds(ask: Callable[..., dict[str, Any]]) -> None:
    """The median on one core; with fifty learners it is ``python -m benchmarks search``."""
    took = []
    for text in [*TEXTS.values(), *ODD]:
        began = time.perf_counter()
        ask(text)
        took.append(time.perf_counter() - began)
    assert sorted(took)[len(took) // 2] < 0.1


def own(columns: dict[str, list[str]]) -> Dataset:
    size = len(next(iter(columns.values())))
    items = pd.DataFrame({"item_id": range(1, size + 1), **columns})
    return Dataset(Address("own~shop", "whole", "1" * 12), pd.DataFrame(), items)


def test_a_learners_own_products_are_searched(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    names = [f"{colour} {thing}" for colour in ("red", "green", "blue") for thing in ("kettle", "lamp", "chair", "rug",
             "mirror", "shelf", "vase", "clock")]  # fmt: skip
    data = own({"title_en": names})
    monkeypatch.setattr(registry, "load", lambda address: data)
    config = RunConfig("search_kinds", {"dataset": data.address}, experiment_card("search_kinds").check({}), 1, "x")
    folder, events = carried_out(tmp_path, search_kinds, config)
    assert set(events[-1]["table"]) == {"whole", "half", "misspelt"}, "no truth, one language"
    assert value(events, "words") > 0.5
    found = search_kinds.answer(search_kinds.open(folder, None), {"text": "blue lmap", "candidates": 100, "k": 3})
    assert found["meant"] == "blue lamp"
    assert names[found["columns"][-1]["list"][0]["item"] - 1].startswith("blue")


def test_own_data_without_titles_or_searches_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    data = own({"brand": ["x"] * 30})
    monkeypatch.setattr(registry, "load", lambda address: data)
    for name, module, key in (
        ("search_kinds", search_kinds, "no_titles"),
        ("query_encoder", query_encoder, "search_shop"),
        ("click_bias", click_bias, "search_shop"),
    ):
        config = RunConfig(name, {"dataset": data.address}, experiment_card(name).check({}), 1, "x")
        with pytest.raises(CourseError) as caught:
            carried_out(tmp_path, module, config)
        assert caught.value.key == key


def test_no_click_of_a_held_out_query_is_learned() -> None:
    material = Material.make(RunConfig.tiny("query_encoder"))
    for learn_from in ("clicks", "corrected", "truth"):
        query, item, weight = material.pairs(learn_from)
        assert not material.held[query].any()
        assert item.min() >= 0
        assert weight.mean() == pytest.approx(1, abs=1e-5)
    assert len(material.asked.texts) == material.held.sum() == int(0.2 * len(material.held))
    assert material.ever_shown("need")["value"] < 0.1 < material.ever_shown("head")["value"]


def test_matching_by_words_is_the_shops_engine() -> None:
    for name, text in TEXTS.items():
        answer = answer_light("word_match", {"query": name})
        scores = LexicalEngine(shop().catalogue.items).score([text])[0]
        assert [one["item"] for one in answer["list"]] == [
            int(one) + 1 for one in np.argsort(-scores, kind="stable")[:10] if scores[one] > 0
        ]
        for one in answer["list"]:
            assert one["score"] == pytest.approx(float(scores[one["item"] - 1]), rel=1e-4)
            assert one["score"] == pytest.approx(sum(one["parts"]))
