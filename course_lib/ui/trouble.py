"""What a learner sees when something fails: one sentence in their language, never a traceback."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import streamlit as st
from streamlit.errors import FragmentHandledException

from course_lib.errors import CourseError
from course_lib.text import text
from course_lib.ui.language import browser_language, known

LOG = logging.getLogger(__name__)
LONGEST = 4000  # characters of a sentence
BREAKS = re.compile(r"[\t\n\v\f\r\x1c-\x1e\x85\u2028\u2029]+")
# Characters without a sign of their own: control characters, and those that turn the reading direction.
UNSEEN = re.compile(r"[\x00-\x08\x0e-\x1b\x1f\x7f-\x84\x86-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
MARKUP = re.compile(r"([\[\]`*$\\<~]|&(?=#?\w+;)|(?<!\w)_|_(?!\w)|:(?=[A-Za-z]))")
LEADING = re.compile(r"^(\d{0,9})([#>+=|.)-])")  # a heading, a quotation, a list, a table
# Streamlit's client turns addresses and names of emoji into links and pictures after it has undone all escapes, so
# there is nothing to escape them with; an invisible joiner between two of their letters keeps them words.
AFTER_PARSING = re.compile(r"(?i:https?:|www|ftp:|mailto:|xmpp:)(?=[/.])|@(?=[\w-])|:(?=[\w+/-]+:)")
JOINER = "\u2060"
SLOT, PAGE = "trouble.", "trouble_page"  # session state: what a callback could not do, by widget; the page that says so


def plain(sentence: str) -> str:
    """``sentence`` for a Markdown element, with nothing in it that is more than words.

    An error repeats what somebody gave, by a link for instance; a picture, a link or a formula in it must stay text,
    and text that turns the reading direction must not reach beyond itself. One line, and no endless one.
    """
    words = UNSEEN.sub("", BREAKS.sub(" ", sentence[: LONGEST + 1])).strip()
    if len(words) > LONGEST:
        words = words[:LONGEST] + "…"
    words = AFTER_PARSING.sub(lambda found: found[0] + JOINER, words)
    return LEADING.sub(r"\1\\\2", MARKUP.sub(r"\\\1", words))


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


def _draw(error: Exception, first: str = "") -> None:
    language = known() or browser_language()
    said = plain(error.text(language)) if isinstance(error, CourseError) else text("shell.broken", language)
    st.error(f"**{first}** {said}" if first else said)


@contextmanager
def boundary() -> Iterator[None]:
    """A part of a page that may fail without taking the rest of the page with it."""
    try:
        yield
    except FragmentHandledException:
        pass  # the fragment has shown its sentence already
    except Exception as error:
        show(error)


@dataclass(frozen=True)
class Failed:
    """What a callback could not do, and the call itself, with what was given."""

    error: Exception
    call: Callable[[], None]


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
            st.session_state[_slot(key)] = Failed(error, partial(call, *args, **kwargs))

    return call


def told(*keys: str) -> None:
    """Called beside a widget: shows why its last callback failed, until it is used again or the page is left.

    Where it was the database that failed, the same can be tried again with what was given then.
    """
    for key in keys:
        failed: Failed | None = st.session_state.get(_slot(key))
        if failed is None:
            continue
        if isinstance(failed.error, CourseError) and failed.error.of_the_database:
            language = known() or browser_language()
            _draw(failed.error, text("shell.not_saved", language))
            st.button(text("shell.try_again", language), key=f"{_slot(key)}.again", on_click=failed.call)
        else:
            _draw(failed.error)


def forget_elsewhere(page: str) -> None:
    """Called when ``page`` is about to be drawn: what failed on another page was told there."""
    if st.session_state.get(PAGE) != page:
        st.session_state[PAGE] = page
        for name in [name for name in st.session_state if str(name).startswith(SLOT)]:
            del st.session_state[name]


def _slot(key: str) -> str:
    return f"{SLOT}{key}"
