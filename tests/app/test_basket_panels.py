"""The panels that are asked about a basket: what a list says of its products, and how the question is put."""

from __future__ import annotations

import html
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from lab_page import lists, open_page, set_stage, skip, words
from lab_stage import Stage

from course_lib.course.lessons import load_course
from course_lib.text import text

LESSON = "cart"
COMPLETED = {
    "list": [
        {"item": 1, "score": -1.0, "hidden": True, "share": 0.25},
        {"item": 2, "score": -2.0, "hidden": False, "share": 0.0},
    ],
    "hidden": [1, 3],
    "missed": [3],
}
OFFERED = {
    "list": [{"item": 1, "score": 0.2, "role": "complement", "price": 30.0, "total": 330.0}],
    "total": 280.0,
    "gap": 20.0,
    "minimum_order": 300.0,
}


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize(
    ("lab", "answer", "key", "gaps"),
    [
        ("complete", COMPLETED, "basket_completion.found", {"found": 1, "hidden": 2}),
        ("complete", COMPLETED, "basket_completion.share", {"share": "25%"}),
        ("complete", {**COMPLETED, "list": []}, "lab.empty_list", {}),
        ("beside", OFFERED, "cart_companions.gap", {"total": "280", "gap": "20"}),
        ("beside", OFFERED, "cart_companions.closes", {"total": "330"}),
        ("beside", {**OFFERED, "list": [], "gap": 0.0}, "cart_companions.none", {}),
        ("beside", {**OFFERED, "gap": 0.0}, "cart_companions.bill", {"total": "280"}),
    ],
)
def test_a_list_says_what_is_known_of_it(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    language: str,
    lab: str,
    answer: Mapping[str, Any],
    key: str,
    gaps: Mapping[str, Any],
) -> None:
    seen: list[Mapping[str, Any]] = []

    def ask(self: Stage, run_id: str, at: int | None, asked: Mapping[str, Any]) -> dict[str, Any]:
        seen.append(asked)
        return {"user": 0, **answer}

    monkeypatch.setattr(Stage, "ask", ask)
    stage = set_stage(monkeypatch, tmp_path)
    stage.put(load_course().lesson(LESSON).lab(lab).configs()[""], "finished")
    page = skip(open_page(language, LESSON), LESSON)
    assert not page.exception
    assert text(key, language, **gaps) in words(page) + html.unescape(lists(page))
    assert seen
    if lab == "complete":
        assert seen[-1]["shopper"] == 1
    else:
        assert (seen[-1]["finder"], seen[-1]["same_kind"], seen[-1].get("minimum_order", 0)) == ("text", "in", 0)
