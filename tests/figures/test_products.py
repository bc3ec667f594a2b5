"""Product cards: everything from a file is escaped, missing cells are mended, colours are checked."""

from __future__ import annotations

import gc
import re
import tomllib
from html.parser import HTMLParser
from typing import Any

import pandas as pd
import pytest

from course_lib.data.columns import Columns
from course_lib.data.registry import load, resolve
from course_lib.figures.attention import NARROW_NAME
from course_lib.figures.lists import EVENT_NAME, NARROW_TITLE, TITLE
from course_lib.figures.products import (
    NO_EMOJI,
    _shelves,
    department_marks,
    label_room,
    name_lines,
    price_text,
    product,
    product_card,
    product_cards,
    shelf,
)  # fmt: skip
from course_lib.settings import PROJECT


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.words = ""

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.words += data


def read(html: str) -> Tags:
    parser = Tags()
    parser.feed(html)
    return parser


def test_card_shows_title_price_and_fact(items: pd.DataFrame) -> None:
    card = read(product_card(product(items, 1, "zh"), "zh", fact="注意力 31%"))
    assert card.words == "🏀商品1号¥10 · 注意力 31%"


def test_card_escapes_everything(make: Any) -> None:
    items = make.items()
    items.loc[2, "emoji"] = "<i>"
    items.loc[2, "colour"] = 'red;"><script>'
    card = read(product_card(product(items, 3, "en"), 'en"><script>', fact="<u>", currency="<s>"))
    assert set(card.tags) == {"div", "span", "br"}
    assert make.evil in card.words
    assert "<u>" in card.words


def test_missing_cells_get_stand_ins() -> None:
    items = pd.DataFrame({"title_zh": ["", None], "title_en": ["Ball", float("nan")], "price": [None, 3.5]})
    ball, nameless = product(items, 1, "zh"), product(items, 2, "zh")
    assert (ball.title, ball.short, ball.price, ball.emoji) == ("Ball", "Ball", None, NO_EMOJI)
    assert nameless.title == "#2"
    assert read(product_card(ball, "zh")).words == f"{NO_EMOJI}Ball"
    with pytest.raises(IndexError, match="item 0"):
        product(items, 0, "en")
    with pytest.raises(IndexError, match=r"1\.\.2"):
        product(items, 3, "en")


def test_a_name_is_whole_in_two_lines_and_only_the_longest_are_cut() -> None:
    assert name_lines("basketball shoes", 16) == "basketball shoes"
    assert name_lines("basketball shoes", 11) == "basketball<br>shoes"
    assert name_lines("手冲滤杯套装", 11) == "手冲滤杯套<br>装"
    assert name_lines("fish & <b>chips</b>", 30) == "fish &amp; &lt;b&gt;chips&lt;/b&gt;"
    assert name_lines("one two three four five", 9) == "one two<br>three fo…"
    assert name_lines("one two three", 20, most=1) == "one two three"


@pytest.mark.parametrize(
    ("file", "width"), [("shop/catalogue.toml", EVENT_NAME), ("complete_journey/names.toml", NARROW_NAME)]
)
def test_every_product_type_of_the_course_has_its_whole_name_even_on_a_phone(file: str, width: int) -> None:
    names: list[str] = []
    todo: list[Any] = [tomllib.loads((PROJECT / "data" / file).read_text(encoding="utf-8"))]
    while todo:
        one = todo.pop()
        todo += one.values() if isinstance(one, dict) else one if isinstance(one, list) else []
        if isinstance(one, dict) and "emoji" in one:
            names += [value for key, value in one.items() if re.fullmatch(r"(?:name_|type_)?(?:zh|en)", key)]
    assert len(names) > 160
    assert not [name for name in names if "…" in name_lines(name, width)]


@pytest.mark.parametrize("room", [TITLE, NARROW_TITLE])
def test_every_title_of_the_shop_stands_whole_beside_a_list(room: tuple[int, int]) -> None:
    world = load(resolve("shop", "tiny")).items
    titles = [*world[Columns.TITLE_ZH], *world[Columns.TITLE_EN]]
    assert len(titles) > 100
    assert [title for title in titles if "…" in name_lines(title, *room)] == []


def test_labels_get_the_room_of_their_longest_line() -> None:
    assert label_room(["ab", "abcdefgh<br>ab"]) == label_room(["abcdefgh"]) > label_room(["ab"])
    assert label_room(["a &lt; b"]) == label_room(["a < b"])
    assert label_room([]) < 20


def test_prices() -> None:
    assert price_text(1299.0) == "¥1,299"
    assert price_text(3.49, "$") == "$3.49"
    assert price_text(None) == ""


def test_marks_do_not_depend_on_row_order(items: pd.DataFrame) -> None:
    assert department_marks(items) == department_marks(items.iloc[::-1].reset_index(drop=True))
    assert len({mark.light for mark in department_marks(items).values()}) == 3


def test_a_shelf_lives_as_long_as_its_frame(make: Any) -> None:
    items = make.items()
    key = id(items)
    assert shelf(items) is shelf(items)
    del items
    gc.collect()
    assert key not in _shelves


def test_cards_form_a_list(items: pd.DataFrame) -> None:
    html = product_cards([product_card(product(items, n, "en"), "en") for n in (1, 2)])
    assert read(html).tags.count("li") == 2
