"""The numbers in a lesson's prose, ``{{value:name}}``, and where each comes from: ``lessons/<id>/values.toml``.

sasrec_ndcg = {lab = "train", measure = "ndcg@10", as = "score"}            # of the lab's own run
gru4rec_ndcg = {lab = "train", settings = {model = "gru4rec"}, measure = "ndcg@10", as = "score"}
markov_ndcg = {lab = "race", run = "markov", measure = "ndcg@10", as = "score"}    # where the lab is a list of runs
gain = {lab = "size", run = "w24", minus = "w160", measure = "loss", as = "nats"}  # the first run's less the second's
bound = {lab = "train", result = "oracle.filtered.ndcg@10", as = "score"}   # a path in result.json
width = {lab = "train", setting = "width", as = "count"}                    # of the configuration
exponent = {lab = "size", derived = "scaling.exponent", as = "exponent"}    # of all the lab's runs: cli/derived
products = {fact = "shop.products", as = "count"}                           # what needs no run: cli/facts.py

A value of a lab that follows the page's language is measured in each, unless its settings name one.

``as`` is a form of course_lib/course/forms.py. ``range = true`` writes the ends of the number's interval, "3.42 to
3.67". ``data = {dataset = "complete-journey"}`` takes another dataset than the lab's. ``python -m course_lib measure``
makes the runs and writes data/measured.toml.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from course_lib.course.forms import FORMS, written
from course_lib.course.labs import Data, LabPlan, LabRun, read_data
from course_lib.course.lessons import FOLDER, Lesson
from course_lib.course.measures import Estimate, measure
from course_lib.course.problems import LessonError, Table, name_of, read_toml
from course_lib.errors import CourseError
from course_lib.experiments.config import RunConfig
from course_lib.experiments.light import answer_light
from course_lib.runs.view import RunView
from course_lib.text import LANGUAGES

FILE = "values.toml"  # in a lesson's folder
KINDS = ("measure", "result", "setting", "derived", "fact")  # one of them says where the number stands
ASKED = ("derived", "fact")  # computed by the command: they need rooms that a page does not enter


@dataclass(frozen=True)
class Light:
    """A light experiment with its settings, answered instead of run."""

    experiment: str
    settings: Mapping[str, Any]


@dataclass(frozen=True)
class ValueSource:
    """Where one number of the prose comes from."""

    lesson: str
    name: str
    kind: str  # of KINDS
    where: str  # a measure's name, a path in the result, a setting's, a derived value's or a fact's name
    form: str  # of FORMS; "" for a setting that is a word
    ends: bool = False  # the range from low to high instead of the value
    difference: bool = False  # of two runs
    runs: tuple[RunConfig | Light, ...] = ()  # what it is of, in the lab's order; none for a fact
    language: str = ""  # the one in which its runs write; "" where both languages have the same

    @property
    def configs(self) -> tuple[RunConfig, ...]:
        """The runs that have to be made for it."""
        return tuple(run for run in self.runs if isinstance(run, RunConfig) and self.kind != "setting")

    def views(self, found: Mapping[str, RunView]) -> list[RunView]:
        """What it is of, as views; ``found`` has the runs by their ids. Raises CourseError where one is not there."""
        try:
            return [
                RunView("", "finished", result=answer_light(run.experiment, run.settings))
                if isinstance(run, Light)
                else found[run.run_id]
                for run in self.runs
            ]
        except KeyError:
            raise CourseError("measure_missing", name=self.name) from None

    def read(self, found: Mapping[str, RunView]) -> Estimate | str:
        """The number, or the word that a setting is, of any kind but those in ASKED; ``found`` as in :meth:`views`.

        Raises CourseError where a run does not hold it.
        """
        if self.kind == "setting":
            value = self.runs[0].settings[self.where]
            return _exact(float(value)) if self.form else str(value)
        numbers = [self._of(view.result or {}) for view in self.views(found)]
        return numbers[0] - numbers[1] if self.difference else numbers[0]

    def _of(self, result: Mapping[str, Any]) -> Estimate:
        """The number of one run."""
        if self.kind == "measure":
            return measure(self.where, result)
        inner: Any = result
        try:
            for part in self.where.split("."):
                inner = inner[int(part)] if isinstance(inner, list) else inner[part]
            if isinstance(inner, dict):
                return Estimate(*(float(inner[part]) for part in ("value", "low", "high")))
            return _exact(float(inner))
        except (KeyError, IndexError, TypeError, ValueError):
            raise CourseError("measure_missing", name=f"{self.name} = {self.where}") from None

    def write(self, number: Estimate | str) -> dict[str, str]:
        """The strings of data/measured.toml: one called as the value, or one a language where these differ."""
        both = dict.fromkeys(LANGUAGES, number) if isinstance(number, str) else written(number, self.form, self.ends)
        if self.language:
            return {f"{self.name}_{self.language}": both[self.language]}
        if len(set(both.values())) == 1:
            return {self.name: both[LANGUAGES[0]]}
        return {f"{self.name}_{language}": said for language, said in both.items()}


def read_values(lesson: Lesson, folder: Path = FOLDER) -> tuple[ValueSource, ...]:
    """The values of a lesson in the order of its file; none where it has no file. Raises CourseError: what is wrong."""
    path = folder / lesson.id / FILE
    if not path.exists():
        return ()
    found: list[CourseError] = []
    table = Table(read_toml(path, found), name_of(path), found)
    values = [value for name in table.content for value in _read_value(table.table(name), name, lesson)]
    if found:
        raise found[0]
    return tuple(values)


def _read_value(row: Table, name: str, lesson: Lesson) -> list[ValueSource]:
    """One value, or one a language."""
    kinds = [kind for kind in KINDS if kind in row.content]
    kind = kinds[0] if len(kinds) == 1 else ""
    if not kind:
        row.problem("lesson_field_choice", field=row.path, value=", ".join(kinds) or "-", known=", ".join(KINDS))
        return []
    where = row.text(kind)
    form = row.choice("as", tuple(FORMS), "" if kind == "setting" else None)
    ends = kind != "setting" and bool(row.value("range", (bool,), "boolean", False, needed=False))
    value = ValueSource(lesson.id, name, kind, where, form, ends)
    if kind == "fact":
        row.finish()
        return [value]
    lab = row.choice("lab", [one.id for one in lesson.labs])
    runs = [row.text("run", needed=False)]
    if kind in ("measure", "result"):
        runs.append(row.text("minus", needed=False))
    settings, data = row.table("settings", needed=False), read_data(row.table("data", needed=False))
    row.finish()
    if not lab:
        return []
    plan = lesson.lab(lab)
    spoken = LANGUAGES if plan.page_language and plan.page_language not in settings.content else ("",)
    try:
        return [
            _of_lab(
                plan.read_in(language) if language else plan,
                [run for run in runs if run],
                data,
                settings.content,
                replace(value, language=language),
            )
            for language in spoken
        ]
    except CourseError as cause:
        row.found.append(LessonError("lesson_value", {"reason": cause.text}, file=row.file, field=row.path))
        return []


def _of_lab(
    lab: LabPlan, wanted: list[str], data: Data, settings: Mapping[str, Any], value: ValueSource
) -> ValueSource:
    """``value`` with the runs that it is of; raises CourseError where there is none such.

    ``wanted`` are ids of the lab's runs: none where the lab has no list, or where a derived value is of all of them.
    """
    if lab.trouble is not None:
        raise lab.trouble
    card, own = lab.card, {one.id: one for one in lab.runs}
    if not wanted and (value.kind == "derived" or not own):
        wanted = list(own) or [""]
        own = own or {"": LabRun("", {}, {})}
    unknown = [run for run in wanted if run not in own]
    if unknown or not wanted:
        raise CourseError("unknown_setting", model=lab.id, name=(*unknown, "run")[0], known=", ".join(own) or "–")
    known = {**card.measures, **card.every_setting}
    if value.kind in ("measure", "setting") and value.where not in known:
        raise CourseError("unknown_measure", name=value.where, known=", ".join(known))
    runs: list[RunConfig | Light] = []
    for one in map(own.__getitem__, wanted):
        given = {**lab.settings, **one.settings, **settings}
        if card.light:
            runs.append(Light(card.name, card.check(given)))
        else:
            seed = lab.seed if one.seed is None else one.seed
            runs.append(RunConfig.make(card.name, {**lab.data, **one.data, **data}, given, seed))
    return replace(value, runs=tuple(runs), difference=len(wanted) == 2 and value.kind != "derived")


def _exact(number: float) -> Estimate:
    return Estimate(number, number, number)
