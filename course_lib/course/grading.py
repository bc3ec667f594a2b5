"""Guesses graded once: by the first finished run of the lab's own configuration, and kept.

Another dataset, model or seed does not grade a guess again, and deleting the run does not take the verdict away.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from typing import Any

from course_lib.course.guesses import Guess, ScoredGuess, grade_guess, truth_of
from course_lib.course.labs import LabPlan, as_result
from course_lib.course.lessons import Lesson
from course_lib.course.measures import Estimate
from course_lib.course.store import Learner
from course_lib.errors import CourseError
from course_lib.experiments.light import answer_light
from course_lib.text import LANGUAGES

Watch = Callable[[str], Any]  # a run's id to its view


def own_results(plan: LabPlan, watch: Watch) -> dict[str, Mapping[str, Any]]:
    """The results of a lab's own runs, by their ids in the lab ("" for the one of a lab without a list).

    Where a lab's runs follow the page's language, those of the language in which more are finished.
    """
    if plan.trouble is not None:
        return {}
    if plan.page_language:
        spoken = [replace(plan.read_in(language), page_language="") for language in LANGUAGES]
        return max((own_results(one, watch) for one in spoken), key=len)
    if plan.card.light:
        cases = {"": {}, **{case.id: case.settings for case in plan.runs}}
        return {id: as_result(answer_light(plan.experiment, {**plan.settings, **own})) for id, own in cases.items()}
    views = {id: watch(config.run_id) for id, config in plan.configs().items()}
    return {id: view.result for id, view in views.items() if view.result is not None}


def verdict(learner: Learner, lesson: Lesson, guess: Guess, value: Any, watch: Watch) -> ScoredGuess | None:
    """How the guess ``value`` stands: as kept, else graded now and kept; None while the lab's own run is not finished.

    Raises CourseError for a value that the guess cannot take, or a result that lacks the measure.
    """
    name = f"graded.{lesson.id}.{guess.id}"
    kept = learner.preference(name)
    if isinstance(kept, dict) and kept.get("value") == value:
        return ScoredGuess(kept["verdict"], Estimate(**kept["truth"]), kept["distance"], tuple(kept["right"]))
    results = own_results(lesson.lab(guess.lab), watch)
    if not set(filter(None, (guess.run, guess.minus))) <= set(results) or not results:
        return None
    scored = grade_guess(guess, value, truth_of(guess, results))
    learner.set_preference(name, {**asdict(scored), "right": list(scored.right), "value": value})
    return scored


def standing(learner: Learner, lesson: Lesson, watch: Watch) -> dict[str, ScoredGuess]:
    """Every guess of a lesson that has been made and graded, by its id."""
    given, found = learner.guesses(lesson.id), {}
    for guess in lesson.guesses:
        if guess.id in given:
            try:
                scored = verdict(learner, lesson, guess, given[guess.id].value, watch)
            except CourseError:  # the lesson's options have changed since, or the run holds no such measure
                continue
            if scored is not None:
                found[guess.id] = scored
    return found
