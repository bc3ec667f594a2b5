"""Questions of a lesson and their grading. Every option, right or wrong, has its explanation.

``lessons/<id>/quiz.toml`` holds one ``[[question]]`` after the other:

    [[question]]
    id = "order"
    anchor = "idea"              # the section to read again
    prompt_zh = "..."            # and prompt_en
    [[question.option]]
    text_zh = "..."              # and text_en
    correct = true
    why_zh = "..."               # and why_en: why this option is right or wrong
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from course_lib.course.markdown import ANCHORS
from course_lib.course.problems import Table
from course_lib.errors import CourseError


@dataclass(frozen=True)
class Option:
    """One answer to choose."""

    texts: Mapping[str, str]
    whys: Mapping[str, str]
    correct: bool

    def text(self, language: str) -> str:
        """What the learner reads before choosing."""
        return self.texts[language]

    def why(self, language: str) -> str:
        """Why this option is right or wrong."""
        return self.whys[language]


@dataclass(frozen=True)
class Graded:
    """A graded answer. ``hits[i]`` says whether option i was treated rightly: chosen if correct, left if not."""

    chosen: tuple[int, ...]
    correct: bool
    hits: tuple[bool, ...]


@dataclass(frozen=True)
class Question:
    """One question with at least one right and one wrong option."""

    id: str
    anchor: str  # the section that answers it
    prompts: Mapping[str, str]
    options: tuple[Option, ...]

    def prompt(self, language: str) -> str:
        """The question itself."""
        return self.prompts[language]

    @property
    def several(self) -> bool:
        """Whether more than one option is right, so that the page offers boxes to tick."""
        return sum(option.correct for option in self.options) > 1

    @property
    def version(self) -> str:
        """12 hexadecimal digits over options and prompt: an answer belongs to the wording that it was given to."""
        whole = [self.id, dict(self.prompts), [[dict(option.texts), option.correct] for option in self.options]]
        return hashlib.sha256(json.dumps(whole, sort_keys=True).encode()).hexdigest()[:12]

    def grade(self, chosen: Iterable[int]) -> Graded:
        """Right when exactly the right options are chosen; raises CourseError for an option that is not there."""
        picked = sorted(set(chosen))
        if not picked:
            raise CourseError("answer_empty", question=self.id)
        for one in picked:
            if isinstance(one, bool) or not isinstance(one, int) or not 0 <= one < len(self.options):
                raise CourseError("answer_unknown_option", question=self.id, option=one, most=len(self.options))
        hits = tuple(option.correct == (place in picked) for place, option in enumerate(self.options))
        return Graded(tuple(picked), all(hits), hits)


@dataclass(frozen=True)
class Quiz:
    """All questions of a lesson, in order."""

    questions: tuple[Question, ...] = ()

    def question(self, id: str) -> Question:
        """One question; raises CourseError with the known ids."""
        for question in self.questions:
            if question.id == id:
                return question
        raise CourseError("unknown_question", name=id, known=", ".join(one.id for one in self.questions) or "-")


def read_quiz(table: Table) -> Quiz:
    """The quiz in ``quiz.toml``; what is wrong goes to the table's problems."""
    questions = tuple(_read_question(row) for row in table.tables("question"))
    if not table.content.get("question"):
        table.problem("lesson_field_missing", field="question")
    table.no_twins("question", [question.id for question in questions])
    table.finish()
    return Quiz(questions)


def _read_question(row: Table) -> Question:
    """One ``[[question]]``."""
    question = Question(
        row.identifier(),
        row.choice("anchor", ANCHORS),
        row.texts("prompt"),
        tuple(_read_option(option) for option in row.tables("option")),
    )
    rights = sum(option.correct for option in question.options)
    if len(question.options) < 2:
        row.problem("lesson_question_options", question=row.path, count=len(question.options))
    elif not rights:
        row.problem("lesson_question_no_correct", question=row.path)
    elif rights == len(question.options):
        row.problem("lesson_question_all_correct", question=row.path)
    row.finish()
    return question


def _read_option(row: Table) -> Option:
    """One ``[[question.option]]``."""
    option = Option(
        row.texts("text"),
        {language: row.text(f"why_{language}", needed=False) for language in ("zh", "en")},
        bool(row.value("correct", (bool,), "boolean", False)),
    )
    for language, why in option.whys.items():
        if f"why_{language}" not in row.content or not why:
            row.problem("lesson_option_unexplained", option=row.path, field=f"why_{language}")
    row.finish()
    return option
