"""The business canvas: a plan that the learner fills along the way, a box a lesson, and the whole of it to take away.

A box holds what the learner would do and on what figure it leans. It is kept as a preference, ``canvas.<lesson>``, and
so is forgotten with everything else. Beside the box stand the runs that the learner has made in that lesson.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from course_lib.course.lessons import Lesson
from course_lib.course.storable import checked_text
from course_lib.course.store import Learner
from course_lib.text import text

LONGEST = 4000  # characters in a box
NEWEST = 3  # runs that are named in a box


@dataclass(frozen=True)
class Box:
    """One lesson's part of the plan."""

    lesson: Lesson
    words: str  # "" where nothing has been written
    runs: tuple[str, ...]  # the newest runs of that lesson, by id


def preference(lesson: str) -> str:
    """The name under which a lesson's box is kept."""
    return f"canvas.{lesson}"


def read_box(learner: Learner, lesson: str) -> str:
    """What stands in a lesson's box."""
    return str(learner.preference(preference(lesson), ""))


def write_box(learner: Learner, lesson: str, words: str) -> None:
    """Keeps a lesson's box; raises CourseError for more than LONGEST characters or what no database takes."""
    learner.set_preference(preference(lesson), checked_text(preference(lesson), words, LONGEST))


def boxes(learner: Learner, lessons: Iterable[Lesson]) -> tuple[Box, ...]:
    """The box of every lesson that is ready, in the lessons' order."""
    made: dict[str, list[str]] = {}
    for run in learner.runs():
        made.setdefault(run.lesson, []).append(run.run_id)
    return tuple(
        Box(lesson, read_box(learner, lesson.id), tuple(dict.fromkeys(reversed(made.get(lesson.id, []))))[:NEWEST])
        for lesson in lessons
        if lesson.ready
    )


def lines(plan: Iterable[Box], language: str) -> list[tuple[str, str, str]]:
    """``(title, words, what it leans on)`` of every box that has been filled."""
    found = []
    for box in plan:
        if not box.words.strip():
            continue
        leans = text("canvas.runs", language, runs=", ".join(box.runs)) if box.runs else ""
        found.append((box.lesson.title(language), box.words.strip(), leans))
    return found


def markdown(plan: Iterable[Box], language: str) -> str:
    """The canvas as a Markdown file: what the learner wrote stands as it was typed."""
    parts = [f"# {text('canvas.title', language)}"]
    for title, words, leans in lines(plan, language):
        parts += [f"## {title}", words] + ([f"*{leans}*"] if leans else [])
    return "\n\n".join(parts) + "\n"
