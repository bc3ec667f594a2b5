"""What learners give, as the database keeps it: one kind of row each, and all of a learner's together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Answer:
    """One answer to a question."""

    lesson: str
    question: str
    version: str
    chosen: tuple[int, ...]
    correct: bool
    at: float


@dataclass(frozen=True)
class GuessGiven:
    """One guess."""

    lesson: str
    guess: str
    value: str | float
    at: float


@dataclass(frozen=True)
class Step:
    """A section that the learner has seen, or finished."""

    lesson: str
    anchor: str
    completed: bool
    at: float


@dataclass(frozen=True)
class RunStarted:
    """A run that the learner started or opened in a lesson's lab."""

    lesson: str
    run_id: str
    link: str
    state: Mapping[str, Any]
    at: float


@dataclass(frozen=True)
class ChallengeTried:
    """One attempt at a challenge."""

    lesson: str
    challenge: str
    run_id: str
    passed: bool
    details: Any
    at: float


@dataclass(frozen=True)
class Activity:
    """All that a learner has done, oldest first; what progress is computed from."""

    answers: tuple[Answer, ...] = ()
    guesses: tuple[GuessGiven, ...] = ()
    steps: tuple[Step, ...] = ()
    runs: tuple[RunStarted, ...] = ()
    challenges: tuple[ChallengeTried, ...] = ()
