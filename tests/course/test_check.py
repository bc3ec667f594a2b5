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
        ("en.md", "Text.", "Text.\n\n{{lab:nowhere}}", "unknown_lab", "nowhere"),
        ("en.md", "{{value:width}}", "{{value:width}", "lesson_placeholder", "{{value:width}"),
        ("en.md", "{{value:width}}", "{{chart:width}}", "lesson_placeholder", "{{chart:width}}"),
        ("en.md", "Text.", "Text.\n\n```python", "lesson_placeholder", "```python"),
        ("en.md", "Text.", "![p](https://x.org/p.png)", "lesson_image_outside", "x.org"),
        ("zh.md", "推导 $y$", "推导 $z$", "lesson_parity_formula", "details 1"),
        ("en.md", "It is $y$.", "It is $y$.\n\nMore.", "lesson_parity_count", "details 1"),
        ("zh.md", "{{figure:mask}}\n:::", ":::", "lesson_parity_placeholder", "{{figure:mask}}"),
        ("zh.md", ":::details 3", ":::details 4", "lesson_parity_minutes", "4"),
        ("en.md", "Text.", "Text.\n\n:::details 1 | More\nMore.\n:::", "lesson_parity_count", "1"),
        ("en.md", "{{figure:mask}}", "{{mask}}", "lesson_placeholder", "{{mask}}"),
        ("en.md", "It is", "![p](https://x.org/p.png)", "lesson_image_outside", "x.org"),
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


@pytest.mark.parametrize(
    ("language", "body", "word", "room", "most"),
    [
        ("en", "Text.", " word", 400 - 8, 400),  # four headings and four sentences of one word each
        ("zh", "正文。", "字", 650 - 16, 650),  # of two characters each
    ],
)
def test_how_much_may_be_read_before_training(house, language, body, word, room, most):
    name = f"lessons/alpha/{language}.md"
    house.edit(name, body, f"{body}{word * room}")
    assert house.found() == []
    house.edit(name, body, f"{body}{word}")
    assert house.found() == ["lesson_words"]
    for said in house.problems()[0].text("zh"), house.problems()[0].text("en"):
        assert all(part in said for part in (name, str(most), str(most + 1)))


def test_what_folds_away_or_comes_later_is_not_counted(house):
    for language, word in (("en", "word "), ("zh", "字")):
        name = f"lessons/alpha/{language}.md"
        body = {"en": "Text.", "zh": "正文。"}[language]
        house.edit(name, body, f"{body}\n\n:::details 9 | {word}\n{word * 700} $a$ $b$ $c$ $d$\n:::")
        house.edit(name, "- {{value:width}}", f"- {{{{value:width}}}} {word * 700}")
    assert house.found() == []


def test_at_most_three_formulas_before_training(house):
    for language, body in (("en", "Text."), ("zh", "正文。")):
        house.edit(f"lessons/alpha/{language}.md", body, f"{body} $a$ $b$\n\n$$c$$")
    assert house.found() == []
    for language in ("en", "zh"):
        house.edit(f"lessons/alpha/{language}.md", "$a$", "$a$ $d$")
    assert house.found() == ["lesson_formulas", "lesson_formulas"]
    assert {"lessons/alpha/zh.md", "lessons/alpha/en.md"} <= {
        word.strip(":") for problem in house.problems() for word in problem.text("en").split()
    }


def test_details_that_are_not_closed_close_the_lesson(house):
    house.edit("lessons/alpha/en.md", "{{figure:mask}}\n:::", "{{figure:mask}}")
    assert house.found() == ["lesson_details"]
    assert not house.course().lesson("alpha").ready


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
