"""Search across the course: what is found, what is not, and that nothing typed breaks it."""

import re
import tomllib

import pytest

from course_lib.course.answers import load_answers
from course_lib.course.course_search import LONGEST, CourseSearch, passages
from course_lib.course.glossary import load_glossary
from course_lib.course.lessons import load_lessons
from course_lib.course.markdown import fill_values
from course_lib.errors import CourseError
from course_lib.settings import PROJECT
from course_lib.text import LANGUAGES
from course_lib.ui.lesson_values import every_value, measured_values


def filled(lesson, section, language):
    return fill_values(section, measured_values(lesson, language) if lesson else every_value(language))


@pytest.fixture(scope="module")
def search():
    return CourseSearch(passages(load_lessons(), load_glossary(), load_answers(), filled))


@pytest.mark.parametrize(("query", "kind", "title"), [("偷看", "term", "偷看"), ("complement", "term", "互补品")])
def test_a_term_comes_first(search, query, kind, title):
    best = search.find(query, "zh")[0].passage
    assert (best.kind, best.titles["zh"]) == (kind, title)


@pytest.mark.parametrize("query", ["sampled metrics negatives", "抽样的指标 负样本"])
def test_both_languages_find_the_same_lesson(search, query):
    assert "evaluation" in [one.passage.lesson for one in search.find(query, "en")[:4]]


def test_the_excerpt_holds_the_word_and_no_markdown(search):
    for one in search.find("Markov", "en"):
        assert "{{" not in one.excerpt
        assert "**" not in one.excerpt
        assert len(one.excerpt) <= 200
    assert "Markov" in search.find("Markov", "en")[0].excerpt + search.find("Markov", "en")[0].passage.titles["en"]


def test_one_character_and_the_beginning_of_a_word_find_something(search):
    assert search.find("偷", "zh")
    assert search.find("complem", "en")


@pytest.mark.parametrize(
    "query", ["", "   ", "\n\t", "qxzvw", "🏀🏀", "<script>alert(1)</script>qq", "' OR 1=1; --", "(((", "\x00"]
)
def test_nothing_typed_breaks_it(search, query):
    found = search.find(query, "en")
    assert len(found) <= 8
    if not query.strip():
        assert found == ()


def test_an_endless_query_is_refused_in_a_sentence(search):
    with pytest.raises(CourseError) as raised:
        search.find("ball " * 100, "en")
    assert raised.value.key == "search_long"
    assert search.find("a" * LONGEST, "en") == ()


def test_answers_name_lessons_and_numbers_that_are_there():
    course = {lesson.id for lesson in load_lessons()}
    measured = tomllib.loads((PROJECT / "data" / "measured.toml").read_text(encoding="utf-8"))
    for one in load_answers():
        assert set(one.lessons) <= course
        for language in LANGUAGES:
            unknown = text_of_missing(one.text(language), language, measured)
            assert unknown == [], f"{one.id}: {unknown}"


def text_of_missing(text, language, measured):
    found = re.findall(r"\{\{value:([a-z_]+)\.([a-z0-9_]+)\}\}", text)
    return [
        (lesson, name)
        for lesson, name in found
        if name.endswith(("_zh", "_en")) or not {name, f"{name}_{language}"} & set(measured.get(lesson, {}))
    ]
