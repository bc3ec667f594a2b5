"""The class that the learner is in, as far as every page needs it: who, where, and what is open.

It is one look into the database a page, and nothing of it keeps a page from being drawn: a class that cannot be read
is no class.
"""

from __future__ import annotations

import logging

from course_lib.course import class_watch, classes
from course_lib.course.class_watch import Snapshot
from course_lib.course.classes import Classroom, Member
from course_lib.course.progress import newest_step
from course_lib.course.store import Activity
from course_lib.errors import CourseError
from course_lib.ui.identity import learner
from course_lib.ui.services import store
from course_lib.ui.this_run import once

LOG = logging.getLogger(__name__)


def mine() -> tuple[Classroom, Member] | None:
    """The open class that this learner is in."""
    return once("class", _mine)


def _mine() -> tuple[Classroom, Member] | None:
    try:
        return classes.class_of(store(), learner())
    except CourseError as error:
        LOG.info("the learner's class cannot be read: %s", error)
        return None


def snapshot() -> Snapshot | None:
    """The same class as all its watchers see it; None for who is in none."""
    found = mine()
    if found is None:
        return None
    try:
        return class_watch.look(store(), found[0].key)
    except CourseError as error:
        LOG.info("the class cannot be read: %s", error)
        return None


def is_open(lesson: str, anchor: str = "") -> bool:
    """Whether the learner may work on a lesson, or on a step of it. Who is in no class may always."""
    found = mine()
    return found is None or found[0].plan.is_open(lesson, anchor)


def is_readable(lesson: str) -> bool:
    """Whether what is not open can be read."""
    found = mine()
    return found is None or found[0].plan.readable


def note(lesson: str, activity: Activity | None = None, anchor: str = "") -> None:
    """The learner is on this lesson's page, at the step of what they did there last; "" for a page that is no lesson.

    Written only where it tells something new, or after 20 seconds.
    """
    found = mine()
    if found is None:
        return
    step = anchor or (newest_step(activity, lesson) if activity is not None else "")
    if not classes.worth_noting(found[1], lesson, step):
        return
    try:
        classes.note_seen(store(), learner(), lesson, step)
    except CourseError as error:  # the instructor knows less; the learner's page is whole
        LOG.info("where the learner is was not noted: %s", error)
