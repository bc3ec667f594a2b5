"""The lines that a run is drawn against: counted models, and the oracle where the dataset has a truth.

On the simulated shop there are three; on other data two more, so that what a transformer is worth there shows at once.

They depend on the dataset alone, so their ranks are computed once and kept beside the prepared data.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from course_lib.code_version import code_version
from course_lib.data.cache import cached
from course_lib.data.dataset import Dataset
from course_lib.data.histories import Holdout, Split
from course_lib.evaluation.intervals import bootstrap
from course_lib.evaluation.metrics import rank_of_target
from course_lib.evaluation.protocol import evaluate, summarise
from course_lib.models.catalogue import check_settings, model_card
from course_lib.models.ease import EASEModel
from course_lib.models.item_knn import ItemKNNModel
from course_lib.models.markov import MarkovModel
from course_lib.models.personal_frequency import PersonalFrequencyModel
from course_lib.models.popularity import PopularityModel
from course_lib.settings import load_settings
from course_lib.shop.published import shop
from course_lib.shop.truth.next_product import POINTS, true_chances
from course_lib.shop.world import World

# Imported by name, so that the version of whatever is drawn against them covers their code.
COUNTED: Mapping[str, Any] = {"popularity": PopularityModel, "item-knn": ItemKNNModel, "markov": MarkovModel}
BASELINES = tuple(COUNTED)
ELSEWHERE: Mapping[str, Any] = {"personal-frequency": PersonalFrequencyModel, "ease": EASEModel}
EASE_ITEMS = 4000  # products up to which EASE is among them: its time grows with the cube, here to about five seconds
BOUNDS = ("known", "filtered")  # what the oracle is told: everything, or the history only
LOSS = "loss.{}"  # column of a bound's -log p


@dataclass(frozen=True)
class References:
    """Rank of every held-out target under each reference: a frame a part, a column a reference, in split order.

    Where there is a truth, a column more for each bound, ``loss.known`` and ``loss.filtered``: -log p of the target;
    ``mean_losses`` has their means with intervals, a row a part and bound, and is empty without a truth.
    """

    validation: pd.DataFrame
    test: pd.DataFrame
    mean_losses: pd.DataFrame

    def scores(self, part: str, rows: NDArray[np.int64] | None = None) -> dict[str, Any]:
        """Metrics of ``baselines`` and ``oracle`` (None where there is no truth) on all targets of a part, or some."""
        frame = self.validation if part == "validation" else self.test
        frame = frame if rows is None else frame.iloc[rows]
        return {
            "baselines": {
                name: summarise(frame[name].to_numpy()) for name in (*BASELINES, *ELSEWHERE) if name in frame
            },
            "oracle": {name: summarise(frame[name].to_numpy()) for name in BOUNDS} if "known" in frame else None,
        }

    def losses(self, part: str) -> dict[str, dict[str, float]] | None:
        """Mean -log p of all targets of a part under each bound, in nats with its interval; None without a truth.

        The filtered bound's is the irreducible loss: in expectation no model that sees the history alone has a lower
        one, since the cross-entropy is least for the true distribution (Gibbs' inequality). On so many targets as are
        drawn it scatters about that distribution's entropy.
        """
        rows = self.mean_losses[self.mean_losses["part"] == part].set_index("bound")
        return {name: rows.loc[name, ["value", "low", "high"]].astype(float).to_dict() for name in rows.index} or None


def references(dataset: Dataset, split: Split) -> References:
    """The references of a dataset and its leave-one-out split, from the cache or computed now."""
    folder = load_settings().datasets / f"{dataset.address.folder}-references-{code_version(__name__)}"
    return References(*cached(folder, ("validation", "test", "mean_losses"), lambda: _frames(dataset, split)))


def _frames(dataset: Dataset, split: Split) -> Mapping[str, pd.DataFrame]:
    parts: dict[str, Holdout] = {"validation": split.validation, "test": split.test}
    columns: dict[str, dict[str, NDArray[Any]]] = {part: {} for part in parts}
    counted = dict(COUNTED)
    if dataset.address.name != "shop":
        counted |= {name: kind for name, kind in ELSEWHERE.items() if name != "ease" or dataset.num_items <= EASE_ITEMS}
    for name, kind in counted.items():
        model = kind.fit(split.train, dataset.num_items, check_settings(name, model_card(name).settings, {}))
        for part, holdout in parts.items():
            columns[part][name] = evaluate(model.score, holdout).ranks
    if dataset.address.name == "shop":
        for part, holdout in parts.items():
            if len(holdout) != dataset.num_users:
                raise ValueError(f"the oracle answers for {dataset.num_users} targets, {part} has {len(holdout)}")
        targets = [holdout.targets for holdout in parts.values()]
        for part, bounds in zip(parts, oracle_columns(shop(), targets, ago=(2, 1)), strict=True):
            columns[part] |= bounds
    frames = {part: pd.DataFrame(found) for part, found in columns.items()}
    means = [
        {"part": part, "bound": name, **bootstrap(found[LOSS.format(name)].to_numpy()).to_dict()}
        for part, found in frames.items()
        for name in BOUNDS
        if LOSS.format(name) in found
    ]
    return {**frames, "mean_losses": pd.DataFrame(means, columns=["part", "bound", "value", "low", "high"])}


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
    found = oracle_columns(world, targets, ago, seed, points, skip)
    return [{name: columns[name] for name in BOUNDS} for columns in found]


def oracle_columns(
    world: World,
    targets: Sequence[NDArray[np.int32]],
    ago: Sequence[int],
    seed: int | None = None,
    points: int = POINTS,
    skip: int = 0,
) -> list[dict[str, NDArray[Any]]]:
    """As :func:`oracle_ranks`, and -log p of each target (N,) beside the rank: one pass over the shop gives both."""
    shoppers = len(targets[0])
    found: list[dict[str, list[NDArray[Any]]]] = [
        {column: [] for name in BOUNDS for column in (name, LOSS.format(name))} for _ in ago
    ]
    for blocks in true_chances(world, shoppers, ago, seed, points, skip):
        for wanted, columns, block in zip(targets, found, blocks, strict=True):
            asked = wanted[block.first : block.first + len(block.known)]
            for name in BOUNDS:
                chances = getattr(block, name)  # (N, V)
                padded = np.pad(chances, ((0, 0), (1, 0)), constant_values=-np.inf)
                columns[name].append(rank_of_target(padded, asked))
                columns[LOSS.format(name)].append(negative_log(chances, asked))
    return [{name: np.concatenate(some) for name, some in columns.items()} for columns in found]


def negative_log(chances: NDArray[np.float32], targets: NDArray[np.int32]) -> NDArray[np.float64]:
    """(N,) -log of each target's chance in nats, from (N, V) of which column i is item i + 1."""
    chance = chances[np.arange(len(targets)), targets - 1].astype(np.float64)
    return -np.log(np.maximum(chance, np.finfo(np.float32).tiny))
