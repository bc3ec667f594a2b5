"""What a learner gives is kept when it is given: after a reload and in another browser it is there."""

from __future__ import annotations

import re

from lesson_page import LESSON
from playwright.sync_api import expect
from visitors import TINY, Visitors


def test_a_quiz_answer_is_explained_and_back_after_a_reload(visit: Visitors) -> None:
    lesson = visit().open(**TINY)
    lesson.choose("quiz.two_lists", 0)
    lesson.button("quiz.two_lists.answer").click()
    why = lesson.page.get_by_text("It sees sets only, and the two sets are equal")
    expect(why).to_be_visible()
    lesson.reload()
    expect(why).to_be_visible()
    expect(lesson.part("quiz.two_lists.answer")).to_have_count(0)
    other = visit(language="zh")
    other.page.goto(f"{other.url}/my_progress")
    expect(other.page.get_by_text("1/6").or_(other.page.get_by_text(re.compile(r"\b1\b.*\b6\b"))).first).to_be_visible()


def test_guesses_are_kept_and_the_last_one_opens_train(visit: Visitors) -> None:
    lesson = visit().open(**TINY)
    commits = lesson.page.locator(f"[class*=st-key-lab-{LESSON}-guess-][class*=-commit] button")
    expect(lesson.button("train")).to_be_disabled()
    lesson.choose("guess.beats_markov", 2)
    lesson.button("guess.beats_markov.commit").click()
    given = lesson.page.get_by_text("SASRec is clearly ahead")
    expect(lesson.button("guess.beats_markov.commit")).to_have_count(0)
    lesson.reload()
    expect(given).to_be_visible()
    expect(lesson.button("guess.beats_markov.commit")).to_have_count(0)
    expect(lesson.button("train")).to_be_disabled()
    for left in range(commits.count(), 0, -1):
        expect(commits).to_have_count(left)
        if commits.first.is_disabled():  # a question with options; a slider stands somewhere already
            lesson.page.locator(f"[class*=st-key-lab-{LESSON}-guess-]").get_by_role("radio").first.check(force=True)
        commits.first.click()
    expect(commits).to_have_count(0)
    expect(lesson.button("train")).to_be_enabled()
