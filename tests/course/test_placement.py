"""Paths through the course, the questions that shorten them, and what is left of one."""

from dataclasses import replace
from pathlib import Path

import pytest

from course_lib.course.lessons import load_course
from course_lib.course.placement import (
    FILE,
    Taken,
    known_lessons,
    load_placement,
    minutes_left,
    next_lesson,
    on_route,
    taken,
)
from course_lib.errors import CourseError
from course_lib.text import LANGUAGES

PLACEMENT, COURSE = load_placement(), load_course()
ENTRIES = [lesson.id for lesson in COURSE.lessons]


def test_three_paths_lead_through_lessons_of_the_course_in_its_order() -> None:
    assert len(PLACEMENT.routes) == 3
    for route in PLACEMENT.routes:
        places = [ENTRIES.index(id) for id in route.lessons]
        assert places == sorted(set(places)), f"{route.id}: a lesson never stands before what it builds on"


def test_eight_questions_each_of_a_lesson_of_some_path_and_of_a_section_that_it_has() -> None:
    assert len(PLACEMENT.questions) == 8
    for question in PLACEMENT.questions:
        assert any(question.id in route.lessons for route in PLACEMENT.routes)
        lesson = COURSE.lesson(question.id)
        assert all(lesson.heading(question.anchor, language) for language in LANGUAGES)
        assert not question.several, "the page offers one choice"


def test_the_right_option_is_not_always_in_the_same_place() -> None:
    places = {next(place for place, one in enumerate(q.options) if one.correct) for q in PLACEMENT.questions}
    assert len(places) > 1


def test_right_answers_make_lessons_known_and_the_way_shorter() -> None:
    right = {q.id: next(place for place, one in enumerate(q.options) if one.correct) for q in PLACEMENT.questions}
    assert known_lessons(PLACEMENT.questions, right) == set(right)
    assert known_lessons(PLACEMENT.questions, {}) == set()
    wrong = {q.id: next(place for place, one in enumerate(q.options) if not one.correct) for q in PLACEMENT.questions}
    assert known_lessons(PLACEMENT.questions, wrong) == set()

    steps = on_route(PLACEMENT.routes[0], COURSE.lessons)
    first, second = steps[0], steps[1]
    whole = sum(lesson.minutes for lesson in steps)
    assert minutes_left(steps, {}) == whole
    assert minutes_left(steps, {}, {second.id}) == whole - second.minutes
    assert minutes_left(steps, {first.id: 0.5}) == round(whole - first.minutes / 2)


def test_the_next_lesson_is_open_not_done_and_not_known_where_there_is_such_a_one() -> None:
    steps = [replace(lesson, ready=True) for lesson in on_route(PLACEMENT.routes[0], COURSE.lessons)][:3]
    first, second, third = steps
    assert next_lesson(steps, {}) is first
    assert next_lesson(steps, {first.id: 1.0}, {second.id}) is third
    assert next_lesson(steps, {first.id: 1.0, third.id: 1.0}, {second.id}) is second
    assert next_lesson(steps, dict.fromkeys([one.id for one in steps], 1.0)) is None
    assert next_lesson([replace(first, ready=False), second], {}) is second


@pytest.mark.parametrize("stored", [None, 3, "engineer", [], {}, {"route": "gone"}, {"route": ["engineer"]}])
def test_what_is_no_path_is_none(stored: object) -> None:
    assert taken(stored, PLACEMENT.routes) is None


def test_a_path_comes_back_as_it_was_stored() -> None:
    mine = Taken(PLACEMENT.routes[1], frozenset({"trust", "evaluation"}))
    assert taken(mine.to_store(), PLACEMENT.routes) == mine
    assert taken({"route": mine.route.id, "known": None}, PLACEMENT.routes) == Taken(mine.route)


@pytest.mark.parametrize(
    ("line", "wrong", "key"),
    [
        ('id = "manager"', 'id = "engineer"', "lesson_id_within"),
        ('name_zh = "工程师"', 'nam_zh = "工程师"', "lesson_field_missing"),
        ('anchor = "idea"', 'anchor = "ideas"', "lesson_field_choice"),
    ],
)
def test_a_mistake_in_the_file_is_named(line: str, wrong: str, key: str, tmp_path: Path) -> None:
    broken = tmp_path / "placement.toml"
    content = FILE.read_text(encoding="utf-8")
    assert line in content
    broken.write_text(content.replace(line, wrong), encoding="utf-8")
    with pytest.raises(CourseError) as caught:
        load_placement(broken)
    assert caught.value.key == key
