"""The oracle's lines for a made shop: put where training/references.py looks for the lines of a dataset.

A made shop's card says what it was made of, so its truth can be made again. ``references`` knows the simulated shop's
alone; what it finds on the disk it takes. So before a run on a made shop its lines are computed here, the counted
models' as there and both bounds beside them, once for each version of data and code.

The truth counts only where the shop that is made today has the very events of the dataset: after a change of the
simulator it has others, and a dataset of before goes without bounds, as anybody's data do.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from course_lib.code_version import code_version
from course_lib.data import cache, registry
from course_lib.data.dataset import Address, Dataset
from course_lib.data.intake import store
from course_lib.data.splits import leave_one_out
from course_lib.errors import CourseError
from course_lib.evaluation.intervals import bootstrap
from course_lib.settings import load_settings
from course_lib.shop.made import MadeShop
from course_lib.training import references as lines

FRAMES = ("validation", "test", "mean_losses")


def prepare(addresses: Iterable[Address]) -> None:
    """Makes the lines of those datasets that are made shops, where that has not been done."""
    for address in addresses:
        card = store.find(address.name) if "~" in address.name or address.size == store.SIZE else None
        if card is None or not card.shop or card.version != address.version:
            continue
        folder = load_settings().datasets / f"{address.folder}-references-{code_version(lines.__name__)}"
        if not cache.sound(folder, FRAMES):
            dataset = registry.load(address)
            made = truth_of(card, dataset)
            if made is not None:
                cache.write(folder, frames(made, dataset))


def truth_of(card: store.Card, dataset: Dataset) -> MadeShop | None:
    """What a dataset was made of; None where the shop of today would have other events."""
    try:
        made = MadeShop.from_dict(card.shop)
    except (CourseError, KeyError, TypeError):  # parameters of another version of the course
        return None
    world, start = made.world(), 0
    if len(world.catalogue.items) != dataset.num_items or made.shoppers != dataset.num_users:
        return None
    for block in made.blocks(world):
        stop = start + len(block)
        told = dataset.events.iloc[start:stop]
        if len(told) != len(block) or any(
            not np.array_equal(told[column].to_numpy(), block[column].to_numpy()) for column in block.columns
        ):
            return None
        start = stop
    return made if start == len(dataset.events) else None


def frames(made: MadeShop, dataset: Dataset) -> dict[str, pd.DataFrame]:
    """The frames of :class:`course_lib.training.references.References`, bounds among them."""
    split = leave_one_out(dataset)
    found = dict(lines._frames(dataset, split))
    targets = [split.validation.targets, split.test.targets]
    bounds = lines.oracle_columns(made.world(), targets, ago=(2, 1), seed=made.seed)
    means = []
    for part, columns in zip(("validation", "test"), bounds, strict=True):
        found[part] = found[part].assign(**columns)
        for name in lines.BOUNDS:
            means.append({"part": part, "bound": name, **bootstrap(columns[lines.LOSS.format(name)]).to_dict()})
    found["mean_losses"] = pd.DataFrame(means, columns=["part", "bound", "value", "low", "high"])
    return found
