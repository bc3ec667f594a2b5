"""A personal resume code: sixteen digits that make another device the same learner, on paper or read aloud.

Digits rather than words: they are read aloud alike in both languages, and typed on any keyboard. Fifteen are random,
about 50 bits; the last is a check digit (Luhn, ISO/IEC 7812), which finds every single wrong digit and nearly every
swap of neighbours before a try is counted. Of everybody together 600 tries in ten minutes are looked at, 32 million
a year: with ten thousand codes in use, somebody who guesses all year has one chance in 3,000 of finding any.
The database keeps a keyed hash, and a code lives for half a year, or until its learner makes another.
"""

from __future__ import annotations

import secrets
import time
import unicodedata

import sqlalchemy as sa

from course_lib.course import tables
from course_lib.course.installation_key import keyed_hash
from course_lib.course.rate_limit import allow, check
from course_lib.course.store import Learner, Store
from course_lib.errors import CourseError

DIGITS = 16  # the check digit among them
LASTS_S = 183 * 24 * 3600.0
WINDOW_S = 600.0
PER_ADDRESS = 120  # a school's network is one address for a whole class
IN_ALL = 600
LONGEST = 100  # characters of what is typed in


def make_code(learner: Learner) -> str:
    """A new code of the learner, in groups of four; the one of before ends. Raises CourseError."""
    digits = "".join(secrets.choice("0123456789") for _ in range(DIGITS - 1))
    digits += check_digit(digits)
    row = {"code": keyed_hash("resume code", digits), "since": time.time()}
    table = tables.resume_codes

    def work(connection: sa.Connection) -> None:
        mine = table.c.learner == learner.key
        if not connection.execute(table.update().where(mine).values(**row)).rowcount:
            known = sa.select(tables.learners.c.key).where(tables.learners.c.key == learner.key)
            if connection.execute(known).scalar() is None:  # nothing has been given yet
                connection.execute(tables.learners.insert().values(key=learner.key, since=row["since"]))
            connection.execute(table.insert().values(learner=learner.key, **row))

    learner.store.write(work)
    return " ".join(digits[at : at + 4] for at in range(0, DIGITS, 4))


def lasts_until(learner: Learner) -> float | None:
    """Until when the learner's code can be used, unix seconds; None where there is none. Raises CourseError."""
    table = tables.resume_codes
    rows = learner.store.read(sa.select(table.c.since).where(table.c.learner == learner.key))
    until = rows[0].since + LASTS_S if rows else 0.0
    return until if until > time.time() else None


def withdraw(learner: Learner) -> None:
    """Ends the learner's code. Raises CourseError."""
    table = tables.resume_codes

    def work(connection: sa.Connection) -> None:
        connection.execute(table.delete().where(table.c.learner == learner.key))

    learner.store.write(work)


def whose(store: Store, given: str, address: str) -> str:
    """The key of the learner whose code was typed in at ``address``.

    Raises CourseError: ``resume_code_form`` for what no code looks like, which is not looked up; ``too_many_tries``;
    ``resume_code_unknown``; and what the database raises.
    """
    digits = read_code(given)
    check(store, "resume code", WINDOW_S)
    allow(store, f"resume code from {address}", PER_ADDRESS, WINDOW_S)
    allow(store, "resume code", IN_ALL, WINDOW_S)
    table = tables.resume_codes
    alive = (table.c.code == keyed_hash("resume code", digits)) & (table.c.since > time.time() - LASTS_S)
    rows = store.read(sa.select(table.c.learner).where(alive))
    if not rows:
        raise CourseError("resume_code_unknown")
    return str(rows[0].learner)


def read_code(given: str) -> str:
    """The digits of what was typed in: with any spaces and hyphens, in any script's digits. Raises CourseError."""
    letters = [one for one in given[: LONGEST + 1] if not (one.isspace() or unicodedata.category(one) == "Pd")]
    if len(given) > LONGEST or len(letters) != DIGITS or not all(one.isdecimal() for one in letters):
        raise CourseError("resume_code_form", digits=DIGITS)
    digits = "".join(str(unicodedata.decimal(one)) for one in letters)
    if check_digit(digits[:-1]) != digits[-1]:
        raise CourseError("resume_code_form", digits=DIGITS)
    return digits


def check_digit(digits: str) -> str:
    """The digit that Luhn's formula puts behind ``digits``."""
    doubled = sum(sum(divmod(2 * int(one), 10)) for one in digits[::-2])
    return str(-(doubled + sum(int(one) for one in digits[-2::-2])) % 10)
