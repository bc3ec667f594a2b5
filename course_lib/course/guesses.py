"""What the learner commits to before a run, and how the run grades it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from course_lib.course.labs import LabPlan, read_measure
from course_lib.course.measures import Estimate, measure
from course_lib.course.problems import Table
from course_lib.errors import CourseError


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
    truth: str  # a measure of the lab's own run
    lab: str = ""  # whose run
    run: str = ""  # where the lab is a list of runs: which
    minus: str = ""  # the truth is the measure of ``run`` less that of this one
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


def truth_of(guess: Guess, results: Mapping[str, Mapping[str, Any]]) -> Estimate:
    """What a lab's runs say; ``results`` by the runs' ids, "" for the one run of a lab that has no list.

    Raises CourseError where a result is not there or lacks the measure.
    """
    try:
        truth = measure(guess.truth, results[guess.run])
        return truth - measure(guess.truth, results[guess.minus]) if guess.minus else truth
    except KeyError:
        raise CourseError("measure_missing", name=guess.truth) from None


def grade_guess(guess: Guess, value: Any, truth: Estimate) -> ScoredGuess:
    """A guess scored against the runs' own interval.

    A number is right when the interval holds it, give or take half a step of the slider. A choice is right when the
    whole interval lies in its range, open when only part of it does. Raises CourseError for a value that the guess
    cannot take.
    """
    value = guess.check(value)
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


def read_guess(row: Table, labs: Sequence[LabPlan]) -> Guess:
    """One ``[[guess]]`` of lesson.toml; what is wrong goes to the row's problems."""
    id, prompts = row.identifier(), row.texts("prompt")
    kind = row.choice("kind", ("choice", "number"))
    lab, truth = read_measure(row, "truth", labs)
    known = [one.id for one in lab.runs] if lab else []
    run, minus = (row.choice(name, known, "") if name in row.content else "" for name in ("run", "minus"))
    if known and not run and lab is not None and lab.trouble is None and not lab.card.light:
        row.problem("lesson_field_missing", field=row.at("run"))
    guess = Guess(id, prompts, kind, truth, lab.id if lab else "", run, minus)
    if kind == "number":
        low, high, step = row.number("low"), row.number("high"), row.number("step")
        unit = row.text("unit", needed=False)
        if low is not None and high is not None and step is not None:
            if not (low < high and 0 < step <= high - low):
                row.problem("lesson_guess_range", guess=row.path, low=low, high=high, step=step)
            guess = replace(guess, low=low, high=high, step=step, unit=unit)
    elif kind == "choice":
        options = tuple(_read_guess_option(option) for option in row.tables("option"))
        row.no_twins("option", [option.id for option in options])
        if len(options) < 2:
            row.problem("lesson_question_options", question=row.path, count=len(options))
        else:
            _check_cover(row, options)
        guess = replace(guess, options=options)
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
