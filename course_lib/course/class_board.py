"""A class's runs of one lab: each a point, so that a room becomes one experiment.

Points have no names: the board is projected. A run that several have started is one point, and one on somebody's own
data is nobody else's business, so only runs on the lab's own data count, which are also the only ones to compare.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from course_lib.course import tables
from course_lib.course.classes import Classroom
from course_lib.course.labs import LabPlan
from course_lib.course.lessons import Lesson
from course_lib.course.measures import HEADLINE, Estimate, measure
from course_lib.course.store import Store
from course_lib.errors import CourseError
from course_lib.runs.view import RunView

SIZE = "parameters"


@dataclass(frozen=True)
class Point:
    """One finished run of the class."""

    run_id: str
    learners: frozenset[str]  # who started or opened it
    parameters: float | None
    score: Estimate
    settings: Mapping[str, Any]


@dataclass(frozen=True)
class Board:
    """The finished runs of one lab, oldest first."""

    measure: str  # what is compared
    points: tuple[Point, ...] = ()
    waiting: int = 0  # runs of the lab that have not ended
    varied: tuple[str, ...] = field(default=())  # settings in which the points differ


def labs_with_board(lesson: Lesson) -> tuple[LabPlan, ...]:
    """The labs of a lesson that learners set themselves, and that measure something."""
    return tuple(lab for lab in lesson.labs if lab.trouble is None and not lab.card.light and not lab.runs)


def board(store: Store, room: Classroom, lesson: Lesson, lab: LabPlan, watch: Callable[[str], RunView]) -> Board:
    """The runs of those present in one lab of a lesson.

    Args:
        store: the course's memory.
        room: the class.
        lesson: whose lab it is.
        lab: one of :func:`labs_with_board`.
        watch: ``Runs.watch``.

    Raises CourseError.
    """
    own_run = next(iter(lab.configs().values()))
    measured = lab.card.measures
    name = HEADLINE if HEADLINE in measured else next(iter(measured))
    learners: dict[str, set[str]] = {}
    for row in store.read(_runs_of(room.key, lesson.id)):
        if row.state.get("lab", lab.id) != lab.id:
            continue
        learners.setdefault(row.run_id, set()).add(row.learner)
    points, waiting = [], 0
    for run_id, who in learners.items():
        view = watch(run_id)
        if view.config is None or (view.config.experiment, view.config.data) != (own_run.experiment, own_run.data):
            continue
        if view.live:
            waiting += 1
        if view.state != "finished":
            continue
        try:
            score = measure(name, view.result or {})
        except CourseError:  # a result of an older kind
            continue
        size = (view.result or {}).get("measures", {}).get(SIZE, {}).get("value")
        points.append(Point(run_id, frozenset(who), size, score, view.config.settings))
    names = dict.fromkeys(name for point in points for name in point.settings)
    varied = tuple(name for name in names if len({str(point.settings.get(name)) for point in points}) > 1)
    return Board(name, tuple(points), waiting, varied)


def _runs_of(key: str, lesson: str) -> sa.Select[Any]:
    """What those present have started or opened in a lesson, oldest first."""
    people, runs = tables.members, tables.runs
    together = people.join(runs, runs.c.learner == people.c.learner)
    query = sa.select(runs.c.run_id, runs.c.learner, runs.c.state).select_from(together)
    return query.where(people.c.classroom == key, people.c.removed.is_(None), runs.c.lesson == lesson).order_by(
        runs.c.id
    )
