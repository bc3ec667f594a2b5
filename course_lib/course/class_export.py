"""What a class has given, as a CSV file or JSON lines: answers, guesses, sections, runs and challenges of its members.

Names can be left out. Learners then have numbers in an order that is drawn anew for each file, so that two files, or a
file and the instructor's page, cannot be laid side by side. Where a class answers anonymously, its answers and guesses
never stand beside a name or a number, and their time is no more than the day.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Iterator
from typing import Any

import sqlalchemy as sa

from course_lib.course import tables
from course_lib.course.export import COLUMNS, activity_rows, moment, sheet
from course_lib.course.lessons import Lesson
from course_lib.course.store import Activity, Answer, ChallengeTried, GuessGiven, RunStarted, Step, Store

CLASS_COLUMNS = ("learner", *COLUMNS)
GIVEN = ("answer", "guess")  # what is anonymous where a class answers so


def class_csv(
    store: Store, key: str, lessons: Iterable[Lesson], language: str, names: bool, anonymous: bool = False
) -> str:
    """One row for each thing that a member of the class ``key`` has given. Raises CourseError."""
    return sheet(CLASS_COLUMNS, _rows(store, key, lessons, language, names, anonymous))


def class_jsonl(
    store: Store, key: str, lessons: Iterable[Lesson], language: str, names: bool, anonymous: bool = False
) -> str:
    """The same, a JSON object a line with the names of the columns; empty cells are left out. Raises CourseError."""
    lines = (
        json.dumps(
            {name: cell for name, cell in zip(CLASS_COLUMNS, row, strict=True) if cell != ""}, ensure_ascii=False
        )
        for row in _rows(store, key, lessons, language, names, anonymous)
    )
    return "".join(f"{line}\n" for line in lines)


def class_activities(store: Store, key: str) -> dict[str, tuple[str, Activity]]:
    """By learner, each member's nickname and all that they have done; read at one moment. Raises CourseError."""
    members = sa.select(tables.members.c.learner, tables.members.c.nickname).where(
        tables.members.c.classroom == key, tables.members.c.removed.is_(None)
    )
    of_members = sa.select(tables.members.c.learner).where(
        tables.members.c.classroom == key, tables.members.c.removed.is_(None)
    )
    given = (tables.answers, tables.guesses, tables.steps, tables.runs, tables.challenges)
    found = store.read_all(
        {
            "members": members.order_by(tables.members.c.joined),
            **{table.name: sa.select(table).where(table.c.learner.in_(of_members)) for table in given},
        }
    )

    def of(name: str, learner: str) -> list[Any]:
        return sorted((row for row in by_learner.get((name, learner), ())), key=lambda row: row.at)

    by_learner: dict[tuple[str, str], list[Any]] = {}
    for table in given:
        for row in found[table.name]:
            by_learner.setdefault((table.name, row.learner), []).append(row)
    return {
        learner: (
            nickname,
            Activity(
                tuple(
                    Answer(r.lesson, r.question, r.version, tuple(r.chosen), r.correct, r.at)
                    for r in of("answers", learner)
                ),
                tuple(GuessGiven(r.lesson, r.guess, r.value, r.at) for r in of("guesses", learner)),
                tuple(Step(r.lesson, r.anchor, r.completed, r.at) for r in of("steps", learner)),
                tuple(RunStarted(r.lesson, r.run_id, r.link, r.state, r.at) for r in of("runs", learner)),
                tuple(
                    ChallengeTried(r.lesson, r.challenge, r.run_id, r.passed, r.details, r.at)
                    for r in of("challenges", learner)
                ),
            ),
        )
        for learner, nickname in found["members"]
    }


def _rows(
    store: Store, key: str, lessons: Iterable[Lesson], language: str, names: bool, anonymous: bool
) -> Iterator[list[Any]]:
    """The rows, oldest first; anonymous ones come last, in an order that says nothing."""
    known = {lesson.id: lesson for lesson in lessons}
    people = list(class_activities(store, key).values())
    if not names:
        random.SystemRandom().shuffle(people)
    named: list[tuple[float, list[Any]]] = []
    nameless: list[list[Any]] = []
    for number, (nickname, activity) in enumerate(people, 1):
        who = nickname if names else f"{number}"
        for at, cells in activity_rows(activity, known, language):
            if anonymous and cells[0] in GIVEN:
                nameless.append(["", moment(at)[:10], *cells])
            else:
                named.append((at, [who, moment(at), *cells]))
    random.SystemRandom().shuffle(nameless)
    nameless.sort(key=lambda row: row[1])
    yield from (row for _, row in sorted(named, key=lambda pair: pair[0]))
    yield from nameless
