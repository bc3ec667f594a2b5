"""Figures drawn and packed once, however many learners see them; fifty who watch one run see the same curves."""

from __future__ import annotations

import gzip
import json
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any

from course_lib.figures.base import Figure, Plot

KEPT = 64  # shared figures: two curves of some ten runs in two languages, and as many maps of the course
LEVEL = 4  # of gzip: a map of 1,260 products shrinks to a quarter in 2 ms; more takes longer than sending the rest


def packed(value: Any) -> bytes:
    """``value`` as compressed JSON, the same bytes for the same value: Streamlit sends what a tab has only once."""
    words = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return gzip.compress(words.encode(), LEVEL, mtime=0)


class Drawn:
    """A figure that is drawn once for each theme, however many learners see it. Nobody may change the dict."""

    def __init__(self, figure: Figure) -> None:
        self.alt, self.height = figure.alt, figure.height
        self._figure = figure
        self._plots: dict[bool, Plot] = {}
        self._packed: dict[Hashable, bytes] = {}
        self._lock = threading.RLock()  # when a run ends, fifty pages ask at once: one draws, the others wait for it

    def plot(self, dark: bool) -> Plot:
        """The Plotly figure as a plain dict."""
        with self._lock:
            if dark not in self._plots:
                self._plots[dark] = self._figure.plot(dark)
            return self._plots[dark]

    def packed(self, told: Hashable, make: Callable[[], Any]) -> bytes:
        """What ``make`` returns, :func:`packed` once for each ``told``, which says how the figure is shown."""
        with self._lock:
            if told not in self._packed:
                self._packed[told] = packed(make())
            return self._packed[told]


_kept: OrderedDict[Hashable, tuple[object, Drawn]] = OrderedDict()
_lock = threading.Lock()


def shared(name: Hashable, source: object, draw: Callable[[], Figure]) -> Drawn:
    """The figure called ``name``, drawn anew where the one kept is not of an equal ``source``."""
    with _lock:
        kept = _kept.get(name)
        if kept is None or kept[0] != source:
            kept = _kept[name] = (source, Drawn(draw()))
        _kept.move_to_end(name)
        while len(_kept) > KEPT:
            _kept.popitem(last=False)
        return kept[1]


def forget(*kinds: str) -> None:
    """Lets go of the figures whose name begins with one of these words."""
    with _lock:
        for name in [name for name in _kept if isinstance(name, tuple) and name[0] in kinds]:
            del _kept[name]
