"""The end of a class: it is closed, what its people gave in it is deleted, and a receipt says how much that was.

What belongs to the class is what its members gave from when they joined until they were taken out or it was closed:
answers, guesses, steps, runs started, challenges tried, certificates, datasets added and their runs. What they gave
before or since is their own and stays. Of whom nothing is left after that, and who is in no other class, the course
forgets the rest too: language, resume code, the learner. Who has left a class by themselves took their things along.
The receipt has no names, so that it can be kept.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from course_lib.course import classes, tables
from course_lib.course.forget import GIVEN, forget_rows
from course_lib.course.own_data import Gone, Stop, remove_dataset
from course_lib.course.store import Store
from course_lib.data.intake import store as datasets
from course_lib.errors import CourseError

TIMED = (*GIVEN, tables.certificates)  # what has a time, and so belongs to a class or does not
Discard = Callable[[str], None]  # takes a learner whose unfinished uploads are not wanted any more


@dataclass(frozen=True)
class ClassReceipt:
    """What one deletion took away."""

    name: str
    opened: float
    closed: float
    when: float
    people: int  # members, those taken out among them
    forgotten: int  # of whom nothing is left
    rows: dict[str, int] = field(default_factory=dict)  # deleted, by table
    datasets: tuple[Gone, ...] = ()


def forget_class(store: Store, key: str, stop: Stop | None = None, discard: Discard | None = None) -> ClassReceipt:
    """Closes a class where it is still open, and deletes it with what its people gave in it.

    Args:
        store: the course's memory.
        key: the class.
        stop: ends a run that still trains on one of the datasets.
        discard: drops a learner's unfinished uploads.

    Raises CourseError. What was deleted until then stays deleted, and the class is there to try again.
    """
    classes.close_class(store, key)
    room = classes.classroom(store, key)
    assert room.closed is not None
    people = classes.members(store, key, removed=True)
    gone: list[Gone] = []
    for member in people:
        gone += _added_between(member.learner, member.joined, member.removed or room.closed, stop)
        if discard is not None:
            discard(member.learner)
    rows: dict[str, int] = {}
    forgotten: list[str] = []

    def work(connection: sa.Connection) -> None:
        rows.clear()
        forgotten.clear()
        for member in people:
            until = member.removed or room.closed
            for table in TIMED:
                row = sa.and_(table.c.learner == member.learner, table.c.at.between(member.joined, until))
                _count(rows, table, connection.execute(table.delete().where(row)))
        for table in (tables.members, tables.revealed):
            _count(rows, table, connection.execute(table.delete().where(table.c.classroom == key)))
        _count(rows, tables.classes, connection.execute(tables.classes.delete().where(tables.classes.c.key == key)))
        for member in people:
            if not _has_more(connection, member.learner):
                forget_rows(connection, member.learner)
                forgotten.append(member.learner)

    store.write(work)
    return ClassReceipt(
        room.name, room.opened, room.closed, time.time(), len(people), len(forgotten), rows, tuple(gone)
    )


def _added_between(learner: str, first: float, last: float, stop: Stop | None) -> list[Gone]:
    """Deletes the datasets that a learner added in that time, which cards tell to the second."""
    own = [card for card in datasets.added(learner) if card.owner == learner]
    times = {card.name: datetime.fromisoformat(card.made).timestamp() for card in own}
    removed = []
    for name in (name for name, made in times.items() if int(first) <= made <= last):
        try:
            removed.append(remove_dataset(name, learner, stop))
        except CourseError as error:
            if error.key != "intake_no_dataset":  # the learner was quicker
                raise
    return removed


def _count(rows: dict[str, int], table: sa.Table, result: Any) -> None:
    if result.rowcount:
        rows[table.name] = rows.get(table.name, 0) + int(result.rowcount)


def _has_more(connection: sa.Connection, learner: str) -> bool:
    """Whether the course has something of a learner that is not of the class: then they go on learning here."""
    kept = (*TIMED, tables.members, tables.instructors)
    queries = [sa.select(sa.literal(1)).where(table.c.learner == learner) for table in kept]
    queries.append(sa.select(sa.literal(1)).where(tables.classes.c.instructor == learner))
    if any(connection.execute(query.limit(1)).first() for query in queries):
        return True
    return any(card.owner == learner for card in datasets.added(learner))
