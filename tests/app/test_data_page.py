"""The page "Data" under AppTest: every kind of dataset in both languages, hostile links, others' data, the truth."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lab_stage import Stage
from streamlit.testing.v1 import AppTest

from course_lib.data import registry
from course_lib.data.cards import load_card
from course_lib.data.intake import store
from course_lib.data.intake.pipeline import look, prepare
from course_lib.data.listing import entries
from course_lib.data.overview import Overview, make_overview
from course_lib.settings import load_settings
from course_lib.shop import personas
from course_lib.text import LANGUAGES, text
from course_lib.ui import datasets, services, shell
from course_lib.ui.dataset_card import flowing

PAGE = "../../../pages/data.py"  # as seen from the script that draws the frame
HAN = re.compile(r"[\u4e00-\u9fff]")
ROWS = [
    f"u{user},i{(user * 3 + n) % 7},2024-01-{n + 1:02d} 10:00,<b>Mug {(user * 3 + n) % 7}</b>"
    for user in range(6)
    for n in range(5)
]
CSV = "user_id,item_id,timestamp,title\n" + "\n".join([*ROWS, "u0,i1,yesterday,Mug"]) + "\n"


@pytest.fixture(autouse=True)
def stage(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Stage]:
    """A home of its own, and runs that are told, not trained."""
    monkeypatch.setenv("LIVEREC_HOME", str(tmp_path / "home"))
    stage = Stage()
    settings = load_settings()
    monkeypatch.setitem(services._runs, settings, stage)
    yield stage
    datasets.forget()
    if (kept := services._stores.pop(settings.database_url, None)) is not None:
        kept.close()


def add(tmp_path: Path, name: str, owner: str) -> store.Card:
    """A small file taken in for somebody."""
    path = tmp_path / "orders.csv"
    path.write_text(CSV, encoding="utf-8")
    return store.save(prepare(look(str(path), "none")), name, owner, source="![x](y) my own shop", licence="mine")


def open_data(language: str = "en", **query: str) -> AppTest:
    page = AppTest.from_file(str(shell.FRONT), default_timeout=60)
    page.query_params["lang"] = language
    page.run()
    for name, value in query.items():
        page.query_params[name] = value
    return checked(page.switch_page(PAGE).run())


def checked(page: AppTest) -> AppTest:
    assert not page.exception
    assert not page.error
    return page


def words(page: AppTest) -> str:
    kinds = (page.title, page.header, page.markdown, page.caption, page.info, page.warning)
    return "\n".join(str(element.value) for kind in kinds for element in kind)


def html(page: AppTest) -> str:
    return "\n".join(element.proto.body for element in page.get("html"))


def plots(page: AppTest) -> dict[str, dict[str, Any]]:
    """What the browser is told to draw, by the figure's key."""
    found = {}
    for element in page.get("bidi_component"):
        if element.proto.bytes:
            key = element.proto.id.rpartition("-")[2]
            found[key] = json.loads(gzip.decompress(element.proto.bytes))
    return found


def seen(name: str, size: str) -> Overview:
    return make_overview(registry.load(registry.resolve(name, size)))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("name", "size"), [("shop", "tiny"), ("complete-journey", "small")])
def test_what_comes_with_the_course(language: str, name: str, size: str) -> None:
    page = open_data(language, dataset=name, size=size)
    assert not page.warning
    assert page.title[0].value == text("datasets.title", language)
    assert (page.selectbox(key=datasets.DATASET).value, page.selectbox(key=datasets.SIZE).value) == (name, size)
    card, overview = load_card(name), seen(name, size)
    said = words(page)
    assert all(flowing(section[language].strip()) in said for section in card.sections)
    assert f"**{len(overview.per_shopper):,}**" in said
    assert f"**{overview.events:,}**" in said
    drawn = plots(page)
    assert sum(drawn["datasets_activity"]["wide"]["data"][0]["y"]) == len(overview.per_shopper)
    assert max(drawn["datasets_popularity"]["wide"]["data"][0]["y"]) == overview.per_product.max()
    assert html(page).count('class="product-card"') == 3 * 6 + (name == "shop")  # the truth's own card
    assert (text("datasets.truth", language) in said) == (name == "shop")
    for element in (*page.header, *page.caption):
        assert bool(HAN.search(str(element.value))) == (language == "zh"), element.value
    assert "¥" in html(page) if name == "shop" else "$" in html(page)


@pytest.mark.parametrize("name", ["shop", "complete-journey", "open-bandit"])
def test_chinese_sentences_go_on_where_a_line_of_the_card_ends(name: str) -> None:
    for section in load_card(name).sections:
        lines = flowing(section["zh"].strip()).split("\n")
        for line, after in pairwise(lines):
            if line and after and not re.match(r" *([|#>*+-]|\d+[.)] )", after):
                assert not re.search(r"[，。；：、]$", line), line
                assert not (HAN.match(line[-1]) and HAN.match(after.lstrip()[0])), line
        listed = [line for line in section["zh"].split("\n") if re.match(r"- |\||\d+\. ", line)]
        assert len([line for line in lines if re.match(r"- |\||\d+\. ", line)]) == len(listed)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_dataset_of_the_learners_own(language: str, tmp_path: Path) -> None:
    card = add(tmp_path, "mugs", shell.learner())
    page = open_data(language, dataset=card.key)
    said = words(page)
    assert page.selectbox(key=datasets.DATASET).value == card.key
    assert "mugs" in page.header[0].value
    assert text("datasets.added_rows", language, read="31", kept="30", dropped="1") in said
    assert "mine" in said
    assert r"!\[x\](y) my own shop" in said  # words, not a picture
    assert "yesterday" in said  # why a row was dropped, and where
    assert text("datasets.truth", language) not in said
    assert "&lt;b&gt;Mug" in html(page)
    assert "<b>Mug" not in html(page)
    assert sum(plots(page)["datasets_activity"]["wide"]["data"][0]["y"]) == 6


def test_somebody_elses_dataset_is_told_in_a_sentence_and_not_shown(tmp_path: Path) -> None:
    card = add(tmp_path, "mugs", "bert")
    page = open_data(dataset=card.key)
    assert [one.value for one in page.warning] == [text("errors.link_dataset_gone", "en", name="mugs")]
    assert page.selectbox(key=datasets.DATASET).value == "shop"
    assert card.key not in page.selectbox(key=datasets.DATASET).options
    assert "my own shop" not in words(page)


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ({"dataset": "<script>alert(1)</script>"}, "<script>"),
        ({"dataset": "![x](https://example.com/x.png)"}, r"!\[x\]"),
        ({"dataset": "../../etc/passwd"}, "passwd"),
        ({"dataset": "x" * 5000}, "x" * 60 + "”"),
        ({"dataset": "shop", "size": "huge"}, "huge"),
        ({"dataset": "shop", "size": "$\\infty$"}, r"\$\\infty\$"),
        ({"size": "full"}, "full"),
        ({"dataset": "mugs~12345678"}, "“mugs”"),
        ({"dataset": ""}, None),
    ],
)
def test_a_hostile_link_opens_the_page_with_one_sentence(query: dict[str, str], sentence: str | None) -> None:
    page = open_data(**query)
    told = [one.value for one in page.warning]
    assert len(told) == (sentence is not None)
    assert sentence is None or sentence in told[0]
    assert page.selectbox(key=datasets.DATASET).value == "shop"
    assert page.selectbox(key=datasets.SIZE).value == "small"


def test_the_sentence_goes_when_something_else_is_chosen() -> None:
    page = open_data(dataset="nothing")
    assert page.warning
    page.selectbox(key=datasets.SIZE).set_value("tiny").run()
    assert not checked(page).warning


def test_the_choice_survives_language_and_a_visit_elsewhere_and_stands_in_the_address() -> None:
    page = open_data()
    page.selectbox(key=datasets.DATASET).set_value("complete-journey").run()
    address = [one.proto for one in page.get("bidi_component") if one.proto.id.endswith("-datasets_address")]
    assert json.loads(address[0].json)["query"] == "dataset=complete-journey&size=small&lang=en"
    page.segmented_control(key=shell.SWITCH).set_value("zh").run()
    assert checked(page).selectbox(key=datasets.DATASET).value == "complete-journey"
    assert page.title[0].value == text("datasets.title", "zh")
    page.switch_page("../../../pages/home.py").run()
    page.switch_page(PAGE).run()
    assert checked(page).selectbox(key=datasets.DATASET).value == "complete-journey"
    page.switch_page("../../../pages/home.py").run()
    page.query_params["dataset"], page.query_params["size"] = "shop", "tiny"  # as a link from another page does
    page.switch_page(PAGE).run()
    assert checked(page).selectbox(key=datasets.DATASET).value == "shop"
    assert page.selectbox(key=datasets.SIZE).value == "tiny"


def test_a_dataset_deleted_meanwhile_gives_way(tmp_path: Path) -> None:
    card = add(tmp_path, "mugs", shell.learner())
    page = open_data(dataset=card.key)
    store.remove("mugs", shell.learner())
    datasets.forget()
    page.run()
    assert checked(page).selectbox(key=datasets.DATASET).value == "shop"


def test_a_damaged_dataset_is_one_sentence(tmp_path: Path) -> None:
    card = add(tmp_path, "mugs", shell.learner())
    (store.folder_of("mugs", shell.learner()) / "events.parquet").write_bytes(b"no table at all")
    page = AppTest.from_file(str(shell.FRONT), default_timeout=60)
    page.query_params["lang"] = "en"
    page.run()
    page.query_params["dataset"] = card.key
    page.switch_page(PAGE).run()
    assert not page.exception
    assert [one.value for one in page.error] == [text("errors.intake_damaged", "en", name="mugs")]
    assert text("datasets.all", "en") in words(page)  # the rest of the page stands


def test_other_shoppers_come_by_a_button() -> None:
    page = open_data(dataset="shop", size="tiny")
    five = [f"{one.emoji} {one.name('en')}" for one in personas()]
    assert all(name in words(page) for name in five[:3])
    page.button(key="datasets_others").click().run()
    said = words(checked(page))
    assert all(f"**{name}** ·" in said for name in five[3:])
    assert f"**{five[0]}** ·" not in said


def test_the_truth_of_a_shopper_follows_the_choice() -> None:
    from course_lib.shop.published import shop
    from course_lib.shop.truth.portrait import portrait

    page = open_data(dataset="shop", size="tiny")
    expected = portrait(shop(), 0)
    assert page.slider(key="datasets_when_0").value == len(expected.steps)
    axis = plots(page)["datasets_traits"]["wide"]["data"][0]["x"]
    assert axis == pytest.approx([*expected.taste.tolist(), expected.budget], abs=1e-6)
    page.slider(key="datasets_when_0").set_value(2).run()
    assert f"{expected.steps[1].known[expected.steps[1].item - 1]:.1%}" in html(checked(page))
    page.pills(key="datasets_who").set_value(-1).run()
    page.number_input(key="datasets_number_tiny").set_value(600).run()
    other = portrait(shop(), 599)
    axis = plots(checked(page))["datasets_traits"]["wide"]["data"][0]["x"]
    assert axis == pytest.approx([*other.taste.clip(-3, 3).tolist(), other.budget], abs=1e-6)
    interest = shop().parameters.content["interest"][other.steps[-1].interest]["name_en"]
    assert interest in words(page)


def test_the_other_parts_show_their_truth() -> None:
    page = open_data("zh", dataset="shop", size="tiny")
    drawn = plots(page)
    values = drawn["datasets_policy"]["wide"]["data"][0]["x"]
    assert values == sorted(values)
    assert len(values) == 4
    assert len(drawn["datasets_coupon"]["wide"]["data"][0]["z"][0]) == 4
    assert len(drawn["datasets_position"]["wide"]["data"][0]["y"]) == 3
    grades = drawn["datasets_search"]["wide"]["data"]
    assert [sum(one["x"][place] for one in grades) for place in range(7)] == pytest.approx([1.0] * 7)
    assert np.shape(drawn["datasets_taste"]["wide"]["data"][0]["z"]) == (8, 3)
    assert sum(len(trace["x"]) for trace in drawn["datasets_liking"]["wide"]["data"]) == 84


@pytest.mark.parametrize("name", [name for name, one in registry.built_in().items() if one.load is None])
def test_a_dataset_without_histories_shows_its_tables(name: str) -> None:
    page = open_data(dataset=name)
    assert text("datasets.only_tables", "en") in words(page)
    for table in registry.tables(name):
        rows = len(registry.load_table(registry.resolve(name), table))
        assert text("datasets.table_rows", "en", table=table, rows=f"{rows:,}") in words(page)
    assert "datasets_activity" not in plots(page)


def test_nothing_is_read_twice() -> None:
    address = registry.resolve("shop", "tiny")
    assert datasets.overview(address) is datasets.overview(address)
    datasets.forget()
    assert datasets.known_overview(address) is None


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_table_has_every_dataset(language: str) -> None:
    page = open_data(language, dataset="shop", size="tiny")
    table = next(element.proto.body for element in page.get("html") if "datasets-table" in element.proto.body)
    assert table.count("<tr>") == len(entries()) + 1
    for entry in entries():
        assert all(f"<code>{name}</code>" in table for name in entry.names)
    assert "`" not in table
