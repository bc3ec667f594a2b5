"""What a learner sees when something fails: one sentence in their language, never a traceback."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st
from streamlit.errors import FragmentHandledException

from course_lib.errors import CourseError
from course_lib.text import text
from course_lib.ui.language import browser_language, known

LOG = logging.getLogger(__name__)


def plain(sentence: str) -> str:
    """``sentence`` for a Markdown element, with nothing in it that is more than words.

    An error repeats what somebody gave, by a link for instance; a picture or a link hidden in it must stay text.
    """
    return re.sub(r"([\[\]`*$\\])", r"\\\1", sentence)


def show(error: Exception) -> bool:
    """Draws the sentence for ``error`` where the page is now; the log has the traceback of what nobody foresaw.

    Streamlit calls it for what no :func:`boundary` caught: fragments and callbacks.
    Returns True: nothing else is shown.
    """
    language = known() or browser_language()
    if isinstance(error, CourseError):
        LOG.info("%s: %s", error.key, error)
        st.error(plain(error.text(language)))
    else:
        LOG.error("a page failed", exc_info=error)
        st.error(text("shell.broken", language))
    return True


@contextmanager
def boundary() -> Iterator[None]:
    """A part of a page that may fail without taking the rest of the page with it."""
    try:
        yield
    except FragmentHandledException:
        pass  # the fragment has shown its sentence already
    except Exception as error:
        show(error)
