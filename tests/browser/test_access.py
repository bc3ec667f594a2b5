"""For everybody: accessibility rules in light and dark, a phone's width, and a room without a network."""

from __future__ import annotations

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from lesson_page import LessonPage, until
from playwright.sync_api import expect
from visitors import TINY, Visitors

SIZES = """() => {
    const main = document.querySelector("[data-testid=stMain]");
    const page = document.documentElement;
    return [page.scrollWidth - window.innerWidth, main.scrollWidth - main.clientWidth];
}"""

DRAWN = "[...document.querySelectorAll('.live-figure')].every(node => node.querySelector('.main-svg'))"
# What scrolls is offered to the keyboard a moment after the page has another width.
REACHED = """[...document.querySelectorAll('.katex-display, .lab-table')].every(
    node => node.tabIndex === 0 || (node.scrollWidth <= node.clientWidth && node.scrollHeight <= node.clientHeight)
)"""
STILL = "document.getAnimations().every(animation => animation.playState !== 'running')"  # what fades in has its colour
ASKED = "performance.getEntriesByType('resource').map(entry => new URL(entry.name).hostname)"


def settle(lesson: LessonPage) -> None:
    """Waits until the page has been drawn in its theme, every figure included, and nothing fades in any more."""
    page = lesson.page
    expect(page.locator("h1")).to_be_visible()
    expect(page.locator("[data-test-script-state=running]")).to_have_count(0)
    theme = page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light'")
    expect(page.locator("html")).to_have_attribute("data-theme", theme)
    until(page, DRAWN)
    until(page, REACHED)
    until(page, STILL)


def serious(lesson: LessonPage) -> list[str]:
    """Rules of axe that the page breaks seriously, and where."""
    found = Axe().run(lesson.page).response["violations"]
    return [
        f"{rule['id']}: {node['html'][:200]} {node['failureSummary']}"
        for rule in found
        if rule["impact"] in ("serious", "critical")
        for node in rule["nodes"][:6]
    ]


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_axe_finds_nothing_serious(visit: Visitors, trained: dict[str, Any], dark: bool) -> None:
    lesson = visit(dark=dark)
    found = {}
    lesson.open(**TINY, seed=999)  # a run that nobody has trained
    settle(lesson)
    found["lesson before a run"] = serious(lesson)
    lesson.open(**trained).finish()
    lesson.choose("quiz.two_lists", 1)
    lesson.button("quiz.two_lists.answer").click()
    expect(lesson.button("quiz.two_lists.retry")).to_be_visible()
    lesson.search.fill("basketball")
    expect(lesson.part("editor").locator("button.offer").first).to_be_visible()
    settle(lesson)
    found["lesson after a run"] = serious(lesson)
    for name in ("", "my_progress"):
        lesson.page.goto(f"{lesson.url}/{name}")
        settle(lesson)
        found[name or "home"] = serious(lesson)
    assert not any(found.values()), "\n".join(f"{page}: {rule}" for page, rules in found.items() for rule in rules)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_nothing_is_wider_than_a_phone(visit: Visitors, trained: dict[str, Any], language: str) -> None:
    lesson = visit(width=390, language=language)
    lesson.open(**trained).finish()
    settle(lesson)
    assert lesson.page.evaluate(SIZES) == [0, 0]
    for name in ("", "my_progress"):
        lesson.page.goto(f"{lesson.url}/{name}")
        settle(lesson)
        assert lesson.page.evaluate(SIZES) == [0, 0], name or "home"


def test_no_page_asks_another_host(visit: Visitors, trained: dict[str, Any]) -> None:
    lesson = visit(language="zh").open(**trained).finish()
    for name in ("", "my_progress"):
        lesson.page.goto(f"{lesson.url}/{name}")
        settle(lesson)
    assert visit.asked <= {"localhost", ""}  # and after every other test the same
    assert "localhost" in visit.asked
    sources = lesson.page.evaluate(ASKED)
    assert sources
    assert set(sources) <= {"localhost", ""}


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_first_visit_loads_less_than_three_megabytes_and_asks_for_nothing_in_vain(
    visit: Visitors, language: str
) -> None:
    lesson = visit(language=language)
    loaded: dict[str, float] = {}
    asked: dict[str, str] = {}
    vain: list[str] = []
    network = lesson.page.context.new_cdp_session(lesson.page)
    network.on("Network.requestWillBeSent", lambda event: asked.update({event["requestId"]: event["request"]["url"]}))
    network.on("Network.loadingFinished", lambda event: loaded.update({event["requestId"]: event["encodedDataLength"]}))
    lesson.page.on("response", lambda answer: vain.append(answer.url) if answer.status >= 400 else None)
    network.send("Network.enable")
    lesson.open(**TINY, seed=998)  # a run that nobody has trained
    settle(lesson)
    assert vain == []
    largest = sorted(((size, asked[key]) for key, size in loaded.items()), reverse=True)
    assert any("plotly" in address for _, address in largest)
    assert sum(loaded.values()) < 3_000_000, largest[:12]
