"""Which experiments there are and what each declares, read from the files without importing them.

An experiment is one file in this folder with a docstring and these literals, each of which may be left out:

    DATA     = {"dataset": "histories"}            what it reads, by the name of a table
    CHOOSES  = {"model": "next_item"}              models of this TASK; the chosen one brings its SETTINGS, and where it
                                                   is trained also those of the training loop
    SETTINGS = {"shoppers": (0, 0, 1000000)}       as in course_lib/models
    MEASURES = {"ndcg@10": "score"}                what its result holds, each with its unit
    ASKS     = {"history": "items", "k": (10, 1, 100)}   questions to what it made
    TINY     = {"epochs": 1}                       settings of the small form that the contract tests run

and with functions. One that trains has ``run(config, folder)``, which yields events, ``open(folder, at)`` and
``answer(artefact, asked)``. One without ``run`` is light: ``answer(settings, asked)`` alone, in the web process,
without torch and in under 100 ms.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from course_lib.code_version import code_version, module_of
from course_lib.data.own_encoder import fingerprint
from course_lib.errors import CourseError
from course_lib.models.catalogue import (
    ModelCard,
    Setting,
    Value,
    check_settings,
    model_card,
    model_cards,
    parse_settings,
    read_source,
)
from course_lib.training.settings import loop_settings

FOLDER = Path(__file__).parent
LITERALS = ("DATA", "CHOOSES", "SETTINGS", "MEASURES", "ASKS", "TINY")
TABLES = ("histories", "searches", "slates", "baskets")  # what DATA may ask of a dataset
UNITS = (  # of MEASURES; a number is a mean of counts
    "score", "difference", "share", "count", "number", "seconds", "nats", "bits", "currency"
)  # fmt: skip
FREE = ("items", "text")  # kinds of ASKS that are no setting: product ids, a line of text


@dataclass(frozen=True)
class ExperimentCard:
    """What is known about an experiment without importing it."""

    name: str
    source: Path
    summary: str  # first line of its docstring
    data: Mapping[str, str]
    chooses: Mapping[str, str]
    own_settings: Mapping[str, Setting]
    measures: Mapping[str, str]
    asks: Mapping[str, Setting | str]
    tiny: Mapping[str, Value]
    light: bool

    @property
    def module(self) -> str:
        """Its module's name."""
        return module_of(self.source)

    def choices(self, choice: str) -> tuple[str, ...]:
        """The models that may stand for ``choice``, a name in ``chooses``."""
        return tuple(name for name, card in model_cards().items() if card.task == self.chooses[choice])

    def chosen(self, given: Mapping[str, Any]) -> dict[str, ModelCard]:
        """The models that ``given`` chooses, the first of each task where it does not say.

        Raises CourseError for a model that is not known or learns something else.
        """
        found = {}
        for choice in self.chooses:
            known = self.choices(choice)
            name = given.get(choice, default_model(known))
            if name not in known:
                raise CourseError("unknown_model", name=name, known=", ".join(known))
            found[choice] = model_card(str(name))
        return found

    def settings(self, given: Mapping[str, Any]) -> dict[str, Setting]:
        """Every setting, with the defaults that suit the models that ``given`` chooses: choices, theirs, its own."""
        known: dict[str, Setting] = {}
        for choice, card in self.chosen(given).items():
            known[choice] = Setting(choice, card.name, choices=self.choices(choice))
            known |= card.settings
            known |= loop_settings(card.name) if card.neural else {}
        return {**known, **self.own_settings}

    @property
    def every_setting(self) -> dict[str, Setting]:
        """The settings of every run that it may make, whichever models are chosen."""
        every: dict[str, Setting] = {}
        for choice in self.chooses:
            for model in self.choices(choice):
                every = self.settings({choice: model}) | every
        return {**every, **self.own_settings}

    def check(self, given: Mapping[str, Any]) -> dict[str, Value]:
        """``given`` completed and checked; raises CourseError naming the setting and its range."""
        checked = check_settings(self.name, self.settings(given), given)
        if checked.get("heads") and int(checked["width"]) % int(checked["heads"]):
            raise CourseError("width_heads", width=checked["width"], heads=checked["heads"])
        return checked

    def code(self, settings: Mapping[str, Any]) -> str:
        """The version of what decides the result: its own file, the chosen models, what they import.

        And the learner's own text encoder, where that is chosen; raises CourseError where there is none.
        """
        version = code_version(self.module, *(module_of(card.source) for card in self.chosen(settings).values()))
        return version + fingerprint(str(settings.get("encoder", "")))


def default_model(known: tuple[str, ...]) -> str:
    """The model to begin with: SASRec where it can be chosen, the model that the course is about."""
    return "sasrec" if "sasrec" in known else known[0]


def read_card(path: Path) -> ExperimentCard | None:
    """The card of one file; None for one that is no experiment: it declares nothing and neither runs nor answers.

    Raises CourseError ``experiment_broken`` with what is wrong in it.
    """
    name = path.stem
    try:
        facts = read_source(path, LITERALS)
        if not facts.literals and not facts.functions & {"run", "answer"}:
            return None
        literal = {one: dict(facts.literals.get(one, {})) for one in LITERALS}
        asks = {
            ask: kind if kind in FREE else parse_settings({ask: kind})[ask] for ask, kind in literal["ASKS"].items()
        }
        card = ExperimentCard(
            name=name,
            source=path,
            summary=facts.summary,
            data=literal["DATA"],
            chooses=literal["CHOOSES"],
            own_settings=parse_settings(literal["SETTINGS"]),
            measures=literal["MEASURES"],
            asks=asks,
            tiny=literal["TINY"],
            light="run" not in facts.functions,
        )
    except (OSError, SyntaxError, ValueError, TypeError, IndexError) as problem:
        raise CourseError("experiment_broken", name=name, reason=f"{type(problem).__name__}: {problem}") from problem
    wrong = _wrong(card, facts.functions)
    if wrong:
        raise CourseError("experiment_broken", name=name, reason=wrong)
    return card


def _wrong(card: ExperimentCard, functions: frozenset[str]) -> str:
    """What a file says that cannot be; empty where all is well."""
    needed = {"answer"} if card.light else {"run", "open", "answer"}
    if missing := sorted(needed - functions):
        return f"no function {', '.join(missing)}"
    for found, known, where in (
        (card.data.values(), TABLES, "DATA"),
        (card.measures.values(), UNITS, "MEASURES"),
        (card.chooses.values(), tuple(one.task for one in model_cards().values()), "CHOOSES"),
    ):
        if odd := sorted(set(found) - set(known)):
            return f"{where}: {', '.join(map(str, odd))} is none of {', '.join(dict.fromkeys(known))}"
    return "" if card.summary else "no docstring"


@functools.lru_cache(maxsize=4)
def _read(files: tuple[tuple[str, int], ...]) -> Mapping[str, ExperimentCard | CourseError]:
    found: dict[str, ExperimentCard | CourseError] = {}
    for path in (Path(name) for name, _ in files):
        try:
            card = read_card(path)
        except CourseError as error:
            found[path.stem] = error
        else:
            if card is not None:
                found[card.name] = card
    return found


def _files() -> tuple[tuple[str, int], ...]:
    """Every file of this folder, with the time of its last change. A page asks often, so no Path is made of them."""
    with os.scandir(FOLDER) as entries:
        return tuple(sorted((one.path, one.stat().st_mtime_ns) for one in entries if one.name.endswith(".py")))


def experiment_cards() -> dict[str, ExperimentCard]:
    """All experiments that can be read, by name; a broken file closes only itself."""
    return {name: card for name, card in _read(_files()).items() if isinstance(card, ExperimentCard)}


def broken_experiments() -> dict[str, CourseError]:
    """Files that should be experiments and cannot be read, with what is wrong."""
    return {name: card for name, card in _read(_files()).items() if isinstance(card, CourseError)}


def experiment_card(name: str) -> ExperimentCard:
    """One experiment's card; raises CourseError: unknown, with the known names, or broken, with the reason."""
    found = _read(_files()).get(name)
    if isinstance(found, CourseError):
        raise found
    if found is None:
        raise CourseError("unknown_experiment", name=name, known=", ".join(experiment_cards()))
    return found


def check_asked(card: ExperimentCard, asked: Mapping[str, Any]) -> dict[str, Any]:
    """A question, completed with defaults; raises CourseError where it cannot be asked.

    Products are checked for being ids; whether the artefact knows them only it can say.
    """
    for name in asked:
        if name not in card.asks:
            raise CourseError("unknown_setting", model=card.name, name=name, known=", ".join(card.asks) or "–")
    checked: dict[str, Any] = {}
    for name, kind in card.asks.items():
        if isinstance(kind, Setting):
            checked[name] = kind.check(asked.get(name, kind.default))
        elif kind == "items":
            checked[name] = _items(asked.get(name, ()))
        else:
            checked[name] = _line(name, asked.get(name, ""))
    return checked


LONGEST_HISTORY = 1000  # products in a question
LONGEST_LINE = 500  # characters of a query


def _items(value: Any) -> list[int]:
    items = list(value) if isinstance(value, list | tuple) else [value]
    if len(items) > LONGEST_HISTORY:
        raise CourseError("history_too_long", length=len(items), limit=LONGEST_HISTORY)
    try:
        return [one.__index__() for one in items]
    except AttributeError:
        raise CourseError("unknown_items", items=", ".join(str(item) for item in items[:10])) from None


def _line(name: str, value: Any) -> str:
    if not isinstance(value, str) or len(value) > LONGEST_LINE:
        raise CourseError("question_too_long", name=name, limit=LONGEST_LINE)
    return value
