"""Questions that learners ask, with their answers and the lessons that show it: ``data/answers.toml``.

[[answer]]
id = "advantage"
question_zh = "..."            # and question_en
text_zh = "..."                # and text_en: Markdown; {{value:lesson.name}} is a measured number of that lesson
lessons = ["orientation"]      # where a lab shows it
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from course_lib.course.problems import Table, name_of, read_toml
from course_lib.errors import CourseError
from course_lib.settings import PROJECT

FILE = PROJECT / "data" / "answers.toml"


@dataclass(frozen=True)
class Asked:
    """One question and its answer."""

    id: str
    questions: Mapping[str, str]  # by language
    texts: Mapping[str, str]
    lessons: tuple[str, ...]  # ids

    def question(self, language: str) -> str:
        """What is asked."""
        return self.questions[language]

    def text(self, language: str) -> str:
        """The answer in Markdown, its numbers still to be filled in."""
        return self.texts[language]


@functools.cache
def load_answers(file: Path = FILE) -> tuple[Asked, ...]:
    """All questions in the file's order. Raises CourseError with what is wrong with the file."""
    found: list[CourseError] = []
    table = Table(read_toml(file, found), name_of(file), found)
    rows = table.tables("answer")
    asked = tuple(_read_answer(row) for row in rows)
    table.no_twins("answer", [one.id for one in asked])
    table.finish()
    if found:
        raise found[0]
    return asked


def _read_answer(row: Table) -> Asked:
    """One ``[[answer]]``."""
    lessons = row.value("lessons", (list,), "array", [])
    asked = Asked(row.identifier(), row.texts("question"), row.texts("text"), tuple(str(one) for one in lessons))
    row.finish()
    return asked
