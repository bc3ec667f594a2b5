"""Classes: an instructor opens one, learners join by its code under a nickname, and it is closed.

    room = open_class(store, instructor, "Tuesday evening")
    join_class(store, room.code, learner, "Lin")
    class_of(store, learner)                        # (Classroom, Member), or None

Who may call what is the business of course/roles.py and of the pages; here only what cannot be is refused. A learner
is in one class at a time: to join another is to leave the one before. A class of eight, or of eighty, joins within a
few seconds, so everything that two may do at once is settled by the database.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from course_lib.course import tables
from course_lib.course.class_plan import Call, Plan
from course_lib.course.class_records import (
    LIMITS,
    Classroom,
    Member,
    limits_record,
    new_code,
    plain_code,
    read_classroom,
    read_member,
    spoken_code,
)
from course_lib.course.nicknames import class_name, folded, free_name
from course_lib.course.nicknames import nickname as cleaned
from course_lib.course.rate_limit import allow
from course_lib.course.store import Store
from course_lib.errors import CourseError
from course_lib.runs.limits import RunLimits

__all__ = ["LIMITS", "Classroom", "Member", "new_code", "plain_code", "spoken_code"]  # and what is below

SEEN_EVERY_S = 20.0
TRIES_S = 600.0  # how long a try to join counts
_classes, _members, _revealed = tables.classes, tables.members, tables.revealed


# ---- the class


def open_class(store: Store, instructor: str, name: str) -> Classroom:
    """A new class of ``instructor``, with its code. Raises CourseError for a name that is empty or too long."""
    row = {
        "key": secrets.token_hex(8),
        "name": class_name(name),
        "instructor": instructor,
        "opened": time.time(),
        "closed": None,
        "plan": Plan().to_dict(),
        "limits": limits_record(LIMITS),
    }

    def work(connection: sa.Connection) -> None:
        _be_there(connection, instructor)
        connection.execute(_classes.insert().values(**row, code=new_code()))

    store.write(work)
    return classroom(store, str(row["key"]))


def classes_of(store: Store, instructor: str) -> tuple[Classroom, ...]:
    """All classes of an instructor, newest first, the closed ones too."""
    query = sa.select(_classes).where(_classes.c.instructor == instructor).order_by(_classes.c.opened.desc())
    return tuple(read_classroom(row) for row in store.read(query))


def classroom(store: Store, key: str) -> Classroom:
    """One class; raises CourseError ``unknown_class``."""
    rows = store.read(sa.select(_classes).where(_classes.c.key == key))
    if not rows:
        raise CourseError("unknown_class")
    return read_classroom(rows[0])


def by_code(store: Store, code: str) -> Classroom | None:
    """The open class with this code. Not for pages, where it would tell good codes: :func:`join_class` counts tries."""
    plain = plain_code(code)
    rows = store.read(sa.select(_classes).where(_classes.c.code == plain)) if plain else []
    return read_classroom(rows[0]) if rows else None


def rotate_code(store: Store, key: str) -> str:
    """A new code; the old one is no longer good. Raises CourseError for a closed class."""
    made: list[str] = []

    def work(connection: sa.Connection) -> None:
        made.append(new_code())
        _update_open(connection, key, code=made[-1])

    store.write(work)
    return made[-1]


def close_class(store: Store, key: str) -> None:
    """Ends the class: its code is no longer good, nobody is in it, and what was given in it stays until deleted."""

    def work(connection: sa.Connection) -> None:
        row = sa.and_(_classes.c.key == key, _classes.c.closed.is_(None))
        connection.execute(_classes.update().where(row).values(code=None, closed=time.time()))

    classroom(store, key)
    store.write(work)


# ---- its people


def join_class(store: Store, code: str, learner: str, nickname: str, origin: str = "") -> Member:
    """Makes ``learner`` a member under ``nickname``; one who is in the class already is called that from now on.

    Every try counts, of the learner, of ``origin`` (an address that a class may share) and of everybody, since who
    throws cookies away is a new learner each time. 1,000 tries in ten minutes go through all codes in 520 years.

    Raises CourseError: ``class_code_unknown``, ``nickname_empty``, ``nickname_long``, ``nickname_taken`` with a free
    one, ``class_removed`` for one whom the instructor has taken out, ``too_many_tries``.
    """
    name = cleaned(nickname)
    allow(store, f"join as {learner}", per=20, seconds=TRIES_S)
    if origin:
        allow(store, f"join from {origin}", per=300, seconds=TRIES_S)
    allow(store, "join", per=1000, seconds=TRIES_S)
    found = by_code(store, code)
    if found is None:
        raise CourseError("class_code_unknown")
    now = time.time()

    def work(connection: sa.Connection) -> None:
        still = sa.select(_classes.c.name).where(_classes.c.key == found.key, _classes.c.code == found.code)
        if connection.execute(still).scalar() is None:  # closed, or another code, since it was looked up
            raise CourseError("class_code_unknown")
        _be_there(connection, learner)
        own = sa.and_(_members.c.classroom == found.key, _members.c.learner == learner)
        before = connection.execute(sa.select(_members).where(own)).first()
        if before is not None and before.removed is not None:
            raise CourseError("class_removed", name=found.name)
        _check_free(connection, found.key, learner, name)
        called = {"nickname": name, "folded": folded(name), "seen": now}
        if before is not None:
            connection.execute(_members.update().where(own).values(**called))
            return
        _leave_all(connection, learner)
        new: dict[str, Any] = {
            "joined": now,
            "removed": None,
            "lesson": "",
            "anchor": "",
            "help_since": None,
            "limits": {},
        }
        connection.execute(_members.insert().values(classroom=found.key, learner=learner, **called, **new))

    store.write(work)
    return _member_of(store, found.key, learner)


def class_of(store: Store, learner: str) -> tuple[Classroom, Member] | None:
    """The open class that a learner is in."""
    rows = store.read(_joined_with(learner).where(_members.c.removed.is_(None)))
    return (read_classroom(rows[0], "c_"), read_member(rows[0])) if rows else None


def removed_from(store: Store, learner: str) -> Classroom | None:
    """The open class from which the instructor has taken a learner out, the last one."""
    rows = store.read(_joined_with(learner).where(_members.c.removed.is_not(None)).order_by(_members.c.removed.desc()))
    return read_classroom(rows[0], "c_") if rows else None


def members(store: Store, key: str, removed: bool = False) -> tuple[Member, ...]:
    """Who is in a class, in the order of joining; with ``removed`` also those whom the instructor has taken out."""
    query = sa.select(_members).where(_members.c.classroom == key).order_by(_members.c.joined, _members.c.learner)
    return tuple(
        read_member(row) for row in store.read(query if removed else query.where(_members.c.removed.is_(None)))
    )


def leave_class(store: Store, learner: str) -> None:
    """Ends the learner's membership of an open class; what they gave stays theirs, and their nickname is free."""
    store.write(lambda connection: _leave_all(connection, learner))


def remove_member(store: Store, key: str, learner: str) -> None:
    """Takes a learner out, who cannot come back by any code until readmitted; the nickname is free again.

    Raises CourseError ``unknown_member``.
    """

    def work(connection: sa.Connection) -> None:
        row = sa.and_(_own(key, learner), _members.c.removed.is_(None))
        gone = {"removed": time.time(), "folded": f"removed {learner}", "help_since": None}  # folded names: no spaces
        if not connection.execute(_members.update().where(row).values(**gone)).rowcount:
            raise CourseError("unknown_member")

    store.write(work)


def readmit_member(store: Store, key: str, learner: str) -> None:
    """Lets a removed learner join again, by the code. Raises CourseError ``unknown_member``."""

    def work(connection: sa.Connection) -> None:
        row = sa.and_(_own(key, learner), _members.c.removed.is_not(None))
        if not connection.execute(_members.delete().where(row)).rowcount:
            raise CourseError("unknown_member")

    store.write(work)


def note_seen(store: Store, learner: str, lesson: str, anchor: str = "") -> None:
    """The learner was active just now, in this lesson and step. One statement; nothing for who is in no class.

    Callers who know the member save it where :func:`worth_noting` says no.
    """
    values = {"seen": time.time(), "lesson": lesson[:200], "anchor": anchor[:200]}
    store.write(lambda connection: _update_member(connection, learner, values))


def worth_noting(member: Member, lesson: str, anchor: str) -> bool:
    """Whether a member is somewhere else than last noted, or was noted 20 seconds ago or more."""
    return (member.lesson, member.anchor) != (lesson, anchor) or time.time() - member.seen >= SEEN_EVERY_S


def ask_help(store: Store, learner: str, on: bool) -> None:
    """The learner asks for help, or no longer does; asking twice keeps the first moment."""

    def work(connection: sa.Connection) -> None:
        now = time.time()
        since = sa.func.coalesce(_members.c.help_since, now) if on else None
        _update_member(connection, learner, {"help_since": since, "seen": now})

    store.write(work)


# ---- pace


def call_everyone(store: Store, key: str, lesson: str | None, anchor: str = "") -> None:
    """Everybody is shown the way to a lesson, or to a step of it; with None no longer."""
    _change_plan(store, key, lambda plan: replace(plan, called=Call(lesson, anchor, time.time()) if lesson else None))


def open_to_all(store: Store, key: str, places: Iterable[str] | None, readable: bool = False) -> None:
    """Opens these lessons (``evaluation``) and steps (``evaluation#train``) and no other; None opens everything.

    ``readable``: what is not open can be read all the same.
    """
    kept = None if places is None else tuple(dict.fromkeys(places))
    _change_plan(store, key, lambda plan: replace(plan, open=kept, readable=readable))


def set_anonymous(store: Store, key: str, anonymous: bool) -> None:
    """Whether small counts of answers stay hidden."""
    _change_plan(store, key, lambda plan: replace(plan, anonymous=anonymous))


def reveal(store: Store, key: str, lesson: str, name: str, shown: bool = True) -> None:
    """Lets the class see the pooled answers to a question or guess, or hides them again."""
    where = {"classroom": key, "lesson": lesson, "name": name}
    row = sa.and_(*(_revealed.c[column] == value for column, value in where.items()))

    def work(connection: sa.Connection) -> None:
        connection.execute(_revealed.delete().where(row))
        if shown:
            connection.execute(_revealed.insert().values(**where, at=time.time()))

    store.write(work)


def revealed_in(store: Store, key: str, lesson: str | None = None) -> frozenset[tuple[str, str]]:
    """Lesson and name of the questions and guesses whose pooled answers the class may see."""
    query = sa.select(_revealed).where(_revealed.c.classroom == key)
    rows = store.read(query if lesson is None else query.where(_revealed.c.lesson == lesson))
    return frozenset((row.lesson, row.name) for row in rows)


# ---- limits


def set_limits(store: Store, key: str, limits: RunLimits) -> None:
    """The limits of each learner in the class. Raises CourseError for a closed class."""
    store.write(lambda connection: _update_open(connection, key, limits=limits_record(limits)))


def set_own_limits(store: Store, key: str, learner: str, limits: Mapping[str, float | None]) -> None:
    """What differs from the class's limits for one member: names of RunLimits; an empty mapping is nothing."""
    RunLimits(**limits)  # type: ignore[arg-type]  # no other names

    def work(connection: sa.Connection) -> None:
        if not connection.execute(_members.update().where(_own(key, learner)).values(limits=dict(limits))).rowcount:
            raise CourseError("unknown_member")

    store.write(work)


def limits_for(store: Store, learner: str) -> RunLimits:
    """What a run of this learner may take: the class's limits with the member's own over them; none without a class."""
    found = class_of(store, learner)
    return RunLimits() if found is None else limits_of(*found)


def limits_of(room: Classroom, member: Member) -> RunLimits:
    """The same where both are at hand."""
    own: Mapping[str, Any] = member.limits
    return replace(room.limits, **own)


# ---- within


def _joined_with(learner: str) -> sa.Select[Any]:
    """A learner's memberships of open classes, with the class's columns named ``c_...``."""
    columns = [column.label(f"c_{column.name}") for column in _classes.c]
    together = _members.join(_classes, _classes.c.key == _members.c.classroom)
    query = sa.select(_members, *columns).select_from(together)
    return query.where(_members.c.learner == learner, _classes.c.closed.is_(None))


def _member_of(store: Store, key: str, learner: str) -> Member:
    rows = store.read(sa.select(_members).where(_own(key, learner)))
    if not rows:
        raise CourseError("unknown_member")
    return read_member(rows[0])


def _own(key: str, learner: str) -> sa.ColumnElement[bool]:
    return sa.and_(_members.c.classroom == key, _members.c.learner == learner)


def _open_keys() -> sa.Select[Any]:
    return sa.select(_classes.c.key).where(_classes.c.closed.is_(None))


def _update_member(connection: sa.Connection, learner: str, values: Mapping[str, Any]) -> None:
    """Of the open class that the learner is in."""
    row = sa.and_(_members.c.learner == learner, _members.c.removed.is_(None), _members.c.classroom.in_(_open_keys()))
    connection.execute(_members.update().where(row).values(**values))


def _leave_all(connection: sa.Connection, learner: str) -> None:
    """A removed one stays removed, and a closed class keeps the list of who was in it."""
    row = sa.and_(_members.c.learner == learner, _members.c.removed.is_(None), _members.c.classroom.in_(_open_keys()))
    connection.execute(_members.delete().where(row))


def _check_free(connection: sa.Connection, key: str, learner: str, name: str) -> None:
    rows = connection.execute(sa.select(_members.c.learner, _members.c.folded).where(_members.c.classroom == key))
    taken = {row.folded for row in rows if row.learner != learner}
    if folded(name) in taken:
        raise CourseError("nickname_taken", name=name, free=free_name(name, taken))


def _update_open(connection: sa.Connection, key: str, **values: Any) -> None:
    row = sa.and_(_classes.c.key == key, _classes.c.closed.is_(None))
    if not connection.execute(_classes.update().where(row).values(**values)).rowcount:
        raise CourseError("class_closed")


def _change_plan(store: Store, key: str, change: Any) -> None:
    """Reads the plan and writes it in one transaction, so that two changes at once are both kept."""

    def work(connection: sa.Connection) -> None:
        query = sa.select(_classes.c.plan).where(_classes.c.key == key).with_for_update()
        record = connection.execute(query).scalar()
        if record is None:
            raise CourseError("unknown_class")
        _update_open(connection, key, plan=change(Plan.from_dict(record)).to_dict())

    store.write(work)


def _be_there(connection: sa.Connection, learner: str) -> None:
    """The learner's own row, made at the first thing that is written."""
    known = connection.execute(sa.select(tables.learners.c.key).where(tables.learners.c.key == learner)).scalar()
    if known is None:
        connection.execute(tables.learners.insert().values(key=learner, since=time.time()))
