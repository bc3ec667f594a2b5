"""Goals that a lab grades itself: what a run has to reach, within which limits, and what is missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from course_lib.course.labs import LabPlan, read_measure
from course_lib.course.measures import Estimate, measure
from course_lib.course.problems import Table
from course_lib.errors import CourseError
from course_lib.models.catalogue import Value


@dataclass(frozen=True)
class Challenge:
    """A goal that the lab itself grades."""

    id: str
    prompts: Mapping[str, str]
    measure: str
    at_least: float | None
    at_most: float | None
    limits: Mapping[str, float]  # a measure or a setting of the run: at most this much
    floors: Mapping[str, float]  # likewise, at least this much
    fixed: Mapping[str, Value]  # settings that the run must have just so
    hints: Mapping[str, tuple[str, ...]]
    lab: str  # whose runs can meet it
    dataset: str  # the run must be on this one: on easier data the goal means nothing; "" where no data is read

    def prompt(self, language: str) -> str:
        """The task itself."""
        return self.prompts[language]


@dataclass(frozen=True)
class Miss:
    """One condition that a run did not meet, and by how much."""

    name: str  # a measure, a setting, or "dataset"
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


def grade_challenge(
    challenge: Challenge, result: Mapping[str, Any], settings: Mapping[str, Any], dataset: str
) -> GradedChallenge:
    """A run held against a challenge: its result, its settings and the dataset that it was on.

    Raises CourseError where the result lacks the measure.
    """
    goal = measure(challenge.measure, result)
    missing: list[Miss] = []
    sure = True
    if challenge.dataset and dataset != challenge.dataset:
        missing.append(Miss("dataset", "is", challenge.dataset, dataset, 0.0))
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
    missing += _beyond(challenge.limits, "at_most", result, settings)
    missing += _beyond(challenge.floors, "at_least", result, settings)
    for name, value in challenge.fixed.items():
        if settings.get(name) != value:
            missing.append(Miss(name, "is", str(value), str(settings.get(name, "-")), 0.0))
    return GradedChallenge(not missing, sure and not missing, tuple(missing), goal)


def figures(
    challenge: Challenge, result: Mapping[str, Any], settings: Mapping[str, Any]
) -> list[dict[str, float | str | None]]:
    """What a run had where the challenge sets a goal or a bound, for who asks later what the challenge was then.

    Each has ``name``, ``relation``, ``wanted``, ``got``, and ``low`` and ``high`` of its interval, None for a setting.
    What the run does not have is left out. Raises CourseError where the result lacks the goal's measure.
    """
    goal = measure(challenge.measure, result)
    goals = (("at_least", challenge.at_least), ("at_most", challenge.at_most))
    asked: list[tuple[str, str, float | str]] = [
        (challenge.measure, name, one) for name, one in goals if one is not None
    ]
    asked += [(name, "at_most", wanted) for name, wanted in challenge.limits.items()]
    asked += [(name, "at_least", wanted) for name, wanted in challenge.floors.items()]
    asked += [(name, "is", str(wanted)) for name, wanted in challenge.fixed.items()]
    found: list[dict[str, float | str | None]] = []
    for name, relation, wanted in asked:
        row: dict[str, float | str | None] = {"name": name, "relation": relation, "wanted": wanted}
        if relation != "is" and (name == challenge.measure or name in result.get("measures", {})):
            had = goal if name == challenge.measure else measure(name, result)
            found.append(row | {"got": had.value, "low": had.low, "high": had.high})
        elif name in settings:
            got = str(settings[name]) if relation == "is" else float(settings[name])
            found.append(row | {"got": got, "low": None, "high": None})
    return found


def _beyond(
    bounds: Mapping[str, float],
    relation: Literal["at_least", "at_most"],
    result: Mapping[str, Any],
    settings: Mapping[str, Any],
) -> list[Miss]:
    """The limits or the floors that a run does not keep."""
    missing = []
    for name, wanted in bounds.items():
        if name in result.get("measures", {}):
            got = measure(name, result).value
        elif name in settings:
            got = float(settings[name])
        else:  # another model, which has no such setting, so the bound cannot be met
            missing.append(Miss(name, relation, wanted, "-", 0.0))
            continue
        by = got - wanted if relation == "at_most" else wanted - got
        if by > 0:
            missing.append(Miss(name, relation, wanted, got, by))
    return missing


def read_challenge(row: Table, labs: Sequence[LabPlan]) -> Challenge:
    """One ``[[challenge]]`` of lesson.toml; its dataset is the lab's unless it names another."""
    id, prompts = row.identifier(), row.texts("prompt")
    lab, goal = read_measure(row, "measure", labs)
    at_least, at_most = row.number("at_least", needed=False), row.number("at_most", needed=False)
    if at_least is None and at_most is None:
        row.problem("lesson_field_missing", field=row.at("at_least"))
    limits, floors = (_read_bounds(row, name, lab) for name in ("limits", "floors"))
    fixed = dict(row.table("fixed", needed=False).content)
    _check_fixed(row, fixed, lab)
    own = next(iter(lab.data.values()), ("", None))[0] if lab else ""
    dataset, hints = row.text("dataset", needed=False) or own, row.text_lists("hints")
    challenge = Challenge(
        id, prompts, goal, at_least, at_most, limits, floors, fixed, hints, lab.id if lab else "", dataset
    )
    row.finish()
    return challenge


def _read_bounds(row: Table, part: str, lab: LabPlan | None) -> dict[str, float]:
    """``[challenge.limits]`` or ``[challenge.floors]``."""
    box, known = row.table(part, needed=False), limitable(lab)
    bounds: dict[str, float] = {}
    for name in box.content:
        number = box.number(name)
        if known is not None and name not in known:
            row.problem("lesson_field_choice", field=row.at(part), value=name, known=", ".join(sorted(known)))
        elif number is not None:
            bounds[name] = number
    return bounds


def _check_fixed(row: Table, fixed: Mapping[str, Any], lab: LabPlan | None) -> None:
    """Every value of ``[challenge.fixed]`` must be one that its setting may have."""
    if lab is None or lab.trouble is not None:
        return
    known = lab.card.settings(dict(lab.settings))
    for name, value in fixed.items():
        if name not in known:
            row.problem("lesson_field_choice", field=row.at("fixed"), value=name, known=", ".join(sorted(known)))
            continue
        try:
            known[name].check(value)
        except CourseError as cause:
            row.problem("lesson_lab", lab=lab.id, reason=cause.text)


def limitable(lab: LabPlan | None) -> set[str] | None:
    """What a challenge of a lab may limit: its experiment's measures, and any setting of any of its runs.

    None where the lab itself cannot be opened: that is said of the lab, and the rest of the lesson stays open.
    """
    if lab is None or lab.trouble is not None:
        return None
    return set(lab.card.measures) | set(lab.card.every_setting)
