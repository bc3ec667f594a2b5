"""Which settings a run begins with: the lesson's own on the simulated shops, a recipe from the data on any other.

found = suited("next_item", {"dataset": ("movielens-small", None)}, {"model": "sasrec", "width": 32}, budget_s=30)
RunConfig.make("next_item", data, found.settings)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from course_lib.data.counts import Counts, counts_of
from course_lib.data.registry import need_histories, resolve
from course_lib.errors import CourseError
from course_lib.experiments.catalogue import experiment_card
from course_lib.training.recipe import BUDGET_S, HIGHEST_S, LOWEST_S, Recipe, longer, recipe, training_s

FOR = "next_item"  # the experiment that one brings one's own data to
SHOPS = ("shop", "shop-trends")  # what the lessons' presets were found on

Data = Mapping[str, tuple[str, str | None]]  # dataset and size (None: its first), by the names in DATA


def needs_recipe(experiment: str, data: Data) -> bool:
    """Whether the lesson's preset was made for other data than these."""
    return experiment == FOR and bool(data) and next(iter(data.values()))[0] not in SHOPS


def suited(experiment: str, data: Data, given: Mapping[str, Any], budget_s: float = BUDGET_S) -> Recipe:
    """The recipe for the first dataset of ``data``, with ``given`` as it is, the model among it.

    Raises CourseError for data or settings that cannot be.
    """
    model = experiment_card(experiment).chosen(given)["model"].name
    found = recipe(counts(data), model, check_budget(budget_s), {k: v for k, v in given.items() if k != "model"})
    return Recipe({"model": model, **found.settings}, found.seconds, found.epochs, found.by_hand)


def counts(data: Data) -> Counts:
    """Of the first dataset; raises CourseError."""
    name, size = next(iter(data.values()))
    need_histories(name)
    return counts_of(resolve(name, size))


def longer_settings(data: Data, settings: Mapping[str, Any], budget_s: float = BUDGET_S) -> dict[str, Any] | None:
    """``settings`` with as many epochs more as fit into a budget; None where no more may be."""
    epochs = longer(counts(data), settings, budget_s)
    return None if epochs is None else {**settings, "epochs": epochs}


def expected_s(data: Data, settings: Mapping[str, Any]) -> float:
    """About how many seconds of one core the training of ``settings`` takes, by the rule."""
    return training_s(counts(data), settings)


def check_budget(value: Any) -> float:
    """``value`` as seconds; raises CourseError naming the range."""
    try:
        seconds = float(value)
    except (TypeError, ValueError):
        raise CourseError("setting_not_a_number", name="budget", value=value, low=LOWEST_S, high=HIGHEST_S) from None
    if not LOWEST_S <= seconds <= HIGHEST_S:
        raise CourseError("setting_out_of_range", name="budget", value=value, low=LOWEST_S, high=HIGHEST_S)
    return seconds
