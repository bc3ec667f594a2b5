"""The history editor: one component that shows a history as product cards in order and lets the learner change it.

The browser shows an edit at once and sends the whole new order; Python checks it, keeps it in the lab's state (and so
in the link) and draws the list that follows. Titles travel as data and are written with ``textContent``.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from course_lib.course.lab_state import HISTORY_LIMIT, check_history
from course_lib.data.columns import Columns
from course_lib.data.dataset import Address
from course_lib.data.registry import currency
from course_lib.errors import CourseError
from course_lib.figures.products import price_text, product
from course_lib.ui.component import component
from course_lib.ui.lab import Lab
from course_lib.ui.product_search import items_of, search
from course_lib.ui.shell import guarded, t, told
from course_lib.ui.this_run import once

FOUND = 6  # products offered by the search
WORDS = (
    "add", "placeholder", "list", "moved", "removed", "added", "earlier", "later", "remove", "empty", "add_one",
    "nothing",
)  # fmt: skip
OF_A_BASKET = ("list", "moved", "removed", "added", "empty", "add_one")  # of these, those that name what is edited


def shuffled(history: Sequence[int]) -> tuple[int, ...]:
    """``history`` in another order, where there is one."""
    order = list(history)
    for _ in range(20):  # a shuffle of two products leaves them as they are half of the time
        random.shuffle(order)
        if order != list(history):
            break
    return tuple(order)


def history_editor(lab: Lab, address: Address, history: Sequence[int], basket: bool = False) -> None:
    """Draws the editor; an edit changes ``lab.state.history`` before the next run of the surrounding fragment.

    Args:
        lab: whose state the edit goes into.
        address: the dataset of the run on show.
        history: what is in the history now, oldest first.
        basket: whether what is edited is called a basket.
    """
    key = lab.key("editor")
    items = items_of(address)
    memory = _memory(lab)
    query = str(_sent(key).get("query") or "")[:80]
    found = search(address, query, FOUND)

    def edited() -> None:
        edit = _sent(key).get("edit")
        if not isinstance(edit, Mapping) or edit.get("base") != memory["base"]:
            return  # an edit to a history that has been replaced since
        try:
            checked = check_history(edit.get("history", []), len(items))
        except CourseError as error:
            lab.troubles.append(error)
            return
        memory["turn"] = int(edit.get("turn", 0))
        lab.update(history=checked)
        lab.done("look")

    component("history_editor")(
        key=key,
        data={
            "items": [card(items, item, address.name, lab.language) for item in history],
            "results": [card(items, item, address.name, lab.language) for item in found],
            "query": query,
            "base": memory["base"],
            "turn": memory["turn"],
            "limit": HISTORY_LIMIT,
            "words": {
                name: t(f"look.basket_{name}" if basket and name in OF_A_BASKET else f"look.editor_{name}")
                for name in WORDS
            },
        },
        on_edit_change=guarded(edited, key),
        on_query_change=lambda: None,
    )
    told(key)


def replace_history(lab: Lab, history: Sequence[int] | None) -> None:
    """Puts another history into the editor from outside it: reset, shuffle, another shopper."""
    memory = _memory(lab)
    memory["base"] += 1
    memory["turn"] = 0
    lab.update(history=None if history is None else tuple(history))


def card(items: pd.DataFrame, item: int, dataset: str, language: str) -> dict[str, Any]:
    """What the component shows of one product; plain text throughout."""
    one = product(items, item, language)
    kind = items[Columns.TYPE_ZH if language == "zh" else Columns.TYPE_EN].iat[item - 1]  # the title holds the brand
    sign = once(("currency", dataset), lambda: currency(dataset))
    details = (kind, price_text(one.price, sign))
    return {
        "id": int(item),
        "title": one.title,
        "detail": " · ".join(str(part) for part in details if isinstance(part, str) and part),
        "emoji": one.emoji,
        "colour": one.colour,
    }


def _memory(lab: Lab) -> dict[str, int]:
    """``base`` counts histories put in from outside, ``turn`` the edits made to the present one."""
    memory: dict[str, int] = st.session_state.setdefault(lab.key("editor.memory"), {"base": 0, "turn": 0})
    return memory


def _sent(key: str) -> Mapping[str, Any]:
    """What the component has sent so far."""
    sent = st.session_state.get(key)
    return sent if isinstance(sent, Mapping) else {}
