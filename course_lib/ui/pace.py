"""How often a page that watches a run may ask for it, and when it is drawn anew at the run's end.

One who watches alone asks every second. A class does not: the web process draws one page at a time, so each waits for
all others. Watchers ask less often when they are many or the machine is slow, so that polls take about half a core; and
when a run ends, their pages are drawn one after the other, those who came first before those who came later.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager

from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.scriptrunner_utils.script_run_context import ThreadState, get_script_run_ctx

POLL_S = 1.0  # of one who watches alone
MOST_S = 8.0  # nobody sees a run older than that
SHARE = 0.5  # of a core that all polls together may take
LAST_PAGE_S = 12.0  # after the end, the last page is drawn anew, however many there are
GONE = 3  # polls missed, after which a tab no longer counts
NEW = 0.1  # weight of the newest figure in a running mean


class Pace:
    """Who watches, and what drawing costs. Thread-safe; one for the whole process."""

    def __init__(self, poll_s: float = 0.02, page_s: float = 0.1) -> None:
        """``poll_s`` and ``page_s``: seconds that a poll and a page take, as long as none has been measured."""
        self._took = {"poll": poll_s, "page": page_s}
        self._watching: OrderedDict[tuple[str, str], float] = OrderedDict()  # (run, tab): until when it counts
        self._lock = threading.Lock()

    @contextmanager
    def measured(self, what: str) -> Iterator[None]:
        """Within it a "poll" or a "page" is drawn. Seconds by the clock: those of a busy machine count double."""
        began = time.perf_counter()
        yield
        took = min(1.0, time.perf_counter() - began)
        with self._lock:
            self._took[what] += NEW * (took - self._took[what])

    def seen(self, run: str, tab: str) -> float:
        """A tab watches a run now; returns after how many seconds it may ask again."""
        now = time.monotonic()
        with self._lock:
            for one in [one for one, until in self._watching.items() if until < now]:
                del self._watching[one]
            self._watching.setdefault((run, tab), now)  # it keeps its place
            wanted = len(self._watching) * self._took["poll"] / SHARE
            # Steps of half a second: a new interval restarts the browser's timer, and that should be rare.
            wait = min(MOST_S, max(POLL_S, round(2 * wanted) / 2))
            self._watching[run, tab] = now + GONE * wait
            return wait

    def turn(self, run: str, tab: str) -> float:
        """The run has ended: after how many seconds this tab's page is drawn anew, 0 for the first who watched it."""
        with self._lock:
            others = [one for one, _ in self._watching.items() if one[0] == run]
            place = others.index((run, tab)) if (run, tab) in others else 0
            step = min(2 * self._took["page"], LAST_PAGE_S / max(len(others), 1))
            return place * step

    def left(self, run: str, tab: str) -> None:
        """A tab no longer watches a run."""
        with self._lock:
            self._watching.pop((run, tab), None)


pace = Pace()


def this_tab() -> str:
    """What tells the tab that is being drawn from all others; empty outside of a page."""
    context = get_script_run_ctx(suppress_warning=True)
    return context.session_id if context is not None else ""


def ask_again_in(seconds: float) -> None:
    """Changes how often the fragment that is being drawn runs again by itself.

    ``st.fragment(run_every=...)`` says it when the page is drawn. The browser takes a new interval at any time, by the
    same message; Streamlit has no call for it.
    """
    context, fragment = get_script_run_ctx(suppress_warning=True), ThreadState.get().fragment_id
    if context is None or fragment is None:
        return
    message = ForwardMsg()
    message.auto_rerun.interval, message.auto_rerun.fragment_id = seconds, fragment
    context.enqueue(message)
