"""What a learner has done as a CSV file that a spreadsheet opens without running anything in it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
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
    known = {lesson.id: lesson for lesson in lessons}
    rows: list[tuple[float, list[Any]]] = []
    for answer in activity.answers:
        said = _answer(known.get(answer.lesson), answer.question, answer.version, answer.chosen, language)
        rows.append((answer.at, ["answer", answer.lesson, answer.question, said, answer.correct, ""]))
    rows += [(guess.at, ["guess", guess.lesson, guess.guess, guess.value, "", ""]) for guess in activity.guesses]
    rows += [(step.at, ["section", step.lesson, step.anchor, "", "", ""]) for step in activity.steps]
    rows += [
        (one.at, ["challenge", one.lesson, one.challenge, "", one.passed, one.run_id]) for one in activity.challenges
    ]
    rows += [(run.at, ["run", run.lesson, "", run.link, "", run.run_id]) for run in activity.runs]
    sheet = io.StringIO()
    writer = csv.writer(sheet)
    writer.writerow(COLUMNS)
    for at, cells in sorted(rows, key=lambda row: row[0]):
        writer.writerow([datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds"), *map(_cell, cells)])
    return "\ufeff" + sheet.getvalue()


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
