"""The canvas on the pages: a box at the end of a lesson, all of them on the page of the plan."""

from pathlib import Path

import pytest
from lab_page import nothing_broke, open_page, set_stage
from lab_stage import Stage

from course_lib.course.canvas import LONGEST, read_box
from course_lib.text import text
from course_lib.ui import shell

LESSON = "mathematics"
KEY = f"lesson.{LESSON}.canvas"
WRITTEN = "先数数 <b>Markov</b> first & *then* train"


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Stage:
    return set_stage(monkeypatch, tmp_path)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_what_is_written_in_a_lesson_stands_in_the_plan_as_it_was_typed(stage: Stage, language: str) -> None:
    assert text("canvas.empty", language) in [one.value for one in open_page(language, "business").info]
    page = open_page(language, LESSON)
    page.text_area(key=KEY).set_value(WRITTEN).run()
    nothing_broke(page)
    assert open_page(language, LESSON).text_area(key=KEY).value == WRITTEN
    plan = open_page(language, "business")
    nothing_broke(plan)
    assert WRITTEN in [one.value for one in plan.text]
    labels = {one.proto.label for one in plan.get("download_button")}
    assert {text("canvas.as_markdown", language), text("canvas.as_pdf", language)} <= labels


def test_a_text_that_is_too_long_is_refused_beside_the_box_and_stays_in_it(stage: Stage) -> None:
    page = open_page("en", LESSON)
    page.text_area(key=KEY).set_value("kept").run()
    page.text_area(key=KEY).set_value("x" * (LONGEST + 1)).run()
    assert any(str(LONGEST) in one.value or f"{LONGEST:,}" in one.value for one in page.error)
    assert page.text_area(key=KEY).value == "x" * (LONGEST + 1)
    assert read_box(shell.store().learner(shell.learner()), LESSON) == "kept"
