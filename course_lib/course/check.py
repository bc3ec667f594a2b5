"""Checks every lesson folder and both languages: ``python -m course_lib lessons --check`` prints what this finds."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from course_lib.course.course_map import CourseMap, read_map
from course_lib.course.lessons import FOLDER, Lesson, assemble, map_path
from course_lib.course.markdown import ANCHORS, structure
from course_lib.course.parity import compare, compare_texts
from course_lib.course.problems import Problem, shortened
from course_lib.errors import CourseError
from course_lib.text import LANGUAGES


def check_lessons(folder: Path = FOLDER) -> list[Problem]:
    """Everything that is wrong with the course in ``folder`` and its map; [] when all is well.

    Beyond what opening the lessons finds: the languages' parity, placeholders that no page would fill, prose in the
    wrong language, pictures from outside hosts, and lessons without a page (where there is a ``pages`` folder).
    """
    problems: list[Problem] = []
    try:
        course_map = read_map(map_path(folder))
    except CourseError as error:
        problems.append(Problem("", error))
        course_map = CourseMap((), ())  # the folders are checked all the same
    course = assemble(course_map, folder)
    problems += course.problems
    for lesson in (lesson for lesson in course.lessons if lesson.ready):
        problems += [Problem(lesson.id, error, fatal=False) for error in _check(lesson, folder)]
    return problems


def _check(lesson: Lesson, folder: Path) -> Iterator[CourseError]:
    """What is wrong with a lesson that can be opened."""
    name = f"lessons/{lesson.id}"
    zh, en = lesson.sections("zh"), lesson.sections("en")
    for anchor in ANCHORS:
        yield from compare(zh[anchor], en[anchor], name, anchor)
    for language in LANGUAGES:
        for anchor, section in lesson.sections(language).items():
            yield from _check_section(section, f"{name}/{language}.md", anchor, language)
    for place, texts in _texts(lesson):
        yield from compare_texts(texts, name, place)
        if not _is_chinese(texts["zh"]):
            yield CourseError("lesson_not_chinese", file=name, place=place)
    pages = folder.parent / "pages"
    if pages.is_dir() and not (pages / f"{lesson.id}.py").is_file():
        yield CourseError("lesson_no_page", lesson=lesson.id)


def _check_section(section: str, file: str, anchor: str, language: str) -> Iterator[CourseError]:
    """What is wrong with one section on its own."""
    found = structure(section)
    for line in found.wrong:
        yield CourseError("lesson_placeholder", file=file, place=anchor, text=line)
    for line in found.crowded:
        yield CourseError("lesson_figure_line", file=file, place=anchor, text=line)
    for address in found.images:
        if re.match(r"(?:[a-z]+:)?//", address):
            yield CourseError("lesson_image_outside", file=file, place=anchor, address=shortened(address))
    if language == "zh" and not _is_chinese(section):
        yield CourseError("lesson_not_chinese", file=file, place=anchor)


def _is_chinese(passage: str) -> bool:
    """Whether there is a Chinese character in it, or nothing but names, numbers and formulas."""
    if re.search(r"[\u4e00-\u9fff]", passage):
        return True
    return not re.search(r"(?:\b[a-z]{2,}\b\W+){3}", re.sub(r"\$[^$]*\$|`[^`]*`", " ", passage))


def _texts(lesson: Lesson) -> Iterator[tuple[str, Mapping[str, str]]]:
    """All texts of lesson.toml and quiz.toml, by language, with the place where they stand."""
    yield "title", lesson.titles
    yield "summary", lesson.summaries
    for guess in lesson.guesses:
        yield f"guess[{guess.id}].prompt", guess.prompts
        for choice in guess.options:
            yield f"guess[{guess.id}].option[{choice.id}].text", choice.texts
    for challenge in lesson.challenges:
        yield f"challenge[{challenge.id}].prompt", challenge.prompts
        for place, (zh, en) in enumerate(zip(challenge.hints["zh"], challenge.hints["en"], strict=True), 1):
            yield f"challenge[{challenge.id}].hints[{place}]", {"zh": zh, "en": en}
    for question in lesson.quiz.questions:
        yield f"question[{question.id}].prompt", question.prompts
        for place, option in enumerate(question.options, 1):
            yield f"question[{question.id}].option[{place}].text", option.texts
            yield f"question[{question.id}].option[{place}].why", option.whys
