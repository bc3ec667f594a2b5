"""What a learner sees when something fails: one sentence in their language, never a traceback."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import streamlit as st
from streamlit.errors import FragmentHandledException

from course_lib.errors import CourseError
from course_lib.text import text
from course_lib.ui.language import browser_language, known

LOG = logging.getLogger(__name__)
SLOT, PAGE = "trouble.", "trouble_page"  # session state: what a callback could not do, by widget; the page that says so


def plain(sentence: str) -> str:
    """``sentence`` for a Markdown element, with nothing in it that is more than words.

    An error repeats what somebody gave, by a link for instance; a picture or a link hidden in it must stay text.
    """
    return re.sub(r"([\[\]`*$\\])", r"\\\1", sentence)


def show(error: Exception) -> bool:
    """Draws the sentence for ``error`` where the page is now; the log has the traceback of what nobody foresaw.

    Streamlit calls it for what neither :func:`boundary` nor :func:`guarded` caught.
    Returns True: nothing else is shown.
    """
    _note(error)
    _draw(error)
    return True


def _note(error: Exception) -> None:
    if isinstance(error, CourseError):
        LOG.info("%s: %s", error.key, error)
    else:
        LOG.error("a page failed", exc_info=error)


def _draw(error: Exception) -> None:
    language = known() or browser_language()
    st.error(plain(error.text(language)) if isinstance(error, CourseError) else text("shell.broken", language))


@contextmanager
def boundary() -> Iterator[None]:
    """A part of a page that may fail without taking the rest of the page with it."""
    try:
        yield
    except FragmentHandledException:
        pass  # the fragment has shown its sentence already
    except Exception as error:
        show(error)


def guarded(callback: Callable[..., None], key: str) -> Callable[..., None]:
    """A widget's callback that may fail: what it could not do is shown where the page calls :func:`told` with ``key``.

    An exception that leaves a callback would take the page with it from the top, because callbacks come before it.
    """

    def call(*args: Any, **kwargs: Any) -> None:
        st.session_state.pop(_slot(key), None)
        try:
            callback(*args, **kwargs)
        except Exception as error:
            _note(error)
            st.session_state[_slot(key)] = error

    return call


def told(*keys: str) -> None:
    """Called beside a widget: shows why its last callback failed, until it is used again or the page is left."""
    for key in keys:
        error = st.session_state.get(_slot(key))
        if error is not None:
            _draw(error)


def forget_elsewhere(page: str) -> None:
    """Called when ``page`` is about to be drawn: what failed on another page was told there."""
    if st.session_state.get(PAGE) != page:
        st.session_state[PAGE] = page
        for name in [name for name in st.session_state if str(name).startswith(SLOT)]:
            del st.session_state[name]


def _slot(key: str) -> str:
    return f"{SLOT}{key}"
