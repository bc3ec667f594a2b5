"""The workshop's plans: the same in both languages, with lessons that are there and minutes that make the day."""

from __future__ import annotations

import re

import pytest

from course_lib.course.lessons import load_lessons
from course_lib.settings import PROJECT

FILES = {"en": PROJECT / "docs" / "workshop.md", "zh": PROJECT / "docs" / "workshop.zh.md"}
BREAK = "–"


def plans(language: str) -> list[list[tuple[int, str]]]:
    """(minutes, lesson) of each plan, in its order."""
    parts = re.split(r"^## ", FILES[language].read_text(encoding="utf-8"), flags=re.MULTILINE)
    rows = [re.findall(r"^\| (\d+) \| (\S+) \| .+ \|$", part, flags=re.MULTILINE) for part in parts]
    return [[(int(minutes), lesson) for minutes, lesson in one] for one in rows if one]


def test_both_languages_have_the_same_plans() -> None:
    assert plans("en") == plans("zh")
    assert len(plans("en")) == 2


@pytest.mark.parametrize(("plan", "low", "high"), [(0, 180, 240), (1, 360, 480)])
def test_half_a_day_and_a_day_are_as_long_as_they_say(plan: int, low: int, high: int) -> None:
    assert low <= sum(minutes for minutes, _ in plans("en")[plan]) <= high


def test_every_lesson_of_a_plan_is_there_and_gets_no_more_than_its_own_minutes() -> None:
    lessons = {lesson.id: lesson.minutes for lesson in load_lessons() if lesson.ready}
    for plan in plans("en"):
        for minutes, lesson in plan:
            if lesson not in (BREAK, "home"):
                assert minutes <= lessons[lesson], lesson
        order = [lesson for _, lesson in plan if lesson in lessons]
        assert order == sorted(order, key=list(lessons).index), "nothing stands before what it builds on"


def test_a_break_after_two_hours_at_the_latest() -> None:
    for plan in plans("en"):
        since = 0
        for minutes, lesson in plan:
            since = 0 if lesson == BREAK else since + minutes
            assert since <= 120
