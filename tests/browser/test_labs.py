"""Labs as a learner works them: they stay put, a phone reaches Train, exercises, races and light labs answer."""

from __future__ import annotations

import re
from itertools import permutations
from typing import Any

import pytest
from lesson_page import LESSON, LessonPage, until
from playwright.sync_api import expect
from test_look_inside import ids, list_but
from visitors import TINY, Visitors

HIGHEST = 720  # pixels, so that a laptop's screen holds the lab
STILL = 2  # pixels
PICTURE = ".live-figure [role=img], .live-figure[role=img]"  # what has its alternative text
EXERCISES = ("shoes_only", "ball_shoes", "swap", "detergent", "shuffle_lin")


def place(lesson: LessonPage) -> tuple[float, float]:
    """The lab's height, and where Train stands in it."""
    lab, train = lesson.lab.bounding_box(), lesson.button("train").bounding_box()
    assert lab is not None
    assert train is not None
    return lab["height"], train["y"] - lab["y"]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_lab_stays_as_it_is_in_training_at_the_end_and_behind_every_tab(
    visit: Visitors, seed: int, language: str
) -> None:
    lesson = visit(language=language).open(**TINY, epochs=8, seed=seed).skip_guesses()
    seen = [place(lesson)]
    lesson.train().reach(2)
    seen.append(place(lesson))
    lesson.finish()
    seen.append(place(lesson))
    lesson.live_epoch.press("Home")
    expect(lesson.page).to_have_url(re.compile(r"[?&]frame=0\b"))
    lesson.complete()
    seen.append(place(lesson))
    tabs = lesson.part("tab").get_by_role("radio")
    for number in range(tabs.count()):
        tabs.nth(number).check(force=True)
        lesson.complete()
        seen.append(place(lesson))
    heights, trains = ([one[part] for one in seen] for part in (0, 1))
    assert max(heights) <= HIGHEST, heights
    assert max(heights) - min(heights) <= STILL, heights
    assert max(trains) - min(trains) <= STILL, trains


def test_on_a_phone_a_bar_holds_train_and_then_epoch_and_score(visit: Visitors, seed: int) -> None:
    lesson = visit(width=390).open(**TINY, epochs=40, seed=seed)
    bar = lesson.page.locator(f".st-key-lab_bar_{LESSON}")
    box = bar.bounding_box()
    assert box is not None
    assert box["height"] == pytest.approx(56, abs=1)
    assert box["y"] + box["height"] == pytest.approx(844, abs=1)
    lesson.skip_guesses().train().reach(2)
    expect(lesson.status).to_have_text(re.compile(r"Epoch \d+\.\d of 40 · validation NDCG@10 0\.\d{3}"))
    line = lesson.status.bounding_box()
    assert line is not None
    assert 844 - 56 <= line["y"] <= 844
    assert line["x"] + line["width"] <= 390
    lesson.stop()


def test_the_five_exercises_have_buttons_that_move_the_list(visit: Visitors, trained: dict[str, Any]) -> None:
    lesson = visit().open(**trained).finish()
    own, shown, histories = ids(lesson), lesson.list(), []
    for name in EXERCISES:
        lesson.button(f"exercise.{name}").click()
        shown = list_but(lesson, shown)
        histories.append(ids(lesson))
    shoes, ball_shoes, swapped, with_detergent, shuffled = histories
    assert [len(one) for one in histories] == [1, 2, 2, 3, len(own)]
    assert ball_shoes[1:] == shoes
    assert swapped == ball_shoes[::-1]
    assert with_detergent[:2] == swapped
    assert sorted(shuffled) == sorted(own)
    assert shuffled != own


def test_the_race_runs_and_can_be_stopped(visit: Visitors) -> None:
    visitor = visit()
    page = visitor.page
    page.goto(f"{visitor.url}/orientation")
    bar = page.locator(".st-key-lab_bar_orientation")
    expect(page.locator(".st-key-lesson-orientation-finish button")).to_be_attached()
    page.locator(".st-key-guess-orientation-skip button").click()
    train, stop = bar.get_by_role("button").first, bar.get_by_role("button", name="Stop")
    expect(train).to_be_enabled()
    train.click()
    rows = page.locator(".st-key-lab_orientation_race .lab-table tr")
    finished = rows.filter(has_text=re.compile(r"0\.\d{3} \(0\.\d{3}–0\.\d{3}\)"))
    expect(finished.nth(1)).to_be_visible(timeout=90_000)
    expect(stop).to_be_enabled()
    stop.click()
    expect(stop).to_be_disabled(timeout=60_000)
    expect(finished.first).to_be_visible()  # what has finished stays


def test_the_printed_layers_and_one_step_in_slow_motion_answer_at_once(visit: Visitors) -> None:
    visitor = visit()
    page = visitor.page
    page.goto(f"{visitor.url}/mathematics")
    expect(page.locator(".st-key-lesson-mathematics-finish button")).to_be_attached()

    circular = page.locator(".st-key-lab_mathematics_circular")
    drawn = circular.locator(PICTURE).first
    told = set()
    for case in range(4):
        circular.locator(".st-key-lab_cases_mathematics_circular button").nth(case).click()
        until(page, "([node, told]) => !told.includes(node.ariaLabel)", [drawn.element_handle(), list(told)])
        told.add(drawn.get_attribute("aria-label"))
    assert len(told) == 4

    slow = page.locator(".st-key-lab_mathematics_slow_motion")
    back, forth = slow.get_by_role("button", name="◀").last, slow.get_by_role("button", name="▶").last
    picture = slow.locator(PICTURE).first
    ways = [picture.get_attribute("aria-label")]
    while forth.is_enabled():
        forth.click()
        expect(picture).not_to_have_attribute("aria-label", str(ways[-1]))
        ways.append(picture.get_attribute("aria-label"))
    assert len(ways) >= 6  # look up, attend, score, loss, gradients, update
    back.click()
    expect(picture).to_have_attribute("aria-label", str(ways[-2]))


def test_every_dataset_can_be_chosen_after_every_other_one(visit: Visitors) -> None:
    lesson = visit().open().skip_guesses()
    page, box = lesson.page, lesson.part("widget.data").get_by_role("combobox")
    names = lesson.options("widget.data")
    assert len(names) >= 3
    for one, other in permutations(names, 2):
        for name in (one, other):
            if box.input_value() != name:
                lesson.pick("widget.data", name).complete()
    expect(page.get_by_text("Something went wrong")).to_have_count(0)
    expect(lesson.alerts.filter(has_text="wrong")).to_have_count(0)
    expect(lesson.button("train")).to_be_enabled()
