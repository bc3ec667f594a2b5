"""A lesson's labs, ``[[lab]]`` in lesson.toml: an experiment, its data, what the form shows, and a list of runs.

[[lab]]
id = "race"
experiment = "next_item"
seed = 1
shows = ["model", "width"]       # settings that the form shows, in this order
[lab.data]
dataset = "shop"                 # by the experiment's names; "complete-journey/full" names a size too
page_language = "language"       # a setting that opens in the language of the page, where a run writes in one
[lab.settings]
epochs = 4                       # what differs from the experiment's defaults
[[lab.run]]                      # a lab that compares has a list of runs, each with settings of its own
id = "markov"
name_zh = "马尔可夫"
name_en = "Markov"
settings = {model = "markov"}
data = {dataset = "shop"}        # where it differs from the lab's
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from course_lib.course.problems import LessonError, Table
from course_lib.errors import CourseError
from course_lib.experiments.catalogue import ExperimentCard, experiment_card
from course_lib.experiments.config import RunConfig
from course_lib.models.catalogue import Value
from course_lib.text import LANGUAGES

Data = Mapping[str, tuple[str, str | None]]  # dataset and size (None: its first), by the names in DATA


@dataclass(frozen=True)
class LabRun:
    """One run of a lab that compares."""

    id: str
    names: Mapping[str, str]
    settings: Mapping[str, Value]  # what differs from the lab's
    seed: int | None = None  # None: the lab's
    later: bool = False  # not started with the others: the one that tests what they foretold
    data: Data = field(default_factory=dict)  # what differs from the lab's

    def name(self, language: str) -> str:
        """What it is called beside the others."""
        return self.names[language]


@dataclass(frozen=True)
class LabPlan:
    """One lab as the lesson sets it up."""

    id: str
    experiment: str
    seed: int = 1
    data: Data = field(default_factory=dict)
    settings: Mapping[str, Value] = field(default_factory=dict)  # what differs from the experiment's defaults
    shows: tuple[str, ...] = ()  # settings that the form shows
    pictures: tuple[str, ...] = ()  # names of pictures beside it, the first one always in sight
    runs: tuple[LabRun, ...] = ()  # empty: one run, of ``settings``
    page_language: str = ""  # the setting that opens in the language of the page; "" for none
    trouble: CourseError | None = None  # why this lab cannot be opened; the lesson can

    @property
    def card(self) -> ExperimentCard:
        """What its experiment declares; raises CourseError."""
        return experiment_card(self.experiment)

    def read_in(self, language: str) -> LabPlan:
        """The lab as the page of a language has it: another run only where runs write in a language."""
        if not self.page_language:
            return self
        return replace(self, settings={**self.settings, self.page_language: language})

    def configs(self) -> dict[str, RunConfig]:
        """The lab's own runs by id, "" for that of a lab without a list; none where its experiment is light.

        Raises CourseError.
        """
        if self.card.light:
            return {}
        runs = self.runs or (LabRun("", {}, {}),)
        return {
            one.id: RunConfig.make(
                self.experiment,
                {**self.data, **one.data},
                {**self.settings, **one.settings},
                self.seed if one.seed is None else one.seed,
            )
            for one in runs
        }


def read_lab(row: Table) -> LabPlan:
    """One ``[[lab]]``. A lab that names what is not there is kept with its trouble; the rest of the lesson opens."""
    id, experiment = row.identifier(), row.text("experiment")
    seed = row.integer("seed", 0, 2**31 - 1, default=1)
    shows, pictures = (row.value(name, (list,), "array", [], needed=False) for name in ("shows", "pictures"))
    data = read_data(row.table("data", needed=False))
    settings = dict(row.table("settings", needed=False).content)
    runs = tuple(_read_run(one) for one in row.tables("run"))
    row.no_twins("run", [one.id for one in runs])
    plan = LabPlan(
        id, experiment, seed, data, settings, tuple(map(str, shows)), tuple(map(str, pictures)), runs,
        row.text("page_language", needed=False),
    )  # fmt: skip
    row.finish()
    return plan if not experiment else _tried(plan, row)


def _read_run(row: Table) -> LabRun:
    """One ``[[lab.run]]``."""
    id, names = row.identifier(), row.texts("name")
    settings = dict(row.table("settings", needed=False).content)
    seed = row.integer("seed", 0, 2**31 - 1, default=-1) if "seed" in row.content else None
    later = bool(row.value("later", (bool,), "boolean", False, needed=False))
    run = LabRun(id, names, settings, seed, later, read_data(row.table("data", needed=False)))
    row.finish()
    return run


def read_data(box: Table) -> Data:
    """``dataset = "shop"`` or, with a size, ``dataset = "shop/tiny"``."""
    parts = {name: box.text(name).partition("/") for name in box.content}
    return {name: (dataset, size or None) for name, (dataset, _, size) in parts.items()}


def _tried(plan: LabPlan, row: Table) -> LabPlan:
    """The plan, with its trouble where its runs cannot even be named."""
    try:
        card = plan.card
        for language in LANGUAGES if plan.page_language else LANGUAGES[:1]:
            spoken = plan.read_in(language)
            if card.light:
                card.check(spoken.settings)
            else:
                spoken.configs()
        known = card.every_setting
        for name in plan.shows:
            if name not in known:
                raise CourseError("unknown_setting", model=card.name, name=name, known=", ".join(known))
    except CourseError as cause:
        error = LessonError("lesson_lab", {"reason": cause.text}, file=row.file, lab=plan.id)
        return LabPlan(plan.id, plan.experiment, runs=plan.runs, trouble=error)
    return plan


def read_measure(row: Table, name: str, labs: Sequence[LabPlan]) -> tuple[LabPlan | None, str]:
    """The lab that a guess or a challenge speaks of (the first unless it says), and the measure in field ``name``."""
    known = [lab.id for lab in labs]
    id = row.choice("lab", known, known[0] if known else "")
    lab = next((one for one in labs if one.id == id), None)
    wanted = row.text(name)
    if lab is not None and lab.trouble is None and wanted and wanted not in lab.card.measures:
        row.problem("lesson_unknown_measure", field=row.at(name), name=wanted, known=", ".join(lab.card.measures))
    return lab, wanted


def as_result(answer: Mapping[str, Any]) -> dict[str, Any]:
    """A light experiment's answer where a run's result is asked for."""
    return {"measures": answer.get("measures", {})}
