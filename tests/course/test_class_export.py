"""What a class has given as files: whole, safe in a spreadsheet, and without names where they are left out."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable

import pytest

from course_lib.course import classes
from course_lib.course.class_export import CLASS_COLUMNS, class_csv, class_jsonl
from course_lib.course.class_people import class_people
from course_lib.course.classes import Classroom
from course_lib.course.store import Store

RUN = "0123456789abcdef"
NAMES = {"a" * 32: "=HYPERLINK(1)", "b" * 32: "林小雨", "c" * 32: "Carla"}


@pytest.fixture
def store(open_at: Callable[..., Store], address: str) -> Store:
    return open_at(address, 60.0)


@pytest.fixture
def room(store: Store) -> Classroom:
    """Three members who have each given something of every kind, one who was removed, and a stranger."""
    made = classes.open_class(store, "teacher", "Tuesday")
    for learner, name in {**NAMES, "d" * 32: "Removed"}.items():
        classes.join_class(store, made.code or "", learner, name)
    for learner in (*NAMES, "d" * 32, "e" * 32):
        notes = store.learner(learner)
        notes.record_answer("alpha", "order", [0, 1], correct=True, version="v")
        notes.record_guess("alpha", "share", -0.5)
        notes.record_step("alpha", "why")
        notes.record_run("alpha", RUN, "width=8")
        notes.record_challenge("alpha", "small", RUN, True)
    classes.remove_member(store, made.key, "d" * 32)
    return made


def sheet(source: str) -> list[dict[str, str]]:
    assert source.startswith("\ufeff")
    return list(csv.DictReader(io.StringIO(source.removeprefix("\ufeff"))))


def test_everything_of_everybody_in_the_class_and_of_nobody_else(store: Store, room: Classroom) -> None:
    rows = sheet(class_csv(store, room.key, [], "en", names=True))
    assert tuple(rows[0]) == CLASS_COLUMNS
    assert len(rows) == 5 * len(NAMES)
    assert {row["kind"] for row in rows} == {"answer", "guess", "section", "run", "challenge"}
    assert {row["learner"] for row in rows} == {"'=HYPERLINK(1)", "林小雨", "Carla"}  # safe against formulas
    assert [row["time"] for row in rows] == sorted(row["time"] for row in rows)
    lines = [json.loads(line) for line in class_jsonl(store, room.key, [], "en", names=True).splitlines()]
    assert len(lines) == len(rows)
    guess = next(line for line in lines if line["kind"] == "guess")
    assert guess["given"] == -0.5  # a number stays a number
    assert "run" not in guess


def test_names_are_left_out_on_request(store: Store, room: Classroom) -> None:
    for source in (
        class_csv(store, room.key, [], "en", names=False),
        class_jsonl(store, room.key, [], "en", names=False),
    ):
        assert not any(name in source for name in (*NAMES, *NAMES.values(), "HYPERLINK"))
    rows = sheet(class_csv(store, room.key, [], "en", names=False))
    assert {row["learner"] for row in rows} == {"1", "2", "3"}


def test_numbers_are_drawn_anew(store: Store, room: Classroom) -> None:
    """Not by the order of joining, which the instructor's page shows."""
    store.learner("a" * 32).record_guess("alpha", "only", 1.0)
    marks = {
        row["learner"]
        for _ in range(40)
        for row in sheet(class_csv(store, room.key, [], "en", names=False))
        if row["name"] == "only"
    }
    assert len(marks) > 1


@pytest.mark.parametrize("names", [True, False])
def test_anonymous_answers_stand_beside_nobody(store: Store, room: Classroom, names: bool) -> None:
    rows = sheet(class_csv(store, room.key, [], "en", names=names, anonymous=True))
    given = [row for row in rows if row["kind"] in ("answer", "guess")]
    assert len(given) == 2 * len(NAMES)
    assert {row["learner"] for row in given} == {""}
    assert {len(row["time"]) for row in given} == {len("2026-11-29")}
    assert all(row["learner"] for row in rows if row["kind"] not in ("answer", "guess"))


def test_an_empty_class_is_a_head_line(store: Store) -> None:
    room = classes.open_class(store, "teacher", "Empty")
    assert sheet(class_csv(store, room.key, [], "en", names=True)) == []
    assert class_jsonl(store, room.key, [], "en", names=True) == ""


def test_the_grid_has_everybody_once_and_who_asks_for_help_first(store: Store, room: Classroom) -> None:
    classes.note_seen(store, "b" * 32, "alpha", "why")
    store.learner("b" * 32).record_step("beta", "look")  # of another lesson than the one that they are in
    store.learner("b" * 32).record_run("alpha", RUN, "again")  # the same run once more is one run
    classes.ask_help(store, "c" * 32, True)
    people = class_people(store, room.key)
    assert [one.nickname for one in people] == ["Carla", "=HYPERLINK(1)", "林小雨"]
    lin = people[2]
    assert (lin.number, lin.lesson, lin.anchor, lin.runs, lin.steps) == (2, "alpha", "why", 1, frozenset({"why"}))
    assert lin.here()
    assert not lin.here(now=lin.seen + 121)
    assert people[0].steps == frozenset()  # they are on no lesson
    classes.remove_member(store, room.key, "a" * 32)
    assert {one.nickname: one.number for one in class_people(store, room.key)} == {"Carla": 3, "林小雨": 2}
