"""Logging in by an account: a real provider of OpenID Connect on this machine, real browsers, nothing replaced."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from course_server import CourseServer
from lesson_page import LessonPage
from oidc_provider import Provider
from playwright.sync_api import Browser, expect
from visitors import Visitors

from course_lib.course import tables
from course_lib.course.store import open_store
from tests.ports import free_port


@pytest.fixture(scope="module")
def school(browser: Browser) -> Iterator[tuple[Provider, CourseServer]]:
    """A provider, and a course that knows it."""
    home, port = Path(tempfile.mkdtemp(prefix="liverec-login-")), free_port()
    with Provider("livrec-course", "a secret of both") as provider:
        (home / ".streamlit").mkdir()
        (home / ".streamlit" / "secrets.toml").write_text(provider.secrets_of(f"http://localhost:{port}"))
        course = CourseServer(home, port, HOME=str(home))  # Streamlit reads the secrets in the user's home
        try:
            course.wait_until_up()
            yield provider, course
        finally:
            course.close()
            shutil.rmtree(home, ignore_errors=True)


@pytest.fixture
def visit(browser: Browser, school: tuple[Provider, CourseServer]) -> Iterator[Visitors]:
    visitors = Visitors(browser, school[1])
    yield visitors
    visitors.close()


def log_in(one: LessonPage) -> None:
    one.page.goto(f"{one.url}/my_progress")
    one.page.get_by_role("button", name="Log in").click()
    expect(one.page.get_by_role("button", name="Log out")).to_be_visible()
    one.page.goto(f"{one.url}/my_progress?lang=en")
    expect(one.page.get_by_role("button", name="Log out")).to_be_visible()


def choose(one: LessonPage, language: str) -> None:
    one.page.locator(".st-key-shell_language").get_by_text(language).click()


def learners(course: CourseServer) -> set[str]:
    store = open_store(f"sqlite:///{course.home / 'course.sqlite'}")
    try:
        return {row.key for row in store.read(sa.select(tables.learners.c.key))}
    finally:
        store.close()


def test_an_account_is_one_learner_on_every_device(school: tuple[Provider, CourseServer], visit: Visitors) -> None:
    provider, course = school
    first, second, third = visit(), visit(), visit()
    provider.person = "anna"
    log_in(first)
    expect(first.page.get_by_text("log in there too")).to_be_visible()
    expect(first.page.locator(".st-key-progress_join_make")).to_have_count(0)
    choose(first, "中文")
    expect(first.page.locator("h1")).to_have_text("我的进度")
    expect(first.page.get_by_role("button", name="退出登录")).to_be_visible()
    second.page.goto(f"{second.url}/my_progress")
    expect(second.page.locator("h1")).to_have_text("My progress")  # still itself
    second.page.get_by_role("button", name="Log in").click()
    expect(second.page.get_by_role("button", name="退出登录")).to_be_visible()  # the account's language
    provider.person = "bert"
    log_in(third)
    expect(third.page.locator("h1")).to_have_text("My progress")
    accounts = {key for key in learners(course) if re.fullmatch(r"[0-9a-f]{64}", key)}
    assert len(accounts) == 1, "Anna's alone: Bert has given nothing"
    dump = course.log.read_text(encoding="utf-8")
    assert "school.example" not in dump


def test_who_logs_out_is_the_browser_again(school: tuple[Provider, CourseServer], visit: Visitors) -> None:
    provider, _ = school
    one = visit()
    one.page.goto(f"{one.url}/my_progress")
    expect(one.page.locator(".st-key-progress_join_make")).to_be_visible()
    provider.person = "cleo"
    log_in(one)
    choose(one, "中文")
    one.page.get_by_role("button", name="退出登录").click()
    expect(one.page.get_by_role("button", name="Log in")).to_be_visible()
    one.page.goto(f"{one.url}/my_progress")
    expect(one.page.locator("h1")).to_have_text("My progress")
    expect(one.page.locator(".st-key-progress_join_make")).to_be_visible()


def test_a_forged_account_is_nobody(school: tuple[Provider, CourseServer], visit: Visitors) -> None:
    """A cookie that the course has not signed logs nobody in."""
    one = visit()
    one.page.context.add_cookies([
        {"name": "_streamlit_user", "value": "eyJzdWIiOiJhbm5hIn0.x.y", "url": one.url}
    ])  # fmt: skip
    one.page.goto(f"{one.url}/my_progress")
    expect(one.page.get_by_role("button", name="Log in")).to_be_visible()
    expect(one.page.locator(".st-key-progress_join_make")).to_be_visible()
