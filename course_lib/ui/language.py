"""The learner's language: the link's, else the last explicit choice, else the browser's."""

from __future__ import annotations

import logging
from typing import Any, Literal

import streamlit as st

from course_lib.errors import CourseError
from course_lib.text import LANGUAGES, strings, text
from course_lib.ui.this_run import once

LOG = logging.getLogger(__name__)
Language = Literal["zh", "en"]
STATE = "language"  # session state: survives page switches; the link's ``lang`` only while it is there
PARAMETER = "lang"


def language() -> Language:
    """The language of this run of the page."""
    return once("language", _find)  # a page has some sixty strings, and the query parameters are slow to read


def _find() -> Language:
    found = known()
    if found is None:
        st.session_state[STATE] = remembered() or browser_language()
        found = known() or "en"
    return found


def known() -> Language | None:
    """The language as far as the link and this session say it; needs no database, so an error page can ask it."""
    asked = st.query_params.get(PARAMETER)
    if asked in LANGUAGES:
        st.session_state[STATE] = asked
    chosen: Language | None = st.session_state.get(STATE)
    return chosen


def browser_language() -> Language:
    """The first language that the browser asks for."""
    return "zh" if (st.context.locale or "").lower().startswith("zh") else "en"


def remembered() -> str | None:
    """The learner's last explicit choice on this machine; None when there was none."""
    from course_lib.ui import identity, services

    try:
        kept = services.store().learner(identity.learner()).preference("language")
    except CourseError:
        return None  # the page says what is wrong with the database; this one can be read without it
    return kept if kept in LANGUAGES else None


def choose(chosen: Language) -> None:
    """Switches the language, keeps everything else, and remembers the choice."""
    from course_lib.ui import identity, services

    st.session_state[STATE] = chosen
    if PARAMETER in st.query_params:
        st.query_params[PARAMETER] = chosen
    try:
        services.store().learner(identity.learner()).set_preference("language", chosen)
    except CourseError as error:
        LOG.warning("the choice of language is not remembered: %s", error)


def t(key: str, **params: Any) -> str:
    """The interface string ``key`` in the learner's language."""
    return text(key, language(), **params)


def tab_name(name: str, language: str) -> str:
    """What a tab of a lab is called: by the picture's whole name where it has one of its own, else by its last part."""
    known = strings(language)
    last = name.rpartition(".")[2]
    return known.get(f"lab.tab_{name.replace('.', '_')}") or known.get(f"lab.tab_{last}", last)


def duration(value: float) -> str:
    """A rough duration: whole seconds, or minutes from two minutes on."""
    return t("lab.seconds", n=max(1, round(value))) if value < 120 else t("lab.minutes", n=round(value / 60))


def keep_choice(key: str) -> None:
    """Called before a widget with translated choices is drawn: keeps what is chosen when the language changes.

    A browser names a choice by its words, so after the switch its answer would be none of the choices.
    """
    drawn = f"{key}.language"
    if st.session_state.get(drawn, language()) != language() and st.session_state.get(key) is not None:
        st.session_state[key] = st.session_state[key]
    st.session_state[drawn] = language()
