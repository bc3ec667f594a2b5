"""The lab of metrics by hand on a page: its order is a setting, so link, language and measures follow it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from lab_page import key, nothing_broke, open_page, set_stage, skip, told, words
from lab_stage import Stage

from course_lib.course.labs import LabPlan
from course_lib.course.lessons import load_course
from course_lib.experiments.list_metrics import SETTINGS
from course_lib.ui import shell

LESSON, LAB = "mathematics", "by_hand"
PICTURES = ("list_metrics.lists", "list_metrics.places", "list_metrics.bars", "list_metrics.pot")
BOTH = pytest.mark.parametrize("language", ["zh", "en"])


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Stage:
    """A lesson with this lab, whichever lesson of the course has it."""
    known = load_course()
    lesson = known.lesson(LESSON)
    plan = LabPlan(LAB, "list_metrics", seed=1, shows=tuple(SETTINGS), pictures=PICTURES)
    changed = replace(lesson, labs=(*lesson.labs, plan))
    course = replace(known, lessons=tuple(changed if one.id == LESSON else one for one in known.lessons))
    monkeypatch.setattr(shell, "course", lambda: course)
    return set_stage(monkeypatch, tmp_path)


def lists(page: Any) -> Any:
    return told(page, key("figure.list_metrics.lists.light", LESSON, LAB))


def order(page: Any) -> Any:
    return page.session_state[key("state", LESSON, LAB)].settings["list_lin"]


@BOTH
def test_a_button_puts_the_list_in_order_and_the_sums_follow(stage: Stage, language: str) -> None:
    page = skip(open_page(language, LESSON), LESSON)
    assert order(page) == 0
    before = lists(page)
    assert r"$= \frac{2}{5} = 0.400$" in words(page)
    page.button(key=key("order.top", LESSON, LAB)).click().run()
    nothing_broke(page)
    assert order(page) > 0
    assert lists(page)["alt"] != before["alt"]
    assert r"$= \frac{5}{5} = 1.000$" in words(page)
    page.button(key=key("order.model", LESSON, LAB)).click().run()
    assert order(page) == 0
    assert lists(page)["alt"] == before["alt"]


@BOTH
def test_the_list_has_no_slider_and_the_link_brings_its_order(stage: Stage, language: str) -> None:
    page = open_page(language, LESSON, lab=LAB, list_lin="3628799", k="3")
    nothing_broke(page)
    assert order(page) == 3628799
    drawn = {str(widget.key) for widget in [*page.slider, *page.selectbox]}
    assert key("widget.k", LESSON, LAB) in drawn
    assert not [one for one in drawn if "widget.list_" in one]
    assert "list_lin=3628799" in page.session_state[key("state", LESSON, LAB)].link()


@BOTH
def test_a_bad_order_in_a_link_is_one_sentence(stage: Stage, language: str) -> None:
    page = open_page(language, LESSON, lab=LAB, list_lin="3628800")
    nothing_broke(page)
    assert order(page) == 0
    (said,) = [one.value for one in page.warning]
    assert "list" in said
    assert "3628799" in said
