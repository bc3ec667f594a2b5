"""How far a learner has come: a share for each lesson.

A lesson's share is the mean of up to four parts, each from 0 to 1: its sections, its questions, its challenges, and a
run. A part that the lesson does not have is left out. Reading sections count when seen; the others when their work is
done: predict when every guess is made, train when there is a run, check when every question is answered.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from course_lib.course.lessons import Lesson
from course_lib.course.markdown import ANCHORS
from course_lib.course.store import Activity, Learner

READING = ("why", "try", "look", "idea", "so-what")


@dataclass(frozen=True)
class LessonProgress:
    """What a learner has done in one lesson."""

    lesson: str
    share: float  # 0..1
    started: bool
    steps: tuple[str, ...]  # anchors that are done, in the order of the page
    answered: int
    right: int  # newest answers that are right
    questions: int
    passed: tuple[str, ...]  # challenges
    challenges: int
    run_id: str | None  # the newest run

    @property
    def done(self) -> bool:
        """Whether nothing is left."""
        return self.share >= 1.0


def lesson_progress(lesson: Lesson, activity: Activity) -> LessonProgress:
    """One lesson's progress; all zero while the lesson is in preparation."""
    current = {question.id: question.version for question in lesson.quiz.questions}
    newest = {answer.question: answer for answer in activity.answers if answer.lesson == lesson.id}
    # an answer counts for the wording that it was given to; an author who changes the question asks it anew
    valid = [answer for answer in newest.values() if current.get(answer.question) == answer.version]
    guessed = {guess.guess for guess in activity.guesses if guess.lesson == lesson.id}
    runs = [run.run_id for run in activity.runs if run.lesson == lesson.id]
    tried = [one for one in activity.challenges if one.lesson == lesson.id]
    known = {challenge.id for challenge in lesson.challenges}
    passed = tuple(dict.fromkeys(one.challenge for one in tried if one.passed and one.challenge in known))
    seen = {step.anchor: step.completed for step in activity.steps if step.lesson == lesson.id}
    done = {anchor for anchor, completed in seen.items() if completed or anchor in READING}
    if lesson.guesses and guessed >= {guess.id for guess in lesson.guesses}:
        done.add("predict")
    if runs:
        done.add("train")
    if current:  # whatever was once finished: a question that is new, or asked anew, opens the step again
        (done.add if len(valid) == len(current) else done.discard)("check")
    steps = tuple(anchor for anchor in ANCHORS if anchor in done)
    parts = [len(steps) / len(ANCHORS)]
    if current:
        parts.append(sum(answer.correct for answer in valid) / len(current))
    if known:
        parts.append(len(passed) / len(known))
    if lesson.labs:
        parts.append(float(bool(runs)))
    return LessonProgress(
        lesson=lesson.id,
        share=sum(parts) / len(parts) if lesson.ready else 0.0,
        started=bool(seen or newest or guessed or runs or tried),
        steps=steps,
        answered=len(valid),
        right=sum(answer.correct for answer in valid),
        questions=len(current),
        passed=passed,
        challenges=len(known),
        run_id=runs[-1] if runs else None,
    )


def course_progress(lessons: Iterable[Lesson], learner: Learner) -> dict[str, LessonProgress]:
    """Every lesson's progress, by id, in the lessons' order."""
    activity = learner.activity()
    return {lesson.id: lesson_progress(lesson, activity) for lesson in lessons}


def newest_step(activity: Activity, lesson: str) -> str:
    """The step of a lesson in which the learner did something last; "" where nothing was done."""
    done = [(step.at, step.anchor) for step in activity.steps if step.lesson == lesson]
    done += [(answer.at, "check") for answer in activity.answers if answer.lesson == lesson]
    done += [(tried.at, "check") for tried in activity.challenges if tried.lesson == lesson]
    done += [(guess.at, "predict") for guess in activity.guesses if guess.lesson == lesson]
    done += [(run.at, "train") for run in activity.runs if run.lesson == lesson]
    return max(done, default=(0.0, ""))[1]
