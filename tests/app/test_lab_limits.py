"""Train within the limits of the learner's class: they go with every start, and a refusal says whose limit it is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from browsers import sit_down
from lab_page import button, open_page, skip
from teach_page import MEMBER, NOBODY, School, school, words

from course_lib.course import classes
from course_lib.errors import CourseError
from course_lib.runs.limits import RunLimits
from course_lib.text import text


@pytest.fixture(autouse=True)
def the_school(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[School]:
    yield from school(monkeypatch, tmp_path)


def train(monkeypatch: pytest.MonkeyPatch, who: str, seed: str = "3") -> str:
    """Presses Train and returns what the page says then."""
    sit_down(monkeypatch, who)
    page = skip(open_page("en", seed=seed))
    button(page, "train").click().run()
    assert not page.exception
    return words(page)


def test_a_class_s_limits_go_with_the_start_and_nobody_else_s_do(
    the_school: School, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, room = the_school.store, the_school.annas
    classes.open_to_all(store, room.key, None)
    classes.set_limits(store, room.key, RunLimits(seconds=600.0, parameters=1_000_000))
    classes.set_own_limits(store, room.key, MEMBER, {"parameters": 2_000_000})
    train(monkeypatch, MEMBER)
    train(monkeypatch, NOBODY, seed="4")
    assert the_school.stage.limits == [RunLimits(seconds=600.0, parameters=2_000_000), None]


def test_a_refused_run_says_the_limit_and_who_set_it(the_school: School, monkeypatch: pytest.MonkeyPatch) -> None:
    classes.open_to_all(the_school.store, the_school.annas.key, None)
    refusal = CourseError("limit_parameters", parameters="176,000", limit="100,000")
    the_school.stage.refuses = refusal
    said = train(monkeypatch, MEMBER)
    assert refusal.text("en") in said
    assert text("errors.limit_of_class", "en", name=the_school.annas.name) in said
    assert the_school.stage.started == []
