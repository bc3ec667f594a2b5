"""Starting a lesson over, and deleting a learner."""

from collections.abc import Callable
from pathlib import Path

from course_lib.course.forget import forget_learner, forget_lesson
from course_lib.course.store import Learner, Store


def fill(learner: Learner, lesson: str) -> None:
    learner.record_answer(lesson, "order", [0], True, "v1")
    learner.record_guess(lesson, "ahead", "behind")
    learner.record_step(lesson, "why")
    learner.record_run(lesson, "0123456789abcdef", "dataset=shop")
    learner.record_challenge(lesson, "small", "0123456789abcdef", True)
    learner.set_preference("language", "zh")


def lessons_of(learner: Learner) -> set[str]:
    activity = learner.activity()
    kinds = (activity.answers, activity.guesses, activity.steps, activity.runs, activity.challenges)
    return {one.lesson for kind in kinds for one in kind}


def test_one_lesson_is_forgotten_and_nothing_else(tmp_path: Path, open_at: Callable[..., Store]) -> None:
    store = open_at(tmp_path / "course.sqlite")
    me, other = store.learner(), store.learner("other")
    for learner in (me, other):
        fill(learner, "alpha")
        fill(learner, "beta")
    forget_lesson(me, "alpha")
    assert lessons_of(me) == {"beta"}
    assert lessons_of(other) == {"alpha", "beta"}
    assert me.preference("language") == "zh"
    fill(me, "alpha")
    assert len(me.answers("alpha")) == 1


def test_a_learner_is_forgotten_whole(tmp_path: Path, open_at: Callable[..., Store]) -> None:
    store = open_at(tmp_path / "course.sqlite")
    me, other = store.learner(), store.learner("other")
    fill(me, "alpha")
    fill(other, "alpha")
    forget_learner(me)
    assert lessons_of(me) == set()
    assert me.preference("language") is None
    assert lessons_of(other) == {"alpha"}
    forget_learner(me)  # nothing left is no error
    fill(me, "alpha")
    assert lessons_of(me) == {"alpha"}
