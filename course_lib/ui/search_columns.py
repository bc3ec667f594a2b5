"""The panel of every experiment that a query is put to: a line to type in, and a column of results an engine.

Its answers are those of course_lib/experiments/search_columns.py. What the learner types is text and nothing else:
everything is escaped before it is HTML.
"""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from course_lib.data.registry import currency
from course_lib.experiments.catalogue import LONGEST_LINE
from course_lib.figures.products import price_text, product
from course_lib.figures.shown import Shown
from course_lib.runs.view import RunView, frame_view
from course_lib.ui import asked_settings, shell
from course_lib.ui.lab import Lab
from course_lib.ui.ranked_list import moves
from course_lib.ui.shell import t

EXAMPLES = ("ball", "slip", "gift", "russian", "script")  # queries behind buttons
PLACES = 10


def controls(lab: Lab, view: RunView, place: str) -> None:
    """The line to type in."""

    def write(words: str) -> None:
        lab.update(words=words.strip())
        lab.done("look")

    st.text_input(
        t("search_box.write"),
        placeholder=t("search_box.example_ball"),
        max_chars=LONGEST_LINE,
        help=t("search_box.write_help"),
        **lab.widget(f"words.{place}", lab.state.words, write),
    )


def below(lab: Lab, view: RunView, place: str) -> None:
    """Queries worth trying, a button each, and the choices that need no new run."""
    with st.container(horizontal=True, gap="small"):
        for name in EXAMPLES:
            words = t(f"search_box.example_{name}")
            st.button(words, key=lab.key(f"example.{name}.{place}"), on_click=lab.guarded(_ask, lab, words))
    asked_settings.below(lab, view, place)


def _ask(lab: Lab, words: str) -> None:
    lab.update(words=words)
    lab.done("look")


def shown(lab: Lab, view: RunView, at: int) -> Shown:
    """What the run finds for the learner's query, at first for the ball; raises CourseError where it cannot answer."""
    words = lab.state.words or t("search_box.example_ball")
    asked = {"text": words, "k": PLACES, **asked_settings.given(lab, view)}
    answer = shell.runs().ask(view.run_id, at, asked)
    items = lab.items(view) if view.config is not None and view.config.dataset is not None else None
    return Shown((view,), (), at, frame_view(view.run_id, at), asked, answer, items)


def columns(lab: Lab, now: Shown, before: Mapping[str, Any] | None) -> None:
    """The results side by side, what to say of the query above them, and moves against the frame before."""
    view, answer = now.runs[0], now.answer or {}
    if now.items is None or view.config is None or view.config.dataset is None:
        return
    if answer.get("note"):
        st.caption(t(f"search_box.note_{answer['note']}", text=shell.plain(answer["text"])))
    if answer.get("meant"):
        meant = str(answer["meant"])
        st.button(
            t("search_box.meant", text=shell.plain(meant)), key=lab.key("meant"), on_click=lab.guarded(_ask, lab, meant)
        )
    was = {one["name"]: [entry["item"] for entry in one["list"]] for one in (before or {}).get("columns", ())}
    sign = currency(view.config.dataset.name)
    st.html(columns_html(now.items, answer.get("columns", ()), was, lab.language, sign))


def columns_html(
    items: pd.DataFrame, found: Sequence[Mapping[str, Any]], was: Mapping[str, Sequence[int]], language: str, sign: str
) -> str:
    """HTML of the columns; everything that is data is escaped."""
    parts = []
    for column in found:
        name, rows = str(column["name"]), []
        places = [int(entry["item"]) for entry in column["list"]]
        gone = moves(places, was[name]) if was.get(name) and was[name] != places else [0] * len(places)
        for entry, move in zip(column["list"], gone, strict=True):
            one = product(items, int(entry["item"]), language)
            facts = " · ".join(part for part in (price_text(one.price, sign), reason(entry)) if part)
            rows.append(
                f'<li><span class="search-face" aria-hidden="true" style="background:{one.colour}">'
                f'{html.escape(one.emoji)}</span><span class="search-title">{html.escape(one.title)}'
                f"<small>{html.escape(facts)}{_moved(move)}</small></span></li>"
            )
        body = f"<ol>{''.join(rows)}</ol>" if rows else f"<p>{html.escape(t('search_box.nothing'))}</p>"
        parts.append(f"<section><b>{html.escape(t(f'search_box.column_{name}'))}</b>{body}</section>")
    label = html.escape(t("lab.tab_columns"))
    # In reach of the keyboard: on a phone the columns stand below each other and scroll.
    return f'<div class="search-columns" tabindex="0" role="region" aria-label="{label}">{"".join(parts)}</div>'


def reason(entry: Mapping[str, Any]) -> str:
    """What matched: the words with their part, and how near the meanings are."""
    words = " + ".join(f"{word} {value:.1f}" for word, value in entry.get("words", ()))
    near = f"≈ {entry['near']:.2f}" if "near" in entry else ""
    return " · ".join(part for part in (words, near) if part)


def _moved(places: int | None) -> str:
    if places is None:
        return f" · {html.escape(t('look.new'))}"
    return f" · {'▲' if places > 0 else '▼'}{abs(places)}" if places else ""


def numbers(lab: Lab, now: Shown, before: Mapping[str, Any] | None) -> None:
    """The whole way from the query to the first product of the last column, every number written out."""
    answer = now.answer or {}
    told = answer.get("numbers")
    if not told or now.items is None:
        st.caption(t("search_box.no_numbers"))
        return
    one = product(now.items, int(told["item"]), lab.language)
    parts = told["parts"]
    spread = max(parts["high"] - parts["low"], 1e-9)
    near = max(told["near"] - parts["low"], 0.0) / spread
    rows = [
        (t("search_box.step_query"), html.escape(str(answer["text"]))),
        (t("search_box.step_words"), " · ".join(_word(word, known) for word, known in told["tokens"]) or "–"),
        (
            t("search_box.step_found", title=one.title),
            " + ".join(f"{html.escape(word)} {value:.2f}" for word, value in told["words"]) or "0",
        ),
        (t("search_box.step_vector", width=told["width"]), _vector(told["query"])),
        (t("search_box.step_title", width=told["width"]), _vector(told["product"])),
        (t("search_box.step_near"), f"{told['near']:.3f}"),
    ]
    if told["fusion"] == "weighted":
        rows += [
            (
                t("search_box.step_scaled"),
                f"{parts['found']:.2f} / {parts['highest']:.2f} = {parts['found'] / parts['highest']:.3f}<br>"
                f"({told['near']:.3f} − {parts['low']:.3f}) / ({parts['high']:.3f} − {parts['low']:.3f}) = {near:.3f}",
            ),
            (
                t("search_box.step_sum"),
                f"{1 - parts['weight']:.2f} × {parts['found'] / parts['highest']:.3f} + {parts['weight']:.2f} × "
                f"{near:.3f} = <b>{parts['score']:.3f}</b>",
            ),
        ]
    else:
        rows.append((t("search_box.step_ranks"), f"<b>{parts['score']:.4f}</b>"))
    body = "".join(f'<tr><th scope="row">{html.escape(name)}</th><td>{value}</td></tr>' for name, value in rows)
    st.html(f'<div class="lab-table search-numbers"><table>{body}</table></div>')


def _word(word: str, known: bool) -> str:
    return f"<b>{html.escape(word)}</b>" if known else f"<s>{html.escape(word)}</s>"


def _vector(values: Sequence[float]) -> str:
    return html.escape(", ".join(f"{value:.3f}" for value in values) + ", …")


VIEWS = {"columns": columns, "numbers": numbers}


def views(lab: Lab) -> dict[str, Any]:
    """The way of the numbers is told by the engines that nobody trained."""
    return VIEWS if lab.plan.experiment == "search_kinds" else {"columns": columns}
