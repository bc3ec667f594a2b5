"""What a learner gives is kept when it is given: after a reload and in the learner's other browser it is there."""

from __future__ import annotations

import re
from typing import Any

from lesson_page import LESSON
from playwright.sync_api import expect
from visitors import TINY, Visitors

from course_lib.text import text

HIDDEN = text("lesson.hidden_until_guessed", "en")


def test_a_quiz_answer_is_explained_and_back_after_a_reload(visit: Visitors) -> None:
    lesson = visit().open(**TINY)
    lesson.choose("quiz.two_lists", 0)
    lesson.button("quiz.two_lists.answer").click()
    why = lesson.page.get_by_text("It sees only sets, and the two sets are equal")
    expect(why).to_be_visible()
    lesson.reload()
    expect(why).to_be_visible()
    expect(lesson.part("quiz.two_lists.answer")).to_have_count(0)
    other = visit.joined(lesson.page, language="zh")
    other.page.goto(f"{other.url}/my_progress")
    expect(other.page.get_by_text(re.compile(r"答对 1/7 题|1 of 7 questions right")).first).to_be_visible()


def test_guesses_come_one_at_a_time_and_the_last_one_opens_train(visit: Visitors, trained: dict[str, Any]) -> None:
    lesson = visit().open(**trained)
    commits = lesson.page.locator(f"[class*=st-key-guess-{LESSON}][class*=-commit] button")
    expect(lesson.button("train")).to_be_disabled()
    expect(lesson.page.get_by_text(HIDDEN)).to_be_visible()
    expect(commits).to_have_count(1)
    lesson.choose("guess.beats_markov", 2)
    lesson.button("guess.beats_markov.commit").click()
    given = lesson.page.get_by_text("SASRec is clearly ahead")
    expect(lesson.part("guess.beats_markov.commit")).to_have_count(0)
    expect(commits).to_have_count(1)
    lesson.reload()
    expect(given).to_be_visible()
    expect(lesson.part("guess.beats_markov.commit")).to_have_count(0)
    expect(lesson.button("train")).to_be_disabled()
    number = lesson.button("guess.share_of_filtered.commit")
    expect(number).to_be_disabled()  # no default stands for an answer
    lesson.part("guess.share_of_filtered").get_by_role("slider").press("End")
    expect(number).to_be_enabled()
    number.click()
    lesson.choose("guess.shuffle_cost", 0)
    lesson.button("guess.shuffle_cost.commit").click()
    expect(commits).to_have_count(0)
    expect(lesson.button("train")).to_be_enabled()
    expect(lesson.page.get_by_text(HIDDEN)).to_have_count(0)
    # This run is of the smallest shop; the lesson's guesses are scored by the lab's own run only.
    lesson.tab("Guesses")
    expect(lesson.part("focus").get_by_text(text("predict.saved", "en"), exact=True)).to_have_count(3)


def test_skipping_opens_train_and_the_answers(visit: Visitors) -> None:
    lesson = visit().open(**TINY)
    expect(lesson.page.get_by_text(HIDDEN)).to_be_visible()
    lesson.skip_guesses()
    expect(lesson.page.get_by_text(HIDDEN)).to_have_count(0)
