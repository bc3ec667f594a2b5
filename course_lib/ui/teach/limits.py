"""What one run of a learner in the class may take: minutes, parameters of its model, rows of its dataset."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import streamlit as st

from course_lib.course import classes
from course_lib.runs.limits import RunLimits
from course_lib.ui import notices, shell
from course_lib.ui.shell import t
from course_lib.ui.teach import guard

if TYPE_CHECKING:
    from course_lib.course.classes import Classroom

Limits = Mapping[str, float | None]  # by the names of RunLimits
Chosen = Callable[[], dict[str, float | None]]  # what the fields say at the press

MOST = {"seconds": 24 * 60, "parameters": 10**9, "rows": 10**9}  # of the fields; seconds are asked for in minutes
STEP = {"seconds": 1, "parameters": 100_000, "rows": 100_000}


def limits(key: str) -> None:
    """The limits of everybody in the class."""
    classroom = guard.room(key)
    st.markdown(t("teach.limits_lead"))
    now = {name: getattr(classroom.limits, name) for name in MOST}
    chosen = limit_fields("class", now)
    st.button(
        t("teach.limits_save"),
        type="primary",
        key="teach_limits_save",
        disabled=classroom.closed is not None,
        on_click=guard.pressed("limits", key, _save, chosen),
    )
    guard.told("limits")


def limit_fields(place: str, now: Limits) -> Chosen:
    """Three number fields, an empty one for no limit. Returns what reads them."""
    keys = {name: f"teaching.limits.{place}.{name}" for name in MOST}
    for name, column in zip(MOST, st.columns(3), strict=True):
        value = now[name]
        with column:
            st.number_input(
                t(f"teach.limit_{name}"),
                min_value=1,
                max_value=MOST[name],
                value=None if value is None else max(1, round(value / 60) if name == "seconds" else int(value)),
                step=STEP[name],
                key=keys[name],
                placeholder=t("teach.limit_none"),
            )
    return lambda: {name: _checked(name, st.session_state.get(key)) for name, key in keys.items()}


def _checked(name: str, given: object) -> float | None:
    """A field's number in the unit of RunLimits; a browser can send any number, so its range is looked at again."""
    if given is None:
        return None
    number = min(max(int(str(given)), 1), MOST[name])
    return number * 60.0 if name == "seconds" else number


def _save(classroom: Classroom, chosen: Chosen) -> None:
    given = chosen()
    parameters, rows = given["parameters"], given["rows"]
    wanted = RunLimits(
        seconds=given["seconds"],
        parameters=None if parameters is None else int(parameters),
        rows=None if rows is None else int(rows),
    )
    classes.set_limits(shell.store(), classroom.key, wanted)
    notices.leave(t("teach.limits_saved"))
