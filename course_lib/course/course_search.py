"""Search across the course: the lessons' steps, their questions, the glossary and what learners ask.

The engine is the simulated shop's own, BM25 over both languages (course_lib/shop/lexical.py): it knows words, not
meanings, as the lesson on search shows. Where it finds nothing, passages that hold the query as it was typed follow,
for a single Chinese character or the beginning of an English word.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from course_lib.course.answers import Asked
from course_lib.course.glossary import Term
from course_lib.course.lessons import Lesson
from course_lib.course.markdown import plain_text
from course_lib.data.columns import Columns
from course_lib.errors import CourseError
from course_lib.shop.lexical import LexicalEngine, tokens
from course_lib.text import LANGUAGES

LONGEST = 200  # characters of a query
AROUND = 90  # characters on either side of the first word found
TITLE_WEIGHT = 4  # how many times a title's words count


@dataclass(frozen=True)
class Passage:
    """Something that can be found."""

    kind: str  # "step", "question", "term" or "answer"
    lesson: str  # the lesson that it belongs to; "" for a term
    anchor: str  # its step there
    titles: Mapping[str, str]  # by language
    texts: Mapping[str, str]  # by language, without Markdown


@dataclass(frozen=True)
class Found:
    """One passage that answers a query, and the words around the first match in the reader's language."""

    passage: Passage
    excerpt: str


def passages(
    lessons: Sequence[Lesson], terms: Sequence[Term], asked: Sequence[Asked], filled: Callable[[str, str, str], str]
) -> tuple[Passage, ...]:
    """Everything in the course that can be found; lessons in preparation have nothing yet.

    ``filled`` puts the measured numbers into a lesson's text: (lesson, Markdown, language), "" for what learners ask.
    """
    found = [
        Passage("term", "", "", dict(term.names), {lang: term.meaning(lang) for lang in LANGUAGES}) for term in terms
    ]
    for lesson in lessons:
        if not lesson.ready:
            continue
        found += [
            Passage(
                "step",
                lesson.id,
                anchor,
                {lang: lesson.heading(anchor, lang) for lang in LANGUAGES},
                {lang: plain_text(filled(lesson.id, lesson.sections(lang)[anchor], lang)) for lang in LANGUAGES},
            )
            for anchor in lesson.sections("en")
        ]
        found += [
            Passage(
                "question",
                lesson.id,
                "check",
                {lang: plain_text(one.prompt(lang)) for lang in LANGUAGES},
                {lang: plain_text(" ".join(option.text(lang) for option in one.options)) for lang in LANGUAGES},
            )
            for one in lesson.quiz.questions
        ]
    found += [
        Passage(
            "answer",
            next(iter(one.lessons), ""),
            "check",
            {lang: one.question(lang) for lang in LANGUAGES},
            {lang: plain_text(filled("", one.text(lang), lang)) for lang in LANGUAGES},
        )
        for one in asked
    ]
    return tuple(found)


class CourseSearch:
    """An index over passages; made once for all learners."""

    def __init__(self, passages: Sequence[Passage]) -> None:
        self.passages = tuple(passages)
        whole = {
            column: [f"{(one.titles[lang] + ' ') * TITLE_WEIGHT}{one.texts[lang]}" for one in passages]
            for column, lang in ((Columns.TITLE_ZH, "zh"), (Columns.TITLE_EN, "en"))
        }
        self._engine = LexicalEngine(pd.DataFrame(whole))
        self._folded = [f"{zh} {en}".casefold() for zh, en in zip(*whole.values(), strict=True)]

    def find(self, query: str, language: str, most: int = 8) -> tuple[Found, ...]:
        """The passages that match best; () for an empty query or one that nothing answers.

        Raises CourseError for a query of more than LONGEST characters.
        """
        query = " ".join(query.split())
        if len(query) > LONGEST:
            raise CourseError("search_long", length=len(query), most=LONGEST)
        if not query or not self.passages:
            return ()
        scores = self._engine.score([query])[0]
        best = [int(place) for place in np.argsort(-scores, kind="stable")[:most] if scores[place] > 0]
        if not best:
            best = [place for place, text in enumerate(self._folded) if query.casefold() in text][:most]
        return tuple(Found(self.passages[place], excerpt(self.passages[place], query, language)) for place in best)


def excerpt(passage: Passage, query: str, language: str) -> str:
    """The passage's words around the first place where one of the query's words stands; else its beginning."""
    text = " ".join(passage.texts[language].split())
    folded = text.casefold()
    places = [folded.find(word) for word in (query.casefold(), *tokens(query))]
    at = next((place for place in places if place >= 0), 0)
    first = max(0, at - AROUND)
    last = min(len(text), at + AROUND)
    return f"{'…' if first else ''}{text[first:last].strip()}{'…' if last < len(text) else ''}"
