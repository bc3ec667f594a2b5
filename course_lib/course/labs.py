"""The learner's side of a lab: the guess made before a run and the challenge met after it, and how each is graded."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from course_lib.course.measures import KNOWN, Estimate, is_known, measure
from course_lib.course.problems import Table
from course_lib.errors import CourseError
from course_lib.models.catalogue import model_cards
from course_lib.runs.config import RunConfig
from course_lib.training.settings import SETTINGS as TRAINING

COUNTED = ("parameters", "seconds")  # limits that come from the result; all others are settings of the run


@dataclass(frozen=True)
class GuessOption:
    """One choice of a guess: right where the truth lies from ``low`` (included) to ``high`` (not included)."""

    id: str
    texts: Mapping[str, str]
    low: float
    high: float

    def text(self, language: str) -> str:
        """What the learner reads."""
        return self.texts[language]


@dataclass(frozen=True)
class Guess:
    """What the learner commits to before anything runs."""

    id: str
    prompts: Mapping[str, str]
    kind: str  # "choice" or "number"
    truth: str  # a measure of the run
    options: tuple[GuessOption, ...] = ()  # kind "choice"
    low: float = 0.0  # kind "number": the slider's ends, its step and its unit
    high: float = 1.0
    step: float = 0.01
    unit: str = ""

    def prompt(self, language: str) -> str:
        """The question itself."""
        return self.prompts[language]

    def option(self, id: str) -> GuessOption:
        """One option; raises CourseError with the known ids."""
        for option in self.options:
            if option.id == id:
                return option
        raise CourseError("guess_unknown_option", guess=self.id, value=id, known=", ".join(o.id for o in self.options))

    def check(self, value: Any) -> str | float:
        """``value`` as the guess takes it: an option's id, or a number between ``low`` and ``high``."""
        if self.kind == "choice":
            return self.option(value).id
        try:
            number = float(value)
        except (TypeError, ValueError, OverflowError):
            number = math.nan
        if not self.low <= number <= self.high:
            raise CourseError("guess_out_of_range", guess=self.id, value=value, low=self.low, high=self.high)
        return number


@dataclass(frozen=True)
class ScoredGuess:
    """A guess beside the run's own answer.

    ``open`` means that the run's interval holds the guess and at least one other option: the run cannot tell them
    apart, and a second seed may.
    """

    verdict: Literal["right", "wrong", "open"]
    truth: Estimate
    distance: float  # from the guess to the nearest value that the interval allows; 0 unless wrong
    right: tuple[str, ...] = ()  # kind "choice": the options that the interval allows


def grade_guess(guess: Guess, value: Any, result: Mapping[str, Any]) -> ScoredGuess:
    """A guess scored against the run's own interval.

    A number is right when the interval holds it, give or take half a step of the slider. A choice is right when the
    whole interval lies in its range, open when only part of it does. Raises CourseError for a value that the guess
    cannot take, or a result that lacks the measure.
    """
    value = guess.check(value)
    truth = measure(guess.truth, result)
    if guess.kind == "choice":
        option = guess.option(str(value))
        right = tuple(one.id for one in guess.options if truth.low < one.high and truth.high >= one.low)
        if option.id not in right:
            return ScoredGuess("wrong", truth, max(option.low - truth.high, truth.low - option.high), right)
        return ScoredGuess("right" if len(right) == 1 else "open", truth, 0.0, right)
    number = float(value)
    distance = max(truth.low - number, number - truth.high, 0.0)
    close = distance <= guess.step / 2 * (1 + 1e-9)
    return ScoredGuess("right" if close else "wrong", truth, 0.0 if close else distance)


@dataclass(frozen=True)
class Challenge:
    """A goal that the lab itself grades."""

    id: str
    prompts: Mapping[str, str]
    measure: str
    at_least: float | None
    at_most: float | None
    limits: Mapping[str, float]  # parameters, seconds or a setting of the run: at most this much
    hints: Mapping[str, tuple[str, ...]]
    dataset: str  # the run must be on this one: on easier data the goal means nothing

    def prompt(self, language: str) -> str:
        """The task itself."""
        return self.prompts[language]


@dataclass(frozen=True)
class Miss:
    """One condition that a run did not meet, and by how much."""

    name: str  # a measure, a limit, or "dataset"
    relation: Literal["at_least", "at_most", "is"]
    wanted: float | str
    got: float | str
    by: float  # how much is missing, or too much; 0 for "is"


@dataclass(frozen=True)
class GradedChallenge:
    """Passed when nothing is missing. ``sure`` where the whole interval meets the goal, not just its middle."""

    passed: bool
    sure: bool
    missing: tuple[Miss, ...]
    goal: Estimate


def grade_challenge(challenge: Challenge, result: Mapping[str, Any], config: RunConfig) -> GradedChallenge:
    """A run held against a challenge; raises CourseError where the result lacks the measure."""
    goal = measure(challenge.measure, result)
    missing: list[Miss] = []
    sure = True
    if config.dataset.name != challenge.dataset:
        missing.append(Miss("dataset", "is", challenge.dataset, config.dataset.name, 0.0))
    if challenge.at_least is not None:
        sure = goal.low >= challenge.at_least
        if goal.value < challenge.at_least:
            by = challenge.at_least - goal.value
            missing.append(Miss(challenge.measure, "at_least", challenge.at_least, goal.value, by))
    if challenge.at_most is not None:
        sure = sure and goal.high <= challenge.at_most
        if goal.value > challenge.at_most:
            by = goal.value - challenge.at_most
            missing.append(Miss(challenge.measure, "at_most", challenge.at_most, goal.value, by))
    settings = {**config.training, **config.settings}
    for name, most in challenge.limits.items():
        if name in COUNTED:
            got = measure(name, result).value
        elif name in settings:
            got = float(settings[name])
        else:  # another model, which has no such setting, so the limit cannot be met
            missing.append(Miss(name, "at_most", most, "-", 0.0))
            continue
        if got > most:
            missing.append(Miss(name, "at_most", most, got, got - most))
    return GradedChallenge(not missing, sure and not missing, tuple(missing), goal)


def read_guess(row: Table) -> Guess:
    """One ``[[guess]]`` of lesson.toml; what is wrong goes to the row's problems."""
    id, prompts = row.identifier(), row.texts("prompt")
    kind = row.choice("kind", ("choice", "number"))
    truth = row.text("truth")
    if truth and not is_known(truth):
        row.problem("lesson_unknown_measure", field=row.at("truth"), name=truth, known=KNOWN)
    guess = Guess(id, prompts, kind, truth)
    if kind == "number":
        low, high, step = row.number("low"), row.number("high"), row.number("step")
        unit = row.text("unit", needed=False)
        if low is not None and high is not None and step is not None:
            if not (low < high and 0 < step <= high - low):
                row.problem("lesson_guess_range", guess=row.path, low=low, high=high, step=step)
            guess = Guess(id, prompts, kind, truth, (), low, high, step, unit)
    elif kind == "choice":
        options = tuple(_read_guess_option(option) for option in row.tables("option"))
        row.no_twins("option", [option.id for option in options])
        if len(options) < 2:
            row.problem("lesson_question_options", question=row.path, count=len(options))
        else:
            _check_cover(row, options)
        guess = Guess(id, prompts, kind, truth, options)
    row.finish()
    return guess


def _read_guess_option(row: Table) -> GuessOption:
    """One ``[[guess.option]]``: right where ``low <= truth < high``; one missing end is open."""
    id, texts = row.identifier(), row.texts("text")
    low, high = row.number("low", needed=False), row.number("high", needed=False)
    if low is None and high is None:
        row.problem("lesson_guess_option", option=row.path)
    row.finish()
    return GuessOption(id, texts, -math.inf if low is None else low, math.inf if high is None else high)


def _check_cover(row: Table, options: tuple[GuessOption, ...]) -> None:
    """Every possible truth must make exactly one option right."""
    ordered = sorted(options, key=lambda option: (option.low, option.high))
    edges = [-math.inf, *(option.high for option in ordered)]
    for before, option in zip(edges, ordered, strict=False):
        if option.low != before or option.low >= option.high:
            row.problem("lesson_guess_cover", guess=row.path, option=option.id, low=option.low, before=before)
            return
    if edges[-1] != math.inf:
        row.problem("lesson_guess_cover", guess=row.path, option=ordered[-1].id, low=edges[-1], before=math.inf)


def read_challenge(row: Table, lab_dataset: str) -> Challenge:
    """One ``[[challenge]]`` of lesson.toml; its dataset is the lab's unless it names another."""
    id, prompts, goal = row.identifier(), row.texts("prompt"), row.text("measure")
    if goal and not is_known(goal):
        row.problem("lesson_unknown_measure", field=row.at("measure"), name=goal, known=KNOWN)
    at_least, at_most = row.number("at_least", needed=False), row.number("at_most", needed=False)
    if at_least is None and at_most is None:
        row.problem("lesson_field_missing", field=row.at("at_least"))
    box = row.table("limits", needed=False)
    settings = {name for card in model_cards().values() for name in card.settings} | set(TRAINING) | set(COUNTED)
    limits: dict[str, float] = {}
    for name in box.content:
        most = box.number(name)
        if name not in settings:
            row.problem("lesson_field_choice", field=row.at("limits"), value=name, known=", ".join(sorted(settings)))
        elif most is not None:
            limits[name] = most
    dataset = row.text("dataset", needed=False) or lab_dataset
    challenge = Challenge(id, prompts, goal, at_least, at_most, limits, row.text_lists("hints"), dataset)
    row.finish()
    return challenge
