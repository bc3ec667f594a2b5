"""What stands before everything on the instructor's page: the database's word that this learner may.

A part that is drawn begins with :func:`room`, and every button's callback is made by :func:`pressed`, which asks again
at the press. A session that says otherwise, and a page that was drawn before the role was lost, get a sentence.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Concatenate

from course_lib.course import roles
from course_lib.course.class_watch import look_again
from course_lib.ui import shell

if TYPE_CHECKING:
    from course_lib.course.classes import Classroom

SLOT = "teaching"  # where what a callback could not do is told, one for each part of the page
CHOSEN = "teaching.class"  # session state: the class on show


def room(key: str) -> Classroom:
    """The class ``key``, if it is this instructor's; raises CourseError."""
    return roles.require_class(shell.store(), shell.learner(), key)


def pressed(part: str, key: str, work: Callable[Concatenate[Classroom, ...], None], *given: Any) -> Callable[..., None]:
    """A callback that does ``work(classroom, *given)`` if the class is this instructor's at that moment.

    What goes wrong is shown where the page calls :func:`told` with the same ``part``.
    """

    def act() -> None:
        work(room(key), *given)
        look_again(shell.store(), key)  # learners of this server see it with their next look

    return shell.guarded(act, f"{SLOT}.{part}")


def signed_in(part: str, work: Callable[..., None], *given: Any) -> Callable[..., None]:
    """The same for what needs no class: the learner has to be an instructor at the press."""

    def act() -> None:
        roles.require_instructor(shell.store(), shell.learner())
        partial(work, *given)()

    return shell.guarded(act, f"{SLOT}.{part}")


def told(part: str) -> None:
    """Why the last press of one of a part's buttons did not work."""
    shell.told(f"{SLOT}.{part}")
