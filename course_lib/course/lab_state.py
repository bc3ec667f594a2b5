"""The whole state of a lab as one value, and its way into a link and back. Knows no screen.

A link looks like ``?dataset=shop&size=small&model=sasrec&width=64&...&shopper=0&frame=3&history=12-45-7``; where a
lesson has several labs, ``lab=race`` says which one is meant. Everything that arrives by link is checked again: a bad
value becomes one sentence, and the default takes its place.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any
from urllib.parse import urlencode

from course_lib.course.labs import LabPlan
from course_lib.data.registry import need_histories, source, sources
from course_lib.errors import CourseError
from course_lib.experiments.catalogue import experiment_card
from course_lib.experiments.config import SEED, RunConfig
from course_lib.experiments.recipes import needs_recipe, suited
from course_lib.models.catalogue import Setting, Value
from course_lib.training.recipe import BUDGET_S, HIGHEST_S, LOWEST_S

SHOPPERS = 5  # the returning shoppers, users 0..4 of every dataset's frames
HISTORY_LIMIT = 400  # products that a history in a link may name; far above any model's window
MOST_FRAMES = 9999
OLDER = {"length": "history_length"}  # names that links of before had for a setting
# In a link, beside data and settings
PLACES = ("lab", "size", "seed", "shopper", "frame", "epoch", "history", "run", "budget")


@dataclass(frozen=True)
class LabState:
    """What the learner has chosen. ``run`` is the run on show; None means the run of these very choices."""

    experiment: str = "next_item"
    data: Mapping[str, tuple[str, str]] = field(default_factory=dict)  # dataset and size, by the names in DATA
    settings: Mapping[str, Value] = field(default_factory=dict)  # those of the lesson, and those that the form shows
    shows: tuple[str, ...] = ()  # settings that the form shows
    seed: int = 1
    shopper: int = 0
    frame: int | None = None  # None: the newest there is
    history: tuple[int, ...] | None = None  # None: as it was
    asked: Mapping[str, Value] = field(default_factory=dict)  # choices of a question that differ from its defaults
    words: str = ""  # a line of text that is asked about; in no link, for it is the learner's own
    run: str | None = None
    budget: int = BUDGET_S  # seconds that a recipe from the data is made for

    @property
    def dataset(self) -> str:
        """The first dataset's name; empty where nothing is read."""
        return next(iter(self.data.values()), ("", ""))[0]

    @property
    def has_recipe(self) -> bool:
        """Whether its settings come of a recipe from the data: it stands on none of the lessons' shops."""
        return needs_recipe(self.experiment, self.data)

    def config(self) -> RunConfig:
        """The run that these choices ask for; raises CourseError when they do not go together."""
        return RunConfig.make(self.experiment, self.data, self.settings, self.seed)

    def offered(self) -> dict[str, Setting]:
        """The settings that the form shows and the chosen models have."""
        known = experiment_card(self.experiment).settings(self.settings)
        return {name: known[name] for name in self.shows if name in known}

    def with_setting(self, name: str, value: Value) -> LabState:
        """One choice changed; another model comes with its own settings."""
        card = experiment_card(self.experiment)
        if name not in card.chooses:
            return replace(self, settings={**self.settings, name: value})
        kept = {key: one for key, one in self.settings.items() if key in card.chooses or key in card.own_settings}
        return completed(replace(self, settings={**kept, name: value}))

    def query(self) -> dict[str, str]:
        """The state as query parameters, always complete, so that a link outlives a change of defaults."""
        pairs: dict[str, Any] = {name: one[0] for name, one in self.data.items()}
        if self.data:
            pairs["size"] = next(iter(self.data.values()))[1]
        pairs |= {name: self.settings[name] for name in self.shows if name in self.settings}
        history = None if self.history is None else "-".join(map(str, self.history))
        places = {
            "budget": self.budget if self.has_recipe else None,
            "seed": self.seed,
            "shopper": self.shopper,
            "frame": self.frame,
            "history": history,
            "run": self.run,
        }
        pairs |= {name: value for name, value in places.items() if value is not None and self.has_place(name)}
        return {name: str(value) for name, value in pairs.items()}

    def has_place(self, name: str) -> bool:
        """Whether ``name``, one of PLACES, means something: not without a run, nor where a setting is called so."""
        card = experiment_card(self.experiment)
        return not card.light and name not in card.every_setting

    def link(self) -> str:
        """The query string, without the question mark."""
        return urlencode(self.query())


def prefilled(start: LabState, state: LabState) -> dict[str, Value]:
    """The settings that a form begins with on ``state``'s data: the lesson's on its own, else those of the recipe.

    ``start`` is the state in which the lab opens. Raises CourseError where the data cannot be counted.
    """
    card = experiment_card(state.experiment)
    models = {name: state.settings[name] for name in card.chooses if name in state.settings}
    if not state.has_recipe or state.data == start.data:
        for name, model in models.items():
            start = start if start.settings.get(name) == model else start.with_setting(name, model)
        return dict(start.settings)
    kept = {name: one for name, one in start.settings.items() if name in card.own_settings and name != "shoppers"}
    found = suited(state.experiment, state.data, models, state.budget).settings
    return dict(completed(replace(state, settings={**kept, **found})).settings)


def by_hand(start: LabState, state: LabState) -> dict[str, Value]:
    """Settings that the form shows and somebody has changed from what it began with."""
    before = prefilled(start, state)
    chosen = experiment_card(state.experiment).chooses
    return {
        name: state.settings[name]
        for name in state.shows
        if name in state.settings and name not in chosen and state.settings[name] != before.get(name)
    }


def on_other_data(start: LabState, state: LabState, **changes: Any) -> LabState:
    """``state`` with other data or another budget, and the settings that suit them; those chosen by hand stay."""
    hand = by_hand(start, state)
    after = replace(state, **changes)
    return replace(after, settings={**prefilled(start, after), **hand})


def link_keys(plan: LabPlan) -> tuple[str, ...]:
    """The query parameters that may speak of a lab."""
    card = experiment_card(plan.experiment)
    return (*card.data, *card.every_setting, *OLDER, *PLACES)


def completed(state: LabState) -> LabState:
    """``state`` with a value for every setting that its form shows."""
    known = experiment_card(state.experiment).settings(state.settings)
    shown = {
        name: known[name].check(state.settings.get(name, known[name].default)) for name in state.shows if name in known
    }
    return replace(state, settings={**state.settings, **shown})


def opening_state(plan: LabPlan) -> LabState:
    """The state in which a lesson's lab opens; raises CourseError where its plan is wrong."""
    card = experiment_card(plan.experiment)
    data = {}
    for name in card.data:
        dataset, size = plan.data.get(name, ("shop", None))
        data[name] = (dataset, size or source(dataset).sizes[0])
    return completed(LabState(plan.experiment, data, dict(plan.settings), plan.shows, plan.seed))


def state_from_link(
    query: Mapping[str, str], start: LabState, owner: str | None = None
) -> tuple[LabState, list[CourseError]]:
    """``start`` with the link's values in place, and an error for each value that could not be used.

    Of the datasets that belong to one learner only those of ``owner`` can be used. The history's ids are checked for
    being ids only; whether the shop has them is known once its catalogue is read.
    """
    query = {OLDER.get(name, name): value for name, value in query.items()}
    card = experiment_card(start.experiment)
    errors: list[CourseError] = []

    def checked(name: str, check: Callable[[str], Any], otherwise: Any) -> Any:
        if name not in query:
            return otherwise
        try:
            return check(query[name])
        except CourseError as error:
            errors.append(error)
            return otherwise

    def place_of(name: str, check: Callable[[str], Any], otherwise: Any) -> Any:
        return checked(name, check, otherwise) if start.has_place(name) else otherwise

    data = dict(start.data)
    for place, (name, (before, size)) in enumerate(start.data.items()):
        dataset = checked(name, lambda value: usable(value, owner), before)
        size = size if dataset == before else source(dataset).sizes[0]
        if place == 0:
            size = checked("size", partial(_size, dataset), size)
        data[name] = (dataset, size)
    budget = place_of("budget", Setting("budget", BUDGET_S, LOWEST_S, HIGHEST_S).check, start.budget)
    state = replace(start, data=data, budget=budget)
    for choice in card.chooses:
        if choice in state.shows:
            offered = state.offered()[choice]
            chosen = checked(choice, offered.check, state.settings[choice])
            if chosen != state.settings[choice]:
                state = state.with_setting(choice, chosen)
    try:
        state = replace(state, settings=prefilled(start, state)) if state.has_recipe else state
    except CourseError as error:  # data that cannot be read have no recipe
        errors.append(error)
        state = replace(state, data=start.data)
    chosen_models = state
    for name, setting in state.offered().items():
        if name not in card.chooses:
            value = checked(name, setting.check, state.settings[name])
            state = replace(state, settings={**state.settings, name: value})
    state = replace(
        state,
        seed=place_of("seed", SEED.check, start.seed),
        shopper=place_of("shopper", Setting("shopper", 0, 0, SHOPPERS - 1).check, start.shopper),
        frame=place_of("frame", Setting("frame", 0, 0, MOST_FRAMES).check, start.frame),
        history=place_of("history", _history, start.history),
        run=place_of("run", _run, start.run),
    )
    try:
        card.check(state.settings)
    except CourseError as error:  # each value is fine alone, but they do not go together
        errors.append(error)
        state = replace(state, settings=chosen_models.settings)
    return state, errors


def choices(setting: Setting, current: Value) -> list[int]:
    """Steps worth offering from the lowest to the highest value, each about 1.4 times the last, with ``current``."""
    low, high = int(setting.low or 0), int(setting.high or 0)
    if high - low <= 7:
        steps = set(range(low, high + 1))
    else:
        doubled = {factor * 2**power for power in range(high.bit_length()) for factor in (2, 3)}
        steps = {low, high} | {step for step in doubled if max(low, 8) <= step <= high}
    return sorted(steps | {int(current), int(setting.default)})


def check_history(history: Sequence[Any], num_items: int) -> tuple[int, ...]:
    """``history`` as product ids; raises CourseError naming the ids that the catalogue of ``num_items`` lacks."""
    ids = [item for item in history if isinstance(item, int) and not isinstance(item, bool)]
    if len(ids) != len(history) or len(ids) > HISTORY_LIMIT:
        raise CourseError("link_history", value=shortened(str(list(history))), limit=HISTORY_LIMIT)
    unknown = sorted({item for item in ids if not 1 <= item <= num_items})
    if unknown:
        raise CourseError("unknown_items", items=", ".join(map(str, unknown[:8])))
    return tuple(ids)


def usable(dataset: str, owner: str | None) -> str:
    """``dataset`` itself; raises CourseError where it is not known, is somebody else's, or has no histories."""
    if "~" in dataset and dataset not in sources(owner):  # the mark of what belongs to one learner
        raise CourseError("dataset_not_yours", name=shortened(dataset.partition("~")[0]))
    need_histories(dataset)
    return dataset


def _size(dataset: str, value: str) -> str:
    sizes = source(dataset).sizes
    if value not in sizes:
        raise CourseError("unknown_size", name=dataset, size=value, known=", ".join(sizes))
    return value


def _history(value: str) -> tuple[int, ...]:
    parts = value.split("-") if value else []
    if len(parts) > HISTORY_LIMIT or not all(re.fullmatch(r"[1-9][0-9]{0,8}", part) for part in parts):
        raise CourseError("link_history", value=shortened(value), limit=HISTORY_LIMIT)
    return tuple(int(part) for part in parts)


def _run(value: str) -> str:
    if not re.fullmatch(r"[0-9a-f]{16}", value):
        raise CourseError("link_run", value=shortened(value))
    return value


def shortened(value: str, length: int = 40) -> str:
    """``value`` cut for a sentence."""
    return value if len(value) <= length else value[: length - 1] + "…"
