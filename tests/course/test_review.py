"""Spaced review: what is due when, by made-up answers to a real lesson's questions."""

from course_lib.course.given import Answer
from course_lib.course.lessons import load_course
from course_lib.course.review import DAY_S, DISTANCES, MOST, due_now, to_review

LESSON = load_course().lesson("user_understanding")
FIRST, SECOND = LESSON.quiz.questions[:2]


def answer(question, correct, day, version=None):
    return Answer(LESSON.id, question.id, version or question.version, (0,), correct, day * DAY_S)


def days(answers):
    return [(due.question.id, due.at / DAY_S) for due in to_review([LESSON], answers)]


def test_what_was_right_at_once_never_comes_back():
    assert days([answer(FIRST, True, 0), answer(SECOND, True, 0)]) == []


def test_the_distance_grows_with_each_right_answer_and_ends():
    given = [answer(FIRST, False, 0)]
    at = 0
    for distance in DISTANCES:
        at += distance
        assert days(given) == [(FIRST.id, at)]
        given.append(answer(FIRST, True, at))
    assert days(given) == []


def test_a_wrong_answer_begins_again():
    given = [answer(FIRST, False, 0), answer(FIRST, True, 1), answer(FIRST, False, 4)]
    assert days(given) == [(FIRST.id, 5)]


def test_an_older_wording_does_not_count():
    assert days([answer(FIRST, False, 0, version="older")]) == []


def test_the_one_due_first_stands_first_and_five_are_enough():
    waiting = to_review([LESSON], [answer(SECOND, False, 0), answer(FIRST, False, 2)])
    assert [due.question.id for due in waiting] == [SECOND.id, FIRST.id]
    assert due_now(waiting, 0.5 * DAY_S) == ()
    assert [due.question.id for due in due_now(waiting, 1 * DAY_S)] == [SECOND.id]
    assert len(due_now(waiting * 5, 9 * DAY_S)) == MOST
