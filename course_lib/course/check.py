"""Checks every lesson folder and both languages: ``python -m course_lib lessons --check`` prints what this finds."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from course_lib.course.course_map import CourseMap, read_map
from course_lib.course.lessons import FOLDER, Lesson, assemble, map_path
from course_lib.course.markdown import ANCHORS, Structure, structure
from course_lib.course.parity import compare, compare_texts
from course_lib.course.problems import Problem, shortened
from course_lib.errors import CourseError
from course_lib.text import LANGUAGES

# Whoever opens a lesson trains within two screens; what is folded away does not count.
BEFORE_TRAIN = ANCHORS[: ANCHORS.index("train") + 1]
MOST_WORDS = {"en": 400, "zh": 650}  # headings included; in Chinese the characters
MOST_FORMULAS = 3


def check_lessons(folder: Path = FOLDER) -> list[Problem]:
    """Everything that is wrong with the course in ``folder`` and its map; [] when all is well.

    Beyond what opening the lessons finds: the languages' parity, too much to read before training, placeholders that no
    page would fill, labs that the lesson does not have, prose in the wrong language, pictures from outside hosts, and
    lessons without a page (where there is a ``pages`` folder).
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
        file = f"{name}/{language}.md"
        for anchor, section in lesson.sections(language).items():
            yield from _check_section(section, file, anchor, language)
            yield from _check_labs(section, lesson)
        yield from _check_length(lesson, language, file)
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
    for piece in (found, *(inside for _, inside in found.details)):
        yield from _check_pieces(piece, file, anchor)
    if language == "zh" and not _is_chinese(section):
        yield CourseError("lesson_not_chinese", file=file, place=anchor)


def _check_pieces(found: Structure, file: str, anchor: str) -> Iterator[CourseError]:
    """What no page could draw as it stands."""
    for line in found.wrong:
        yield CourseError("lesson_placeholder", file=file, place=anchor, text=line)
    for line in found.crowded:
        yield CourseError("lesson_figure_line", file=file, place=anchor, text=line)
    for address in found.images:
        if re.match(r"(?:[a-z]+:)?//", address):
            yield CourseError("lesson_image_outside", file=file, place=anchor, address=shortened(address))


def _check_labs(section: str, lesson: Lesson) -> Iterator[CourseError]:
    """Labs that the text places and the lesson does not have."""
    found = structure(section)
    for name in (*found.labs, *(lab for _, inside in found.details for lab in inside.labs)):
        if name not in [lab.id for lab in lesson.labs]:
            known = ", ".join(lab.id for lab in lesson.labs)
            yield CourseError("unknown_lab", name=name, lesson=lesson.id, known=known or "–")


def _check_length(lesson: Lesson, language: str, file: str) -> Iterator[CourseError]:
    """What keeps a learner from training: too many words or formulas before it."""
    sections = lesson.sections(language)
    read = [structure(sections[anchor]) for anchor in BEFORE_TRAIN]
    words = sum(one.words for one in read)
    words += sum(structure(lesson.heading(anchor, language)).words for anchor in BEFORE_TRAIN)
    formulas = sum(len(one.display) + len(one.inline) for one in read)
    if words > MOST_WORDS[language]:
        yield CourseError("lesson_words", file=file, count=words, most=MOST_WORDS[language])
    if formulas > MOST_FORMULAS:
        yield CourseError("lesson_formulas", file=file, count=formulas, most=MOST_FORMULAS)


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
