"""Every dataset that the course can use as a table; on a phone each row becomes a block with its own labels."""

from __future__ import annotations

import html
import re

import streamlit as st

from course_lib.data.listing import ALL, COLUMNS, Entry, entries
from course_lib.ui import shell
from course_lib.ui.shell import t


def dataset_table() -> None:
    """Dataset, size, licence, how to get it, which lessons it serves."""
    st.html(table_html())


def table_html() -> str:
    """The table; static/datasets.css lays it out."""
    titles = {lesson.id: lesson.title(shell.language()) for lesson in shell.lessons()}
    heads = [t(f"datasets.{column}") for column in COLUMNS]
    head = "".join(f'<th scope="col">{html.escape(name)}</th>' for name in heads)
    rows = "".join(
        "<tr>"
        + "".join(
            f'<td data-label="{html.escape(name)}">{cell}</td>'
            for name, cell in zip(heads, _cells(entry, titles), strict=True)
        )
        + "</tr>"
        for entry in entries()
    )
    return f'<table class="datasets-table"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'


def _cells(entry: Entry, lessons: dict[str, str]) -> list[str]:
    lang = shell.language()
    title = html.escape(entry.titles[lang])
    if entry.url:
        title = f'<a href="{html.escape(entry.url)}" target="_blank" rel="noopener noreferrer">{title}</a>'
    names = " ".join(f"<code>{html.escape(name)}</code>" for name in entry.names)
    served = t("datasets.all_lessons")
    if ALL not in entry.lessons:
        served = t("datasets.join").join(lessons[lesson] for lesson in entry.lessons)
    texts = [entry.sizes[lang], entry.licences[lang], entry.gets[lang], served]
    return [f"{title}<br>{names}" if names else title, *map(_code, texts)]


def _code(words: str) -> str:
    """Escaped, with what stands between backticks as code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(words))
