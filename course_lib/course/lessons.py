"""Lessons, found by walking ``lessons/``; adding one is adding a folder.

A lesson is ``lessons/<id>/`` with ``lesson.toml``, ``quiz.toml``, ``zh.md`` and ``en.md``. One that the map names and
that has no folder yet is in preparation; one whose folder is broken is closed, says why, and leaves the others alone.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from course_lib.course.challenges import Challenge, read_challenge
from course_lib.course.course_map import CourseMap, Entry, Group, read_map
from course_lib.course.guesses import Guess, read_guess
from course_lib.course.labs import LabPlan, read_lab
from course_lib.course.markdown import split_sections
from course_lib.course.problems import Problem, Table, name_of, read_text, read_toml
from course_lib.course.quiz import Quiz, read_quiz
from course_lib.course.recorded import RecordedPlan, read_recorded_plan
from course_lib.errors import CourseError
from course_lib.settings import PROJECT
from course_lib.text import LANGUAGES

FOLDER = PROJECT / "lessons"
FILES = ("lesson.toml", "quiz.toml", "zh.md", "en.md")  # of every lesson
Signature = tuple[tuple[str, int, int], ...]


@dataclass(frozen=True)
class Reference:
    """A source that the lesson cites."""

    text: str
    url: str = ""


@dataclass(frozen=True)
class Lesson:
    """One lesson. While it is not ``ready`` only the first block is filled, from the course map."""

    id: str
    order: int
    group: str
    titles: Mapping[str, str]
    summaries: Mapping[str, str]
    after: tuple[str, ...] = ()  # the lessons that lead here, for the map
    ready: bool = False
    problems: tuple[Problem, ...] = ()  # why a folder that is there could not be opened

    minutes: int = 0
    next: str | None = None  # a lesson that is on the map, ready or not
    labs: tuple[LabPlan, ...] = ()
    recorded: RecordedPlan | None = None  # what it plays before anybody has trained
    guesses: tuple[Guess, ...] = ()
    challenges: tuple[Challenge, ...] = ()
    references: tuple[Reference, ...] = ()
    quiz: Quiz = field(default_factory=Quiz)
    prose: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # by language, by anchor: Markdown
    headings: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # by language, by anchor

    def title(self, language: str) -> str:
        """The lesson's title."""
        return self.titles[language]

    def summary(self, language: str) -> str:
        """The lesson in one sentence."""
        return self.summaries[language]

    def sections(self, language: str) -> dict[str, str]:
        """Markdown by anchor, in the order of ANCHORS, without the headings; {} while in preparation."""
        return dict(self.prose.get(language, {}))

    def lab(self, id: str | None = None) -> LabPlan:
        """One lab, the first by default; raises CourseError with the known ids."""
        for lab in self.labs:
            if id in (None, lab.id):
                return lab
        raise CourseError("unknown_lab", name=id or "-", lesson=self.id, known=", ".join(lab.id for lab in self.labs))

    def heading(self, anchor: str, language: str) -> str:
        """The title of one section."""
        return self.headings[language][anchor]


@dataclass(frozen=True)
class Course:
    """All lessons in order, the groups that they belong to, and what is wrong with any of them."""

    lessons: tuple[Lesson, ...]
    groups: tuple[Group, ...]
    problems: tuple[Problem, ...]

    def lesson(self, id: str) -> Lesson:
        """One lesson; raises CourseError with the known ids."""
        for lesson in self.lessons:
            if lesson.id == id:
                return lesson
        raise CourseError("unknown_lesson", name=id, known=", ".join(lesson.id for lesson in self.lessons))


def load_lessons(folder: Path = FOLDER) -> tuple[Lesson, ...]:
    """All lessons in order; raises CourseError only where the course map itself cannot be read."""
    return load_course(folder).lessons


def load_course(folder: Path = FOLDER) -> Course:
    """The course in ``folder``, whose map is ``data/course.toml`` beside it.

    Cached until one of the files changes, so a page may call it at every rerun.
    """
    return _load(folder, _signature(folder))


def map_path(folder: Path) -> Path:
    """Where the map of the course in ``folder`` lies."""
    return folder.parent / "data" / "course.toml"


def lesson_folders(folder: Path) -> list[Path]:
    """The folders that hold a lesson each; hidden ones and ``__pycache__`` do not."""
    try:
        return sorted(path for path in folder.iterdir() if path.name[0] not in "._" and path.is_dir())
    except FileNotFoundError:
        return []
    except OSError as problem:
        raise CourseError("lesson_file_unreadable", file="lessons/", reason=problem.strerror) from None


def _signature(folder: Path) -> Signature:
    """Name, time and size of every file that the course is read from, and of the folders they lie in."""
    folders = lesson_folders(folder)
    found = []
    for path in (map_path(folder), *folders, *(path / name for path in folders for name in FILES)):
        try:
            stat = path.stat()
        except OSError:  # missing or closed: the reader says which
            continue
        found.append((str(path), stat.st_mtime_ns, stat.st_size))
    return tuple(found)


@functools.lru_cache(maxsize=4)
def _load(folder: Path, signature: Signature) -> Course:
    return assemble(read_map(map_path(folder)), folder)


def assemble(course_map: CourseMap, folder: Path) -> Course:
    """The map's lessons, opened where their folder is there and whole, and the folders that the map does not name."""
    problems: list[Problem] = []
    lessons = {entry.id: _planned(entry) for entry in course_map.entries}
    for path in lesson_folders(folder):
        lesson, found = read_lesson(path)
        problems += found
        planned = lessons.get(path.name)
        if lesson:
            after = planned.after if planned else ()
            lessons[path.name] = replace(lesson, after=after, problems=tuple(found))
        elif planned:
            lessons[path.name] = replace(planned, problems=tuple(found))
    groups = [group.id for group in course_map.groups]
    for lesson in list(lessons.values()) if groups else ():  # without a map nothing can be said about places on it
        file = f"lessons/{lesson.id}/lesson.toml"
        if lesson.next and lesson.next not in lessons:
            error = CourseError("lesson_next_unknown", file=file, name=lesson.next, known=", ".join(lessons))
            problems.append(Problem(lesson.id, error, fatal=False))
            lesson = replace(lesson, next=None)  # no dead link
        if lesson.group not in groups:
            error = CourseError("lesson_group_unknown", file=file, name=lesson.group, known=", ".join(groups))
            problems.append(Problem(lesson.id, error, fatal=False))
            lesson = replace(lesson, group=groups[-1])
        lessons[lesson.id] = lesson
    ordered = sorted(lessons.values(), key=lambda lesson: (lesson.order, lesson.id))
    for one, other in itertools.pairwise(ordered):
        if one.order == other.order:
            error = CourseError("lesson_order_twice", one=one.id, other=other.id, order=one.order)
            problems.append(Problem(other.id, error, fatal=False))
    return Course(tuple(ordered), course_map.groups, tuple(problems))


def _planned(entry: Entry) -> Lesson:
    """A lesson in preparation."""
    return Lesson(entry.id, entry.order, entry.group, entry.titles, entry.summaries, entry.after)


def read_lesson(folder: Path) -> tuple[Lesson | None, list[Problem]]:
    """The lesson in ``folder``, or None and everything that keeps it closed."""
    found: list[CourseError] = []
    content = read_toml(folder / "lesson.toml", found)
    if content or not found:
        lesson = _read_head(Table(content, name_of(folder / "lesson.toml"), found), folder.name)
    else:
        lesson = Lesson(folder.name, 0, "", {}, {})  # unreadable: the other files are still checked
    before = len(found)
    questions = read_toml(folder / "quiz.toml", found)
    quiz = Quiz()
    if questions or len(found) == before:
        quiz = read_quiz(Table(questions, name_of(folder / "quiz.toml"), found))
    prose, headings = {}, {}
    for language in LANGUAGES:
        source = read_text(folder / f"{language}.md", found)
        if source:
            file = name_of(folder / f"{language}.md")
            prose[language], headings[language] = split_sections(source, file, found)
    problems = [Problem(folder.name, error) for error in found]
    if problems:
        return None, problems
    troubles = [Problem(folder.name, lab.trouble, fatal=False) for lab in lesson.labs if lab.trouble]
    return replace(lesson, ready=True, quiz=quiz, prose=prose, headings=headings), troubles


def _read_head(table: Table, folder: str) -> Lesson:
    """``lesson.toml``; what is wrong goes to the table's problems."""
    id = table.identifier()
    if id and id != folder:
        table.problem("lesson_id_folder", id=id, folder=folder)
    order = table.integer("order", 1, 10_000)
    group = table.text("group")
    minutes = table.integer("minutes", 1, 600)
    titles, summaries = table.texts("title"), table.texts("summary")
    following = table.text("next", needed=False) or None
    labs = tuple(read_lab(row) for row in table.tables("lab"))
    table.no_twins("lab", [lab.id for lab in labs])
    guesses = tuple(read_guess(row, labs) for row in table.tables("guess"))
    table.no_twins("guess", [guess.id for guess in guesses])
    challenges = tuple(read_challenge(row, labs) for row in table.tables("challenge"))
    table.no_twins("challenge", [challenge.id for challenge in challenges])
    recorded = read_recorded_plan(table.table("recorded")) if "recorded" in table.content else None
    references = tuple(_read_reference(row) for row in table.tables("reference"))
    table.finish()
    return Lesson(
        id,
        order,
        group,
        titles,
        summaries,
        minutes=minutes,
        next=following,
        labs=labs,
        recorded=recorded,
        guesses=guesses,
        challenges=challenges,
        references=references,
    )


def _read_reference(row: Table) -> Reference:
    """One ``[[reference]]``."""
    reference = Reference(row.text("text"), row.text("url", needed=False))
    if reference.url and not reference.url.startswith("https://"):
        row.problem("lesson_field_url", field=row.at("url"), value=reference.url)
    row.finish()
    return reference
