"""A list without a product: every beam of a model that writes codes has ended where no product is."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from lab_page import nothing_broke, open_page, set_stage, skip, words
from lab_stage import Stage

from course_lib.course.lessons import load_course
from course_lib.text import text

LESSON, LAB = "generation", "write"


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("listed", [0, 1])
def test_an_empty_list_is_a_sentence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, language: str, listed: int
) -> None:
    def ask(self: Stage, run_id: str, at: int | None, asked: Mapping[str, Any]) -> dict[str, Any]:
        found = [{"item": 1, "score": -1.0, "p": 0.3, "word": [1, 2]}][:listed]
        return {"list": found, "tree": [], "invalid": 20, "sizes": [64, 64], "ms": 1.0}

    monkeypatch.setattr(Stage, "ask", ask)
    stage = set_stage(monkeypatch, tmp_path)
    stage.put(load_course().lesson(LESSON).lab(LAB).configs()[""], "finished")
    page = skip(open_page(language, LESSON), LESSON)
    nothing_broke(page)
    assert (text("lab.empty_list", language) in words(page)) is (not listed)
