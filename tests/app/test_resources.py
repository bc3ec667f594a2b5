"""The page of sources: search, review, glossary, answers and licences, in both languages."""

from pathlib import Path

import pytest
from lab_page import nothing_broke, open_page, set_stage, words
from lab_stage import Stage

from course_lib.course import review
from course_lib.course.answers import load_answers
from course_lib.course.lessons import load_course
from course_lib.text import text
from course_lib.ui import shell
from course_lib.ui.resources_parts import QUERY, TERM, installed

BOTH = pytest.mark.parametrize("language", ["zh", "en"])
LESSON = load_course().lesson("user_understanding")


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Stage:
    return set_stage(monkeypatch, tmp_path)


@BOTH
def test_search_finds_steps_and_terms_and_says_when_nothing_does(stage: Stage, language: str) -> None:
    page = open_page(language, "resources")
    page.text_input(key=QUERY).set_value("马尔可夫" if language == "zh" else "Markov").run()
    nothing_broke(page)
    assert text("resources.kind_term", language) in words(page)
    assert text("resources.kind_step", language) in words(page)
    page.text_input(key=QUERY).set_value("<&> qxzvw").run()
    nothing_broke(page)
    assert any("qxzvw" in one.value for one in page.info)


@BOTH
def test_a_term_is_found_by_its_name_in_the_other_language(stage: Stage, language: str) -> None:
    page = open_page(language, "resources")
    page.text_input(key=TERM).set_value("complement" if language == "zh" else "互补").run()
    nothing_broke(page)
    assert ("一起用的商品" if language == "zh" else "used together") in words(page)


def test_every_answer_is_there_with_its_numbers(stage: Stage) -> None:
    page = open_page("en", "resources")
    assert {one.question("en") for one in load_answers()} <= {one.label for one in page.expander}
    assert "{{" not in words(page)
    assert text("lesson.not_measured", "en") not in words(page)


def test_a_wrong_answer_comes_back_a_day_later_and_may_be_read_after_it_is_right(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert text("resources.review_none", "en") in [one.value for one in open_page("en", "resources").info]
    question = LESSON.quiz.questions[0]
    wrong = next(place for place, one in enumerate(question.options) if not one.correct)
    right = [place for place, one in enumerate(question.options) if one.correct]
    shell.store().learner(shell.learner()).record_answer(LESSON.id, question.id, (wrong,), False, question.version)
    waiting = open_page("en", "resources")
    assert question.prompt("en") not in words(waiting)
    assert any("Questions that wait: 1" in one.value for one in waiting.info)
    monkeypatch.setattr(review, "DAY_S", 0.0)
    page = open_page("en", "resources")
    nothing_broke(page)
    box = next(one for one in page.radio if question.prompt("en") in one.label)
    box.set_value(right[0]).run()
    page.button(key=f"lesson.{LESSON.id}.quiz.{question.id}.answer").click().run()
    nothing_broke(page)
    assert text("quiz.right", "en") in [one.value for one in page.success]
    assert question.options[right[0]].why("en") in words(page)


def test_libraries_are_those_of_the_requirements() -> None:
    found = {name: (version, licence) for name, version, licence in installed()}
    assert {"torch", "streamlit", "SQLAlchemy"} <= set(found)
    assert found["fpdf2"][1]
    assert all(version and licence for version, licence in found.values())
