"""The list of metrics by hand is put in order by mouse, keys and finger; a reload and the other language keep it."""

from __future__ import annotations

import re
from typing import Any

from lesson_page import LessonPage
from playwright.sync_api import Locator, Page, expect
from test_access import settle
from visitors import Visitors

from course_lib.evaluation.orders import number_of

FOCUSED = """() => {
  let one = document.activeElement;
  while (one?.shadowRoot?.activeElement) one = one.shadowRoot.activeElement;
  return one?.dataset?.action;
}"""
LESSON, LAB = "evaluation", "byhand"


def opened(lesson: LessonPage, url: str) -> Locator:
    """The lab, once the page has been drawn to its end and nothing above the list moves it any more."""
    page = lesson.page
    page.goto(f"{url}/{LESSON}?lab={LAB}")
    lab = page.locator(f".st-key-lab_{LESSON}_{LAB}")
    expect(lab.locator(".list-order li")).to_have_count(10)
    expect(page.locator(f".st-key-lesson-{LESSON}-finish button")).to_be_attached()
    lab.locator(".list-order").scroll_into_view_if_needed()
    settle(lesson)
    return lab


def titles(lab: Locator) -> list[str]:
    return [one.inner_text() for one in lab.locator(".list-order .title").all()]


def order_of(lab: Locator) -> list[int]:
    """The products by their places in the model's list."""
    expect(lab.locator(".list-order li")).to_have_count(10)
    return [int(one.get_attribute("data-was") or -1) for one in lab.locator(".list-order li").all()]


def settled(page: Page) -> None:
    """The move has come back from the server: the link holds an order that is not the model's."""
    expect(page).to_have_url(re.compile(r"[?&]list_lin=[1-9]"))


def test_by_mouse_then_by_keys_and_a_reload_keeps_it(visit: Visitors) -> None:
    lesson = visit()
    page, lab = lesson.page, opened(lesson, visit.server.url)
    before = titles(lab)
    grips = lab.locator(".list-order .grip")
    start, end = grips.nth(5).bounding_box(), grips.nth(0).bounding_box()
    assert start is not None
    assert end is not None
    page.mouse.move(start["x"] + 4, start["y"] + 8)
    page.mouse.down()
    page.mouse.move(end["x"] + 4, end["y"] + 8, steps=10)
    page.mouse.up()
    settled(page)
    dragged = [before[5], *before[:5], *before[6:]]
    assert titles(lab) == dragged
    lab.locator(".list-order li").nth(3).locator("button.up").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowUp")
    expect(lab.locator(".list-order .title").nth(1)).to_have_text(dragged[3])
    focused = page.evaluate(FOCUSED)
    assert focused == "up", "the keyboard goes on from the product that it has moved"
    order = [5, 2, 0, 1, 3, 4, 6, 7, 8, 9]  # by the model's places
    expect(page).to_have_url(re.compile(rf"[?&]list_lin={number_of(order)}\b"))
    link = page.url
    page.reload()
    assert order_of(lab) == order
    page.goto(link.replace("lang=en", "lang=zh"))
    assert order_of(lab) == order


def test_by_finger_on_a_phone_in_the_dark(visit: Visitors) -> None:
    lesson = visit(width=390, dark=True, language="zh")
    page, lab = lesson.page, opened(lesson, visit.server.url)
    before = titles(lab)
    grips = lab.locator(".list-order .grip")
    grips.nth(4).scroll_into_view_if_needed()
    start, end = grips.nth(4).bounding_box(), grips.nth(1).bounding_box()
    assert start is not None
    assert end is not None
    finger = page.context.new_cdp_session(page)

    def touch(kind: str, *places: dict[str, Any]) -> None:
        finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": list(places)})

    x, y, way = start["x"] + 5, start["y"] + 10, end["y"] - start["y"]
    touch("touchStart", {"x": x, "y": y})
    for step in range(1, 9):
        touch("touchMove", {"x": x, "y": y + way * step / 8})
    touch("touchEnd")
    settled(page)
    assert titles(lab) == [before[0], before[4], *before[1:4], *before[5:]]
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
