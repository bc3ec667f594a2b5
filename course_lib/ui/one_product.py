"""The panel of every experiment that is asked about products: choose one, and see what the run puts near it.

An experiment whose ASKS has ``items`` answers with ``near``: entries with ``item``, best first. What each entry says of
itself is the sentence ``<experiment>.near``, filled with the entry's own fields. One whose ASKS has ``text`` as well is
asked about a line of text instead, where the learner has typed one.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from course_lib.data.columns import Columns
from course_lib.data.dataset import Address
from course_lib.errors import CourseError
from course_lib.experiments.catalogue import LONGEST_LINE
from course_lib.figures.products import near_rows, product
from course_lib.figures.shown import Shown
from course_lib.runs.view import RunView, frame_view
from course_lib.text import strings
from course_lib.ui import shell
from course_lib.ui.lab import Lab
from course_lib.ui.product_search import items_of, search
from course_lib.ui.ranked_list import ranked_list
from course_lib.ui.shell import t

FIRST = "basketball"  # the type that every lesson begins with
OFFERED = 300  # products to choose from without typing
NEAR = 10


def controls(lab: Lab, view: RunView, place: str) -> None:
    """The product asked about: one of each type to choose from, any other one by typing words of its title.

    Below it, where the experiment reads text, a line for a title of the learner's own.
    """
    address = view.config.dataset if view.config is not None else None
    if address is None:
        return
    items, now = lab.items(view), chosen(lab, view)
    options: list[int | str] = list(dict.fromkeys((now, *one_of_each_type(address))))

    def change(picked: int | str) -> None:
        found = [picked] if isinstance(picked, int) else search(address, picked, 1)
        if not found:
            raise CourseError("no_product_found", words=str(picked))
        lab.update(history=(found[0],), words="")
        lab.done("look")

    def write(words: str) -> None:
        lab.update(words=words.strip())
        lab.done("look")

    st.selectbox(
        t("one_product.choose"),
        format_func=lambda one: title_of(items, one, lab.language),
        accept_new_options=True,
        help=t("one_product.choose_help"),
        **lab.widget(f"product.{place}", now, change, options),
    )
    if "text" in lab.plan.card.asks:
        st.text_input(
            t("one_product.write"),
            placeholder=t("one_product.write_example"),
            max_chars=LONGEST_LINE,
            **lab.widget(f"words.{place}", lab.state.words, write),
        )


def chosen(lab: Lab, view: RunView) -> int:
    """The product asked about: the learner's, else the first ball, else the first product."""
    items = lab.items(view)
    history = [item for item in lab.state.history or () if item <= len(items)]
    return history[-1] if history else _first(items)


def asked(lab: Lab, view: RunView) -> dict[str, Any]:
    """The question to a run: the learner's product, or the line that stands instead of it."""
    words = {"text": lab.state.words} if "text" in lab.plan.card.asks else {}
    return {"items": [chosen(lab, view)], "k": NEAR, **words}


def shown(lab: Lab, view: RunView, at: int) -> Shown:
    """The product and what the run puts near it at this frame; raises CourseError where it cannot answer."""
    question = asked(lab, view)
    answer = shell.runs().ask(view.run_id, at, question)
    history = () if question.get("text") else tuple(question["items"])
    return Shown(
        (view,), (), at, frame_view(view.run_id, at), answer={"history": history, **answer}, items=lab.items(view)
    )


def near(lab: Lab, now: Shown, before: Mapping[str, Any] | None) -> None:
    """What stands near the product as cards, with moves against the frame before."""
    view, answer = now.runs[0], now.answer or {}
    if now.items is None or view.config is None or view.config.dataset is None:
        return
    name = view.config.experiment
    known = strings(lab.language)
    if f"{name}.own" in known:
        st.caption(known[f"{name}.own"].format(**_in_words(name, answer, known)))
    top = [
        {"item": entry["item"], "fact": t(f"{name}.near", **_in_words(name, entry, known))} for entry in answer["near"]
    ]
    if not top:
        st.caption(t("one_product.nothing"))
        return
    gone = [entry["item"] for entry in before["near"]] if before else None
    st.html(ranked_list(now.items, top, lab.language, view.config.dataset.name, gone))


VIEWS = {"near": near}


def views(lab: Lab) -> dict[str, Any]:
    """The drawings that this experiment has words for: its ``near`` may be beside the point, and then has none."""
    return VIEWS if f"{lab.plan.experiment}.near" in strings(lab.language) else {}


def side_by_side(lab: Lab, shown: Shown) -> None:
    """What each finished run of a lab that compares puts near one product: a row a run, a face a product."""
    ended = [(view, name) for view, name in zip(shown.runs, shown.names, strict=True) if view.state == "finished"]
    if not ended:
        st.caption(t("one_product.to_come"))
        return
    controls(lab, ended[0][0], "compare")
    items = lab.items(ended[0][0])
    found = {}
    for view, name in ended:
        with shell.boundary():
            near = shell.runs().ask(view.run_id, None, asked(lab, view))["near"]
            found[name] = [product(items, entry["item"], lab.language) for entry in near]
    st.html(near_rows(found))


COMPARED = {"near": side_by_side}


def _in_words(name: str, fields: Mapping[str, Any], known: Mapping[str, str]) -> dict[str, Any]:
    """Fields of an answer as one reads them aloud: codes as ``12-7-33``, words in the reader's language."""
    words: dict[str, Any] = {}
    for key, value in fields.items():
        codes = isinstance(value, list) and all(isinstance(one, int) for one in value)
        words[key] = "-".join(map(str, value)) if codes else value
        if isinstance(value, str):
            words[key] = known.get(f"{name}.{value}", value)
    return words


def title_of(items: pd.DataFrame, one: int | str, language: str) -> str:
    """A product's face and title; words that somebody has typed as they are."""
    if isinstance(one, str):
        return one
    found = product(items, one, language)
    return f"{found.emoji} {found.title}"


@functools.lru_cache(maxsize=16)
def one_of_each_type(address: Address) -> tuple[int, ...]:
    """The first product of each type, in the catalogue's order; the first OFFERED where there are no types."""
    items = items_of(address)
    if Columns.TYPE not in items or items[Columns.TYPE].isna().all():
        return tuple(range(1, min(len(items), OFFERED) + 1))
    first = ~items[Columns.TYPE].duplicated() & items[Columns.TYPE].notna()
    return tuple(int(row) + 1 for row in first.to_numpy().nonzero()[0][:OFFERED])


def _first(items: pd.DataFrame) -> int:
    """The first ball of the shop; elsewhere the first product."""
    types = items[Columns.TYPE].tolist() if Columns.TYPE in items else []
    return types.index(FIRST) + 1 if FIRST in types else 1
