import pytest

from course_lib.course.check import check_lessons
from course_lib.settings import PROJECT


@pytest.mark.parametrize(
    ("name", "old", "new", "key", "says"),
    [
        ("zh.md", "a = b", "a = c", "lesson_parity_formula", "$$a = c$$"),
        ("en.md", "- $V$", "- $W$", "lesson_parity_formula", "$W$"),
        ("en.md", "{{figure:histories}}", "{{figure:history}}", "lesson_parity_placeholder", "{{figure:history}}"),
        ("zh.md", "{{value:width}}", "64", "lesson_parity_placeholder", "{{value:width}}"),
        ("zh.md", "正文。", "正文。\n\n又一段。", "lesson_parity_count", "2"),
        ("en.md", "- $V$", "- $V$\n- more", "lesson_parity_count", "3"),
        ("en.md", "Text.", "Text [link](https://x.org).", "lesson_parity_count", "1"),
        ("en.md", "Text.", "Text ![p](p.png).", "lesson_parity_count", "1"),
        ("en.md", "Text.", "Text `code`.", "lesson_parity_count", "1"),
        ("en.md", "Text.", "Text.\n\n```python\nx = 1\n```", "lesson_parity_count", "1"),
        ("en.md", "Text.", "### More\n\nText.", "lesson_parity_count", "1"),
        ("en.md", "Text.", "> Text.", "lesson_parity_count", "1"),
        ("en.md", "Text.", "Text.\n\n| a | b |\n|---|---|\n| 1 | 2 |", "lesson_parity_count", "3"),
        ("en.md", "{{figure:histories}}", "See {{figure:histories}}", "lesson_figure_line", "See"),
        ("en.md", "{{value:width}}", "{{width}}", "lesson_placeholder", "{{width}}"),
        ("en.md", "{{value:width}}", "{{value:width}", "lesson_placeholder", "{{value:width}"),
        ("en.md", "{{value:width}}", "{{chart:width}}", "lesson_placeholder", "{{chart:width}}"),
        ("en.md", "Text.", "Text.\n\n```python", "lesson_placeholder", "```python"),
        ("en.md", "Text.", "![p](https://x.org/p.png)", "lesson_image_outside", "x.org"),
        ("zh.md", "正文。", "This was never translated.", "lesson_not_chinese", "why"),
    ],
)
def test_prose_that_drifts_apart(house, name, old, new, key, says):
    house.edit(f"lessons/alpha/{name}", old, new)
    assert key in house.found()
    found = [problem for problem in house.problems() if problem.error.key == key]
    for language in ("zh", "en"):
        assert any(says in problem.text(language) for problem in found)
    assert not any(problem.fatal for problem in found)
    assert house.course().lesson("alpha").ready  # an author's worry, not the learner's


def test_sentences_name_the_parts_in_their_own_language(house):
    house.edit("lessons/alpha/en.md", "Text.", "Text.\n\nMore.")
    problem = house.problems()[0]
    assert "段落的数量不一致" in problem.text("zh")
    assert "paragraphs differ" in problem.text("en")


def test_formulas_in_another_order(house):
    for name, order in (("zh.md", "$$a$$\n\n$$b$$"), ("en.md", "$$b$$\n\n$$a$$")):
        house.edit(f"lessons/alpha/{name}", "$$\na = b\n$$", order)
    assert house.found() == ["lesson_parity_order"]


def test_formulas_in_questions(house):
    house.edit("lessons/alpha/quiz.toml", "Why the order of $x$?", "Why the order of $y$?")
    assert set(house.found()) == {"lesson_parity_formula"}
    assert "question[order].prompt" in house.problems()[0].text("en")


def test_an_untranslated_title(house):
    house.edit("lessons/alpha/lesson.toml", 'summary_zh = "一句话。"', 'summary_zh = "This is one sentence."')
    assert house.found() == ["lesson_not_chinese"]


def test_a_ready_lesson_needs_a_page(house):
    house.write("pages/other.py", "")
    assert house.found() == ["lesson_no_page"]
    house.write("pages/alpha.py", "")
    assert house.found() == []


def test_the_courses_own_lessons():
    pages = {"lesson_no_page"}  # the pages have tests of their own
    assert [
        problem.text("en") for problem in check_lessons(PROJECT / "lessons") if problem.error.key not in pages
    ] == []
