"""The learner's own datasets as a list: what is in each, the lessons that can use it, and its deletion."""

from __future__ import annotations

from collections.abc import Iterable

import streamlit as st

from course_lib.course.lessons import Lesson
from course_lib.course.own_data import remove_dataset
from course_lib.data.intake import store
from course_lib.data.intake.store import Card
from course_lib.errors import CourseError
from course_lib.ui import datasets, notices, product_search, shell
from course_lib.ui.make_shop_words import link_to, made_of
from course_lib.ui.receipts import local_clock, receipt, stop
from course_lib.ui.shell import t
from course_lib.ui.upload_words import sentence


def own(learner: str) -> list[Card]:
    """The learner's datasets, the newest first."""
    return sorted((card for card in store.added(learner) if card.owner == learner), key=lambda card: card.made)[::-1]


def listed(cards: Iterable[Card], lessons: Iterable[Lesson]) -> None:
    """Draws the list."""
    with_lab = [lesson for lesson in lessons if any(lab.trouble is None and lab.card.data for lab in lesson.labs)]
    for card in cards:
        with st.container(border=True, key=f"my_data_set_{card.name}"), shell.boundary():
            _one(card, with_lab)


def _one(card: Card, lessons: Iterable[Lesson]) -> None:
    counts = {name: f"{value:,}" if isinstance(value, int) else value for name, value in card.counts.items()}
    st.markdown(f"**{card.name}** · {t('my_data.counts', **counts)}")
    if card.shop:
        st.caption(shell.plain(made_of(card, shell.language())))
    else:
        st.caption(shell.plain(t("my_data.added", when=local_clock(card.made), file=card.input["file"])))
    with st.container(horizontal=True, key=f"my_data_do_{card.name}"):
        for lesson in lessons:
            label = t("my_data.open", lesson=lesson.title(shell.language()))
            if st.button(label, key=f"my_data_open_{card.name}_{lesson.id}"):
                shell.reset_lab(lesson.id)  # this tab may hold another state of the lab
                shell.open_lesson(lesson.id, dataset=card.key)
        if st.button(t("my_data.capstone"), key=f"my_data_capstone_{card.name}"):
            st.switch_page(shell.page_file("capstone"), query_params={"dataset": card.key})
        if st.button(t("datasets.look_at"), key=f"my_data_look_{card.name}"):
            st.switch_page(shell.page_file("data"), query_params={"dataset": card.key})
        if card.shop and st.button(t("make_shop.change"), key=f"my_data_change_{card.name}"):
            st.switch_page(shell.page_file("make_shop"), query_params=link_to(card))
        with st.popover(t("my_data.delete"), key=f"my_data_delete_{card.name}"):
            st.write(t("my_data.delete_ask", name=card.name))
            sure = t("my_data.delete_sure", name=card.name)
            if st.button(sure, key=f"my_data_delete_sure_{card.name}", type="primary"):
                _delete(card)


def _delete(card: Card) -> None:
    try:
        notices.leave(receipt(remove_dataset(card.name, card.owner, stop)))
    except CourseError as error:
        notices.leave(sentence(error), "error")
    product_search.forget()
    datasets.forget()
    st.rerun()
