"""The columns of results as HTML: everything is drawn, in both languages, and whatever is typed stays text."""

from __future__ import annotations

import pytest

from course_lib.data.registry import load_items, resolve
from course_lib.text import strings
from course_lib.ui import search_columns

ENTRY = {"item": 1, "score": 1.0, "words": [["<b>ball</b>", 2.34]], "near": 0.5}
FOUND = [
    {"name": "words", "list": []},
    {"name": "meaning", "list": [ENTRY, {"item": 2, "score": 0.5, "words": [], "near": 0.4}]},
]


@pytest.fixture(params=["zh", "en"])
def language(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    known = strings(request.param)
    monkeypatch.setattr(search_columns, "t", lambda key, **gaps: known[key].format(**gaps))
    return str(request.param)


def test_columns_say_what_matched_and_where_nothing_was_found(language: str) -> None:
    drawn = search_columns.columns_html(load_items(resolve("shop")), FOUND, {"meaning": [2]}, language, "¥")
    assert drawn.count("<section>") == 2
    assert drawn.count("<li>") == 2
    assert strings(language)["search_box.nothing"] in drawn
    assert "≈ 0.50" in drawn
    assert "<b>ball</b>" not in drawn
    assert "&lt;b&gt;ball&lt;/b&gt; 2.3" in drawn
    assert strings(language)["look.new"] in drawn, "the first is new against the frame before"
    assert "▼1" in drawn


@pytest.mark.parametrize(
    "name", ["words", "letters", "meaning", "both", "before", "trained", "naive", "corrected", "from_truth"]
)
def test_every_column_has_a_name(language: str, name: str) -> None:
    assert search_columns.columns_html(load_items(resolve("shop")), [{"name": name, "list": []}], {}, language, "")


def test_every_note_and_example_has_its_words(language: str) -> None:
    known = strings(language)
    for note in ("empty", "sign", "no_words", "unsure"):
        assert known[f"search_box.note_{note}"]
    for name in search_columns.EXAMPLES:
        assert known[f"search_box.example_{name}"]
