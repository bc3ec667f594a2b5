"""Train in a real browser: to the end, through a reload, in two browsers, in another language, and when it dies."""

from __future__ import annotations

import re

from course_server import CourseServer
from lesson_page import CURVE_NAME, LESSON, LessonPage
from playwright.sync_api import Locator, expect
from visitors import TINY, Visitors

from course_lib.errors import CourseError
from course_lib.text import text

EPOCHS = 40  # some seconds: the curve grows at several polls, however quick the machine is
LONG = {**TINY, "epochs": 100}  # long enough to do something in mid-run


def zoom(lesson: LessonPage) -> list[float]:
    """Draws a frame with the mouse inside the learning curve; the range of epochs shown then."""
    area = lesson.figure(CURVE_NAME).locator(".nsewdrag").first
    area.scroll_into_view_if_needed()
    box = area.bounding_box()
    assert box is not None
    mouse = lesson.page.mouse
    mouse.move(box["x"] + 0.1 * box["width"], box["y"] + 0.2 * box["height"])
    mouse.down()
    mouse.move(box["x"] + 0.6 * box["width"], box["y"] + 0.8 * box["height"], steps=4)
    mouse.up()
    return epochs_shown(lesson)


def epochs_shown(lesson: LessonPage) -> list[float]:
    shown: list[float] = lesson.figure(CURVE_NAME).evaluate("node => node._fullLayout.xaxis.range.map(Number)")
    return shown


def test_train_to_the_end_and_see_the_chart_move_in_place(visit: Visitors, server: CourseServer, seed: int) -> None:
    lesson = visit().open(**TINY, epochs=EPOCHS, seed=seed).train()
    lesson.points_above(1)
    curve = lesson.figure(CURVE_NAME)
    curve.evaluate("node => { node.marked = true; }")
    whole = epochs_shown(lesson)
    near = zoom(lesson)
    assert near[1] - near[0] < whole[1] - whole[0]
    first = lesson.points()
    second = lesson.points_above(first)
    lesson.points_above(second)
    assert curve.evaluate("node => node.marked === true"), "the figure was made anew"
    assert epochs_shown(lesson) == near
    lesson.finish()
    assert lesson.points() == EPOCHS + 1  # epoch 0 is before training
    assert curve.evaluate("node => node.marked === true"), "the end of the run made the figure anew"
    assert epochs_shown(lesson) == near
    lesson.tab("Test")
    expect(lesson.figure("next_item.result.train").locator(".main-svg").first).to_be_attached()
    [folder] = server.runs(seed)
    assert (folder / "result.json").exists()


def place(slider: Locator, epoch: int) -> tuple[float, float]:
    """Where the mouse finds that epoch."""
    box = slider.bounding_box()
    assert box is not None
    last, thumb = int(slider.get_attribute("max") or 0), 20  # pixels
    return box["x"] + thumb / 2 + (box["width"] - thumb) * epoch / last, box["y"] + box["height"] / 2


def told(lesson: LessonPage) -> Locator:
    """What the lab's slider says of its place."""
    return lesson.part("widget.frame.train").locator("output")


def listed(lesson: LessonPage) -> int:
    """The epoch where the lab's slider stands while the run trains."""
    return int(told(lesson).inner_text().rsplit(" ", 1)[1])


def test_scrubbing_while_the_run_goes_on(visit: Visitors, seed: int) -> None:
    lesson = visit().open(**LONG, seed=seed).train().reach(6)
    slider, mouse = lesson.live_epoch, lesson.page.mouse
    following = listed(lesson)
    assert following >= 4
    expect(lesson.live_titles).to_have_count(10)
    slider.scroll_into_view_if_needed()

    # Held in the hand, it stays there while epochs arrive, and the list is that of the place where it is held.
    mouse.move(*place(slider, int(slider.input_value())))
    mouse.down()
    mouse.move(*place(slider, 2), steps=5)
    expect(slider).to_have_value("2")
    expect(told(lesson)).to_have_text("epoch 2")
    expect(lesson.page).to_have_url(re.compile(r"[?&]frame=2\b"))
    second = lesson.live_titles.all_inner_texts()
    lesson.points_above(lesson.points())
    expect(slider).to_have_value("2")
    mouse.move(*place(slider, 1), steps=2)
    lesson.points_above(lesson.points())
    expect(slider).to_have_value("1")
    mouse.up()

    # Let go, it stays where it was put.
    expect(told(lesson)).to_have_text("epoch 1")
    expect(lesson.page).to_have_url(re.compile(r"[?&]frame=1\b"))
    lesson.points_above(lesson.points())
    assert listed(lesson) == 1
    slider.press("ArrowRight")
    expect(told(lesson)).to_have_text("epoch 2")
    expect(lesson.live_titles).to_have_text(second)

    # What is still to come cannot be reached: the newest is the end, and there it goes along again.
    newest = lesson.points() - 1
    slider.press("End")
    expect(lesson.page).not_to_have_url(re.compile(r"[?&]frame="))
    assert int(slider.input_value()) >= newest
    lesson.points_above(lesson.points())
    assert listed(lesson) > newest
    slider.press("Home")
    expect(told(lesson)).to_have_text("epoch 0")
    expect(lesson.page).to_have_url(re.compile(r"[?&]frame=0\b"))
    slider.press("End")
    expect(lesson.page).not_to_have_url(re.compile(r"[?&]frame="))
    lesson.stop()


def test_a_reload_in_mid_run_finds_the_run_again(visit: Visitors, server: CourseServer, seed: int) -> None:
    lesson = visit().open(**LONG, seed=seed).train().reach(2)
    lesson.reload().reach(3)
    expect(lesson.button("stop")).to_be_enabled()
    # In the learner's other browser, and at the address without anything in it: the course remembers.
    other = visit.joined(lesson.page).open().reach(4)
    expect(other.page).to_have_url(re.compile(rf"seed={seed}\b"))
    [folder] = server.runs(seed)
    assert len(server.events(folder, "started")) == 1
    other.stop()


def test_two_browsers_on_one_configuration_share_one_run(visit: Visitors, server: CourseServer, seed: int) -> None:
    one, two = (visit().open(**LONG, seed=seed).skip_guesses() for _ in range(2))
    one.train()
    two.train()  # its page does not know yet that the run is under way
    one.reach(2)
    two.reach(2)
    [folder] = server.runs(seed)
    assert len(server.events(folder, "started")) == 1
    one.button("stop").click()  # one learner's wish is withdrawn, the other's is not
    two.points_above(two.points())
    assert not server.events(folder, "stopped")
    two.stop()
    for browser in (one, two):
        expect(browser.status).to_have_text(text("lab.state_stopped", "en"))


def test_the_language_switch_in_mid_run_keeps_run_answers_and_place(
    visit: Visitors, server: CourseServer, seed: int
) -> None:
    lesson = visit().open(**LONG, seed=seed)
    page = lesson.page
    lesson.choose("quiz.two_lists", 0)
    lesson.button("quiz.two_lists.answer").click()
    expect(lesson.button("quiz.two_lists.retry")).to_be_visible()
    lesson.choose("guess.beats_markov", 2).choose("quiz.mask_off", 2)  # chosen, not given
    lesson.train().reach(2)
    before = page.url
    page.locator(".st-key-shell_language").get_by_text("中文").click()
    expect(page.locator("h1")).to_have_text("用户理解")
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    expect(lesson.status).to_have_text(re.compile("第"))
    lesson.reach(3)
    expect(page).to_have_url(before.replace("lang=en", "lang=zh"))
    assert f"/{LESSON}?" in page.url
    expect(lesson.button("quiz.two_lists.retry")).to_be_visible()
    expect(lesson.part("guess.beats_markov").get_by_role("radio").nth(2)).to_be_checked()
    expect(lesson.part("quiz.mask_off").get_by_role("radio").nth(2)).to_be_checked()
    page.locator(".st-key-shell_language").get_by_text("English").click()
    expect(page.locator("h1")).to_have_text("User understanding")
    expect(page).to_have_url(before)
    [folder] = server.runs(seed)
    assert len(server.events(folder, "started")) == 1
    lesson.stop()


def test_stop_keeps_what_was_learned_and_train_goes_on_from_there(
    visit: Visitors, server: CourseServer, seed: int
) -> None:
    lesson = visit().open(**LONG, seed=seed).train().reach(3).stop()
    expect(lesson.status).to_have_text(text("lab.state_stopped", "en"))
    expect(lesson.history.first).to_be_attached()  # what it learned can be looked at
    [folder] = server.runs(seed)
    assert server.events(folder, "stopped")
    learned = int(server.events(folder, "score")[-1]["epoch"])
    lesson.train().reach(learned + 2)
    assert server.events(folder, "resumed")[0]["epoch"] > 0
    lesson.stop()


def test_a_killed_worker_costs_one_run_and_says_so(visit: Visitors, server: CourseServer, seed: int) -> None:
    lesson = visit().open(**TINY, epochs=EPOCHS, seed=seed).train().reach(2)
    [worker] = server.workers("train")
    worker.kill()  # signal 9
    sentence = CourseError("worker_died").text("en")
    expect(lesson.alerts.get_by_text(sentence, exact=True)).to_have_count(1)
    expect(lesson.button("stop")).to_be_disabled()
    lesson.train().finish()
    expect(lesson.alerts.get_by_text(sentence, exact=True)).to_have_count(0)
    [folder] = server.runs(seed)
    assert server.events(folder, "resumed"), "it went on from its last epoch"
