"""The whole state of a lab as one value, and its way into a link and back. Knows no screen.

A link looks like ``?dataset=shop&size=small&width=64&layers=2&...&shopper=0&epoch=3&history=12-45-7``.
Everything that arrives by link is checked again: a bad value becomes one sentence and the default takes its place.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode

from course_lib.data.registry import need_histories, source, sources
from course_lib.errors import CourseError
from course_lib.models.catalogue import Setting, Value, model_card, model_cards
from course_lib.runs.config import SEED, RunConfig
from course_lib.training.settings import loop_settings

# The choices that the form shows, by their name in a link and their name in a run's configuration.
MODEL_CHOICES = {"width": "width", "layers": "layers", "heads": "heads", "length": "history_length"}
SHOPPERS = 5  # the returning shoppers, users 0..4 of every dataset's snapshot
HISTORY_LIMIT = 400  # products that a history in a link may name; far above any model's window
LINK_KEYS = ("dataset", "size", "model", *MODEL_CHOICES, "epochs", "seed", "shopper", "epoch", "history", "run")


@dataclass(frozen=True)
class LabState:
    """What the learner has chosen. ``run`` is the run on show; None means the run of these very choices."""

    dataset: str = "shop"
    size: str = "small"
    model: str = "sasrec"
    settings: Mapping[str, Value] = field(default_factory=dict)  # model settings that the form shows
    training: Mapping[str, Value] = field(default_factory=dict)
    seed: int = 1
    shopper: int = 0
    epoch: int | None = None  # None: the last one there is
    history: tuple[int, ...] | None = None  # None: as it was
    run: str | None = None

    def config(self) -> RunConfig:
        """The run that these choices ask for; raises CourseError when they do not go together."""
        return RunConfig.make(self.dataset, self.size, self.model, self.seed, self.settings, self.training)

    def query(self) -> dict[str, str]:
        """The state as query parameters, always complete, so that a link outlives a change of defaults."""
        pairs: dict[str, Any] = {"dataset": self.dataset, "size": self.size, "model": self.model}
        pairs |= {name: self.settings[key] for name, key in MODEL_CHOICES.items() if key in self.settings}
        pairs |= {"epochs": self.training["epochs"], "seed": self.seed, "shopper": self.shopper}
        if self.epoch is not None:
            pairs["epoch"] = self.epoch
        if self.history is not None:
            pairs["history"] = "-".join(map(str, self.history))
        if self.run is not None:
            pairs["run"] = self.run
        return {name: str(value) for name, value in pairs.items()}

    def link(self) -> str:
        """The query string, without the question mark."""
        return urlencode(self.query())


def form_settings(model: str) -> dict[str, Setting]:
    """The settings of ``model`` that the form offers, by their name in a link, plus ``epochs``."""
    known = model_card(model).settings
    offered = {name: known[key] for name, key in MODEL_CHOICES.items() if key in known}
    return offered | {"epochs": loop_settings(model)["epochs"]}


def lab_models(first: str) -> list[str]:
    """The models that a lab offers, the lesson's own ``first``: those that learn epoch by epoch."""
    return [first, *(name for name, card in model_cards().items() if card.neural and name != first)]


def with_model(state: LabState, model: str) -> LabState:
    """``state`` with another model, which comes with its own settings and epochs."""
    if model == state.model:
        return state
    own = preset_state({"dataset": state.dataset, "size": state.size, "model": model, "seed": state.seed})
    return replace(state, model=model, settings=own.settings, training=own.training)


def preset_state(preset: Mapping[str, Any]) -> LabState:
    """The state in which a lesson's lab opens, from ``[lab]`` in lesson.toml; raises CourseError if it is wrong."""
    dataset, model = preset.get("dataset", "shop"), preset.get("model", "sasrec")
    given = preset.get("settings", {})
    known = model_card(model).settings
    settings = {
        key: known[key].check(given.get(key, known[key].default)) for key in MODEL_CHOICES.values() if key in known
    }
    loop = loop_settings(model)
    training = dict(preset.get("training", {}))
    training = {name: loop[name].check(value) for name, value in training.items()}
    training.setdefault("epochs", loop["epochs"].default)
    size = preset.get("size") or source(dataset).sizes[0]
    return LabState(dataset, size, model, settings, training, int(SEED.check(preset.get("seed", SEED.default))))


def state_from_link(
    query: Mapping[str, str], start: LabState, owner: str | None = None
) -> tuple[LabState, list[CourseError]]:
    """``start`` with the link's values in place, and an error for each value that could not be used.

    Of the datasets that belong to one learner only those of ``owner`` can be used.

    The history's ids are checked for being ids only; whether the shop has them is known once its catalogue is read.
    """
    errors: list[CourseError] = []

    def checked(name: str, check: Callable[[str], Any], otherwise: Any) -> Any:
        if name not in query:
            return otherwise
        try:
            return check(query[name])
        except CourseError as error:
            errors.append(error)
            return otherwise

    dataset = checked("dataset", lambda value: usable(value, owner), start.dataset)
    first_size = start.size if dataset == start.dataset else source(dataset).sizes[0]
    size = checked("size", lambda value: _size(dataset, value), first_size)
    start = with_model(start, checked("model", lambda value: _model(value, start.model), start.model))
    offered = form_settings(start.model)
    settings = {
        key: checked(name, offered[name].check, start.settings[key])
        for name, key in MODEL_CHOICES.items()
        if name in offered
    }
    epochs = checked("epochs", offered["epochs"].check, start.training["epochs"])
    state = replace(
        start,
        dataset=dataset,
        size=size,
        settings=settings,
        training={**start.training, "epochs": epochs},
        seed=checked("seed", SEED.check, start.seed),
        shopper=checked("shopper", Setting("shopper", 0, 0, SHOPPERS - 1).check, start.shopper),
        epoch=checked("epoch", Setting("epoch", 0, 0, int(offered["epochs"].high or 0)).check, start.epoch),
        history=checked("history", _history, start.history),
        run=checked("run", _run, start.run),
    )
    try:
        state.config()
    except CourseError as error:  # each value is fine alone, but they do not go together
        errors.append(error)
        state = replace(state, settings=start.settings)
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


def _model(value: str, first: str) -> str:
    known = lab_models(first)
    if value not in known:
        raise CourseError("unknown_model", name=shortened(value), known=", ".join(known))
    return value


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
