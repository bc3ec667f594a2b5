"""How a member is called on the instructor's page: by nickname, or by number where the page is on a projector."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import streamlit as st

from course_lib.course.class_people import Person
from course_lib.ui import shell
from course_lib.ui.shell import t
from course_lib.ui.teach import guard

PREFERENCE = "teach_without_names"  # of the instructor, in the course's memory
SWITCH = "teaching.without_names"


@dataclass(frozen=True)
class Names:
    """The names of one class's members, by learner."""

    hidden: bool
    people: Mapping[str, Person]

    def of(self, learner: str) -> str:
        """What this learner is called here; somebody who is not in the class has no name."""
        person = self.people.get(learner)
        if person is None:
            return t("teach.somebody_else")
        return t("teach.number", number=person.number) if self.hidden else person.nickname


def names(people: Iterable[Person]) -> Names:
    """The names as this instructor wants them shown."""
    return Names(hidden(), {person.learner: person for person in people})


def hidden() -> bool:
    """Whether this instructor shows no names."""
    return bool(shell.notebook().preference(PREFERENCE, False))


def switch() -> None:
    """Shows or hides all names; remembered."""
    st.session_state[SWITCH] = hidden()
    st.toggle(
        t("teach.without_names"),
        key=SWITCH,
        help=t("teach.without_names_help"),
        on_change=guard.signed_in("names", lambda: _remember(bool(st.session_state[SWITCH]))),
    )
    guard.told("names")


def _remember(chosen: bool) -> None:
    shell.notebook().set_preference(PREFERENCE, chosen)
