"""Nobody but a class's own instructor sees or does anything on the Teaching page: every callback, by every role."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from browsers import sit_down
from lab_page import open_page
from streamlit.testing.v1 import AppTest
from teach_page import (
    ANNA,
    GUESS,
    LESSON,
    MEMBER,
    NOBODY,
    OTHER,
    REMOVED,
    SECRETS,
    THEIRS,
    School,
    open_teach,
    school,
    words,
)

from course_lib.course import classes, roles
from course_lib.errors import CourseError
from course_lib.text import text
from course_lib.ui import shell
from course_lib.ui.teach import guard, limits, member, names, pace, queue, take_away
from course_lib.ui.teach.page import TABS

STRANGERS = {
    "nobody": NOBODY,
    "member": MEMBER,
    "member of another class": THEIRS,
    "removed member": REMOVED,
    "other instructor": OTHER,
}
LOST = "an instructor who has lost the role"


@pytest.fixture(autouse=True)
def the_school(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[School]:
    logging.getLogger("streamlit").setLevel(logging.ERROR)  # callbacks are called without a page below
    yield from school(monkeypatch, tmp_path)


@pytest.mark.parametrize("who", STRANGERS.values(), ids=STRANGERS)
def test_no_role_sees_a_class_that_is_not_theirs(the_school: School, monkeypatch: pytest.MonkeyPatch, who: str) -> None:
    """Not in any part, though the class and the part are forged into the session."""
    secrets = (*SECRETS, the_school.annas.code or "", classes.spoken_code(the_school.annas.code or ""))
    before = the_school.everything()
    for tab in TABS if who == OTHER else ("pace",):  # who is no instructor comes to no part at all
        said = words(open_teach(monkeypatch, who, tab, forged=the_school.annas.key))
        assert not any(secret in said for secret in secrets), tab
    assert the_school.everything() == before


@pytest.mark.parametrize("part", TABS.values(), ids=TABS)
def test_every_part_asks_for_itself(
    the_school: School, monkeypatch: pytest.MonkeyPatch, part: Callable[[str], None]
) -> None:
    """Were a part ever drawn elsewhere, it would still be the class's own instructor's alone."""
    for who in STRANGERS.values():
        sit_down(monkeypatch, who)
        with pytest.raises(CourseError) as raised:
            part(the_school.annas.key)
        assert raised.value.key == ("not_your_class" if who == OTHER else "not_instructor")


def drawn(monkeypatch: pytest.MonkeyPatch, the_school: School) -> dict[str, Callable[[], None]]:
    """Every callback that Anna's page registers, by its widget's key: all parts, every greyed-out button woken."""
    found: dict[str, Callable[[], None]] = {}
    for tab in TABS:
        page = open_teach(monkeypatch, ANNA, tab)
        assert SECRETS[0] in words(page)
        for box in page.selectbox:
            if str(box.key).startswith("teach_member"):
                page = box.select(MEMBER).run()
        found |= callbacks(page)
    sit_down(monkeypatch, ANNA)
    found |= {key: act for key, act in callbacks(open_page("en")).items() if "teach" in key}
    return found


def callbacks(page: AppTest) -> dict[str, Callable[[], None]]:
    """What Streamlit would call at a press, by the key of the widget."""
    known: Any = page.session_state._state._state._new_widget_state.widget_metadata
    return {
        str(one.id): (lambda one=one: one.callback(*(one.callback_args or ()), **(one.callback_kwargs or {})))
        for one in known.values()
        if one.callback is not None
    }


def test_no_callback_of_a_page_that_was_drawn_before_does_anything_for_others(
    the_school: School, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each of them, drawn for Anna and called from another's browser, or from Anna's who has lost the role since."""
    found = drawn(monkeypatch, the_school)
    wanted = ["teach_rotate_sure", "teach_bring", "teach_open", "teach_open_all", "teach_remove_sure", "teach_reset_go"]
    wanted += ["teach_limits_save", "teach_close_sure", "teach_delete_go", "teach_call_end", "teach_shut_0"]
    wanted += [f"teach_first_{the_school.run.run_id}", f"teach_stop_{the_school.run.run_id}", "teach_own_limits_save"]
    wanted += [
        names.SWITCH,
        pace.READABLE,
        f"teach_reveal_{LESSON}_{GUESS}",
        "teach_start_go",
        "teach_helped_1",
        "teach_readmit_1",
    ]
    wanted += [f"teach_here_go_{LESSON}", "teaching.anonymous"]
    missing = [key for key in wanted if not any(id.endswith(key) for id in found)]
    assert missing == []
    for role, who in {**STRANGERS, LOST: ANNA}.items():
        if role == LOST:
            roles.resign(the_school.store, ANNA)
        sit_down(monkeypatch, who)
        before = the_school.everything()
        for id, act in found.items():
            own = who == OTHER and id.endswith(("teach_start_go", names.SWITCH))  # an instructor's, of no class
            if own or id.endswith("teach_sign_in_go"):
                continue
            for name in [name for name in st.session_state if str(name).startswith("trouble.")]:
                del st.session_state[name]
            act()
            assert the_school.everything() == before, (role, id)
            told = [one.error.key for name, one in st.session_state.items() if str(name).startswith("trouble.")]
            assert told == ["not_your_class" if who == OTHER else "not_instructor"], (role, id)


def test_the_role_lost_in_mid_session_is_told_beside_the_way_back(
    the_school: School, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = open_teach(monkeypatch, ANNA)
    roles.resign(the_school.store, ANNA)
    before = the_school.everything()
    page.button(key="teach_bring").click().run()
    assert not page.exception
    assert the_school.everything() == before
    assert page.text_input(key="teaching.secret")
    assert not any(secret in words(page) for secret in SECRETS)


@pytest.mark.parametrize("who", STRANGERS.values(), ids=STRANGERS)
@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_no_export_for_others(the_school: School, who: str, form: take_away.Form) -> None:
    make = take_away.file_of(the_school.store, who, the_school.annas.key, shell.lessons(), "en", form, names=True)
    with pytest.raises(CourseError) as raised:
        make()
    assert raised.value.key in ("not_instructor", "not_your_class")


def test_a_lesson_offers_to_bring_everybody_to_instructors_alone(
    the_school: School, monkeypatch: pytest.MonkeyPatch
) -> None:
    for who in (NOBODY, MEMBER, OTHER):
        sit_down(monkeypatch, who)
        page = open_page("en")
        offered = f"teach_here_go_{LESSON}" in {str(one.key) for one in page.button}
        assert offered == (who == OTHER)
        assert who == MEMBER or SECRETS[0] not in words(page)  # a member knows their class's name


def test_an_instructor_s_power_ends_at_their_own_class(the_school: School, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even with another's learner, another's run and a place that the course does not have as arguments."""
    sit_down(monkeypatch, ANNA)
    room = roles.require_class(the_school.store, ANNA, the_school.annas.key)
    st.session_state["sure"] = True
    none: limits.Limits = {"seconds": 1.0, "parameters": None, "rows": None}
    before = the_school.everything()
    for key, work in (
        ("unknown_member", lambda: member._do_reset(room, THEIRS, "x", LESSON, "x", "sure")),
        ("unknown_member", lambda: member._save_limits(room, THEIRS, lambda: dict(none))),
        ("unknown_member", lambda: member._remove(room, THEIRS, "x")),
        ("unknown_member", lambda: member._do_reset(room, REMOVED, "x", LESSON, "x", "sure")),
        ("unknown_member", lambda: member._readmit(room, THEIRS, "x")),
        ("run_not_of_class", lambda: queue._stop(room, the_school.stage.waiting[0].run_id)),
        ("run_not_of_class", lambda: queue._first(room, "0" * 16)),
        ("unknown_lesson", lambda: pace.bring(room, "../etc", "")),
        ("unknown_lesson", lambda: pace.bring(room, LESSON, "nowhere")),
    ):
        with pytest.raises(CourseError) as raised:
            work()
        assert raised.value.key == key
        assert the_school.everything() == before


def test_a_wrong_secret_is_told_and_a_right_one_opens_the_page(
    the_school: School, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = open_teach(monkeypatch, NOBODY, language="zh")
    page.text_input(key="teaching.secret").set_value(the_school.annas.code or "")
    page.button(key="teach_sign_in_go").click().run()
    assert [one.value for one in page.error] == [text("errors.instructor_secret_wrong", "zh")]
    page.text_input(key="teaching.secret").set_value(the_school.secret)
    page.button(key="teach_sign_in_go").click().run()
    assert [one.value for one in page.error] == []
    assert page.session_state["teaching.secret"] == ""
    page.text_input(key="teaching.name").set_value("夜校")
    page.button(key="teach_start_go").click().run()
    assert page.title[0].value == "夜校"
    assert guard.CHOSEN in page.session_state
