"""A recommendation list as product cards: rank, probability, and how far each product has moved."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from course_lib.data.registry import currency
from course_lib.figures.products import product, product_card
from course_lib.text import text


def moves(top: Sequence[int], before: Sequence[int]) -> list[int | None]:
    """For each product how many places it went up since ``before`` (down is negative); None where it is new.

    >>> moves([7, 5, 9], [5, 6, 7])
    [2, -1, None]
    """
    was = {item: rank for rank, item in enumerate(before)}
    return [was[item] - rank if item in was else None for rank, item in enumerate(top)]


def ranked_list(
    items: pd.DataFrame,
    top: Sequence[Mapping[str, Any]],
    language: str,
    dataset: str,
    before: Sequence[int] | None = None,
    target: int | None = None,
) -> str:
    """HTML of a list; everything that is data is escaped.

    Args:
        items: items frame.
        top: entries with ``item``, best first, and ``p``, its probability, or ``fact``, any other words on it.
        language: "zh" or "en".
        dataset: decides the currency.
        before: the list to compare with, best first; None draws no moves.
        target: the product that was really bought next; it gets a star.
    """
    gone = moves([entry["item"] for entry in top], before) if before is not None else []
    rows, sign = [], currency(dataset)
    for place, entry in enumerate(top):
        item = int(entry["item"])
        facts = [entry["fact"]] if entry.get("fact") else []
        if entry.get("p") is not None:
            facts.append(text("look.probability", language, p=f"{100 * entry['p']:.1f}"))
        fact = " · ".join([*facts, *([text("look.really_bought", language)] if item == target else [])])
        card = product_card(product(items, item, language), language, fact, sign)
        move = _move(gone[place], language) if gone else ""
        mark = " lab-target" if item == target else ""
        rows.append(f'<li class="lab-rank{mark}"><span class="lab-place">{place + 1}</span>{card}{move}</li>')
    return f'<ol class="lab-list" aria-label="{html.escape(text("look.list_label", language))}">{"".join(rows)}</ol>'


def _move(places: int | None, language: str) -> str:
    """A small sign beside the card, with words for those who do not see it."""
    if places is None:
        kind, sign, words = "new", text("look.new", language), text("look.move_new", language)
    elif places > 0:
        kind, sign, words = "up", f"▲{places}", text("look.move_up", language, places=places)
    elif places < 0:
        kind, sign, words = "down", f"▼{-places}", text("look.move_down", language, places=-places)
    else:
        kind, sign, words = "same", "=", text("look.move_same", language)
    label = html.escape(words)
    opening = f'<span class="lab-move lab-move-{kind}" role="img" aria-label="{label}" title="{label}">'
    return f"{opening}{html.escape(sign)}</span>"
