"""The datasets that a learner may look at: names, overviews, and which one is shown, by link or by choice."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

import streamlit as st

from course_lib.course import glances
from course_lib.data.dataset import Address, Source
from course_lib.data.intake import store
from course_lib.data.overview import Overview
from course_lib.data.registry import sources
from course_lib.errors import CourseError
from course_lib.figures.names import dataset_name, size_name
from course_lib.ui import drawn, shell
from course_lib.ui.address import keep_address
from course_lib.ui.language import keep_choice
from course_lib.ui.shell import t
from course_lib.ui.this_run import once

KEPT = 12  # overviews: a megabyte each for the largest
DATASET, SIZE = "datasets_dataset", "datasets_size"  # keys of the two widgets
SHOWN = "datasets_shown"  # session: dataset and size as last shown, for a return without a link
TROUBLE = "datasets_trouble"  # session: what was wrong with the link, until something else is chosen


@dataclass(frozen=True)
class Choice:
    """The dataset and size on show."""

    name: str
    size: str
    source: Source
    card: store.Card | None  # None for what comes with the course

    @property
    def address(self) -> Address:
        """As the registry resolves it."""
        return Address(self.name, self.size, self.source.version(self.size))

    @property
    def currency(self) -> str:
        """The sign before prices."""
        return self.source.currency


def cards() -> Mapping[str, store.Card]:
    """The cards of the added datasets that this learner may see, by public name."""
    return once("dataset cards", lambda: {card.key: card for card in store.added(shell.learner())})


def offered() -> Mapping[str, Source]:
    """The datasets that this learner may see: the course's, the shared ones, and the learner's own."""
    return once("datasets", lambda: sources(shell.learner()))


def called(name: str) -> str:
    """What to call a dataset."""
    return dataset_name(name, shell.language())


def choose() -> Choice:
    """Draws the two selectors and keeps the address; what the link asked for in vain is told in a sentence."""
    known, lang = offered(), shell.language()
    if DATASET not in st.session_state:  # the learner has just come to this page
        _enter(known)
    elif st.session_state[DATASET] not in known:  # deleted meanwhile, on another page or in another tab
        st.session_state[DATASET] = next(iter(known))
    for key in (DATASET, SIZE):
        keep_choice(key)
    if trouble := st.session_state.get(TROUBLE):
        st.warning(shell.plain(trouble.text(shell.language())))
    first, second = st.columns(2)
    name: str = first.selectbox(
        t("datasets.choose"),
        list(known),
        format_func=lambda one: dataset_name(one, lang),
        key=DATASET,
        on_change=shell.guarded(_changed, DATASET),
    )
    sizes = known[name].sizes
    if st.session_state.get(SIZE) not in sizes:
        st.session_state[SIZE] = sizes[0]
    size: str = second.selectbox(
        t("lab.size"),
        list(sizes),
        format_func=lambda one: size_name(name, one, lang),
        key=SIZE,
        on_change=shell.guarded(_changed, DATASET),
        disabled=len(sizes) == 1,
    )
    shell.told(DATASET)
    st.session_state[SHOWN] = (name, size)
    query = urlencode({"dataset": name, "size": size, "lang": shell.language()})
    keep_address(query, ("dataset", "size", "lang"), "datasets_address")
    return Choice(name, size, known[name], cards().get(name))


def _enter(known: Mapping[str, Source]) -> None:
    """What to show at first: the link's, else what was shown before, else the course's first dataset."""
    before = st.session_state.get(SHOWN, ("", ""))
    asked = st.query_params.get("dataset"), st.query_params.get("size")
    name, size = asked if any(asked) else before
    trouble: CourseError | None = None
    if name and name not in known:
        if name == asked[0]:
            trouble = CourseError("link_dataset_gone", name=name[:60])
        name, size = None, None
    name = name or next(iter(known))
    if size and size not in known[name].sizes:
        if size == asked[1]:
            trouble = CourseError("unknown_size", name=called(name), size=size[:60], known=", ".join(known[name].sizes))
        size = None
    st.session_state[DATASET], st.session_state[SIZE] = name, size or known[name].sizes[0]
    st.session_state[TROUBLE] = trouble


def _changed() -> None:
    st.session_state[TROUBLE] = None


_overviews: OrderedDict[Address, Overview] = OrderedDict()
_making: dict[Address, threading.Lock] = {}
_lock = threading.Lock()


def known_overview(address: Address) -> Overview | None:
    """The overview where somebody has asked for it before."""
    with _lock:
        return _overviews.get(address)


def overview(address: Address) -> Overview:
    """A dataset's overview, made once a process; others who ask meanwhile wait for it. Raises CourseError."""
    with _lock:
        making = _making.setdefault(address, threading.Lock())
    with making:
        found = known_overview(address)
        if found is None:
            found = glances.overview_of(address)
        with _lock:
            _overviews[address] = found
            _overviews.move_to_end(address)
            while len(_overviews) > KEPT:
                _making.pop(_overviews.popitem(last=False)[0], None)
    return found


def forget() -> None:
    """Lets go of all overviews: somebody has deleted a dataset, and nothing of it is kept."""
    with _lock:
        _overviews.clear()
    drawn.forget("activity", "popularity")
