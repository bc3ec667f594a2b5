"""Where to begin: paths through the lessons and questions that tell what is known already, ``data/placement.toml``.

[[path]]
id = "engineer"
name_zh = "..."                # and name_en
summary_zh = "..."             # and summary_en
lessons = ["orientation"]      # in the order in which they are taken

[[question]]                   # as in a lesson's quiz.toml; its id is the lesson that teaches it
"""

from __future__ import annotations

import functools
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from course_lib.course.lessons import Lesson
from course_lib.course.problems import Table, name_of, read_toml
from course_lib.course.quiz import Question, read_quiz
from course_lib.errors import CourseError
from course_lib.settings import PROJECT

FILE = PROJECT / "data" / "placement.toml"


@dataclass(frozen=True)
class Route:
    """One way through the course."""

    id: str
    names: Mapping[str, str]
    summaries: Mapping[str, str]
    lessons: tuple[str, ...]  # ids, in the order in which they are taken

    def name(self, language: str) -> str:
        """Whom it is for."""
        return self.names[language]

    def summary(self, language: str) -> str:
        """What it leads through."""
        return self.summaries[language]


@dataclass(frozen=True)
class Placement:
    """All routes and questions, in the file's order."""

    routes: tuple[Route, ...]
    questions: tuple[Question, ...]


@dataclass(frozen=True)
class Taken:
    """The route that a learner took, and the lessons whose question they could answer."""

    route: Route
    known: frozenset[str] = frozenset()

    def to_store(self) -> dict[str, object]:
        """As a preference."""
        return {"route": self.route.id, "known": sorted(self.known)}


@functools.cache
def load_placement(file: Path = FILE) -> Placement:
    """Routes and questions. Raises CourseError with what is wrong with the file."""
    found: list[CourseError] = []
    content = read_toml(file, found)
    table = Table({name: rows for name, rows in content.items() if name == "path"}, name_of(file), found)
    routes = tuple(_read_route(row) for row in table.tables("path"))
    table.no_twins("path", [route.id for route in routes])
    table.finish()
    quiz = read_quiz(Table({name: rows for name, rows in content.items() if name != "path"}, name_of(file), found))
    if found:
        raise found[0]
    return Placement(routes, quiz.questions)


def _read_route(row: Table) -> Route:
    """One ``[[path]]``."""
    lessons = row.value("lessons", (list,), "array", [])
    route = Route(row.identifier(), row.texts("name"), row.texts("summary"), tuple(str(one) for one in lessons))
    row.finish()
    return route


def known_lessons(questions: Iterable[Question], chosen: Mapping[str, int | None]) -> frozenset[str]:
    """The lessons whose question was answered rightly; ``chosen`` has an option's place by question id."""
    picked = ((question, chosen.get(question.id)) for question in questions)
    return frozenset(question.id for question, place in picked if place is not None and question.grade([place]).correct)


def taken(stored: object, routes: Iterable[Route]) -> Taken | None:
    """What :meth:`Taken.to_store` has stored; None where nothing was, or its route is no more."""
    if not isinstance(stored, Mapping):
        return None
    known = stored.get("known")
    ids = frozenset(str(one) for one in known) if isinstance(known, list) else frozenset()
    return next((Taken(route, ids) for route in routes if route.id == stored.get("route")), None)


def on_route(route: Route, lessons: Iterable[Lesson]) -> list[Lesson]:
    """The route's lessons that the course has, in the route's order."""
    there = {lesson.id: lesson for lesson in lessons}
    return [there[id] for id in route.lessons if id in there]


def minutes_left(lessons: Iterable[Lesson], shares: Mapping[str, float], known: Collection[str] = ()) -> int:
    """Minutes that the lessons still take: what is done does not count, nor those whose question was answered."""
    return round(sum(one.minutes * (1 - shares.get(one.id, 0.0)) for one in lessons if one.id not in known))


def next_lesson(lessons: Iterable[Lesson], shares: Mapping[str, float], known: Collection[str] = ()) -> Lesson | None:
    """The first that can be opened, is not done, and whose question was not answered; else the first not done."""
    open_ = [one for one in lessons if one.ready and shares.get(one.id, 0.0) < 1]
    return next((one for one in open_ if one.id not in known), open_[0] if open_ else None)
