"""Who is in a class and how far each has come: what the instructor's grid shows, read at one moment for everybody."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass

import sqlalchemy as sa

from course_lib.course import tables
from course_lib.course.store import Store

HERE_S = 120.0  # somebody who has done nothing for longer is counted as away


@dataclass(frozen=True)
class Person:
    """One member of a class. Times are unix seconds."""

    learner: str
    number: int  # from 1, in the order of joining; stays when others are removed
    nickname: str
    seen: float  # last active
    lesson: str  # where they are; empty: on no lesson
    anchor: str
    help_since: float | None
    runs: int  # different runs that they have started
    steps: frozenset[str]  # anchors of their present lesson that they have seen or finished

    def here(self, now: float | None = None) -> bool:
        """Whether they did something within the last two minutes."""
        return (time.time() if now is None else now) - self.seen <= HERE_S


def class_people(store: Store, key: str) -> tuple[Person, ...]:
    """The members of the class ``key``: who asks for help first, longest waiting before; then by nickname."""
    members, steps, runs = tables.members, tables.steps, tables.runs
    joined = members.c.classroom == key
    found = store.read_all(
        {
            "members": sa.select(members).where(joined).order_by(members.c.joined, members.c.learner),
            "steps": sa.select(steps.c.learner, steps.c.anchor)
            .join(members, sa.and_(members.c.learner == steps.c.learner, members.c.lesson == steps.c.lesson))
            .where(joined),
            "runs": sa.select(runs.c.learner, sa.func.count(sa.distinct(runs.c.run_id)).label("runs"))
            .join(members, members.c.learner == runs.c.learner)
            .where(joined)
            .group_by(runs.c.learner),
        }
    )
    seen: dict[str, set[str]] = {}
    for learner, anchor in found["steps"]:
        seen.setdefault(learner, set()).add(anchor)
    counts = {row.learner: int(row.runs) for row in found["runs"]}
    everybody = [
        Person(
            learner=row.learner,
            number=number,
            nickname=row.nickname,
            seen=row.seen,
            lesson=row.lesson,
            anchor=row.anchor,
            help_since=row.help_since,
            runs=counts.get(row.learner, 0),
            steps=frozenset(seen.get(row.learner, ())),
        )
        for number, row in enumerate(found["members"], 1)
        if row.removed is None
    ]
    return in_order(everybody)


def in_order(people: Iterable[Person]) -> tuple[Person, ...]:
    """Who asks for help comes first, whoever has waited longest before the others."""
    return tuple(
        sorted(people, key=lambda one: (one.help_since is None, one.help_since or 0.0, one.nickname.casefold()))
    )
