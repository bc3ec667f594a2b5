"""Terms of the glossary on a page: each with its name in the other language and what it means."""

from __future__ import annotations

from collections.abc import Iterable

import streamlit as st

from course_lib.course.glossary import Term, terms_of
from course_lib.course.lessons import Lesson
from course_lib.ui.language import language, t


def tell_terms(terms: Iterable[Term]) -> None:
    """One line a term."""
    own = language()
    other = "en" if own == "zh" else "zh"
    for one in terms:
        name, named = one.name(own), one.name(other)
        head = name if name == named else t("lesson.term_both", name=name, other=named)
        st.markdown(t("lesson.term", name=head, meaning=one.meaning(own)))


def terms_used(lesson: Lesson) -> None:
    """The terms of one lesson, folded away; nothing where it uses none."""
    found = terms_of(lesson, language())
    if found:
        with st.expander(t("lesson.terms", count=len(found))):
            tell_terms(found)
