"""What the sampled loss costs in quality: the lesson's run with the full softmax and with a sample of the products.

    python -m benchmarks sampled        three trainings; with --full three seeds of each: ten minutes

The course samples from 20,000 products on, 512 negatives a batch: one product in 39. The shop has 1,260, where the same
share is 32 negatives; 512 are there too. Same seed, same batches, same shoppers: differences are paired by shopper.
"""

from __future__ import annotations

import statistics

import numpy as np
from numpy.typing import NDArray

from benchmarks.lesson import METRIC, lesson_config
from benchmarks.table import Row, number
from benchmarks.training import finish, split_settings, trainer_of
from course_lib.data import registry
from course_lib.data.histories import Split
from course_lib.data.splits import leave_one_out
from course_lib.evaluation.intervals import paired_difference
from course_lib.evaluation.protocol import evaluate
from course_lib.experiments.config import RunConfig

PART = "sampled"
SEEDS = (1, 2, 3)
NEGATIVES = (512, 32)


def trained(
    config: RunConfig, num_items: int, split: Split, loss: str, negatives: int, seed: int
) -> tuple[NDArray[np.float64], float]:
    """NDCG@10 of each shopper on the test targets, and the seconds in training steps."""
    own, training = split_settings(config)
    training |= {"loss": loss, "negatives": negatives}
    trainer = finish(trainer_of(str(config.settings["model"]), num_items, split.train, own, training, seed))
    return evaluate(trainer.model.score, split.test).per_row()[METRIC], trainer.progress.seconds


def measure(full: bool, config: RunConfig | None = None) -> list[Row]:
    """The rows of this part."""
    config = config or lesson_config()
    assert config.dataset is not None
    dataset = registry.load(config.dataset)
    split = leave_one_out(dataset)
    seeds = SEEDS if full else SEEDS[:1]
    wanted = {"full softmax": ("softmax", 16)} | {f"{count} negatives": ("sampled", count) for count in NEGATIVES}
    rows: list[Row] = []
    whole: NDArray[np.float64] | None = None
    for name, (loss, negatives) in wanted.items():
        runs = [trained(config, dataset.num_items, split, loss, negatives, seed) for seed in seeds]
        scores = np.stack([score for score, _ in runs])  # (seeds, N)
        seconds = statistics.median(taken for _, taken in runs)
        note = f"{len(seeds)} seed{'s' if len(seeds) > 1 else ''}; {number(seconds)} s in training steps"
        if whole is None:
            whole = scores.mean(0)
        else:
            lost = paired_difference(whole, scores.mean(0))
            note += (
                f"; {lost.value:.4f} less than the full softmax, 95% over shoppers {lost.low:.4f} to {lost.high:.4f}"
            )
        raw = {"by_seed": scores.mean(1).tolist(), "seconds": [taken for _, taken in runs]}
        rows.append(Row(PART, f"{name}, NDCG@10 on the test targets", f"{scores.mean():.4f}", note=note, raw=raw))
    return rows
