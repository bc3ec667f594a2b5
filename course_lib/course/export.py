"""What a learner has done as a CSV file that a spreadsheet opens without running anything in it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from course_lib.course.lessons import Lesson
from course_lib.course.store import Activity

COLUMNS = ("time", "kind", "lesson", "name", "given", "correct", "run")
# A spreadsheet takes a cell that begins with one of these for a formula (OWASP, "CSV Injection").
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def activity_csv(activity: Activity, lessons: Iterable[Lesson], language: str) -> str:
    """One row for each answer, guess, section, challenge and run, oldest first; times are UTC, ISO 8601.

    Begins with a byte order mark, without which spreadsheets misread Chinese. ``given`` is what was chosen or typed.
    """
    rows = activity_rows(activity, {lesson.id: lesson for lesson in lessons}, language)
    return sheet(COLUMNS, ([moment(at), *cells] for at, cells in rows))


def activity_rows(
    activity: Activity, lessons: Mapping[str, Lesson], language: str
) -> list[tuple[float, tuple[Any, ...]]]:
    """What was given, oldest first: unix seconds, and the cells of :data:`COLUMNS` after the time."""
    rows: list[tuple[float, tuple[Any, ...]]] = []
    for answer in activity.answers:
        said = _answer(lessons.get(answer.lesson), answer.question, answer.version, answer.chosen, language)
        rows.append((answer.at, ("answer", answer.lesson, answer.question, said, answer.correct, "")))
    rows += [(guess.at, ("guess", guess.lesson, guess.guess, guess.value, "", "")) for guess in activity.guesses]
    rows += [(step.at, ("section", step.lesson, step.anchor, "", "", "")) for step in activity.steps]
    rows += [
        (one.at, ("challenge", one.lesson, one.challenge, "", one.passed, one.run_id)) for one in activity.challenges
    ]
    rows += [(run.at, ("run", run.lesson, "", run.link, "", run.run_id)) for run in activity.runs]
    return sorted(rows, key=lambda row: row[0])


def sheet(head: Iterable[str], rows: Iterable[Iterable[Any]]) -> str:
    """A CSV file for spreadsheets: a byte order mark first, and no cell that one of them would run."""
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(head)
    writer.writerows(map(_cell, row) for row in rows)
    return "\ufeff" + file.getvalue()


def moment(at: float) -> str:
    """Unix seconds as UTC, ISO 8601, to the second."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")


def _answer(lesson: Lesson | None, question_id: str, version: str, chosen: tuple[int, ...], language: str) -> str:
    """The chosen options' texts where the question still has that wording, else their places, from 1."""
    for question in lesson.quiz.questions if lesson else ():
        if question.id == question_id and question.version == version:
            return " | ".join(question.options[place].text(language) for place in chosen)
    return " | ".join(str(place + 1) for place in chosen)


def _cell(value: Any) -> Any:
    """A text that would be taken for a formula gets an apostrophe in front; numbers stay numbers."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value
