"""A dataset's card on the page: where it comes from, under which licence, how it was made, what to keep in mind."""

from __future__ import annotations

import re

import streamlit as st

from course_lib.data.cards import load_card
from course_lib.data.intake import store
from course_lib.data.listing import entry_of
from course_lib.ui import shell
from course_lib.ui.datasets import Choice
from course_lib.ui.make_shop_words import made_of
from course_lib.ui.receipts import local_clock
from course_lib.ui.shell import t
from course_lib.ui.upload_words import sentences

# A line that ends or begins in Chinese goes on without the space that Markdown makes of a line's end.
_BROKEN = re.compile(
    r"(?<=[，。；：、！？）”])\n *(?![\s|#>*+-]|\d+[.)]\s)"
    r"|(?<=[\u4e00-\u9fff])\n *(?=[\u4e00-\u9fff（“])"
    r"|(?<=\S)\n *(?=[，。；：、！？）”])"
)


def flowing(markdown: str) -> str:
    """Chinese Markdown that is wrapped in its file, without a gap where its lines end; lists and tables stay.

    >>> flowing("商品和顾客均为虚构。\\n它属于本项目，\\n`data list` 列出\\n\\n- 一")
    '商品和顾客均为虚构。它属于本项目，`data list` 列出\\n\\n- 一'
    """
    return _BROKEN.sub("", markdown)


def dataset_card(choice: Choice) -> None:
    """The card of what comes with the course, or of what somebody added."""
    if choice.card is not None:
        added_card(choice.card)
    else:
        course_card(choice.name)


def course_card(name: str) -> None:
    """Source and size stand open, and so does the last section, which holds the trap; the rest can be opened."""
    lang = shell.language()
    card = load_card(name)
    st.markdown(f"**{t('datasets.licence')}**{t('datasets.colon')}{entry_of(name).licences[lang]}")
    shown = {0, 1, len(card.sections) - 1}
    parts = [f"**{section[f'title_{lang}']}**\n\n{flowing(section[lang].strip())}" for section in card.sections]
    for number in sorted(shown):
        st.markdown(parts[number])
    others = [part for number, part in enumerate(parts) if number not in shown]
    if others:
        with st.expander(t("datasets.whole_card"), key=f"datasets_card_{name}"):
            st.markdown("\n\n".join(others))


def added_card(card: store.Card) -> None:
    """What is known about an added dataset; its words may be anybody's, so nothing in them is more than words."""
    lang = shell.language()
    if card.shop:
        st.markdown(f"{shell.plain(made_of(card, lang))}\n\n{t('make_shop.truth')}")
        return
    licence = card.licence.get(lang) or t("datasets.no_licence")
    rows = {name: f"{count:,}" for name, count in card.report["rows"].items()}
    lines = [
        f"**{t('datasets.source')}**{t('datasets.colon')}{shell.plain(card.source)}",
        f"**{t('datasets.licence')}**{t('datasets.colon')}{shell.plain(licence)}",
        t(
            "datasets.added_file",
            file=shell.plain(card.input["file"]),
            bytes=f"{card.input['bytes']:,}",
            made=local_clock(card.made),
        ),
        t("datasets.added_rows", **rows),
    ]
    if card.how.get(lang):
        lines.append(shell.plain(card.how[lang]))
    st.markdown("\n\n".join(lines))
    if told := sentences(card.told()):
        with st.expander(t("datasets.added_report"), key=f"datasets_report_{card.key}"):
            st.markdown("\n".join(f"- {one}" for one in told))
