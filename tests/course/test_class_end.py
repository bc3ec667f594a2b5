"""The end of a class: what belongs to it goes, what its people have beside it stays, and the receipt counts both."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from test_forget import add, fill, lessons_of, run_of

from course_lib.course import classes, tables
from course_lib.course.class_end import forget_class
from course_lib.course.store import Store
from course_lib.data.intake import store as datasets
from course_lib.errors import CourseError


@pytest.fixture
def store(open_at: Callable[..., Store], address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setenv("LIVEREC_HOME", str(tmp_path / "home"))
    return open_at(address, 60.0)


def test_what_was_given_in_the_class_goes(store: Store, tmp_path: Path) -> None:
    fill(store.learner("old"), "before")
    add("cups", "old", tmp_path)
    time.sleep(1.1)  # a card knows seconds
    room = classes.open_class(store, "teacher", "Tuesday")
    for learner in ("old", "new", "out", "left", "writes on"):
        classes.join_class(store, room.code or "", learner, learner)
        fill(store.learner(learner), "alpha")
    mine = run_of(add("mugs", "new", tmp_path))
    classes.remove_member(store, room.key, "out")
    fill(store.learner("out"), "later")
    classes.leave_class(store, "left")
    classes.reveal(store, room.key, "alpha", "order")
    classes.close_class(store, room.key)
    time.sleep(0.01)
    fill(store.learner("writes on"), "later")
    fill(store.learner("stranger"), "alpha")
    discarded: list[str] = []
    receipt = forget_class(store, room.key, discard=discarded.append)
    assert {key: lessons_of(store.learner(key)) for key in ("old", "new", "out", "left", "writes on", "stranger")} == {
        "old": {"before"},
        "new": set(),
        "out": {"later"},
        "left": {"alpha"},
        "writes on": {"later"},
        "stranger": {"alpha"},
    }
    assert store.learner("new").preference("language") is None
    assert store.learner("old").preference("language") == "zh"
    assert store.read(sa.select(tables.learners).where(tables.learners.c.key == "new")) == []
    assert (receipt.name, receipt.people, receipt.forgotten) == ("Tuesday", 4, 1)
    given = dict.fromkeys(("answers", "guesses", "steps", "runs", "challenges"), 4)
    assert receipt.rows == given | {"members": 4, "revealed": 1, "classes": 1}
    assert [(one.receipt.name, one.runs) for one in receipt.datasets] == [("mugs", 1)]
    assert not mine.exists()
    assert [card.name for card in datasets.added("old")] == ["cups"]
    assert sorted(discarded) == ["new", "old", "out", "writes on"]
    with pytest.raises(CourseError) as raised:
        classes.classroom(store, room.key)
    assert raised.value.key == "unknown_class"


def test_an_open_class_is_closed_first(store: Store) -> None:
    room = classes.open_class(store, "teacher", "Tuesday")
    classes.join_class(store, room.code or "", "lin", "Lin")
    receipt = forget_class(store, room.key)
    assert receipt.rows == {"members": 1, "classes": 1}
    assert receipt.forgotten == 1
    assert classes.by_code(store, room.code or "") is None
    assert store.read(sa.select(tables.learners.c.key)) == [("teacher",)]
    with pytest.raises(CourseError):
        forget_class(store, room.key)


def test_who_is_in_another_class_too_is_not_forgotten(store: Store) -> None:
    first = classes.open_class(store, "teacher", "First")
    classes.join_class(store, first.code or "", "lin", "Lin")
    classes.close_class(store, first.key)
    second = classes.open_class(store, "teacher", "Second")
    classes.join_class(store, second.code or "", "lin", "Lin")
    assert forget_class(store, first.key).forgotten == 0
    assert classes.class_of(store, "lin") is not None
