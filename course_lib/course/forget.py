"""Starting over: what the course remembers of a learner is the learner's, so the learner can delete it."""

from __future__ import annotations

import sqlalchemy as sa

from course_lib.course import tables
from course_lib.course.own_data import Gone, Stop, remove_datasets
from course_lib.course.store import Learner

# All that is a learner's own. A class that a learner has opened goes by its instructor's key, members and all.
OWN = tuple(table for table in tables.metadata.sorted_tables if "learner" in table.c)
GIVEN = (tables.answers, tables.guesses, tables.steps, tables.runs, tables.challenges)  # all that belongs to a lesson


def forget_lesson(learner: Learner, lesson: str | None) -> None:
    """Deletes the learner's answers, guesses, steps, challenges and list of runs of one lesson, in one transaction.

    With None those of all lessons; datasets and preferences stay. So do the run folders themselves: other lessons and
    other learners may use them. Raises CourseError.
    """

    def work(connection: sa.Connection) -> None:
        for table in GIVEN:
            given = table.delete().where(table.c.learner == learner.key)
            connection.execute(given if lesson is None else given.where(table.c.lesson == lesson))

    learner.store.write(work)


def forget_run(learner: Learner, run_id: str) -> bool:
    """Takes a run from the learner's list, in every lesson; whether it now is in nobody's list, so that it may go.

    Runs are shared: equal settings are trained once, however many have the run in their lists. Raises CourseError.
    """
    table, others = tables.runs, 0

    def work(connection: sa.Connection) -> None:
        nonlocal others
        connection.execute(table.delete().where(table.c.learner == learner.key, table.c.run_id == run_id))
        query = sa.select(sa.func.count()).select_from(table).where(table.c.run_id == run_id)
        others = connection.execute(query).scalar_one()

    learner.store.write(work)
    return not others


def forget_learner(learner: Learner, stop: Stop | None = None) -> tuple[Gone, ...]:
    """Deletes everything that the course has of the learner: own datasets and their runs, and every row of theirs.

    With answers and preferences go memberships, the resume code, certificates, the right to teach, and the classes
    that the learner has opened, with the lists of who is in them.

    Args:
        learner: who is to be forgotten.
        stop: ends a run that still trains on one of the learner's datasets.

    Returns a receipt for each dataset. Raises CourseError.
    """
    gone = remove_datasets(learner.key, stop)

    def work(connection: sa.Connection) -> None:
        classes = sa.select(tables.classes.c.key).where(tables.classes.c.instructor == learner.key)
        for table in (tables.members, tables.revealed):
            connection.execute(table.delete().where(table.c.classroom.in_(classes)))
        connection.execute(tables.classes.delete().where(tables.classes.c.instructor == learner.key))
        forget_rows(connection, learner.key)

    learner.store.write(work)
    return gone


def forget_rows(connection: sa.Connection, learner: str) -> None:
    """Deletes a learner's rows in every table, and the learner."""
    for table in OWN:
        connection.execute(table.delete().where(table.c.learner == learner))
    connection.execute(tables.learners.delete().where(tables.learners.c.key == learner))
