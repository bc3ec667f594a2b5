"""Product cards: everything from a file is escaped, missing cells are mended, colours are checked."""

from __future__ import annotations

import gc
from html.parser import HTMLParser
from typing import Any

import pandas as pd
import pytest

from course_lib.figures.products import (
    NO_EMOJI,
    _shelves,
    department_marks,
    price_text,
    product,
    product_card,
    product_cards,
    shelf,
    short_label,
)  # fmt: skip


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


def test_short_label_names_the_type(items: pd.DataFrame) -> None:
    assert short_label(product(items, 1, "en"), 20) == "🏀 type 0"
    assert short_label(product(items, 1, "en"), 5) == "🏀 type…"


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
