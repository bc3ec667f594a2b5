import pytest

from course_lib.course.progress import course_progress


@pytest.fixture
def learner(open_at, tmp_path):
    return open_at(tmp_path / "course.sqlite").learner()


def test_a_lesson_from_nothing_to_done(house, learner):
    course = house.course()
    lesson = course.lesson("alpha")

    def now():
        return course_progress(course.lessons, learner)["alpha"]

    assert (now().share, now().started, now().steps) == (0.0, False, ())
    learner.record_step("alpha", "why")
    learner.record_step("alpha", "train")  # seen, but its work is not done
    assert (now().steps, now().started) == (("why",), True)
    assert now().share == pytest.approx((1 / 8 + 0 + 0 + 0) / 4)

    learner.record_guess("alpha", "ahead", "behind")
    assert now().steps == ("why",)
    learner.record_guess("alpha", "share", 0.5)
    learner.record_run("alpha", "r1")
    assert now().steps == ("why", "predict", "train")
    assert now().share == pytest.approx((3 / 8 + 0 + 0 + 1) / 4)
    assert now().run_id == "r1"

    order, two = lesson.quiz.questions
    learner.record_answer("alpha", "order", [1], correct=False, version=order.version)
    learner.record_answer("alpha", "two", [0, 1], correct=True, version=two.version)
    assert (now().answered, now().right, now().questions) == (2, 1, 2)
    learner.record_answer("alpha", "order", [0], correct=True, version=order.version)
    learner.record_challenge("alpha", "small", "r1", False)
    assert now().passed == ()
    learner.record_challenge("alpha", "small", "r1", True)
    learner.record_challenge("alpha", "small", "r2", False)  # a worse run later takes nothing away
    assert now().passed == ("small",)
    assert not now().done
    for anchor in ("try", "idea", "look", "so-what"):
        learner.record_step("alpha", anchor)
    assert now().done
    assert now().share == 1.0


def test_an_answer_to_an_older_wording_is_asked_anew(house, learner):
    learner.record_answer("alpha", "order", [0], correct=True, version="another")
    learner.record_answer("alpha", "two", [0, 1], correct=True, version="another")
    learner.record_step("alpha", "check", completed=True)  # it was, before the author changed the questions
    progress = course_progress(house.course().lessons, learner)["alpha"]
    assert (progress.answered, progress.right, progress.steps) == (0, 0, ())


def test_what_no_lesson_knows_counts_nothing(house, learner):
    learner.record_answer("alpha", "gone", [0], correct=True)
    learner.record_challenge("alpha", "gone", "r", True)
    learner.record_step("alpha", "gone")
    learner.record_step("nowhere", "why")
    learner.record_step("first", "why")  # in preparation
    progress = course_progress(house.course().lessons, learner)
    assert [one.share for one in progress.values()] == [0.0, 0.0, 0.0]
