"""A class and a member as the database holds them, the codes that classes are joined by, and default limits."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from course_lib.course import tables
from course_lib.course.class_plan import Plan
from course_lib.runs.limits import RunLimits

ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"  # read aloud and typed: no 0 and O, no 1, I and L
CODE_LENGTH = 7  # 27.5 billion codes
# Of each learner in a class. Every lab of every lesson as it opens stays below them; a test says so.
LIMITS = RunLimits(seconds=900.0, parameters=5_000_000, rows=2_000_000)


@dataclass(frozen=True)
class Classroom:
    """A class."""

    key: str
    name: str
    instructor: str  # a learner's key
    code: str | None  # None once it is closed
    opened: float
    closed: float | None
    plan: Plan
    limits: RunLimits  # of each learner in it


@dataclass(frozen=True)
class Member:
    """A learner in a class. ``limits`` holds what differs from the class's, a None in it means no limit."""

    classroom: str
    learner: str
    nickname: str
    joined: float
    removed: float | None  # by the instructor
    seen: float
    lesson: str  # where they are; "" for no lesson
    anchor: str  # the step; "" for the lesson's top
    help_since: float | None
    limits: Mapping[str, float | None]


def new_code() -> str:
    """A code by chance."""
    return "".join(secrets.choice(ALPHABET) for _ in range(CODE_LENGTH))


def plain_code(given: str) -> str:
    """A code as it was typed, with spaces, hyphens and small letters forgiven; "" for what is none."""
    code = "".join(given.upper().split()).replace("-", "")
    return code if len(code) == CODE_LENGTH and set(code) <= set(ALPHABET) else ""


def spoken_code(code: str) -> str:
    """A code in two groups, to be projected and read aloud."""
    return f"{code[:3]} {code[3:]}"


def read_classroom(row: Any, prefix: str = "") -> Classroom:
    """A row of the table of classes, its columns named with ``prefix``."""
    of = {column.name: getattr(row, prefix + column.name) for column in tables.classes.c}
    return Classroom(**{**of, "plan": Plan.from_dict(of["plan"]), "limits": _read_limits(of["limits"])})


def read_member(row: Any) -> Member:
    """A row of the table of members."""
    return Member(**{name: getattr(row, name) for name in Member.__dataclass_fields__})


def limits_record(limits: RunLimits) -> dict[str, Any]:
    """As the table of classes holds them."""
    return {name: getattr(limits, name) for name in ("seconds", "parameters", "rows")}


def _read_limits(record: Mapping[str, Any]) -> RunLimits:
    return RunLimits(**{name: record.get(name) for name in ("seconds", "parameters", "rows")})
