import pytest

from course_lib.errors import CourseError


def test_one_right_option(house):
    question = house.course().lesson("alpha").quiz.question("order")
    assert not question.several
    assert question.grade([0]).correct
    wrong = question.grade([1])
    assert not wrong.correct
    assert wrong.hits == (False, False)
    assert question.options[1].why("zh") == "不对。"


def test_several_right_options_must_all_be_chosen(house):
    question = house.course().lesson("alpha").quiz.question("two")
    assert question.several
    assert question.grade({1, 0}).correct
    assert question.grade([0, 0, 1]).chosen == (0, 1)
    assert question.grade([0]).hits == (True, False, True)
    assert not question.grade([0, 1, 2]).correct


@pytest.mark.parametrize("chosen", [[2], [-1], ["0"], [True], [0.0]])
def test_an_option_that_is_not_there(house, chosen):
    question = house.course().lesson("alpha").quiz.question("order")
    with pytest.raises(CourseError) as raised:
        question.grade(chosen)
    assert raised.value.key == "answer_unknown_option"


def test_no_option_and_no_question(house):
    quiz = house.course().lesson("alpha").quiz
    with pytest.raises(CourseError) as raised:
        quiz.questions[0].grade([])
    assert raised.value.key == "answer_empty"
    with pytest.raises(CourseError, match="order, two"):
        quiz.question("three")


def test_the_version_follows_what_is_asked_but_not_the_explanations(house):
    before = house.course().lesson("alpha").quiz.question("order").version
    house.edit("lessons/alpha/quiz.toml", 'why_en = "Yes."', 'why_en = "Yes, it is."')
    assert house.course().lesson("alpha").quiz.question("order").version == before
    house.edit("lessons/alpha/quiz.toml", "Intent", "Their intent")
    assert house.course().lesson("alpha").quiz.question("order").version != before


@pytest.mark.parametrize(
    ("old", "new", "key", "says"),
    [
        ('why_en = "Yes."\n', "", "lesson_option_unexplained", "question[order].option[1]"),
        ('why_zh = "不对。"', 'why_zh = " "', "lesson_option_unexplained", "why_zh"),
        ("correct = true", "correct = false", "lesson_question_no_correct", "question[order]"),
        ("correct = false", "correct = true", "lesson_question_all_correct", "question[order]"),
        ("correct = true", 'correct = "yes"', "lesson_field_kind", "boolean"),
        ("correct = true\n", "", "lesson_field_missing", "question[order].option[1].correct"),
        ('anchor = "idea"', 'anchor = "ideas"', "lesson_field_choice", "ideas"),
        ('id = "two"', 'id = "order"', "lesson_id_within", "order"),
        ('id = "two"\n', "", "lesson_field_missing", "question[2].id"),
        ("[[question.option]]", "[question.option]", "lesson_field_kind", "array of tables"),
        ('prompt_zh = "选两个。"', 'prompt_zh = "选两个。"\nhint = 1', "lesson_field_unknown", "question[two].hint"),
    ],
)
def test_a_broken_question_is_named(house, old, new, key, says):
    if new == "[question.option]":
        house.write("lessons/alpha/quiz.toml", '[[question]]\nid = "a"\n[question.option]\ntext_zh = "x"\n')
    else:
        house.edit("lessons/alpha/quiz.toml", old, new)
    assert key in house.found()
    problem = next(problem for problem in house.problems() if problem.error.key == key)
    assert says in problem.text("en")
    assert says in problem.text("zh")
    assert not house.course().lesson("alpha").ready


@pytest.mark.parametrize(
    "content", ["question = 3", "question = [1, 2]", "question = []", "[question]\nid = 'x'", "x = 1"]
)
def test_no_questions(house, content):
    house.write("lessons/alpha/quiz.toml", content)
    assert house.found()
