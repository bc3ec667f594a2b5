"""The course's terms in both languages, ``data/glossary.toml``, and which of them a text uses.

[[term]]
zh = "互补品"                  # and en
also_zh = ["互补"]             # other spellings that count as the same term; also_en likewise
meaning_zh = "..."             # and meaning_en
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from course_lib.course.lessons import Lesson
from course_lib.course.problems import Table, name_of, read_toml
from course_lib.errors import CourseError
from course_lib.settings import PROJECT
from course_lib.text import LANGUAGES

FILE = PROJECT / "data" / "glossary.toml"


@dataclass(frozen=True)
class Term:
    """One term of the field."""

    names: Mapping[str, str]  # by language
    others: Mapping[str, tuple[str, ...]]  # other spellings, by language
    meanings: Mapping[str, str]

    def name(self, language: str) -> str:
        """What it is called."""
        return self.names[language]

    def meaning(self, language: str) -> str:
        """What it means, in a sentence or two."""
        return self.meanings[language]

    def is_in(self, text: str, language: str) -> bool:
        """Whether ``text`` uses it, in a spelling of that language or by its English name, which Chinese texts keep."""
        spellings = {self.names[language], *self.others[language], self.names["en"]}
        return any(_pattern(spelling).search(text) for spelling in spellings)


@functools.cache
def _pattern(spelling: str) -> re.Pattern[str]:
    """A term within a text: whole words with an optional plural in Latin letters, anywhere in Chinese."""
    if re.search(r"[\u4e00-\u9fff]", spelling):
        return re.compile(re.escape(spelling))
    # An abbreviation is one as it is written: "map" is no MAP.
    flags = 0 if spelling.isupper() else re.IGNORECASE
    return re.compile(rf"(?<![A-Za-z0-9]){re.escape(spelling)}(?:s|es)?(?![A-Za-z0-9])", flags)


@functools.cache
def load_glossary(file: Path = FILE) -> tuple[Term, ...]:
    """All terms in the file's order. Raises CourseError with what is wrong with the file."""
    found: list[CourseError] = []
    table = Table(read_toml(file, found), name_of(file), found)
    terms = tuple(_read_term(row) for row in table.tables("term"))
    table.finish()
    if found:
        raise found[0]
    return terms


def _read_term(row: Table) -> Term:
    """One ``[[term]]``."""
    names = {language: row.text(language) for language in LANGUAGES}
    others = {}
    for language in LANGUAGES:
        spellings = row.value(f"also_{language}", (list,), "array", [], needed=False)
        others[language] = tuple(str(spelling) for spelling in spellings)
    term = Term(names, others, row.texts("meaning"))
    row.finish()
    return term


def terms_of(lesson: Lesson, language: str) -> tuple[Term, ...]:
    """The terms that a lesson's prose uses, in the alphabetical order of their English names."""
    return _terms_in("\n".join(lesson.sections(language).values()), language)


@functools.lru_cache(maxsize=64)
def _terms_in(text: str, language: str) -> tuple[Term, ...]:
    """Kept, because a page asks at every drawing and a lesson's text rarely changes."""
    found = (term for term in load_glossary() if term.is_in(text, language))
    return tuple(sorted(found, key=lambda term: term.name("en").casefold()))
