"""Spaced review: questions that were once answered wrong come back, at growing distances, until they are known.

A question is due a day after it was answered wrong, then 3, 7 and 21 days after each right answer that follows; the
fifth right answer in a row retires it. A simple form of the Leitner boxes (Leitner, So lernt man lernen, 1972).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from course_lib.course.given import Answer
from course_lib.course.lessons import Lesson
from course_lib.course.quiz import Question

DAY_S = 86_400.0
DISTANCES = (1, 3, 7, 21)  # days after so many right answers in a row
MOST = 5  # questions a day


@dataclass(frozen=True)
class Due:
    """A question that comes back, and when."""

    lesson: Lesson
    question: Question
    at: float  # unix time from which on it is due


def to_review(lessons: Iterable[Lesson], answers: Iterable[Answer]) -> tuple[Due, ...]:
    """Every question that was once answered wrong and is not known yet, those due first before the others.

    Answers to an older wording of a question do not count.
    """
    given: dict[tuple[str, str, str], list[Answer]] = {}
    for answer in answers:
        given.setdefault((answer.lesson, answer.question, answer.version), []).append(answer)
    found = []
    for lesson in lessons:
        for question in lesson.quiz.questions if lesson.ready else ():
            tried = sorted(given.get((lesson.id, question.id, question.version), []), key=lambda one: one.at)
            wrong = [place for place, answer in enumerate(tried) if not answer.correct]
            right = len(tried) - 1 - wrong[-1] if wrong else 0
            if wrong and right < len(DISTANCES):
                found.append(Due(lesson, question, tried[-1].at + DISTANCES[right] * DAY_S))
    return tuple(sorted(found, key=lambda due: due.at))


def due_now(waiting: Iterable[Due], now: float) -> tuple[Due, ...]:
    """At most MOST of those whose time has come."""
    return tuple(due for due in waiting if due.at <= now)[:MOST]
