"""A run that trains: the epoch slider follows the newest epoch, stays where the learner puts it, and follows again."""

from __future__ import annotations

from dataclasses import replace

import pytest
from lab_page import button, key, link, nothing_broke, open_page, scrub, set_stage, tiny, told, words
from lab_stage import Stage
from streamlit.testing.v1 import AppTest

from course_lib.text import text

BOTH = pytest.mark.parametrize("language", ["zh", "en"])
LIVE = "widget.epoch.live"


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch, tmp_path) -> Stage:
    return set_stage(monkeypatch, tmp_path)


def lists(page: AppTest) -> str:
    """The product cards."""
    return "\n".join(one.proto.body for one in page.get("html") if "lab-list" in one.proto.body)


def shown(page: AppTest) -> tuple[int, int]:
    """The epoch on show and the newest one."""
    slider = told(page, LIVE)
    return slider["epoch"], slider["newest"]


@BOTH
def test_it_follows_the_newest_epoch_until_it_is_moved_back(stage, language) -> None:
    stage.put(tiny(), "running", epochs=1)
    page = open_page(language)
    nothing_broke(page)
    assert shown(page) == (1, 1)
    assert told(page, LIVE)["last"] == tiny().training["epochs"], "the slider keeps its length while the run goes on"
    assert button(page, "follow").disabled

    stage.put(tiny(), "running", epochs=2)
    page.run()
    assert shown(page) == (2, 2)

    newest = lists(page)
    scrub(page, "live", 1)
    nothing_broke(page)
    assert shown(page) == (1, 2)
    assert text("lab.list_at", language, epoch=1) in words(page)
    assert "epoch=1&" in told(page, "address")["query"]
    assert lists(page) != newest
    assert not button(page, "follow").disabled

    earlier = lists(page)
    stage.put(tiny(), "running", epochs=3)
    page.run()
    assert shown(page) == (1, 3), "it stays where the learner put it"
    assert lists(page) == earlier

    button(page, "follow").click().run()
    assert shown(page) == (3, 3)
    stage.put(tiny(), "running", epochs=4)
    page.run()
    assert shown(page) == (4, 4)


@BOTH
@pytest.mark.parametrize(("trained", "note"), [(3, "note_stopped_early"), (4, "note_kept")])
def test_a_run_with_patience_says_which_epoch_it_kept_and_shows_it(stage, language, trained, note) -> None:
    """The kept epoch is on show until the learner moves the slider, which reaches the last epoch too."""
    kept = {"epoch": 1, "trained": trained, "epochs": int(tiny().training["epochs"]), "patience": 2}
    stage.put(tiny(), "finished", epochs=trained, kept=kept)
    page = open_page(language)
    nothing_broke(page)
    assert text(f"lab.{note}", language, **kept) in words(page)
    slider = told(page, "widget.epoch.look")
    assert (slider["epoch"], slider["newest"]) == (1, trained)
    scrub(page, "look", trained)
    assert told(page, "widget.epoch.look")["epoch"] == trained


def test_moved_to_the_newest_it_follows_again(stage) -> None:
    stage.put(tiny(), "running", epochs=2)
    page = scrub(open_page("en"), "live", 0)
    assert shown(page) == (0, 2)
    scrub(page, "live", 2)
    stage.put(tiny(), "running", epochs=4)
    page.run()
    assert shown(page) == (4, 4)


def test_what_no_slider_sends_is_not_taken(stage) -> None:
    stage.put(tiny(), "running", epochs=2)
    page = open_page("en")
    assert shown(scrub(page, "live", 99)) == (2, 2)
    assert "epoch=" not in told(page, "address")["query"]
    assert shown(scrub(page, "live", -5)) == (0, 2)
    assert shown(scrub(page, "live", "one")) == (0, 2)  # type: ignore[arg-type]
    nothing_broke(page)


@BOTH
def test_the_end_of_the_run_and_another_language_keep_the_epoch(stage, language) -> None:
    stage.put(tiny(), "running", epochs=3)
    page = scrub(open_page(language), "live", 1)
    other = "en" if language == "zh" else "zh"
    page.query_params["lang"] = other
    page.run()
    assert shown(page) == (1, 3)
    stage.put(tiny(), "finished")
    page.run()
    nothing_broke(page)
    assert told(page, "widget.epoch.look")["epoch"] == 1
    assert "epoch=1" in link(page)
    assert not [one for one in page.get("bidi_component") if one.proto.id.endswith(key(LIVE))]


def test_an_epoch_of_a_link_is_waited_for(stage) -> None:
    stage.put(tiny(), "running", epochs=1)
    page = open_page("en", epoch="3")
    assert shown(page) == (1, 1)
    stage.put(tiny(), "running", epochs=4)
    page.run()
    assert shown(page) == (3, 4)


def test_train_begins_with_the_newest_again(stage) -> None:
    stage.put(tiny(), "stopped", epochs=3)
    page = open_page("en", epoch="1")
    button(page, "guess.skip").click().run()
    stage.views[tiny().run_id] = replace(stage.views[tiny().run_id], state="running", result=None)
    button(page, "train").click().run()
    assert shown(page) == (3, 3)


@BOTH
def test_the_masks_picture_is_the_runs_own_as_soon_as_there_is_one(stage, language) -> None:
    page = open_page(language)
    bare = told(page, "figure.prose.mask")
    assert bare["alt"].startswith("No model yet" if language == "en" else "还没有模型")
    assert text("lesson.mask_bare", language) in words(page)
    assert "%" not in "".join(note["text"] for note in bare["wide"]["layout"]["annotations"])

    stage.put(tiny(), "running", epochs=2)
    page.run()
    nothing_broke(page)
    run = told(page, "figure.prose.mask")
    assert run["wide"]["data"][1]["z"][1][:3] == [0.1, 0.9, None]  # the stage's matrix
    assert run["narrow"]["data"][1]["z"] == run["wide"]["data"][1]["z"]
    assert text("lesson.mask_bare", language) not in words(page)
    name = "Lin" if language == "en" else "林"
    said = next(one.value for one in page.caption if "A_{ts}" in one.value)
    assert name in said
    assert "2" in said
    assert "{" not in said.replace("A_{ts}", "")
