"""One drawing of a page, or of a poll: it waits for its turn, and looks up once what its parts ask for many times.

What is looked up is language, lessons and the learner's notebook; it is kept to the end of the drawing and no longer. A
callback or a fragment that redraws alone looks them up again: hours and other tabs may lie between it and the page.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

T = TypeVar("T")

PATIENCE_S = 1.0  # a page that takes longer waits for something else than the processor, and the next may begin
_turn = threading.Lock()
_run = threading.local()  # Streamlit runs a page's script, with the fragments in it, in one thread


@contextmanager
def one_run() -> Iterator[None]:
    """Within it :func:`once` remembers; one within another is a part of it.

    Python runs one thread at a time, so drawing fifty pages side by side ends no page sooner: all end last, and the
    changing of threads costs as much again. One after the other, the first is there at once and the last no later.
    """
    if running():
        yield
        return
    taken = _turn.acquire(timeout=PATIENCE_S)
    _run.known = {}
    try:
        yield
    finally:
        del _run.known
        if taken:
            _turn.release()


def running() -> bool:
    """Whether a page is being drawn from top to bottom."""
    return hasattr(_run, "known")


def once(name: Hashable, look_up: Callable[[], T]) -> T:
    """What ``look_up`` returns, asked at most once in a run; every time outside of one."""
    if not running():
        return look_up()
    known: dict[Hashable, Any] = _run.known
    if name not in known:
        known[name] = look_up()
    found: T = known[name]
    return found
