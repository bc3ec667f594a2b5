"""Reasons and whether they are true: the checker against planted claims, templates, training, and refusals."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as some

from course_lib.data import registry
from course_lib.errors import CourseError
from course_lib.evaluation.true_reasons import Facts, check_reasons, is_true
from course_lib.experiments import reasons
from course_lib.experiments.config import RunConfig
from course_lib.experiments.events import Event, Folder
from course_lib.explain.reason_texts import every_reason, write_reasons

SMALL = {"epochs": 1, "width": 64, "layers": 2}


@cache
def catalogue() -> pd.DataFrame:
    return registry.load_items(registry.resolve("shop", "tiny"))


@cache
def facts(language: str) -> Facts:
    return Facts.of(catalogue(), language)


def told(home: Path, seed: int = 1, **settings: Any) -> list[Event]:
    config = RunConfig.make("reasons", {"dataset": ("shop", "tiny")}, {**SMALL, **settings}, seed=seed)
    home.mkdir(parents=True, exist_ok=True)
    (home / "config.json").write_text(config.to_json(), encoding="utf-8")
    events = list(reasons.run(config, Folder(home)))
    assert events[-1]["kind"] == "result"
    return events


def value(events: list[Event], name: str) -> float:
    return float(events[-1]["measures"][name]["value"])


def first(kind: str) -> int:
    """The first product of a type."""
    return int((catalogue()["product_type"] == kind).to_numpy().argmax()) + 1


def read(text: str, item: int, language: str) -> dict[str, list[bool]]:
    found: dict[str, list[bool]] = {}
    for claim in facts(language).check(text, item):
        found.setdefault(claim.kind, []).append(claim.true)
    return found


# The checker


def planted() -> tuple[int, str, str, str, float]:
    item = first("basketball")
    row = item - 1
    price = facts("en").prices[row]
    assert price is not None
    return item, facts("en").brands[row], facts("zh").brands[row], facts("en").lines[row], price


def test_planted_claims_are_read_in_both_languages() -> None:
    item, brand, brand_zh, line, price = planted()
    english = f"{brand}'s {line} basketball, from the Sports department, at about {price:.0f} yuan"
    everything = {"brand": [True], "feature": [True], "type": [True], "department": [True], "price": [True]}
    assert read(english, item, "en") == everything
    chinese = f"{brand_zh}的篮球，运动类，约{price:.0f}元"
    assert read(chinese, item, "zh") == {one: [True] for one in ("brand", "type", "department", "price")}


def test_false_claims_are_found_out_in_both_languages() -> None:
    item, brand, brand_zh, _, price = planted()
    other = next(one for one in facts("en").brands if one and one != brand)
    other_zh = next(one for one in facts("zh").brands if one and one != brand_zh)
    english = f"{other}'s basketball shoes, from the garden department, at about {2 * price:.0f} yuan"
    assert read(english, item, "en") == {one: [False] for one in ("brand", "type", "department", "price")}
    chinese = f"{other_zh}的篮球鞋，园艺类，约{2 * price:.0f}元"
    assert read(chinese, item, "zh") == {one: [False] for one in ("brand", "type", "department", "price")}


@pytest.mark.parametrize(
    ("text", "language", "true"),
    [
        ("under {more} yuan", "en", True), ("less than {less} yuan", "en", False), ("over {less} yuan", "en", True),
        ("between {less} and {more} yuan", "en", True), ("{more} to 9,000 yuan", "en", False), ("¥{price}", "en", True),
        ("between ¥{less} and ¥{more}", "en", True), ("a {price}-yuan ball for under ${less}", "en", None),
        ("¥{more}–￥9,000", "zh", False),
        ("不到{more}元", "zh", True), ("{less}元以下", "zh", False), ("{less}元以上", "zh", True),
        ("{less}到{more}元", "zh", True), ("{more}-9,000元之间", "zh", False), ("￥{price}", "zh", True),
        ("{price}块钱左右", "zh", True),
    ],
)  # fmt: skip
def test_prices_in_the_forms_that_people_use(text: str, language: str, true: bool | None) -> None:
    item, *_, price = planted()
    said = text.format(price=f"{price:.1f}", less=f"{0.5 * price:.0f}", more=f"{1.5 * price:.0f}")
    assert read(said, item, language)["price"] == ([true] if true is not None else [True, False]), said


def test_names_inside_other_names_are_no_claims() -> None:
    """篮球鞋 is no 篮球, "cat litter, green tea" no tea, and 6号 is not in 16号."""
    shoes = first("basketball_shoes")
    assert read("篮球鞋", shoes, "zh") == {"type": [True]}
    assert read("basketball shoes", shoes, "en") == {"type": [True]}
    assert read("16号", first("basketball"), "zh") == {}
    scented = next(n for n, title in enumerate(facts("en").titles, 1) if "cat litter, green tea" in title)
    assert read("cat litter, green tea", scented, "en") == {"type": [True], "feature": [True]}


@pytest.mark.parametrize("text", ["", "a great choice, you will love it", "值得拥有，不会后悔", "\n\n", "🏀" * 50])
def test_praise_and_rubbish_claim_nothing_and_are_not_true(text: str) -> None:
    for language in ("zh", "en"):
        claims = facts(language).check(text, 1)
        assert claims == []
        assert not is_true(claims)


@given(some.text(max_size=200), some.sampled_from(["zh", "en"]))
def test_any_text_can_be_checked(text: str, language: str) -> None:
    for claim in facts(language).check(text, 1):
        assert claim.said


def test_shares_of_any_writers_texts() -> None:
    item, *_ = planted()
    found = check_reasons({item: "a basketball", item + 1: "a wok", item + 2: "wonderful"}, catalogue(), "en")
    assert {name: round(one["value"], 3) for name, one in found.items()} == {
        "true": 0.333, "unreadable": 0.333, "claims": 0.667, "true_type": 0.5
    }  # fmt: skip
    assert found["true"]["low"] <= 1 / 3 <= found["true"]["high"]
    with pytest.raises(CourseError) as caught:
        check_reasons({10**6: "a basketball"}, catalogue(), "en")
    assert caught.value.key == "unknown_items"
    with pytest.raises(CourseError) as caught:
        check_reasons({}, catalogue(), "zh")
    assert caught.value.key == "reasons_no_texts"


# Templates


@given(some.integers(1, 1260), some.sampled_from(["zh", "en"]))
def test_every_template_is_true_of_its_product(item: int, language: str) -> None:
    texts = every_reason(facts(language), item)
    assert len(texts) >= 4
    for text in texts:
        claims = facts(language).check(text, item)
        assert is_true(claims), (text, claims)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_noise_makes_as_many_wrong_as_asked_and_the_checker_finds_them(language: str) -> None:
    rng = np.random.default_rng(0)
    wrong = found = 0
    for item in range(1, 1261, 5):
        texts, careless = write_reasons(facts(language), item, 4, rng, noise=0.5)
        wrong += careless
        found += sum(not is_true(facts(language).check(text, item)) for text in texts)
    assert 0.4 < wrong / (252 * 4) < 0.55
    assert 0.85 * wrong <= found <= wrong, "a price near enough, or a feature that both have, stays true"


# Training


def test_training_makes_reasons_true_and_says_what_it_made(tmp_path: Path) -> None:
    events = told(tmp_path, epochs=2)
    frames = [event for event in events if event["kind"] == "frame"]
    assert events[0]["kind"] == "plan"
    assert frames[0]["true"] <= 0.05
    assert frames[-1]["true"] > 0.3
    assert frames[-1]["loss"] < frames[0]["loss"] / 5
    assert value(events, "true_type_new") > 0.8
    assert value(events, "unreadable") < 0.1
    assert value(events, "wrong_learned") == 0
    item = first("basketball")
    asked = {"items": [item], "k": 3}
    artefact = reasons.open(tmp_path, None)
    answer = reasons.answer(artefact, asked)
    [reason] = answer["reasons"]
    assert answer["item"] == item
    assert reason["claims"]
    assert item not in [one["item"] for one in answer["near"]]
    for one in answer["near"]:  # what stands near is what the text fits
        assert is_true(artefact.facts.check(reason["text"], one["item"]))
    again = reasons.answer(reasons.open(tmp_path, len(frames) - 1), asked)
    assert again == answer
    assert reasons.answer(reasons.open(tmp_path, 0), asked)["reasons"] != answer["reasons"]
    assert reasons.answer(artefact, {"items": [], "k": 3}) == {"item": None, "near": [], "reasons": []}
    with pytest.raises(CourseError, match="9999"):
        reasons.answer(artefact, {"items": [9999], "k": 3})


def test_a_number_says_nothing_of_a_new_product(tmp_path: Path) -> None:
    by_title = told(tmp_path / "title", input="title", epochs=2)
    by_number = told(tmp_path / "number", input="number")
    assert value(by_number, "true_new") <= 0.1
    assert value(by_number, "unreadable_new") <= 0.2, "it reads well, and is invented"
    assert value(by_number, "true_type_new") < 0.2 < 0.7 < value(by_title, "true_type_new")


def test_the_same_seed_writes_the_same(tmp_path: Path) -> None:
    tiny = {"width": 16, "layers": 1}
    views = [Folder(tmp_path / name).view(3) for name in ("a", "b") if told(tmp_path / name, **tiny)]
    assert views[0] == views[1]
    warm = [told(tmp_path / f"warm{n}", temperature=1.0, **tiny)[-1]["measures"]["true"] for n in (1, 2)]
    assert warm[0] == warm[1]
    drawn = reasons.answer(reasons.open(tmp_path / "warm1", None), {"items": [1], "k": 5})["reasons"]
    assert len({one["text"] for one in drawn}) == len(drawn) > 1


# Refusals


def refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, items: pd.DataFrame, **settings: Any) -> CourseError:
    monkeypatch.setattr(registry, "load_items", lambda address: items)
    with pytest.raises(CourseError) as caught:
        told(tmp_path, **settings)
    assert caught.value.text("zh") != caught.value.text("en")
    return caught.value


def test_what_cannot_be_learned_from_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    items = catalogue()
    types = [name for name in items if str(name).startswith("product_type")]
    for part, settings, key in (
        (items.assign(title_en=""), {"language": "en"}, "reasons_no_titles"),
        (items.drop(columns="title_zh"), {"language": "zh"}, "reasons_no_titles"),
        (items.drop(columns=types), {}, "reasons_no_attributes"),
        (items.head(20), {}, "reasons_few_products"),
        (items.head(0), {}, "reasons_few_products"),
        (items.assign(title_zh=[*items["title_zh"].head(9), *[""] * (len(items) - 9)]), {}, "reasons_few_products"),
    ):
        assert refused(tmp_path, monkeypatch, part, **settings).key == key


def test_a_catalogue_with_little_in_it_is_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No brand, no price, no department: reasons say less and are checked all the same."""
    bare = catalogue()[["item_id", "title_zh", "product_type", "product_type_zh"]].head(60)
    monkeypatch.setattr(registry, "load_items", lambda address: bare)
    events = told(tmp_path, width=16)
    assert "true_price" not in events[-1]["measures"]
    assert "true_brand" not in events[-1]["measures"]
    for item in range(1, 61):
        for text in every_reason(Facts.of(bare, "zh"), item):
            assert is_true(Facts.of(bare, "zh").check(text, item)), text


@given(some.floats(1, 20_000), some.sampled_from(["zh", "en"]), some.sampled_from(["¥", "$"]))
def test_every_price_is_told_truly(price: float, language: str, currency: str) -> None:
    one = Facts.of(catalogue().head(1).assign(price=price), language, currency)
    for text in every_reason(one, 1):
        claims = one.check(text, 1)
        assert is_true(claims), (text, claims)
        assert ("美元" in text or "dollars" in text) is (currency == "$" and "price" in {c.kind for c in claims})


def test_a_rate_that_is_too_high_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from course_lib.models.reason_writer import SmallWriter

    losses = SmallWriter.losses
    monkeypatch.setattr(SmallWriter, "losses", lambda self, pairs: losses(self, pairs) * float("nan"))
    monkeypatch.setattr(reasons.Lab, "held_out_loss", lambda self, each=1: {"value": 1.0})
    with pytest.raises(CourseError) as caught:
        told(tmp_path)
    assert caught.value.key == "reasons_diverged"
