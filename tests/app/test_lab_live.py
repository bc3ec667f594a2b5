"""A run that trains: the frame slider follows the newest frame, stays where the learner puts it, and follows again."""

from __future__ import annotations

from dataclasses import replace

import pytest
from lab_page import LESSON, button, link, lists, nothing_broke, open_page, scrub, set_stage, skip, tiny, told, words
from lab_stage import Stage, epochs_of, last_frame
from streamlit.testing.v1 import AppTest

from course_lib.text import text
from course_lib.ui import lesson

BOTH = pytest.mark.parametrize("language", ["zh", "en"])
LIVE = "widget.frame.train"


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch, tmp_path) -> Stage:
    return set_stage(monkeypatch, tmp_path)


def shown(page: AppTest) -> tuple[int, int]:
    """The frame on show and the newest one."""
    slider = told(page, LIVE)
    return slider["frame"], slider["newest"]


@BOTH
def test_it_follows_the_newest_frame_until_it_is_moved_back(stage, language) -> None:
    stage.put(tiny(), "running", frames=1)
    page = open_page(language)
    nothing_broke(page)
    assert shown(page) == (1, 1)
    assert told(page, LIVE)["last"] == last_frame(tiny()), "the slider keeps its length while the run goes on"

    stage.put(tiny(), "running", frames=2)
    page.run()
    assert shown(page) == (2, 2)

    newest = lists(page)
    scrub(page, "train", 1)
    nothing_broke(page)
    assert shown(page) == (1, 2)
    assert told(page, LIVE)["names"][1] == text("lab.epoch_name", language, epoch="0.5")
    assert "frame=1&" in told(page, "address.live")["query"]
    assert lists(page) != newest

    earlier = lists(page)
    stage.put(tiny(), "running", frames=3)
    page.run()
    assert shown(page) == (1, 3), "it stays where the learner put it"
    assert lists(page) == earlier

    scrub(page, "train", 3)
    assert shown(page) == (3, 3), "moved to the newest, it follows again"
    stage.put(tiny(), "running", frames=4)
    page.run()
    assert shown(page) == (4, 4)


@BOTH
@pytest.mark.parametrize(("trained", "note"), [(3, "note_stopped_early"), (4, "note_kept")])
def test_a_run_with_patience_says_which_epoch_it_kept_and_shows_it(stage, language, trained, note) -> None:
    """The kept frame is on show until the learner moves the slider, which reaches the last one too."""
    kept = {"epoch": 1, "trained": trained, "epochs": epochs_of(tiny()), "patience": 2}
    view = stage.put(tiny(), "finished", frames=2 * trained)
    events = {**view.events, "kept": ({"kind": "kept", "frame": 2, **kept},)}
    stage.views[view.run_id] = replace(view, events=events)
    page = open_page(language)
    nothing_broke(page)
    assert text(f"lab.{note}", language, **kept) in words(page)
    slider = told(page, "widget.frame.look")
    assert (slider["frame"], slider["newest"]) == (2, 2 * trained)
    scrub(page, "look", 2 * trained)
    assert told(page, "widget.frame.look")["frame"] == 2 * trained


def test_moved_to_the_newest_it_follows_again(stage) -> None:
    stage.put(tiny(), "running", frames=2)
    page = scrub(open_page("en"), "train", 0)
    assert shown(page) == (0, 2)
    scrub(page, "train", 2)
    stage.put(tiny(), "running", frames=4)
    page.run()
    assert shown(page) == (4, 4)


def test_what_no_slider_sends_is_not_taken(stage) -> None:
    stage.put(tiny(), "running", frames=2)
    page = open_page("en")
    assert shown(scrub(page, "train", 99)) == (2, 2)
    assert "frame=" not in told(page, "address.live")["query"]
    assert shown(scrub(page, "train", -5)) == (0, 2)
    assert shown(scrub(page, "train", "one")) == (0, 2)  # type: ignore[arg-type]
    nothing_broke(page)


@BOTH
def test_the_end_of_the_run_and_another_language_keep_the_frame(stage, language) -> None:
    stage.put(tiny(), "running", frames=3)
    page = scrub(open_page(language), "train", 1)
    other = "en" if language == "zh" else "zh"
    page.query_params["lang"] = other
    page.run()
    assert shown(page) == (1, 3)
    stage.put(tiny(), "finished")
    page.run()
    nothing_broke(page)
    assert told(page, "widget.frame.look")["frame"] == shown(page)[0] == 1
    assert "frame=1" in link(page)


def test_a_frame_of_a_link_is_waited_for(stage) -> None:
    stage.put(tiny(), "running", frames=1)
    page = open_page("en", frame="3")
    assert shown(page) == (1, 1)
    stage.put(tiny(), "running", frames=4)
    page.run()
    assert shown(page) == (3, 4)


def test_train_begins_with_the_newest_again(stage) -> None:
    stage.put(tiny(), "stopped", frames=3)
    page = skip(open_page("en", frame="1"))
    stage.views[tiny().run_id] = replace(stage.views[tiny().run_id], state="running", result=None)
    button(page, "train").click().run()
    assert shown(page) == (3, 3)


@BOTH
def test_a_link_of_before_names_an_epoch(stage, language) -> None:
    """It opens the frame at the end of that epoch."""
    stage.put(tiny(), "stopped")
    page = open_page(language, epoch="3")
    nothing_broke(page)
    assert told(page, "widget.frame.look")["frame"] == 6
    assert "frame=6" in link(page)
    assert not page.warning


def test_an_epoch_that_no_run_has_is_the_newest_frame(stage) -> None:
    stage.put(tiny(), "running", frames=2)
    page = open_page("en", epoch="3")
    assert shown(page) == (2, 2)
    nothing_broke(page)


@BOTH
def test_the_masks_picture_is_the_runs_own_as_soon_as_there_is_one(stage, language) -> None:
    page = open_page(language)
    bare = told(page, "figure.next_item.mask.prose0")
    assert bare["alt"].startswith("No model yet" if language == "en" else "还没有模型")
    assert "%" not in "".join(note["text"] for note in bare["wide"]["layout"]["annotations"])

    stage.put(tiny(), "running", frames=2)
    page.run()
    nothing_broke(page)
    run = told(page, "figure.next_item.mask.prose0")
    assert run["wide"]["data"][1]["z"][1][:3] == [0.1, 0.9, None]  # the stage's matrix
    assert run["narrow"]["data"][1]["z"] == run["wide"]["data"][1]["z"]
    assert run["alt"] != bare["alt"]


def test_a_press_of_train_draws_what_a_live_run_changes_and_not_the_page(stage, monkeypatch) -> None:
    page, drawn, draw = skip(open_page("en")), [], lesson.open_lesson

    def counted(id: str) -> lesson.Page:
        drawn.append(id)
        return draw(id)

    monkeypatch.setattr(lesson, "open_lesson", counted)
    button(page, "train").click().run()
    nothing_broke(page)
    assert button(page, "train").disabled
    assert text("look.wait", "en") in words(page)
    assert drawn == []
    stage.put(tiny(), "finished")
    page.run()
    assert drawn == [LESSON]
    button(page, "train").click().run()
    assert drawn == [LESSON, LESSON], "a finished run opens with the whole page"
