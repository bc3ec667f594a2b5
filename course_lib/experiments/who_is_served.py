"""Who is served: next item on one's own data, and NDCG@10 apart for short and long histories, rare and common products.

    python -m course_lib run who_is_served --dataset shop --model sasrec --json

The training, the split and the baselines are those of course_lib/experiments/next_item.py. At the end the test targets
are put in groups before anybody looks at a score: the third of the shoppers with the shortest histories and the third
with the longest; targets that were bought FEW times or less in the training part, and the others. A group's NDCG@10 is

    mean over its shoppers of 1 / log2(2 + rank of the target), 0 from rank 10 on, the first rank being 0

with a bootstrap over them. Data without a truth cannot tell a hard target from a badly served one, so the counted
models are asked for the same groups, and compared with the model shopper by shopper inside each.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from course_lib.data import registry
from course_lib.data.histories import Split
from course_lib.data.splits import leave_one_out
from course_lib.evaluation.intervals import bootstrap, paired_difference
from course_lib.evaluation.metrics import all_metrics
from course_lib.evaluation.protocol import evaluate
from course_lib.experiments import next_item
from course_lib.experiments.config import RunConfig
from course_lib.experiments.events import Event, Folder
from course_lib.explain.reading import read_history
from course_lib.training.references import BASELINES, ELSEWHERE, references

DATA = {"dataset": "histories"}
CHOOSES = {"model": "next_item"}
SETTINGS = {
    "shoppers": (0, 0, 100_000_000),  # how many shoppers it learns from, the first ones; 0: all
}
MEASURES = {
    "ndcg@10": "score",
    "hr@10": "score",
    "mrr@10": "score",
    "recall@10": "score",
    "precision@10": "score",
    "map@10": "score",
    "over_popularity": "difference",
    "over_item_knn": "difference",
    "over_markov": "difference",
    "over_personal_frequency": "difference",
    "over_ease": "difference",
    "share_of_filtered_oracle": "share",
    "share_of_known_oracle": "share",
    "shuffle_cost": "share",
    "ndcg_short": "score",  # NDCG@10 of the third with the shortest histories
    "ndcg_long": "score",
    "ndcg_rare": "score",  # of targets that were bought FEW times or less
    "ndcg_common": "score",
    "loss": "nats",
    "parameters": "count",
    "examples": "count",
    "seconds": "seconds",
}
ASKS = {"history": "items", "k": (10, 1, 100)}
TINY = {"model": "sasrec", "width": 8, "layers": 1, "heads": 1, "history_length": 5, "epochs": 2}

FEW = 5  # purchases in the training part, up to which a target is called rare
THIRDS = (1 / 3, 2 / 3)
LEAST = 10  # targets that a group must have to be spoken of
METRIC = next_item.METRIC


def run(config: RunConfig, folder: Folder) -> Iterator[Event]:
    """As next_item trains or counts, then the groups. Raises CourseError as that does."""
    for event in next_item.run(config, folder):
        if event["kind"] == "plan":
            yield {**event, "counts": {**event["counts"], "test": 3}}
        elif event["kind"] == "result":
            told = _told_apart(config, folder, event)
            yield {"kind": "test", "at": 3}
            yield told
        else:
            yield event


def open(folder: Path, at: int | None) -> Any:
    """The model, as next_item opens it."""
    return next_item.open(folder, at)


def answer(artefact: Any, asked: Mapping[str, Any]) -> dict[str, Any]:
    """The list that follows a history; see explain/reading.py."""
    return read_history(artefact, asked["history"], asked["k"])


def size(config: RunConfig) -> dict[str, int]:
    """As next_item."""
    return next_item.size(config)


def groups(split: Split) -> dict[str, NDArray[np.bool_]]:
    """(N,) for each group that has at least LEAST of the N test targets, which ones are in it.

    Histories that are all of one length make neither short nor long ones.
    """
    lengths = split.test.histories.lengths
    low, high = np.quantile(lengths, THIRDS)
    bought = np.bincount(split.train.items, minlength=int(split.test.targets.max()) + 1)
    rare = bought[split.test.targets] <= FEW
    found = {"rare": rare, "common": ~rare}
    if low < high:
        found = {"short": lengths <= low, "long": lengths >= high, **found}
    return {name: rows for name, rows in found.items() if rows.sum() >= LEAST}


def _told_apart(config: RunConfig, folder: Folder, result: Event) -> Event:
    """The result with its groups: how many are asked, the model's and the counted models' NDCG@10, and the gain."""
    dataset = registry.load(config.data["dataset"])
    split = leave_one_out(dataset)
    lines = references(dataset, split).test
    own = all_metrics(evaluate(open(folder.path, None).score, split.test).ranks)[METRIC]
    counted = {name: all_metrics(lines[name].to_numpy())[METRIC] for name in (*BASELINES, *ELSEWHERE) if name in lines}
    told = {
        name: {
            "asked": int(rows.sum()),
            "model": bootstrap(own[rows]).to_dict(),
            "counted": {model: bootstrap(values[rows]).to_dict() for model, values in counted.items()},
            "over": {model: paired_difference(own[rows], values[rows]).to_dict() for model, values in counted.items()},
        }
        for name, rows in groups(split).items()
    }
    measures = {**result["measures"], **{f"ndcg_{name}": one["model"] for name, one in told.items()}}
    lengths = split.test.histories.lengths
    short, long = (float(np.quantile(lengths, part)) for part in THIRDS)
    return {**result, "measures": measures, "groups": told, "short_until": short, "long_from": long, "rare_until": FEW}
