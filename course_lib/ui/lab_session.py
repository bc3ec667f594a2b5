"""The lab's state in the learner's session: where it comes from, what changes it, how it gets into the address.

The session is the authority once a page is open. It begins with the link, else with the learner's last run, else with
the lesson's preset. Widgets are filled from the state before each draw and write into it when they change, so nothing
is lost when the learner switches pages or language.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode

import streamlit as st

from course_lib.data.registry import resolve, trainable
from course_lib.errors import CourseError
from course_lib.ui import shell
from course_lib.ui.address import keep_address
from course_lib.ui.lab_state import LINK_KEYS, LabState, check_history, preset_state, state_from_link, usable
from course_lib.ui.language import keep_choice
from course_lib.ui.product_search import items_of
from course_lib.ui.this_run import once

if TYPE_CHECKING:
    import pandas as pd

    from course_lib.course.lessons import Lesson
    from course_lib.course.store import Learner
    from course_lib.runs.view import RunView


class Lab:
    """One lesson's lab in one browser tab. Cheap to make: a page makes one at each run of its script."""

    def __init__(self, lesson: Lesson) -> None:
        self.lesson = lesson
        self.language = shell.language()
        self._address_place: str | None = None  # the part of the page that keeps the address
        if self.key("state") not in st.session_state:
            self._open()
        self._leave_what_is_gone()

    def key(self, name: str) -> str:
        """The session key of one of this lab's things."""
        return f"lab.{self.lesson.id}.{name}"

    @property
    def state(self) -> LabState:
        """What the learner has chosen."""
        state: LabState = st.session_state[self.key("state")]
        return state

    def update(self, **changes: Any) -> None:
        """Changes fields of the state."""
        st.session_state[self.key("state")] = replace(self.state, **changes)

    @property
    def troubles(self) -> list[CourseError]:
        """What was wrong with the link, and why the last Train or Stop did not work; shown until the next Train."""
        troubles: list[CourseError] = st.session_state.setdefault(self.key("troubles"), [])
        return troubles

    @property
    def notebook(self) -> Learner:
        """What the course remembers of this learner."""
        return shell.notebook()

    def done(self, *anchors: str) -> None:
        """Remembers that the learner has finished these steps."""
        known: set[str] = st.session_state.setdefault(self.key("done"), set())
        for anchor in anchors:
            if anchor not in known:
                self.notebook.record_step(self.lesson.id, anchor, completed=True)
                known.add(anchor)

    def widget(
        self, name: str, value: Any, changed: Callable[[Any], None], options: Sequence[Any] | None = None
    ) -> dict[str, Any]:
        """What makes a widget show ``value`` and hand a new one to ``changed``: arguments for the widget's call.

        The value is given twice, as the default and through the session. A browser that is slow to draw gets two
        drawings of a widget as one, and the order "show this value" of the first is lost; the default is not.
        ``options`` are those of a selectbox or a radio, whose default is a place among them.
        """
        key = self.key(f"widget.{name}")
        if key in st.session_state and st.session_state[key] != value:
            st.session_state[key] = value
        self.keep_choice(key)
        default = {"value": value} if options is None else {"options": options, "index": options.index(value)}
        return {"key": key, "on_change": lambda: changed(st.session_state[key]), **default}

    def keep_choice(self, key: str) -> None:
        """Called before a widget with choices is drawn; see :func:`course_lib.ui.language.keep_choice`."""
        keep_choice(key)

    @property
    def datasets(self) -> list[str]:
        """What this learner may train on."""
        return once("lab datasets", lambda: list(trainable(shell.learner())))

    def _open(self) -> None:
        start = preset_state(self.lesson.presets)
        query = {name: st.query_params[name] for name in LINK_KEYS if name in st.query_params}
        if not query:
            last = self.notebook.last_run(self.lesson.id)
            query = dict(parse_qsl(last.link.removeprefix("?"), keep_blank_values=True)) if last else {}
        state, errors = state_from_link(query, start, shell.learner())
        self.done("why")
        pinned = shell.runs().watch(state.run).config if state.run is not None else None
        if state.run is not None and pinned is None:
            errors.append(CourseError("link_run_gone", run=state.run))
            state = replace(state, run=None)
        if pinned is not None and pinned.dataset.name != state.dataset:  # a run shows histories of its dataset
            try:
                usable(pinned.dataset.name, shell.learner())
            except CourseError as error:
                errors.append(error)
                state, pinned = replace(state, run=None), None
        if state.history is not None:
            address = pinned.dataset if pinned is not None else resolve(state.dataset, state.size)
            try:
                check_history(state.history, len(items_of(address)))
            except CourseError as error:
                errors.append(error)
                state = replace(state, history=None)
        st.session_state[self.key("state")] = state
        st.session_state[self.key("troubles")] = errors

    def _leave_what_is_gone(self) -> None:
        """Goes back to the lesson's own dataset where the chosen one has been deleted since."""
        gone = self.state.dataset
        if gone not in self.datasets:
            start = preset_state(self.lesson.presets)
            self.troubles.append(CourseError("dataset_not_yours", name=gone.partition("~")[0]))
            self.update(dataset=start.dataset, size=start.size, history=None, run=None)

    def shown_run(self) -> RunView | None:
        """The run on show: the pinned one, else the run of the form's choices where there is one."""
        run_id = self.state.run
        if run_id is None:
            try:
                run_id = self.state.config().run_id
            except CourseError:
                return None  # the form says what is wrong with its choices
        view = shell.runs().watch(run_id)
        return None if view.state == "missing" else view

    def pin(self) -> None:
        """Keeps the run on show while the form's choices change below it."""
        if self.state.run is None:
            view = self.shown_run()
            if view is not None:
                self.update(run=view.run_id)

    def show(self, run_id: str) -> None:
        """Puts a run on show; the address needs its name only where the form asks for another one."""
        try:
            same = self.state.config().run_id == run_id
        except CourseError:
            same = False
        self.update(run=None if same else run_id)

    def items(self, view: RunView) -> pd.DataFrame:
        """The catalogue of the run on show; raises CourseError when the data has changed since it was trained."""
        assert view.config is not None
        address = view.config.dataset
        if resolve(address.name, address.size) != address:
            raise CourseError("run_of_other_data", name=address.name)
        return items_of(address)

    def link(self) -> str:
        """The query string that opens this lab as it is now."""
        return urlencode({**self.state.query(), "lang": self.language})

    def show_link_in_address(self, place: str = "page") -> None:
        """Writes the state into the browser's address without adding to its history, so that Back still goes back.

        One element does it: that of the first ``place`` on the page that asks. A fragment names a place of its own, so
        that it keeps the address where it redraws alone.
        """
        self._address_place = self._address_place or place
        if self._address_place == place:
            keep_address(self.link(), (*LINK_KEYS, "lang"), self.key("address"))

    def whole_link(self) -> str:
        """The complete address, for sending to someone."""
        page = (st.context.url or "").split("?")[0]
        return f"{page}?{self.link()}"
