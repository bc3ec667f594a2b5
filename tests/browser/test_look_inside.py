"""Look inside a trained run in a real browser: scrub, edit a history, send the link, take the run home."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path
from typing import Any

from lesson_page import LessonPage, until
from playwright.sync_api import expect
from safetensors.numpy import load as load_weights
from visitors import Visitors


def ids(lesson: LessonPage) -> list[str]:
    """The history in the editor."""
    found: list[str] = lesson.history.evaluate_all("lines => lines.map(line => line.dataset.id)")
    return found


def list_but(lesson: LessonPage, before: list[str]) -> list[str]:
    """Waits until the list is another one."""
    until(
        lesson.page,
        """before => {
            const cards = document.querySelectorAll(".lab-list:not([class*=st-key-lab_] *) .product-title");
            const titles = [...cards].map(title => title.innerText);
            return titles.length === 10 && titles.join() !== before;
        }""",
        ",".join(before),
    )
    return lesson.list()


def test_scrubbing_moves_the_list_both_ways(visit: Visitors, trained: dict[str, Any]) -> None:
    lesson = visit().open(**trained).finish()
    last = lesson.list()
    for name in ("product_map", "attention", "ranks"):
        expect(lesson.figure(f"next_item.{name}.look").locator(".main-svg").first).to_be_attached()
    lesson.figure("next_item.product_map.look").evaluate("node => { node.marked = true; }")
    lesson.epoch.focus()
    lesson.epoch.press("ArrowLeft")
    expect(lesson.page.get_by_text(re.compile(r"What the model recommends, epoch 3\.\d"))).to_be_visible()
    lesson.epoch.press("Home")
    expect(lesson.page.get_by_text("What the model recommends, epoch 0")).to_be_visible()
    untrained = list_but(lesson, last)
    expect(lesson.page).to_have_url(re.compile(r"[?&]frame=0\b"))
    lesson.epoch.press("End")
    expect(lesson.page.get_by_text("What the model recommends, epoch 4")).to_be_visible()
    assert list_but(lesson, untrained) == last
    assert lesson.figure("next_item.product_map.look").evaluate("node => node.marked === true"), "the map was made anew"


def test_play_goes_through_the_frames_and_pause_stays_where_it_is(visit: Visitors, trained: dict[str, Any]) -> None:
    lesson = visit().open(**trained).finish()
    slider, buttons = lesson.epoch, lesson.part("widget.frame.look").get_by_role("button")
    last = int(slider.input_value())
    buttons.nth(1).click()  # twice as fast
    expect(buttons.nth(1)).to_have_text("2×")
    buttons.nth(0).click()
    expect(lesson.page.get_by_text("What the model recommends, epoch 0", exact=True)).to_be_visible()
    seen = {int(slider.input_value())}
    while len(seen) < 4:
        lesson.page.wait_for_timeout(100)
        seen.add(int(slider.input_value()))
    assert seen == set(range(min(seen), max(seen) + 1)), "no frame was skipped"
    buttons.nth(0).click()
    expect(buttons.nth(0)).to_contain_text("Play")
    here = slider.input_value()
    lesson.page.wait_for_timeout(1_500)
    assert slider.input_value() == here
    assert int(here) < last


def test_an_edited_history_moves_the_list_and_reset_brings_it_back(visit: Visitors, trained: dict[str, Any]) -> None:
    lesson = visit().open(**trained).finish()
    original, first = ids(lesson), lesson.list()
    lesson.search.fill("basketball shoes")
    offer = lesson.part("editor").locator("button.offer").first
    offer.click()
    expect(lesson.history).to_have_count(len(original) + 1)
    with_shoes = list_but(lesson, first)
    assert ids(lesson)[:-1] == original
    expect(lesson.page).to_have_url(re.compile(r"[?&]history=[0-9-]+"))

    newest = lesson.history.last
    newest.locator("button[data-action=remove]").click()
    expect(lesson.history).to_have_count(len(original))
    assert list_but(lesson, with_shoes) == first
    assert ids(lesson) == original

    lesson.history.last.locator("button[data-action=earlier]").click()
    moved = list_but(lesson, first)
    assert ids(lesson) == [*original[:-2], original[-1], original[-2]]

    lesson.button("reset").click()
    assert list_but(lesson, moved) == first
    assert ids(lesson) == original
    expect(lesson.button("reset")).to_be_disabled()


def test_an_empty_history_is_met_with_a_sentence(visit: Visitors, trained: dict[str, Any]) -> None:
    lesson = visit().open(**trained, history="5").finish()
    lesson.history.locator("button[data-action=remove]").click()
    expect(lesson.page.get_by_text("An empty history says nothing about this shopper.")).to_be_visible()
    lesson.search.fill("篮球")  # in the other language too
    lesson.part("editor").locator("button.offer").first.click()
    expect(lesson.titles).to_have_count(10)


def test_the_best_possible_list_stands_beside_the_models(visit: Visitors, trained: dict[str, Any]) -> None:
    lesson = visit().open(**trained, history="5").finish()
    own = lesson.page.locator(".lab-list:not(.st-key-lab_user_understanding_train *)")
    lesson.page.get_by_text("Compare it with the best possible list").click()
    expect(own).to_have_count(3)  # that of the edited history, then the two for the shopper's own
    expect(own.nth(2).locator(".product-title")).to_have_count(10)
    shares = [float(chance) for chance in re.findall(r"([\d.]+)%", own.nth(2).inner_text())]
    assert len(shares) == 10
    assert shares == sorted(shares, reverse=True)


def test_a_link_opens_the_lab_as_it_was_in_another_browser(visit: Visitors, trained: dict[str, Any]) -> None:
    lesson = visit().open(**trained).finish()
    first = lesson.list()
    who = lesson.options("widget.shopper.look")[2]
    lesson.pick("widget.shopper.look", who)
    second = list_but(lesson, first)
    lesson.epoch.focus()
    lesson.epoch.press("Home")
    lesson.epoch.press("ArrowRight")
    expect(lesson.page.get_by_text(re.compile(r"What the model recommends, epoch 0\.\d"))).to_be_visible()
    when = lesson.page.get_by_text("What the model recommends, epoch").inner_text()
    third = list_but(lesson, second)
    lesson.history.last.locator("button[data-action=remove]").click()
    shown = list_but(lesson, third)
    left = ids(lesson)
    expect(lesson.page).to_have_url(re.compile("history=" + "-".join(left)))

    other = visit(language="zh").go(lesson.page.url).finish()  # the link's language, not the browser's
    expect(other.page.locator("h1")).to_have_text("User understanding")
    expect(other.part("widget.shopper.look").get_by_role("combobox")).to_have_value(who)
    expect(other.page.get_by_text(when)).to_be_visible()
    assert ids(other) == left
    assert other.list() == shown
    expect(other.page).to_have_url(lesson.page.url)


def test_the_run_goes_home_as_a_zip(visit: Visitors, trained: dict[str, Any]) -> None:
    lesson = visit(language="zh").open(**trained).finish()
    with lesson.page.expect_download() as coming:
        lesson.button("download").click()
    assert coming.value.suggested_filename.endswith(".zip")
    with zipfile.ZipFile(io.BytesIO(Path(coming.value.path()).read_bytes())) as box:
        assert box.testzip() is None
        names = set(box.namelist())
        assert {"model/model.safetensors", "model/config.json", "config.json", "repeat.ipynb"} <= names
        assert load_weights(box.read("model/model.safetensors"))
