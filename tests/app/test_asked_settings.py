"""Sliders that need no new run: they start where the run was set, each change asks anew, and the picture follows."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from lab_page import nothing_broke, open_page, set_stage, skip
from lab_stage import Stage

from course_lib.course.lessons import load_course
from course_lib.figures.base import Figure
from course_lib.figures.shown import Shown
from course_lib.ui import picture

LESSON, LAB = "evaluation_online", "please"
WIDGETS = f"lab.{LESSON}.{LAB}.widget.asked"


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_slider_asks_again_and_the_picture_follows(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, language: str
) -> None:
    asked: list[Mapping[str, Any]] = []
    drawn: list[float] = []

    def ask(self: Stage, run_id: str, at: int | None, question: Mapping[str, Any]) -> dict[str, Any]:
        asked.append(question)
        return {"by": "ridge", "weight": question["weight"], "list": [], "before": []}

    def noted(make: Any) -> Any:
        def drawing(shown: Shown, language: str, narrow: bool = False) -> Figure:
            drawn.append(shown.answer["weight"] if shown.answer else -1.0)
            figure: Figure = make(shown, language, narrow)
            return figure

        return drawing

    found = picture.picture
    monkeypatch.setattr(Stage, "ask", ask)
    named = "satisfaction.frontier"
    monkeypatch.setattr(picture, "picture", lambda name: noted(found(name)) if name == named else found(name))
    stage = set_stage(monkeypatch, tmp_path)
    stage.put(load_course().lesson(LESSON).lab(LAB).configs()[""], "finished")
    page = skip(open_page(language, LESSON), LESSON)
    nothing_broke(page)
    assert asked[-1]["weight"] == 0.0, "where the run was set"
    page.slider(key=f"{WIDGETS}.weight.train").set_value(0.3).run()
    nothing_broke(page)
    assert asked[-1]["weight"] == 0.3
    assert drawn[0] == 0.0
    assert drawn[-1] == 0.3, "another answer is another picture"
