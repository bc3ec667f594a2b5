"""A class as all its watchers see it, read from the database once for all of them and then again every two seconds.

A class of a hundred asks twenty times a second where it is called to; the answer is three queries every two seconds.
What this process itself has changed is seen at once where the changer calls :func:`look_again`.
"""

from __future__ import annotations

import threading
import time
import weakref
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import sqlalchemy as sa

from course_lib.course import classes
from course_lib.course.class_board import Board, board
from course_lib.course.classes import Classroom, Member
from course_lib.course.labs import LabPlan
from course_lib.course.lessons import Lesson
from course_lib.course.pooled import Pooled, pooled_answers, pooled_guesses
from course_lib.course.store import Store
from course_lib.runs.view import RunView

KEPT_S = 2.0
KEPT = 200  # things looked at: classes, their answers by lesson, their boards by lab

T = TypeVar("T")


@dataclass(frozen=True)
class Snapshot:
    """A class at one moment."""

    room: Classroom
    members: Mapping[str, Member]  # those present, by learner
    revealed: frozenset[tuple[str, str]]  # lesson and name


@dataclass
class _Watched:
    lock: threading.Lock = field(default_factory=threading.Lock)
    read: float = -KEPT_S  # on the monotonic clock
    value: Any = None


_watched: weakref.WeakKeyDictionary[sa.Engine, OrderedDict[Hashable, _Watched]] = weakref.WeakKeyDictionary()
_lock = threading.Lock()


def look(store: Store, key: str) -> Snapshot:
    """The class as it was at most two seconds ago. Raises CourseError, ``unknown_class`` among others."""

    def read() -> Snapshot:
        present = {member.learner: member for member in classes.members(store, key)}
        return Snapshot(classes.classroom(store, key), present, classes.revealed_in(store, key))

    return _shared(store, key, read)


def look_pooled(store: Store, room: Classroom, lesson: Lesson) -> Mapping[str, Pooled]:
    """Answers and guesses of a lesson by name, as they were at most two seconds ago. Raises CourseError."""
    name = ("pooled", room.key, lesson.id, room.plan.anonymous)
    return _shared(store, name, lambda: pooled_answers(store, room, lesson) | pooled_guesses(store, room, lesson))


def look_board(store: Store, room: Classroom, lesson: Lesson, lab: LabPlan, watch: Callable[[str], RunView]) -> Board:
    """The board of one lab, as it was at most two seconds ago. Raises CourseError."""
    return _shared(store, ("board", room.key, lesson.id, lab.id), lambda: board(store, room, lesson, lab, watch))


def look_again(store: Store, key: str) -> None:
    """The next look at the class reads."""
    with _lock:
        _watched.get(store.engine, OrderedDict()).pop(key, None)


def _shared(store: Store, name: Hashable, read: Callable[[], T]) -> T:
    """What ``read`` returns, asked for at most every two seconds, whoever comes."""
    with _lock:
        kept = _watched.setdefault(store.engine, OrderedDict())
        one = kept.setdefault(name, _Watched())
        kept.move_to_end(name)
        while len(kept) > KEPT:
            kept.popitem(last=False)
    with one.lock:  # of those who come at once one reads, and the others wait for it
        began = time.monotonic()
        if began - one.read >= KEPT_S:
            one.value, one.read = read(), began
        value: T = one.value
        return value
