"""A product on screen: its name at any length, its price, and a small card of emoji, colour, title, price and one fact.

Titles may come from a learner's own file, so everything is escaped and every colour is checked before it enters HTML.
"""

from __future__ import annotations

import html
import re
import weakref
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from course_lib.data.columns import Columns
from course_lib.figures.base import finite, plotly_text, shorten, width_of, wrap
from course_lib.figures.palette import DEPARTMENTS, Mark, contrast

GREY = "#8a929e"
NO_EMOJI = "📦"


@dataclass(frozen=True)
class Product:
    """What a picture or a card says about one item. ``title`` is raw: escape it for where it goes."""

    item: int
    title: str
    short: str  # the product type where the data has one, else the title: brands come first in titles and say little
    kind: str  # the product type's name, else the department's, else nothing
    emoji: str
    colour: str  # #rrggbb
    department: str  # id
    department_name: str
    price: float | None


def _words(value: Any) -> str:
    return "" if value is None or value is pd.NA or value != value else str(value).strip()


def _in_language(row: Mapping[str, Any], zh: str, en: str, language: str) -> str:
    """The text in that language, else in the other one."""
    first, second = (zh, en) if language == "zh" else (en, zh)
    return _words(row.get(first)) or _words(row.get(second))


class Shelf:
    """An items frame as plain lists, each product made once a language: frames are slow to read cell by cell."""

    def __init__(self, items: pd.DataFrame) -> None:
        self.size = len(items)
        self._cells = {column: items[column].tolist() for column in items.columns if column in _COLUMNS}
        self._products: dict[tuple[int, str], Product] = {}
        self._titles: dict[str, NDArray[np.object_]] = {}
        departments = self._cells.get(Columns.DEPARTMENT, [None] * self.size)
        self.departments = np.array([_words(value) for value in departments], dtype=object)
        names = sorted(set(self.departments.tolist()))
        last = len(DEPARTMENTS) - 1
        self.marks = {name: DEPARTMENTS[min(n, last)] for n, name in enumerate(names)}  # all beyond share the last
        types = [_words(value) for value in self._cells.get(Columns.TYPE, [None] * self.size)]
        order = sorted({(self.departments[row], kind) for row, kind in enumerate(types)})
        number = {key: n for n, key in enumerate(order)}
        # (V,) the number of each product's type, those of one department one after the other.
        self.types = np.array([number[self.departments[row], kind] for row, kind in enumerate(types)], dtype=np.int64)

    def product(self, item: int, language: str) -> Product:
        """One item; see :func:`product`."""
        if not 1 <= item <= self.size:
            raise IndexError(f"item {item} is not in 1..{self.size}")
        if (item, language) not in self._products:
            row = {column: cells[item - 1] for column, cells in self._cells.items()}
            self._products[item, language] = _product(row, item, language)
        return self._products[item, language]

    def titles(self, language: str) -> NDArray[np.object_]:
        """(V,) all titles, safe for Plotly."""
        if language not in self._titles:
            titles = [plotly_text(self.product(item, language).title) for item in range(1, self.size + 1)]
            self._titles[language] = np.array(titles, dtype=object)
        return self._titles[language]


_shelves: dict[int, tuple[weakref.ref[pd.DataFrame], Shelf]] = {}


def shelf(items: pd.DataFrame) -> Shelf:
    """The shelf of a frame, kept as long as the frame lives; items frames are read-only in this course."""
    key = id(items)
    kept = _shelves.get(key)
    if kept is None or kept[0]() is not items:
        kept = (weakref.ref(items, lambda _: _shelves.pop(key, None)), Shelf(items))
        _shelves[key] = kept
    return kept[1]


def product(items: pd.DataFrame, item: int, language: str) -> Product:
    """Item ``item`` (1-based id) of an items frame; missing cells get neutral stand-ins.

    Raises IndexError for an id outside 1..V: that is a bug of the caller, not something a learner can mend.
    """
    return shelf(items).product(int(item), language)


def department_marks(items: pd.DataFrame) -> dict[str, Mark]:
    """A fixed mark for each department id, in order of the id; beyond twelve they share the last mark."""
    return shelf(items).marks


def _product(row: Mapping[str, Any], item: int, language: str) -> Product:
    colour = _words(row.get(Columns.COLOUR))
    department = _words(row.get(Columns.DEPARTMENT))
    title = _in_language(row, Columns.TITLE_ZH, Columns.TITLE_EN, language) or _words(row.get(Columns.CODE))
    title = title or f"#{item}"
    kind = _in_language(row, Columns.TYPE_ZH, Columns.TYPE_EN, language)
    department_name = _in_language(row, Columns.DEPARTMENT_ZH, Columns.DEPARTMENT_EN, language) or department
    return Product(
        item=item,
        title=title,
        short=kind or title,
        kind=kind or department_name,
        emoji=_words(row.get(Columns.EMOJI)) or NO_EMOJI,
        colour=colour if re.fullmatch(r"#[0-9a-fA-F]{6}", colour) else GREY,
        department=department,
        department_name=department_name,
        price=finite(row.get(Columns.PRICE)),
    )


_COLUMNS = frozenset(
    {
        Columns.TITLE_ZH, Columns.TITLE_EN, Columns.CODE, Columns.EMOJI, Columns.COLOUR, Columns.DEPARTMENT,
        Columns.DEPARTMENT_ZH, Columns.DEPARTMENT_EN, Columns.PRICE, Columns.TYPE, Columns.TYPE_ZH, Columns.TYPE_EN,
    }
)  # fmt: skip


def name_lines(name: str, width: int, most: int = 2) -> str:
    """A product's or type's name in at most ``most`` lines of a display width, broken between words; safe for Plotly.

    Every name of the course's own shops fits into two lines of 16; a longer one of a learner's is cut with an ellipsis.
    """
    lines = wrap(name, width)
    lines[most - 1 :] = [" ".join(lines[most - 1 :])]
    return "<br>".join(plotly_text(shorten(line, width)) for line in lines if line)


def label_room(labels: Sequence[str], size: int = 12) -> int:
    """Pixels that the longest line of ``labels`` (Plotly text in type of ``size``) needs beside a picture."""
    lines = [html.unescape(line) for label in labels for line in label.split("<br>")]
    return round(0.55 * size * max((width_of(line) for line in lines), default=0)) + 14


def price_text(price: float | None, currency: str = "¥") -> str:
    """``¥199`` or ``$3.49``; nothing where the price is unknown."""
    if price is None:
        return ""
    return f"{currency}{price:,.0f}" if price == round(price) else f"{currency}{price:,.2f}"


def product_card(one: Product, language: str, fact: str = "", currency: str = "¥") -> str:
    """An HTML card that takes its text colour from the page, so it works in light and dark.

    Args:
        one: from :func:`product`.
        language: "zh" or "en", for screen readers.
        fact: the one thing that matters on this page ("attention 31%"); plain text.
        currency: the sign before the price.
    """
    outline = "#00000055" if contrast(one.colour, "#ffffff") < 1.5 else "transparent"
    small = " · ".join(html.escape(part) for part in (price_text(one.price, currency), fact) if part)
    return (
        f'<div class="product-card" lang="{html.escape(language)}" style="display:flex;gap:.6rem;align-items:center;'
        'padding:.4rem .6rem;border:1px solid #8886;border-radius:.6rem;line-height:1.3;min-width:0">'
        f'<span aria-hidden="true" style="flex:none;display:grid;place-items:center;width:2.4rem;height:2.4rem;'
        f'border-radius:.5rem;border:1px solid {outline};background:{one.colour};font-size:1.35rem">'
        f"{html.escape(one.emoji)}</span>"
        '<span style="min-width:0;overflow-wrap:anywhere">'
        f'<span class="product-title" style="font-weight:600">{html.escape(one.title)}</span>'
        + (f'<br><span class="product-fact" style="font-size:.85em">{small}</span>' if small else "")
        + "</span></div>"
    )


def product_cards(cards: Sequence[str]) -> str:
    """Cards side by side where there is room, one below the other on a phone."""
    inside = "".join(f'<li style="min-width:0">{card}</li>' for card in cards)
    style = "display:grid;grid-template-columns:repeat(auto-fill,minmax(13rem,1fr));gap:.5rem;list-style:none"
    return f'<ul class="product-cards" style="{style};padding:0;margin:0">{inside}</ul>'


def near_rows(found: Mapping[str, Sequence[Product]]) -> str:
    """HTML: a row for each name, its products' faces, and in words how many are of which type; all data is escaped."""
    rows = []
    for name, products in found.items():
        faces = "".join(
            f'<span class="near-face" style="background:{one.colour}" title="{html.escape(one.title, quote=True)}">'
            f"{html.escape(one.emoji)}</span>"
            for one in products
        )
        kinds = Counter(one.kind for one in products).most_common()
        words = " · ".join(f"{html.escape(kind)} {times}" for kind, times in kinds) or "–"
        rows.append(
            f'<div class="near-row"><b>{html.escape(name)}</b><div aria-hidden="true">{faces}</div>'
            f"<small>{words}</small></div>"
        )
    return f'<div class="near-rows">{"".join(rows)}</div>'
