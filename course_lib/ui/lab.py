"""One lab in one browser tab: where its state comes from, what changes it, how it gets into the address.

The session is the authority once a page is open. It begins with the link, else with the learner's last run, else with
the lesson's own setting. Widgets are filled from the state before each draw and write into it when they change, so
nothing is lost when the learner switches pages or language.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import parse_qsl, urlencode

import streamlit as st

from course_lib.course.lab_state import LabState, check_history, link_keys, opening_state, state_from_link, usable
from course_lib.data.registry import resolve, trainable
from course_lib.errors import CourseError
from course_lib.ui import shell
from course_lib.ui.address import keep_address
from course_lib.ui.language import keep_choice, tab_name
from course_lib.ui.product_search import items_of
from course_lib.ui.this_run import once

if TYPE_CHECKING:
    import pandas as pd

    from course_lib.course.guesses import Guess
    from course_lib.course.labs import LabPlan
    from course_lib.course.lessons import Lesson
    from course_lib.course.store import Learner
    from course_lib.experiments.config import RunConfig
    from course_lib.runs.view import RunView


T = TypeVar("T")


class Lab:
    """Cheap to make: a page makes one at each run of its script."""

    def __init__(self, lesson: Lesson, plan: LabPlan) -> None:
        self.language = shell.language()
        self.lesson, self.plan = lesson, plan.read_in(self.language)
        self.first = lesson.labs[0].id == plan.id  # the one that a link without ``lab`` means
        self.parts: list[str] = []  # names of the fragments that a press of Train draws anew
        self._in_address = False  # whether a part of the page keeps the address
        self._kept: dict[str, tuple[tuple[object, ...], Any]] = {}
        if self.key("state") not in st.session_state or self._opened_blind():
            self._open()
        self._leave_what_is_gone()
        self._follow_language()

    def key(self, name: str) -> str:
        """The session key of one of this lab's things."""
        return f"lab.{self.lesson.id}.{self.plan.id}.{name}"

    def part(self, name: str) -> str:
        """Names a fragment that a press of Train draws anew, with those that the page has named before."""
        self.parts.append(self.key(f"part.{name}"))
        return self.parts[-1]

    @property
    def state(self) -> LabState:
        """What the learner has chosen."""
        state: LabState = st.session_state[self.key("state")]
        return state

    @property
    def guesses(self) -> tuple[Guess, ...]:
        """The lesson's guesses about this lab's runs."""
        return tuple(guess for guess in self.lesson.guesses if guess.lab == self.plan.id)

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
            if anchor not in known and self.notebook.mark(self.lesson.id, anchor):
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
        keep_choice(key)

        def given() -> None:
            # A slow browser may still send a choice of the drawing before; Streamlit hands over its words then.
            if options is None or st.session_state[key] in options:
                changed(st.session_state[key])

        default = {"value": value} if options is None else {"options": options, "index": options.index(value)}
        return {"key": key, "on_change": self.guarded(given), **default}

    def guarded(self, work: Callable[..., None], *given: Any, place: str = "train") -> Callable[[], None]:
        """A callback that does ``work``; what goes wrong is told by :meth:`told` of that place, and the page stays."""
        return shell.guarded(partial(work, *given), self.key(f"callback.{place}"))

    def told(self, place: str) -> None:
        """Why the last callback of a place did not work: that of the form and its run ("train"), or of Look inside."""
        shell.told(self.key(f"callback.{place}"))

    def tab(self, names: Sequence[str]) -> str:
        """Lets the learner choose which of these is beside the lab's first picture; one alone is not asked for."""
        if len(names) == 1:
            return names[0]
        chosen: str = st.segmented_control(
            shell.t("lab.tabs"),
            names,
            default=names[0],
            format_func=lambda name: tab_name(name, self.language),
            key=self.key("tab"),
            required=True,
            label_visibility="collapsed",
        )
        return chosen

    def tell_troubles(self) -> None:
        """What was wrong with the link, and why the last press of a button did not work."""
        for error in self.troubles:
            st.warning(shell.plain(error.text(self.language)))
        self.told("train")

    @property
    def datasets(self) -> list[tuple[str, str]]:
        """What this learner may train on, each dataset with each of its sizes."""
        found = once("lab datasets", lambda: trainable(shell.learner()))
        return [(name, size) for name, one in found.items() for size in one.sizes]

    def config(self) -> RunConfig:
        """The run that the choices ask for, made once in a drawing; raises CourseError."""
        state = self.state
        return once(("config", self.key(""), id(state)), state.config)

    def _open(self) -> None:
        start = opening_state(self.plan)
        named = st.query_params.get("lab")
        meant = named == self.plan.id or (named is None and self.first)
        keys = link_keys(self.plan) if meant else ()
        blind = False
        query: Mapping[str, str] = {name: st.query_params[name] for name in keys if name in st.query_params}
        if not query:
            made = [run for run in self.notebook.runs(self.lesson.id) if self._made_here(run.state)]
            query = dict(parse_qsl(made[-1].link.removeprefix("?"), keep_blank_values=True)) if made else {}
            blind = bool(self.notebook.troubles)
        state, errors = state_from_link(query, start, shell.learner())
        self.done("why")
        pinned = shell.runs().watch(state.run).config if state.run is not None else None
        if state.run is not None and (pinned is None or pinned.experiment != state.experiment):
            errors.append(CourseError("link_run_gone", run=state.run))
            state, pinned = replace(state, run=None), None
        if pinned is not None and pinned.dataset is not None and pinned.dataset.name != state.dataset:
            try:
                usable(pinned.dataset.name, shell.learner())  # a run shows histories of its dataset
            except CourseError as error:
                errors.append(error)
                state, pinned = replace(state, run=None), None
        if "epoch" in query and state.frame is None:
            state = replace(state, frame=_frame_of_epoch(state, query["epoch"]))
        if state.history is not None:
            address = pinned.dataset if pinned is not None else resolve(*next(iter(state.data.values())))
            try:
                check_history(state.history, len(items_of(address)) if address else 0)
            except CourseError as error:
                errors.append(error)
                state = replace(state, history=None)
        st.session_state[self.key("state")] = state
        st.session_state[self.key("troubles")] = errors
        st.session_state[self.key("blind")] = state if blind else None

    def _opened_blind(self) -> bool:
        """Whether the last run could not be read when the lab was opened, can be now, and nothing has changed since."""
        blind = st.session_state.get(self.key("blind"))
        return blind is not None and blind == self.state and shell.memory_trouble() is None

    def _made_here(self, kept: Mapping[str, Any]) -> bool:
        """Whether a run that the notebook remembers was made in this lab; those of before name none."""
        return bool(kept.get("lab", self.lesson.labs[0].id) == self.plan.id)

    def _leave_what_is_gone(self) -> None:
        """Goes back to the lesson's own dataset where the chosen one has been deleted since."""
        gone = self.state.dataset
        if gone and gone not in {name for name, _ in self.datasets}:
            start = opening_state(self.plan)
            self.troubles.append(CourseError("dataset_not_yours", name=gone.partition("~")[0]))
            self.update(data=start.data, history=None, run=None)

    def _follow_language(self) -> None:
        """Where runs write in a language: after the page's has changed theirs changes too, unless one is on show."""
        name, drawn = self.plan.page_language, self.key("drawn_in")
        before = st.session_state.get(drawn, self.language)
        st.session_state[drawn] = self.language
        if name and before != self.language and self.state.settings.get(name) == before and self.shown_run() is None:
            self.update(settings={**self.state.settings, name: self.language})

    def shown_run(self) -> RunView | None:
        """The run on show: the pinned one, else the run of the form's choices where there is one."""
        run_id = self.state.run
        if run_id is None:
            try:
                run_id = self.config().run_id
            except CourseError:
                return None  # the form says what is wrong with its choices
        view = shell.runs().watch(run_id)
        return None if view.state == "missing" else view

    def has_started(self, run_id: str) -> bool:
        """Whether this learner has pressed Train for a run, which others may train too."""
        return any(run.run_id == run_id for run in self.notebook.runs(self.lesson.id))

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
        self.update(run=None if same else run_id, frame=None)

    def items(self, view: RunView) -> pd.DataFrame:
        """The catalogue of the run on show; raises CourseError when the data has changed since it was trained."""
        address = view.config.dataset if view.config is not None else None
        if address is None:
            raise CourseError("run_missing", run=view.run_id)
        if resolve(address.name, address.size) != address:
            raise CourseError("run_of_other_data", name=address.name)
        return items_of(address)

    def kept(self, name: str, source: tuple[object, ...], make: Callable[[], T]) -> T:
        """What ``make`` returns, made again only where ``source`` holds another object than the last time.

        For what each poll of a watcher draws and no poll changes: the lab lives as long as the page that made it.
        """
        before = self._kept.get(name)
        if (
            before is None
            or len(before[0]) != len(source)
            or any(a is not b for a, b in zip(before[0], source, strict=True))
        ):
            before = self._kept[name] = (source, make())
        found: T = before[1]
        return found

    def link(self) -> str:
        """The query string that opens this lab as it is now."""
        return self.kept("link", (self.state,), self._link)

    def _link(self) -> str:
        named = {} if self.first else {"lab": self.plan.id}
        return urlencode({**named, **self.state.query(), "lang": self.language})

    def show_link_in_address(self, place: str = "page") -> None:
        """Writes the state into the browser's address without adding to its history, so that Back still goes back.

        A fragment names a place of its own, so that it keeps the address where it redraws alone; the page does it where
        no fragment has.
        """
        if place != "page" or not self._in_address:
            keys = self.kept("link_keys", (self.plan,), lambda: (*link_keys(self.plan), "lang"))
            keep_address(self.link(), keys, self.key(f"address.{place}"))
        self._in_address = True

    def whole_link(self) -> str:
        """The complete address, for sending to someone."""
        page = (st.context.url or "").split("?")[0]
        return f"{page}?{self.link()}{'#train' if self.first else ''}"


def _frame_of_epoch(state: LabState, epoch: str) -> int | None:
    """The frame that a link of before means, which named an epoch; None where the run has none."""
    view = shell.runs().watch(state.run or state.config().run_id)
    found = [int(one["at"]) for one in view.of("frame") if f"{one.get('epoch', -1):g}" == epoch]
    return found[-1] if found else None
