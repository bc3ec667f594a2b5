"""The lines that a run is drawn against: three counted models, and the oracle where the dataset has a truth.

They depend on the dataset alone, so their ranks are computed once and kept beside the prepared data.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from course_lib.data.cache import cached
from course_lib.data.dataset import Dataset
from course_lib.data.histories import Holdout, Split
from course_lib.evaluation.metrics import rank_of_target
from course_lib.evaluation.protocol import evaluate, summarise
from course_lib.models.base import model_class
from course_lib.models.catalogue import check_settings, model_card
from course_lib.settings import load_settings, source_digest
from course_lib.shop.source import shop
from course_lib.shop.truth.next_product import POINTS, true_chances
from course_lib.shop.world import World

BASELINES = ("popularity", "item-knn", "markov")
BOUNDS = ("known", "filtered")  # what the oracle is told: everything, or the history only
MADE_BY = ("data", "shop", "models", "evaluation")  # rooms whose code decides these numbers


@dataclass(frozen=True)
class References:
    """Rank of every held-out target under each reference: a frame a part, a column a reference, in split order."""

    validation: pd.DataFrame
    test: pd.DataFrame

    def scores(self, part: str, rows: NDArray[np.int64] | None = None) -> dict[str, Any]:
        """Metrics of ``baselines`` and ``oracle`` (None where there is no truth) on all targets of a part, or some."""
        frame = self.validation if part == "validation" else self.test
        frame = frame if rows is None else frame.iloc[rows]
        return {
            "baselines": {name: summarise(frame[name].to_numpy()) for name in BASELINES},
            "oracle": {name: summarise(frame[name].to_numpy()) for name in BOUNDS} if "known" in frame else None,
        }


def references(dataset: Dataset, split: Split) -> References:
    """The references of a dataset and its leave-one-out split, from the cache or computed now."""
    made_by = source_digest(*MADE_BY)
    folder = load_settings().datasets / f"{dataset.address.folder}-references-{made_by}"
    validation, test = cached(folder, ("validation", "test"), lambda: _frames(dataset, split))
    return References(validation, test)


def _frames(dataset: Dataset, split: Split) -> Mapping[str, pd.DataFrame]:
    parts: dict[str, Holdout] = {"validation": split.validation, "test": split.test}
    ranks: dict[str, dict[str, NDArray[np.int64]]] = {part: {} for part in parts}
    for name in BASELINES:
        model = model_class(name).fit(
            split.train, dataset.num_items, check_settings(name, model_card(name).settings, {})
        )
        for part, holdout in parts.items():
            ranks[part][name] = evaluate(model.score, holdout).ranks
    if dataset.address.name == "shop":
        for part, holdout in parts.items():
            if len(holdout) != dataset.num_users:
                raise ValueError(f"the oracle answers for {dataset.num_users} targets, {part} has {len(holdout)}")
        targets = [holdout.targets for holdout in parts.values()]
        for part, bounds in zip(parts, oracle_ranks(shop(), targets, ago=(2, 1)), strict=True):
            ranks[part] |= bounds
    return {part: pd.DataFrame(columns) for part, columns in ranks.items()}


def oracle_ranks(
    world: World,
    targets: Sequence[NDArray[np.int32]],
    ago: Sequence[int],
    seed: int | None = None,
    points: int = POINTS,
    skip: int = 0,
) -> list[dict[str, NDArray[np.int64]]]:
    """Ranks under both bounds, for each entry of ``ago`` with its targets (N,), one of every shopper.

    ``ago`` 1 is each shopper's last event, 2 the one before it; ``seed``, ``points`` and ``skip`` are the oracle's.
    """
    shoppers = len(targets[0])
    found: list[dict[str, list[NDArray[np.int64]]]] = [{name: [] for name in BOUNDS} for _ in ago]
    for blocks in true_chances(world, shoppers, ago, seed, points, skip):
        for wanted, ranks, block in zip(targets, found, blocks, strict=True):
            asked = wanted[block.first : block.first + len(block.known)]
            for name in BOUNDS:
                padded = np.pad(getattr(block, name), ((0, 0), (1, 0)), constant_values=-np.inf)
                ranks[name].append(rank_of_target(padded, asked))
    return [{name: np.concatenate(some) for name, some in ranks.items()} for ranks in found]
