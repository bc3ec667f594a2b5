"""The panel of message drafts: a learner's own draft, and a language model's, checked; nothing goes anywhere else."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from lab_page import key, nothing_broke, open_page, set_stage, words
from lab_stage import Stage
from test_own_writer import SECRET, parrot  # noqa: F401 - the fixture is used by its name

from course_lib.errors import CourseError
from course_lib.experiments.message_drafts import offers
from course_lib.text import text
from course_lib.ui import shell
from course_lib.ui.panels import message_drafts

LESSON, LAB = "marketing", "drafts"


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Stage:
    return set_stage(monkeypatch, tmp_path)


def named(name: str) -> str:
    return key(name, LESSON, LAB)


def tables(page: Any) -> str:
    return "\n".join(one.proto.body for one in page.get("html") if "lab-claims" in one.proto.body)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_draft_of_ones_own_is_checked_and_escaped(stage: Stage, language: str) -> None:
    page = open_page(language, LESSON)
    assert tables(page).count(text("message_drafts.sent", language)) == 4, "the templates' drafts"
    page.text_area(key=named("draft.text")).set_value("<b>100%</b>").run()
    nothing_broke(page)
    shown = tables(page)
    assert "&lt;b&gt;" in shown
    assert "<b>" not in shown
    assert text("message_drafts.stopped", language) in shown
    assert text("message_drafts.missing", language) in shown
    page.text_area(key=named("draft.text")).set_value("   ").run()
    assert text("errors.draft_empty", language) in words(page)


def test_a_language_models_drafts_are_checked(stage: Stage, parrot: Any) -> None:  # noqa: F811
    page = open_page("en", LESSON)
    for name, value in (("own.url", f"{parrot.url}/v1"), ("own.model", "parrot"), ("own.key.0", SECRET)):
        page.text_input(key=named(name)).set_value(value)
    page.button(key=named("own.write")).click().run()
    job = page.session_state[named("own.job")]
    for _ in range(200):
        if not job.live:
            break
        time.sleep(0.05)
    page.run()
    nothing_broke(page)
    assert len(parrot.asked) == len(offers("diapers")) == 3
    assert "STOP" in parrot.asked[0][1]["messages"][0]["content"]
    assert text("message_drafts.done", "en", total=3) in words(page)
    shown = tables(page)
    assert shown.count("<tr>") == 4 + 1 + 3 + 1, "four templates, three drafts, two heads"
    assert text("message_drafts.stopped", "en") in shown, "it says back the title alone: no last day, no opt-out"
    assert SECRET not in shown


def test_without_an_address_a_sentence_says_so(stage: Stage) -> None:
    page = open_page("zh", LESSON)
    page.button(key=named("own.write")).click().run()
    assert [one.value for one in page.error] == [shell.plain(CourseError("address_not_http").text("zh"))]
    assert message_drafts.DraftJob("zh", "headphones").items == (0, 1, 2)
