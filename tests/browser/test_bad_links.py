"""A link with nonsense in it opens the lesson all the same, says so in a sentence, and runs nothing that it brought."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect
from visitors import Visitors

SCRIPT = "<img src=x onerror=document.title='broken'>"
PICTURE = "![x](https://example.com/x.png)"


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("dataset", SCRIPT, "There is no dataset called “<img"),
        ("dataset", PICTURE, "There is no dataset called “![x]"),
        ("width", "9999", "9999"),
        ("epochs", "many", "is “many”, which is not a whole number"),
        ("history", "1-999999", "The history names products that this shop does not have: 999999"),
        ("run", "0123456789abcdef", "The run 0123456789abcdef that the link names is not on this machine"),
    ],
    ids=["html", "markdown", "range", "word", "products", "run"],
)
def test_one_bad_value_gives_one_sentence(visit: Visitors, name: str, value: str, words: str) -> None:
    lesson = visit().open(**{name: value})
    expect(lesson.alerts.filter(has_text=words)).to_have_count(1)
    expect(lesson.page.get_by_test_id("stAlertContentWarning")).to_have_count(1)
    expect(lesson.button("train")).to_be_visible()
    expect(lesson.page.locator("main img[src=x], .stMain img")).to_have_count(0)
    assert "broken" not in lesson.page.title()


def test_a_link_full_of_nonsense_in_chinese(visit: Visitors) -> None:
    lesson = visit(language="zh").open(dataset="x", width="64.5", heads="99", epochs="nan", history="--", run="RUN")
    expect(lesson.page.get_by_test_id("stAlertContentWarning")).to_have_count(6)
    expect(lesson.page.locator("h1")).to_have_text("用户理解")


def test_values_that_do_not_go_together(visit: Visitors) -> None:
    lesson = visit().open(width=50, heads=4)
    expect(lesson.alerts.filter(has_text="The width 50 cannot be divided among 4 heads")).to_have_count(1)


def test_a_page_that_does_not_exist_leads_home(visit: Visitors) -> None:
    visitor = visit()
    visitor.page.goto(f"{visitor.url}/no_such_lesson")
    expect(visitor.page.get_by_text("no_such_lesson")).to_be_visible()
    expect(visitor.page.locator("h1")).to_be_visible()
