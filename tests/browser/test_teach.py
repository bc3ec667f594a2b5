"""A class from its first minute: an instructor and two learners, one of them on a phone, in two languages."""

from __future__ import annotations

import re

import pytest
from course_server import CourseServer
from lesson_page import LESSON, LessonPage
from playwright.sync_api import Page, expect
from test_access import SIZES, serious, settle
from visitors import TINY, Visitors

GUESS, QUESTION = "beats_markov", "two_lists"
SHOWN_MS = 20_000  # learners look every five seconds, the instructor every three


@pytest.fixture
def secret(server: CourseServer) -> str:
    """As the server's console has shown it."""
    found = re.search(r"shown this once: (\S+)", server.log.read_text(encoding="utf-8"))
    assert found is not None
    return found[1]


def press(page: Page, key: str) -> None:
    page.locator(f".st-key-{key} button").first.click()


def sign_in(teacher: LessonPage, secret: str) -> Page:
    page = teacher.page
    page.goto(f"{teacher.url}/teach")
    page.locator(".st-key-teaching-secret input").fill("0000-0000-0000-0000-0000")
    press(page, "teach_sign_in_go")
    expect(teacher.alerts.first).to_contain_text("not the instructor's secret")
    page.locator(".st-key-teaching-secret input").fill(secret.lower())
    press(page, "teach_sign_in_go")
    page.locator(".st-key-teaching-name input").fill("Tuesday 周二")
    press(page, "teach_start_go")
    expect(page.locator(".teach-code strong")).to_be_visible()
    return page


def join(learner: LessonPage, link: str, nickname: str) -> Page:
    page = learner.page
    page.goto(link)
    page.locator(".st-key-class_join_nickname input").fill(nickname)
    press(page, "class_join_do")
    expect(page.locator(".st-key-class_now")).to_be_visible()
    return page


def test_a_class_from_code_to_everyone_here(visit: Visitors, secret: str) -> None:
    teacher, anna, lin = visit(), visit(), visit(width=390, language="zh")
    desk = sign_in(teacher, secret)
    assert secret not in desk.content()
    settle(teacher)
    assert serious(teacher) == []
    expect(desk.locator("img.teach-qr")).to_have_attribute("alt", re.compile(r"/classroom\?class="))
    link = desk.get_by_test_id("stCode").first.inner_text().strip()
    assert link.startswith(f"{teacher.url}/classroom?class=")

    join(anna, link, "Anna")
    join(lin, link, "林小雨")
    people = desk.locator(".teach-people")
    for name in ("Anna", "林小雨"):
        expect(people).to_contain_text(name, timeout=SHOWN_MS)

    # One answers and guesses, the other asks for help: both are seen.
    anna.open(**TINY)
    anna.choose(f"guess.{GUESS}", 2)
    anna.button(f"guess.{GUESS}.commit").click()
    anna.choose(f"quiz.{QUESTION}", 0)
    anna.button(f"quiz.{QUESTION}.answer").click()
    expect(anna.button(f"quiz.{QUESTION}.retry")).to_be_visible()
    press(lin.page, "class_help")
    first = people.locator("tbody tr").first
    expect(first).to_contain_text("林小雨", timeout=SHOWN_MS)
    expect(first).to_contain_text("asks")
    expect(people.locator("tbody tr", has_text="Anna")).to_contain_text("User understanding", timeout=SHOWN_MS)
    press(desk, "teach_helping")
    expect(people).not_to_contain_text("asks", timeout=SHOWN_MS)

    # On a projector nobody has a name, and a reload does not bring one back.
    desk.locator(".st-key-teaching-without_names label").first.click()
    expect(people).to_contain_text("Learner 1", timeout=SHOWN_MS)
    desk.reload()
    expect(people).to_contain_text("Learner 2")
    assert not any(name in desk.locator("body").inner_text() for name in ("Anna", "林小雨"))
    settle(teacher)
    assert serious(teacher) == []

    # Two are too few for an answer to be shown; revealed is remembered all the same.
    desk.locator(".st-key-teaching-tab").get_by_text("Answers", exact=True).click()
    guess = desk.locator(f".st-key-teach_pooled_{LESSON}_{GUESS}")
    expect(guess).to_contain_text("at least five")
    guess.get_by_role("button", name="Show to the class").click()
    expect(guess.get_by_role("button", name="Hide again")).to_be_visible()
    expect(anna.page.locator("body")).to_contain_text("once enough people have", timeout=SHOWN_MS)

    # Everybody is brought to another lesson, from its own page; the learner follows by one press, on a phone.
    desk.goto(f"{teacher.url}/evaluation")
    press(desk, "teach_here_evaluation")
    press(desk, "teach_here_go_evaluation")
    expect(teacher.alerts.first).to_contain_text("shown the way")
    expect(lin.page.locator(".st-key-class_go button")).to_be_visible(timeout=SHOWN_MS)
    settle(lin)
    assert lin.page.evaluate(SIZES) == [0, 0]
    press(lin.page, "class_go")
    expect(lin.page.locator("h1")).to_have_text("推荐评估")
    desk.goto(f"{teacher.url}/teach")
    expect(people.locator("tbody tr", has_text="Learner 2")).to_contain_text("Evaluation", timeout=SHOWN_MS)


def test_the_page_fits_a_phone_and_a_stranger_sees_a_door(visit: Visitors, secret: str) -> None:
    teacher = visit(width=390, dark=True)
    sign_in(teacher, secret)
    settle(teacher)
    assert teacher.page.evaluate(SIZES) == [0, 0]
    assert serious(teacher) == []
    stranger = visit(language="zh")
    stranger.page.goto(f"{stranger.url}/teach")
    expect(stranger.page.locator(".st-key-teaching-secret input")).to_be_visible()
    settle(stranger)
    assert serious(stranger) == []
    assert "Tuesday" not in stranger.page.locator("body").inner_text()
