"""Who may do what: whoever has given the instructor's secret is an instructor, and each sees the classes of their own.

Every page, callback and route of the instructor's asks here, in the database, each time: what a browser's session says
of its own role counts for nothing, and a role that was taken away a second ago is gone.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import sqlalchemy as sa

from course_lib.course import instructor_secret, rate_limit, tables
from course_lib.errors import CourseError

if TYPE_CHECKING:
    from course_lib.course.classes import Classroom
    from course_lib.course.store import Store

# Tries of the secret. One learner's limit keeps a person from guessing; the other one bounds what tries cost the
# server, whose identities are free. The secret's 100 bits are what keeps it from being found.
OWN_TRIES, ALL_TRIES, TRIES_S = 5, 60, 300.0


def is_instructor(store: Store, learner: str) -> bool:
    """Whether this learner has given the secret. Raises CourseError where the database fails."""
    table = tables.instructors
    return bool(store.read(sa.select(table.c.learner).where(table.c.learner == learner)))


def become_instructor(store: Store, learner: str, secret: str) -> None:
    """Makes the learner an instructor; raises CourseError for a wrong secret, and for too many tries."""
    rate_limit.allow(store, f"instructor {learner}", OWN_TRIES, TRIES_S)
    rate_limit.allow(store, "instructor", ALL_TRIES, TRIES_S)
    if not instructor_secret.is_secret(secret):
        raise CourseError("instructor_secret_wrong")

    def work(connection: sa.Connection) -> None:
        for table, column in (
            (tables.learners, tables.learners.c.key),
            (tables.instructors, tables.instructors.c.learner),
        ):
            if connection.execute(sa.select(column).where(column == learner)).scalar() is None:
                connection.execute(table.insert().values({column.name: learner, "since": time.time()}))

    store.write(work)


def resign(store: Store, learner: str) -> None:
    """The learner is no instructor any more; their classes stay theirs, for when they give the secret again."""
    store.write(lambda connection: _take(connection, learner))


def dismiss_all(store: Store) -> int:
    """Nobody is an instructor any more until they give the secret that is now good; returns how many were."""
    were = len(store.read(sa.select(tables.instructors.c.learner)))
    store.write(lambda connection: _take(connection, None))
    return were


def _take(connection: sa.Connection, learner: str | None) -> None:
    table = tables.instructors
    connection.execute(table.delete() if learner is None else table.delete().where(table.c.learner == learner))


def require_instructor(store: Store, learner: str) -> None:
    """Raises CourseError ``not_instructor`` unless the learner is one now."""
    if not is_instructor(store, learner):
        raise CourseError("not_instructor")


def require_class(store: Store, learner: str, key: str) -> Classroom:
    """The class ``key``, which must be this instructor's; raises CourseError ``not_instructor`` or ``not_your_class``.

    A class of somebody else and one that does not exist are refused in the same words.
    """
    from course_lib.course.classes import classroom

    require_instructor(store, learner)
    try:
        found = classroom(store, key)
    except CourseError as error:
        if error.key != "unknown_class":
            raise
        found = None
    if found is None or found.instructor != learner:
        raise CourseError("not_your_class")
    return found
