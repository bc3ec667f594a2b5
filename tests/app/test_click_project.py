"""The practice lesson's page: the project's source stands on it, and a lab of edits shows what each one changed."""

from __future__ import annotations

from pathlib import Path

import pytest
from lab_page import key, nothing_broke, open_page, set_stage, skip
from lab_stage import Stage

from course_lib.course.project_source import KERAS, beside, difference, project_source

LESSON = "practice"


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Stage:
    return set_stage(monkeypatch, tmp_path)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_source_and_the_difference_that_an_edit_makes(stage: Stage, language: str) -> None:
    page = skip(open_page(language, LESSON), LESSON)
    nothing_broke(page)
    assert {KERAS.strip(), beside(), project_source().strip()} <= {block.value for block in page.code}
    page.segmented_control(key=key("tab", LESSON, "edits")).set_value("diff").run()
    nothing_broke(page)
    assert difference({"net": "no_layer"}) in [block.value for block in page.code], "the first edit of the list"
    page.selectbox(key=key("edit", LESSON, "edits")).set_value("pairwise").run()
    nothing_broke(page)
    assert difference({"loss": "pairwise"}) in [block.value for block in page.code]
