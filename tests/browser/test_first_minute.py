"""The first minute of somebody who has never been here: home, then a lesson's way to Train."""

from __future__ import annotations

import pytest
from lesson_page import until
from playwright.sync_api import Page, expect
from test_access import SIZES, serious, settle
from visitors import Visitors

from course_lib.course.lessons import load_course
from course_lib.ui import shell

LESSONS = [lesson.id for lesson in load_course().lessons if shell.lesson_ready(lesson)]
FIRST_CHANGE_MS = 10_000
# A Chinese word has about a character and a half.
BEFORE_TRAIN = """selector => {
    const main = document.querySelector("[data-testid=stMain]");
    const end = document.querySelector(selector).getBoundingClientRect().top;
    let words = 0;
    for (const part of main.querySelectorAll("p, li, h1, h2, h3, blockquote")) {
        const folded = part.closest("details:not([open])") || !part.offsetParent;
        const counted = part.parentElement.closest("p, li, blockquote");
        if (part.getBoundingClientRect().top > end || folded || counted) continue;
        const chinese = (part.innerText.match(/[\\u4e00-\\u9fff]/g) || []).length;
        words += chinese / 1.5 + (part.innerText.match(/[A-Za-z0-9']+/g) || []).length;
    }
    return [end + main.scrollTop, words];
}"""


def listed(page: Page) -> list[str]:
    """What the recorded model recommends now."""
    return page.locator(".recorded ol").nth(1).locator(".title").all_inner_texts()


@pytest.mark.parametrize("language", ["en", "zh"])
def test_home_shows_a_model_at_work_and_one_button_that_swaps(visit: Visitors, language: str) -> None:
    visitor = visit(language=language)
    page = visitor.page
    page.goto(visitor.url)
    expect(page.locator(".recorded ol .title").first).to_be_visible()
    untrained = listed(page)
    until(
        page,
        """was => [...document.querySelectorAll("*")].some(host => {
            const titles = host.shadowRoot?.querySelectorAll(".recorded ol:last-of-type .title");
            return titles?.length && [...titles].map(one => one.innerText).join() !== was;
        })""",
        ",".join(untrained),
        FIRST_CHANGE_MS,
    )
    swap = page.locator(".recorded button:not(.quiet)")
    swap.click()  # goes to the run's end at once
    one = listed(page)
    swap.click()
    other = listed(page)
    assert one != other
    assert set(one) - set(other), "the order of the same two products decides what is listed"
    top = page.locator(".recorded").bounding_box()
    assert top is not None
    assert top["y"] < 500
    for formula in page.locator(".katex").all():
        box = formula.bounding_box()
        assert box is None or box["y"] > top["y"]


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("lesson", LESSONS)
def test_every_lesson_opens_in_order_on_a_screen_and_on_a_phone(visit: Visitors, lesson: str, language: str) -> None:
    """No formula wall before Train, nothing asked in vain, nothing that some people cannot read or reach."""
    visitor = visit(language=language, dark=language == "zh")
    page = visitor.page
    vain: list[str] = []
    page.on("response", lambda answer: vain.append(answer.url) if answer.status >= 400 else None)
    page.goto(f"{visitor.url}/{lesson}")
    expect(page.locator(f".st-key-lesson-{lesson}-finish button")).to_be_attached()
    settle(visitor)
    assert vain == []
    train = page.locator(f".st-key-lab_bar_{lesson} button").first
    if train.count():  # a lesson whose labs answer at once has none
        train.evaluate("node => node.id = 'the-train-button'")
        y, words = page.evaluate(BEFORE_TRAIN, "#the-train-button")
        assert y <= 1600
        assert words <= 400
    found = serious(visitor)
    assert page.evaluate(SIZES) == [0, 0]
    page.set_viewport_size({"width": 390, "height": 844})
    settle(visitor)
    assert page.evaluate(SIZES) == [0, 0]
    found += [f"at 390: {rule}" for rule in serious(visitor)]
    assert found == []
