"""The start of a run within the limits of the learner's class, for every lab that trains."""

from __future__ import annotations

from typing import Protocol

from course_lib.course import classes
from course_lib.course.audit import check_learnable
from course_lib.errors import CourseError
from course_lib.experiments.config import RunConfig
from course_lib.ui import shell


class Starter(Protocol):
    """Whatever starts runs and tells why one could not be started: a lab, or a page that has none."""

    @property
    def troubles(self) -> list[CourseError]:
        """What is told beside its buttons."""
        ...


def start(lab: Starter, config: RunConfig) -> str:
    """Starts the run, or joins it, for this learner; returns its id.

    Raises CourseError where the data have nothing to learn, and with ``limit_...`` for a run that is larger than the
    class allows; the lab then says too whose limit it is. While the database cannot say who is in which class, nobody
    is kept from training.
    """
    check_learnable(config)
    learner = shell.learner()
    try:
        found = classes.class_of(shell.store(), learner)
    except CourseError as error:
        if not error.of_the_database:
            raise
        found = None
    if found is None:
        return shell.runs().start(config, learner)
    try:
        return shell.runs().start(config, learner, classes.limits_of(*found))
    except CourseError as error:
        if error.key.startswith("limit_") and all(told.key != "limit_of_class" for told in lab.troubles):
            lab.troubles.append(CourseError("limit_of_class", name=found[0].name))
        raise
