"""Reasons by a language model at an address, written in the background while the page goes on.

One thread a learner, product by product; the page looks in once a second. The key is in the thread's hands and in
nobody else's: it ends with the thread. Nothing is written to disk.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from course_lib.errors import CourseError
from course_lib.evaluation.few_texts import shares_of_few
from course_lib.evaluation.true_reasons import Claim, Facts, is_true
from course_lib.explain.reason_texts import request_for

LOG = logging.getLogger(__name__)
MOST = 40  # learners who may have a model write at a time
UNSEEN_S = 60.0  # after which nobody is there any more: the tab is closed, or on another page
LONGEST_TEXT = 600  # characters of a reason that are kept; claims are read in them alone

_places = threading.BoundedSemaphore(MOST)


@dataclass(frozen=True)
class Written:
    """One reason, read and checked."""

    item: int
    text: str
    claims: tuple[Claim, ...]

    @property
    def verdict(self) -> str:
        """``true``, ``false`` or, where it claims nothing, ``unreadable``."""
        if not self.claims:
            return "unreadable"
        return "true" if is_true(self.claims) else "false"


class ReasonJob:
    """One press of the button."""

    def __init__(self, language: str, items: Sequence[int], unseen_s: float = UNSEEN_S) -> None:
        self.language = language
        self.items = tuple(items)
        self.written: tuple[Any, ...] = ()  # replaced, never changed: the page reads it at any time
        self.error: CourseError | None = None  # why it ended early
        self.live = False
        self.stopped = False
        self._unseen_s = unseen_s
        self._began = self._seen = time.monotonic()

    def start(self, facts: Callable[[], Facts], ask: Callable[[str], str]) -> None:
        """Begins; raises CourseError where too many are writing already."""
        if not _places.acquire(blocking=False):
            raise CourseError("writer_busy", most=MOST)
        self.live = True
        threading.Thread(target=self._work, args=(facts, ask), name="reasons", daemon=True).start()

    def stop(self) -> None:
        """Ends it now; an answer that is under way is thrown away."""
        self.stopped, self.live = True, False

    def look(self) -> None:
        """Somebody is watching."""
        self._seen = time.monotonic()

    @property
    def left_s(self) -> float | None:
        """About how long it will take, by the mean so far; None before the first answer."""
        if not self.written:
            return None
        each = (time.monotonic() - self._began) / len(self.written)
        return each * (len(self.items) - len(self.written))

    @property
    def shares(self) -> Mapping[str, Mapping[str, float]]:
        """``true`` and ``unreadable`` of what is written so far."""
        return shares_of_few([one.claims for one in self.written])

    def write(self, known: Facts, item: int, ask: Callable[[str], str]) -> Any:
        """One text, read and checked; another kind of text has another one."""
        text = ask(request_for(known, item))[:LONGEST_TEXT]
        return Written(item, text, tuple(known.check(text, item)))

    def _work(self, facts: Callable[[], Facts], ask: Callable[[str], str]) -> None:
        try:
            known = facts()
            for item in self.items:
                if self.stopped or time.monotonic() - self._seen > self._unseen_s:
                    break
                one = self.write(known, item, ask)
                if self.stopped:
                    break
                self.written = (*self.written, one)
        except CourseError as error:
            self.error = None if self.stopped else error
        except Exception as error:  # its text is not logged: nobody knows what it quotes
            LOG.error("reasons from an address failed: %s", type(error).__name__)
            self.error = CourseError("writer_failed")
        finally:
            self.stopped = self.stopped or (self.error is None and len(self.written) < len(self.items))
            self.live = False
            _places.release()
