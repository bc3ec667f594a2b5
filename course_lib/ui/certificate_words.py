"""What a certificate says, in words: the page and the PDF are two drawings of the same lines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from course_lib.course.certificates import Certificate, spoken_code
from course_lib.figures.names import choice_name, measure_name, setting_name
from course_lib.text import text


@dataclass(frozen=True)
class Entry:
    """One challenge: the task, and the figures of the run that met it."""

    task: str
    figures: str


@dataclass(frozen=True)
class Words:
    """A certificate's lines in one language, not yet made safe for any kind of document."""

    title: str
    above_name: str
    name: str
    made: str
    unsupervised: str
    lessons_head: str
    lessons: tuple[str, ...]
    rule: str
    challenges_head: str
    challenges: tuple[Entry, ...]
    code_head: str
    code: str


def words(certificate: Certificate, language: str) -> Words:
    """``certificate`` in ``language``; lessons and challenges are called what they were called when it was made."""
    content, course = certificate.content, certificate.content["course"]
    finished = tuple(_lesson(row, language) for row in content["lessons"])
    return Words(
        title=text("certificate.title", language),
        above_name=text("certificate.for", language),
        name=certificate.name,
        made=text("certificate.made", language, date=content["date"], **course),
        unsupervised=text("certificate.unsupervised", language),
        lessons_head=text("certificate.lessons", language),
        lessons=finished or (text("certificate.no_lessons", language),),
        rule=text("certificate.rule", language),
        challenges_head=text("certificate.challenges", language),
        challenges=tuple(_challenge(row, language) for row in content["challenges"]),
        code_head=text("certificate.codes", language),
        code=spoken_code(certificate.code),
    )


def _lesson(row: Mapping[str, Any], language: str) -> str:
    kind = "lesson" if row["challenges_in_all"] else "lesson_asked" if row["questions"] else "lesson_plain"
    counts = {"right": row["right"], "questions": row["questions"], "met": row["challenges"]}
    title, challenges = row["titles"][language], row["challenges_in_all"]
    return text(f"certificate.{kind}", language, title=title, challenges=challenges, **counts)


def _challenge(row: Mapping[str, Any], language: str) -> Entry:
    task = text(
        "certificate.challenge",
        language,
        title=row["titles"][language],
        date=row["date"],
        prompt=row["prompts"][language],
    )
    said = [_figure(one, language) for one in row["figures"]] or [text("certificate.no_figures", language)]
    said.append(text("certificate.run", language, run=row["run"]))
    return Entry(task, " · ".join(said))


def _figure(one: Mapping[str, Any], language: str) -> str:
    name = str(one["name"])
    known = measure_name(name, language)
    named = setting_name(name, language) if known == name else known
    if one["relation"] == "is":
        return text("certificate.figure_is", language, name=named, got=choice_name(name, one["got"], language))
    got = _number(one["got"])
    if one["low"] is not None and one["low"] < one["high"]:
        got = text("certificate.interval", language, value=got, low=_number(one["low"]), high=_number(one["high"]))
    return text(f"certificate.figure_{one['relation']}", language, name=named, got=got, wanted=_number(one["wanted"]))


def _number(value: float) -> str:
    """As the Check step writes it."""
    return f"{value:,.0f}" if value == round(value) and abs(value) >= 1 else f"{value:.3f}"
