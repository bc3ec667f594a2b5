"""Starting over: what the course remembers of a learner is the learner's, so the learner can delete it."""

from __future__ import annotations

import sqlalchemy as sa

from course_lib.course import tables
from course_lib.course.own_data import Gone, Stop, remove_datasets
from course_lib.course.store import Learner

GIVEN = (tables.answers, tables.guesses, tables.steps, tables.runs, tables.challenges)  # all that belongs to a lesson


def forget_lesson(learner: Learner, lesson: str) -> None:
    """Deletes the learner's answers, guesses, steps, challenges and list of runs of one lesson, in one transaction.

    The run folders themselves stay: other lessons and other learners may use them. Raises CourseError.
    """

    def work(connection: sa.Connection) -> None:
        for table in GIVEN:
            connection.execute(table.delete().where(table.c.learner == learner.key, table.c.lesson == lesson))

    learner.store.write(work)


def forget_learner(learner: Learner, stop: Stop | None = None) -> tuple[Gone, ...]:
    """Deletes everything that the course has of the learner: own datasets and their runs, answers, preferences.

    Args:
        learner: who is to be forgotten.
        stop: ends a run that still trains on one of the learner's datasets.

    Returns a receipt for each dataset. Raises CourseError.
    """
    gone = remove_datasets(learner.key, stop)

    def work(connection: sa.Connection) -> None:
        for table in (*GIVEN, tables.preferences):
            connection.execute(table.delete().where(table.c.learner == learner.key))
        connection.execute(tables.learners.delete().where(tables.learners.c.key == learner.key))

    learner.store.write(work)
    return gone
