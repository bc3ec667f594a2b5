"""The page that says where to begin, and the first page that follows the path."""

from pathlib import Path

import pytest
from lab_page import nothing_broke, open_page, set_stage, words
from lab_stage import Stage
from streamlit.testing.v1 import AppTest

from course_lib.course.lessons import load_course
from course_lib.course.placement import load_placement
from course_lib.text import text
from course_lib.ui import shell

BOTH = pytest.mark.parametrize("language", ["zh", "en"])


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Stage:
    return set_stage(monkeypatch, tmp_path)


def links(page: AppTest) -> list[str]:
    """The labels of a page's links."""
    return [one.proto.label for one in page.get("page_link")]


@BOTH
def test_a_path_is_taken_and_the_first_page_follows_it(stage: Stage, language: str) -> None:
    page = open_page(language, "placement")
    assert page.button(key="placement_take").disabled, "no path was chosen yet"
    page.radio(key="placement_route").set_value("manager").run()
    known = next(one for one in load_placement().questions if one.id == "marketing")
    right = next(place for place, one in enumerate(known.options) if one.correct)
    page.radio(key="placement_marketing").set_value(right).run()
    assert known.options[right].why(language) in [one.value for one in page.success]
    page.button(key="placement_take").click().run()
    nothing_broke(page)
    assert shell.store().learner(shell.learner()).preference("route") == {"route": "manager", "known": ["marketing"]}
    assert any(text("placement.known", language) in label for label in links(page))

    home = open_page(language, "home")
    nothing_broke(home)
    assert text("placement.change", language) in links(home)
    manager = next(route for route in load_placement().routes if route.id == "manager")
    assert manager.name(language) in words(home)
    first = load_course().lesson("orientation")
    assert home.button(key="home_start").label == text("home.start", language, lesson=first.title(language))


@BOTH
def test_a_wrong_option_says_why_and_counts_as_unknown(stage: Stage, language: str) -> None:
    page = open_page(language, "placement")
    question = load_placement().questions[0]
    wrong = next(place for place, one in enumerate(question.options) if not one.correct)
    page.radio(key=f"placement_{question.id}").set_value(wrong).run()
    nothing_broke(page)
    assert question.options[wrong].why(language) in [one.value for one in page.warning]
    page.radio(key="placement_route").set_value("engineer").run()
    page.button(key="placement_take").click().run()
    assert shell.store().learner(shell.learner()).preference("route")["known"] == []


def test_another_path_keeps_what_was_known(stage: Stage) -> None:
    shell.store().learner(shell.learner()).set_preference("route", {"route": "manager", "known": ["trust"]})
    page = open_page("en", "placement")
    page.radio(key="placement_route").set_value("newcomer").run()
    page.button(key="placement_take").click().run()
    nothing_broke(page)
    assert shell.store().learner(shell.learner()).preference("route") == {"route": "newcomer", "known": ["trust"]}
