"""Two browsers are two learners, a link makes them one, and what was there before browsers had names is not lost."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from course_server import CourseServer
from lesson_page import LESSON, LessonPage
from playwright.sync_api import Browser, expect
from visitors import TINY, Visitors

from course_lib.course.store import open_store
from course_lib.ui.identity_cookie import LOCAL_FILE


def cookie(lesson: LessonPage) -> dict[str, object]:
    """The one cookie that says who this browser is."""
    (found,) = [dict(one) for one in lesson.page.context.cookies() if str(one.get("name")).startswith("liverec_")]
    return found


def test_two_browsers_are_two_learners(visit: Visitors) -> None:
    anna, bert = visit().open(**TINY), visit().open(**TINY)
    assert cookie(anna)["value"] != cookie(bert)["value"]
    assert (cookie(anna)["httpOnly"], cookie(anna)["sameSite"]) == (True, "Lax")
    anna.choose("quiz.two_lists", 0)
    anna.button("quiz.two_lists.answer").click()
    expect(anna.button("quiz.two_lists.retry")).to_be_visible()
    anna.skip_guesses()
    anna.page.locator(".st-key-shell_language").get_by_text("中文").click()
    expect(anna.page.locator("h1")).to_have_text("用户理解")
    bert.page.goto(f"{bert.url}/{LESSON}")
    bert.complete()
    expect(bert.page.locator("h1")).to_have_text("User understanding")
    expect(bert.button("quiz.two_lists.answer")).to_be_attached()
    expect(bert.button("guess.skip")).to_be_attached()
    anna.page.goto(f"{anna.url}/{LESSON}")
    anna.complete()
    expect(anna.page.locator("h1")).to_have_text("用户理解")
    expect(anna.button("quiz.two_lists.retry")).to_be_attached()


def test_the_first_page_of_a_first_visit_knows_who_came(visit: Visitors) -> None:
    """An answer given on it is there after a reload: page and websocket carry the same name."""
    lesson = visit().open(**TINY)
    before = cookie(lesson)["value"]
    lesson.skip_guesses()
    lesson.reload()
    expect(lesson.button("guess.skip")).to_have_count(0)
    assert cookie(lesson)["value"] == before


def test_a_forged_cookie_opens_nobody_s_notebook(visit: Visitors) -> None:
    anna = visit().open(**TINY)
    anna.skip_guesses()
    forger = visit()
    name = str(cookie(anna)["value"]).partition(".")[0]
    forged = f"{name}.{'0' * 64}"
    forger.page.context.add_cookies([{"name": str(cookie(anna)["name"]), "value": forged, "url": forger.url}])
    forger.open(**TINY)
    expect(forger.button("guess.skip")).to_be_attached()
    assert name not in str(cookie(forger)["value"])


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_link_joins_a_second_browser(visit: Visitors, language: str) -> None:
    lesson = visit(language=language).open(**TINY)
    lesson.skip_guesses()
    other = visit.joined(lesson.page, width=390, language=language)
    assert "token" not in other.page.url
    assert "token" not in other.page.evaluate("document.referrer")
    assert cookie(other)["value"] == cookie(lesson)["value"]
    other.open(**TINY)
    expect(other.button("guess.skip")).to_have_count(0)


def test_a_link_works_once_and_asks_first(visit: Visitors) -> None:
    lesson = visit()
    lesson.page.goto(f"{lesson.url}/my_progress")
    lesson.page.locator(".st-key-progress_join_make button").click()
    link = lesson.page.get_by_test_id("stCode").inner_text().strip()
    first, second = visit(), visit(language="zh")
    for browser in (first, second):
        browser.page.goto(link)
        expect(browser.page.get_by_role("button")).to_be_visible()
    first.page.get_by_role("button").click()
    expect(first.page.locator(".st-key-shell_header")).to_be_visible()
    with second.page.expect_response(lambda one: one.url.endswith("/join")) as answer:
        second.page.get_by_role("button").click()
    assert answer.value.status == 410
    expect(second.page.get_by_role("link")).to_have_text("返回课程地图")
    second.page.get_by_role("link").click()
    expect(second.page.locator(".st-key-shell_header")).to_be_visible()
    assert cookie(second)["value"] != cookie(first)["value"] == cookie(lesson)["value"]
    visit.trouble = [one for one in visit.trouble if "410" not in one]  # the browser's console says so too


@pytest.fixture
def old_home(browser: Browser) -> Iterator[tuple[CourseServer, Visitors]]:
    """A course with the database of the one learner of before."""
    home = Path(tempfile.mkdtemp(prefix="liverec-before-"))
    store = open_store(f"sqlite:///{home / 'course.sqlite'}")
    store.learner("local").set_preference("user_understanding.guesses_skipped", True)
    store.learner("local").set_preference("language", "zh")
    store.close()
    course = CourseServer(home)
    visitors = Visitors(browser, course)
    try:
        course.wait_until_up()
        yield course, visitors
        visitors.close()
    finally:
        course.close()
        shutil.rmtree(home, ignore_errors=True)


def test_what_was_there_before_goes_to_the_first_browser(old_home: tuple[CourseServer, Visitors]) -> None:
    server, visit = old_home
    lesson = visit().go(f"{server.url}/user_understanding?size=tiny")
    expect(lesson.page.locator("h1")).to_have_text("用户理解")
    expect(lesson.button("guess.skip")).to_have_count(0)
    assert (server.home / LOCAL_FILE).is_file()
    stranger = visit().go(f"{server.url}/user_understanding?size=tiny")
    expect(stranger.page.locator("h1")).to_have_text("User understanding")
    expect(stranger.button("guess.skip")).to_be_attached()
