"""A recipe from the data: settings that suit so many shoppers, products and purchases, within a budget of seconds.

    found = recipe(Counts(users=671, items=9066, events=100_004, baskets=78_159), "sasrec", budget_s=30)
    found.settings   # {"width": 64, "history_length": 50, "batch_size": 16, "epochs": 9, "schedule": "averaged", ...}

A pure function, without torch, of what is known of a dataset before it is read. What it answers is written out in a
run's configuration, so that the same recipe tomorrow may answer otherwise and no run of today is another one.

The numbers were fitted on MovieLens, groceries, a gift shop, cosmetics, the simulated shop and made-up shops of 200 to
a million rows; `python -m benchmarks recipe` says how far they carry. Seconds are those of one core of the machine that
benchmarks/README.md names.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from course_lib.data.counts import Counts
from course_lib.models.catalogue import Setting, Value, model_card
from course_lib.training.settings import is_sampled, loop_settings

BUDGET_S = 30
LOWEST_S, HIGHEST_S = 5, 3600  # budgets that can be asked for
LENGTHS = (5, 10, 20, 50)  # products that a model looks back
WIDTHS = ((500, 16), (1_000, 32), (math.inf, 64))  # up to so many purchases to learn from: numbers a product
TARGETS_A_STEP = 640  # purchases that one step learns from, about
NEGATIVES = 512
RATE, RATES = 0.00125, (0.003, 0.012)  # the learning rate by the root of the histories in a step, and its bounds
STEPS_AN_EPOCH = 24  # at least, where there are histories enough

# Seconds of one core, from timings of SASRec: fixed part of a step, and of a purchase the arithmetic at so many
# operations a second in the catalogue's scores and in the layers.
STEP_S, SCORES_A_SECOND, LAYERS_A_SECOND = 0.002, 4.8e10, 2.4e10


@dataclass(frozen=True)
class Recipe:
    """Settings for a run, those chosen by hand among them, and how long its training takes by the rule."""

    settings: Mapping[str, Value]
    seconds: float  # of one core in training steps
    epochs: int
    by_hand: tuple[str, ...] = field(default=())  # names of settings that were given


def recipe(counts: Counts, model: str, budget_s: float = BUDGET_S, given: Mapping[str, Any] | None = None) -> Recipe:
    """What suits ``counts``; ``given`` stays as it is, and what follows from it follows.

    Args:
        counts: of the dataset.
        model: its name; one that is counted has no such settings.
        budget_s: seconds of training on one core.
        given: settings chosen by hand.

    Raises CourseError for an unknown model or a value that cannot be.
    """
    card = model_card(model)
    if not card.neural:
        return Recipe(dict(given or {}), 0.0, 0, tuple(given or ()))
    counts = _of_some(counts, int((given or {}).get("shoppers", 0)))
    known: dict[str, Setting] = {**card.settings, **loop_settings(model)}
    hand = {name: known[name].check(value) for name, value in (given or {}).items() if name in known}
    chosen: dict[str, Value] = {**_shape(counts), "schedule": "averaged"}
    chosen = {name: _within(known[name], value) for name, value in chosen.items() if name in known} | hand
    default = {name: one.default for name, one in known.items()}
    if "heads" in known and "heads" not in hand and int(chosen.get("width", 1)) % int(known["heads"].default):
        chosen["heads"] = 1
    chosen = {**chosen, **_loss(counts, {**default, **chosen}, budget_s), **hand}
    epoch_s = seconds_an_epoch(counts, {**default, **chosen})
    few = 0
    if epoch_s > budget_s and "epochs" not in hand:
        few = max(1, int(counts.users * budget_s / epoch_s))
        epoch_s *= few / counts.users
    fits = max(1, int(budget_s / epoch_s + 0.05))
    epochs = int(hand.get("epochs", _within(known["epochs"], fits)))
    chosen = {"epochs": epochs, "patience": _patience(epochs), "dropout": _dropout(epochs), **chosen}
    chosen = {"weight_decay": 0.1 if epochs < 16 else 0.3, **chosen}
    settings = {name: value for name, value in chosen.items() if name in known}
    if "learning_rate" not in hand:
        rate = round(float(settings["learning_rate"]) * _relative(model), 5)
        settings["learning_rate"] = _within(known["learning_rate"], rate)
    extra = {"shoppers": few} if few else {}
    others = {name: value for name, value in (given or {}).items() if name not in known}
    return Recipe({**settings, **extra, **others}, epochs * epoch_s, epochs, tuple(given or ()))


def training_s(counts: Counts, settings: Mapping[str, Any]) -> float:
    """About how long a training of ``settings`` takes on one core."""
    some = _of_some(counts, int(settings.get("shoppers", 0)))
    return int(settings["epochs"]) * seconds_an_epoch(some, settings)


def longer(counts: Counts, settings: Mapping[str, Any], budget_s: float = BUDGET_S) -> int | None:
    """The epochs of the run that goes on from one of ``settings`` for ``budget_s`` more; None where no more may be."""
    most = int(loop_settings(str(settings["model"]))["epochs"].high or 0)
    epoch_s = seconds_an_epoch(_of_some(counts, int(settings.get("shoppers", 0))), settings)
    epochs = int(settings["epochs"])
    wanted = min(most, epochs + max(1, int(budget_s / epoch_s + 0.05)))
    return wanted if wanted > epochs else None


def seconds_an_epoch(counts: Counts, settings: Mapping[str, Any]) -> float:
    """About how long an epoch of ``settings`` takes on one core."""
    width, layers = float(settings.get("width", 64)), float(settings.get("layers", 1))
    length = float(settings.get("history_length", 20))
    steps = max(1.0, _windows(counts, length) / float(settings["batch_size"]))
    scored = float(settings["negatives"]) if _is_sampled(counts, settings) else float(counts.items)
    a_target = 6 * width * scored / SCORES_A_SECOND
    a_target += layers * (72 * width**2 + 12 * length * width) / LAYERS_A_SECOND
    return steps * STEP_S + counts.targets * a_target


def _of_some(counts: Counts, shoppers: int) -> Counts:
    """The counts of the first ``shoppers``, about; 0: of all."""
    if not 0 < shoppers < counts.users:
        return counts
    share = shoppers / counts.users
    return Counts(shoppers, counts.items, max(1, round(counts.events * share)), max(1, round(counts.baskets * share)))


def _shape(counts: Counts) -> dict[str, Value]:
    """What follows from the data alone: long histories want a long view, few purchases a narrow model."""
    length = next((one for one in LENGTHS if one >= 1.5 * counts.each), LENGTHS[-1])
    width = next(width for most, width in WIDTHS if counts.targets <= most)
    inside = min(counts.each, length)
    batch = TARGETS_A_STEP / max(inside, 1.0)
    batch = min(batch, _windows(counts, length) / STEPS_AN_EPOCH)
    batch = 2.0 ** round(math.log2(max(8.0, batch)))
    return {
        "width": width,
        "layers": 1,
        "history_length": length,
        "batch_size": int(batch),
        "learning_rate": round(min(RATES[1], max(RATES[0], RATE * math.sqrt(int(batch)))), 4),
    }


def _loss(counts: Counts, settings: Mapping[str, Any], budget_s: float) -> dict[str, Value]:
    """All products are scored where that is cheap; otherwise a sample, which learns more often in the same time."""
    whole = seconds_an_epoch(counts, {**settings, "loss": "softmax"})
    sample = seconds_an_epoch(counts, {**settings, "loss": "sampled", "negatives": NEGATIVES})
    if whole <= 1.5 * sample or budget_s / whole >= 50:
        return {"loss": "softmax"}
    return {"loss": "sampled", "negatives": NEGATIVES}


def _is_sampled(counts: Counts, settings: Mapping[str, Any]) -> bool:
    return is_sampled(str(settings["loss"]), counts.items)


def _windows(counts: Counts, length: float) -> float:
    """Windows that an epoch has: a history longer than the view is cut."""
    return max(1.0, counts.users * max(1.0, counts.each / length))


def _patience(epochs: int) -> int:
    """Epochs without a better score before training stops: a quarter of them, for scores of few shoppers are rough."""
    return max(3, epochs // 4)


def _dropout(epochs: int) -> float:
    """Whoever reads the same histories often learns them by heart: the more passes, the more is left out."""
    return 0.0 if epochs < 4 else 0.1 if epochs < 8 else 0.2 if epochs < 16 else 0.3


def _relative(model: str) -> float:
    """A model's own rate beside SASRec's, for which the rule was fitted."""
    return float(loop_settings(model)["learning_rate"].default) / float(
        loop_settings("sasrec")["learning_rate"].default
    )


def _within(setting: Setting, value: Any) -> Value:
    """``value`` moved into the setting's range."""
    if setting.choices:
        return setting.check(value)
    low, high = setting.low, setting.high
    assert low is not None
    assert high is not None
    return setting.check(min(max(value, low), high))
