"""The data of the comparison: ml-100k out of RecBole's wheel, and the shop; split alike, leave one out."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.peers.environments import data_file
from course_lib.data.columns import Columns
from course_lib.data.dataset import Address, Dataset
from course_lib.data.histories import Holdout, Split
from course_lib.data.registry import load, resolve
from course_lib.data.splits import checksum, leave_one_out
from course_lib.evaluation.metrics import rank_of_target
from course_lib.evaluation.protocol import summarise, unseen

ML_100K = "recbole/dataset_example/ml-100k/ml-100k.inter"
METRIC = "ndcg@10"


def ml_100k() -> Dataset:
    """943 users, 1,682 films, 100,000 ratings as events of their own; equal times keep the file's order."""
    path = data_file(ML_100K)
    table = pd.read_csv(path, sep="\t", usecols=["user_id:token", "item_id:token", "timestamp:float"])
    table.columns = pd.Index([name.partition(":")[0] for name in table.columns])
    table["user"], table["item"] = (pd.factorize(table[name], sort=True)[0] for name in ("user_id", "item_id"))
    table = table.sort_values(["user", "timestamp"], kind="stable", ignore_index=True)
    events = pd.DataFrame(
        {
            Columns.USER: table["user"].to_numpy(np.int32),
            Columns.ITEM: table["item"].to_numpy(np.int32) + np.int32(1),
            Columns.TIME: table["timestamp"].to_numpy(np.int64),
            Columns.BASKET: np.arange(len(table), dtype=np.int64),
        }
    )
    items = pd.DataFrame({Columns.ITEM: np.arange(1, events[Columns.ITEM].max() + 1)})
    return Dataset(Address("ml-100k", "", hashlib.sha256(path.read_bytes()).hexdigest()[:12]), events, items)


def shop() -> Dataset:
    """The course's own dataset in its default size."""
    return load(resolve("shop"))


def split_of(dataset: Dataset) -> Split:
    """Leave one out: the validation targets are what contenders are scored on."""
    return leave_one_out(dataset)


def ndcg(scores: Path | NDArray[np.float32], holdout: Holdout, seen: bool) -> float:
    """NDCG@10 of (N, V + 1) scores, full ranking, without the history's products unless ``seen``."""
    table = np.load(scores) if isinstance(scores, Path) else scores
    if not seen:
        table = unseen(lambda histories: table)(holdout.histories)
    return summarise(rank_of_target(table, holdout.targets))[METRIC]["value"]


def describe(dataset: Dataset, split: Split) -> str:
    """The dataset's size in one line."""
    sizes = {"users": dataset.num_users, "products": dataset.num_items, "events": len(dataset.events)}
    words = ", ".join(f"{count:,} {name}" for name, count in sizes.items())
    return f"{words}; leave one out, {len(split.validation):,} asked, split {checksum(split)}"
