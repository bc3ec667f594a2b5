"""The end of a class: closing it, or deleting it with all that its people gave in it, and the receipts of that."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import streamlit as st

from course_lib.course import classes
from course_lib.course.class_end import ClassReceipt, forget_class
from course_lib.errors import CourseError
from course_lib.ui import notices, services, shell
from course_lib.ui.receipts import local_time
from course_lib.ui.shell import t
from course_lib.ui.teach import guard

if TYPE_CHECKING:
    from course_lib.course.classes import Classroom

SURE = "teaching.delete.sure"  # session state
RECEIPTS = "teach_receipts"  # of the instructor, in the course's memory: a receipt has no names
KEPT = 20  # receipts


def closing(key: str) -> None:
    """Two ways to end a class, the second of them asked twice, and what was deleted before."""
    classroom = guard.room(key)
    people = len(classes.members(shell.store(), key, removed=True))
    st.markdown(t("teach.closing_lead"))
    with st.container(horizontal=True, key="teach_closing"):
        if classroom.closed is None:
            with st.popover(t("teach.close"), key="teach_close"):
                st.markdown(t("teach.close_ask"))
                st.button(t("teach.close_sure"), key="teach_close_sure", on_click=guard.pressed("end", key, _close))
        with st.popover(t("teach.delete"), key="teach_delete"):
            st.markdown(t("teach.delete_ask"))
            sure = f"{SURE}.{key}"
            st.checkbox(t("teach.delete_sure", people=people), key=sure)
            st.button(
                t("teach.delete_go"),
                type="primary",
                key="teach_delete_go",
                disabled=not st.session_state.get(sure),
                on_click=guard.pressed("end", key, _delete, sure),
            )
    guard.told("end")
    receipts()


def receipts() -> None:
    """What this instructor has deleted, newest first."""
    for kept in shell.notebook().preference(RECEIPTS, []):
        st.caption(shell.plain(_sentence(kept)))


def _close(classroom: Classroom) -> None:
    classes.close_class(shell.store(), classroom.key)
    notices.leave(shell.plain(t("teach.close_done", name=classroom.name)))


def _delete(classroom: Classroom, sure: str) -> None:
    if not st.session_state.get(sure):
        raise CourseError("delete_not_sure")
    runs = services.runs()
    gone = forget_class(shell.store(), classroom.key, runs.stop_for_all, services.uploads().discard)
    record = _record(gone)
    notes = shell.notebook()
    notes.set_preference(RECEIPTS, [record, *notes.preference(RECEIPTS, [])][:KEPT])
    st.session_state.pop(guard.CHOSEN, None)
    notices.leave(shell.plain(_sentence(record)))


def _record(gone: ClassReceipt) -> dict[str, Any]:
    return {
        "name": gone.name,
        "when": gone.when,
        "people": gone.people,
        "forgotten": gone.forgotten,
        "rows": gone.rows,
        "datasets": len(gone.datasets),
    }


def _sentence(kept: Mapping[str, Any]) -> str:
    """A receipt in words; how much, and of whom nothing."""
    rows: Mapping[str, int] = kept["rows"]
    return t(
        "teach.delete_receipt",
        when=local_time(kept["when"]),
        name=kept["name"],
        people=kept["people"],
        forgotten=kept["forgotten"],
        rows=f"{sum(rows.values()):,}",
        tables=", ".join(f"{name} {count:,}" for name, count in rows.items()) or "–",
        datasets=kept["datasets"],
    )
