"""Noise: two close models, each trained with several seeds, and how often a comparison of single runs is right.

    python -m course_lib run model_noise --change layers --seeds 8 --json

A small SASRec stands against the same with one setting changed, as one does every day when a model is improved. Each is
trained with ``seeds`` random starts on the first ``shoppers`` of the dataset, and asked for the next product of every
test shopper (leave-one-out, as in next_item). NDCG@10 of each training and shopper is kept, and from these numbers
follow the spread from seed to seed, the paired and the unpaired interval over shoppers,

    paired: 1.96 s(ours - theirs) / √n        unpaired: 1.96 √((s(ours)^2 + s(theirs)^2) / n)

and the share of comparisons of n shoppers and k seeds each that pick the model that is worse in the mean over all
seeds and shoppers (evaluation/model_noise.py). Bouthillier et al., Accounting for Variance in Machine Learning
Benchmarks, MLSys 2021, is the source of what is to be compared.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from course_lib.data import registry
from course_lib.data.dataset import Dataset
from course_lib.data.histories import Histories
from course_lib.data.splits import leave_one_out
from course_lib.errors import CourseError
from course_lib.evaluation.intervals import bootstrap, over_seeds
from course_lib.evaluation.metrics import ndcg
from course_lib.evaluation.model_noise import Trials
from course_lib.evaluation.protocol import evaluate
from course_lib.experiments.config import RunConfig
from course_lib.experiments.events import Event, Folder, exact, plan, result
from course_lib.experiments.products import view_at
from course_lib.models.sasrec import SASRecConfig, SASRecModel
from course_lib.training.checkpoint import one_thread
from course_lib.training.loop import Trainer
from course_lib.training.settings import loop_settings

DATA = {"dataset": "histories"}
SETTINGS = {  # (default, lowest, highest) or (default, *choices)
    "change": ("layers", "layers", "heads", "history", "decay"),  # what the second model has otherwise
    "seeds": (8, 2, 20),  # trainings of each
    "shoppers": (2500, 100, 100_000_000),  # how many they learn from, the first ones
    "width": (16, 8, 64),
    "epochs": (4, 1, 20),
}
MEASURES = {
    "base_ndcg@10": "score",  # mean over seeds, with Student's interval over them
    "changed_ndcg@10": "score",
    "gain": "difference",  # changed less base
    "seed_sd_base": "score",  # deviation of NDCG@10 from seed to seed
    "seed_sd_changed": "score",
    "paired_width": "difference", "unpaired_width": "difference",  # half an interval of one comparison, all shoppers
    "whole_width": "difference",  # half of one that knows of seeds too
    "wrong": "share",  # of comparisons of one run each on all test shoppers that pick the worse model
    "wrong_thousand": "share",  # the same on 1,000 of them
    "covered": "share",  # of paired 95% intervals of one run each that hold the difference of the means over seeds
    "same_called_different": "share",  # of pairs of runs of the same model whose paired 95% interval does not hold 0
    "needed_paired": "count", "needed_unpaired": "count",  # shoppers that would do if it were not for the seeds
    "seconds": "seconds",
}  # fmt: skip
ASKS = {"test_shoppers": (1000, 20, 1_000_000), "seeds_each": (1, 1, 20)}
TINY = {"seeds": 2, "shoppers": 200, "width": 8, "epochs": 1}

BASE = {"layers": 1, "heads": 1, "history_length": 20}
CHANGES: Mapping[str, Mapping[str, Any]] = {
    "heads": {"heads": 2},
    "history": {"history_length": 10},
    "layers": {"layers": 2},
    "decay": {"weight_decay": 0.2},
}
MODELS = ("base", "changed")
K = 10
APART = 1_000_003  # between the seeds of the two models: no training shares its random numbers with another
SIZES = (20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000, 100_000, 1_000_000)  # shoppers of a curve


def run(config: RunConfig, folder: Folder) -> Iterator[Event]:
    """Trains both models in turn, seed after seed; a frame after each training.

    Raises CourseError where the data cannot be had or training diverges. It takes seconds, so a run that was
    interrupted begins again.
    """
    one_thread()
    began = time.perf_counter()
    seeds = int(config.settings["seeds"])
    yield plan(frame=2 * seeds)
    dataset = registry.load(config.data["dataset"])
    split = leave_one_out(dataset)
    if len(split.test) < 2:
        raise CourseError("too_few_to_compare", name=dataset.address.name, shoppers=len(split.test))
    train = split.train.take(np.arange(min(int(config.settings["shoppers"]), len(split.train))))
    ranks: dict[str, list[NDArray[np.int64]]] = {model: [] for model in MODELS}
    for at in range(2 * seeds):
        model, number = MODELS[at % 2], at // 2
        trained = _trained(config, dataset, train, model, number)
        ranks[model].append(evaluate(trained.score, split.test).ranks)
        noise = Noise.of(ranks)
        value = round(float(noise.values[model][-1].mean()), 5)
        kept = {"ranks": torch.from_numpy(np.minimum(ranks[model][-1], K).astype(np.uint8))}
        yield folder.frame(at, {"noise": noise.view()}, kept, model=model, number=number + 1, ndcg=value)
    seconds = round(time.perf_counter() - began, 3)
    measures = {**noise.measures(), "seconds": exact(seconds)}
    yield result(measures, seconds={"total": seconds}, noise=noise.view())


def _trained(config: RunConfig, dataset: Dataset, train: Histories, model: str, number: int) -> SASRecModel:
    """One training; base and changed share no seed."""
    seed = (config.seed * 1000 + number) % APART + (APART if model == "changed" else 0)
    changes = CHANGES[str(config.settings["change"])] if model == "changed" else {}
    own = {name: changes.get(name, value) for name, value in BASE.items()}
    torch.manual_seed(seed)
    net = SASRecModel(SASRecConfig(num_items=dataset.num_items, width=int(config.settings["width"]), **own))
    loop = {name: changes.get(name, setting.default) for name, setting in loop_settings("sasrec").items()}
    trainer = Trainer(net, train, {**loop, "epochs": config.settings["epochs"]}, seed)
    for _ in range(int(config.settings["epochs"])):
        for _ in trainer.epoch():
            pass
    return net


@dataclass(frozen=True)
class Noise:
    """NDCG@10 of the trainings so far, (S, N) by model, in the order of their seeds."""

    values: Mapping[str, NDArray[np.float64]]

    @classmethod
    def of(cls, ranks: Mapping[str, Sequence[NDArray[np.integer]]]) -> Noise:
        """From the ranks of each training's targets; from K on they are all the same to it."""
        gains = ndcg(np.arange(K + 1), k=K)
        return cls({model: gains[np.minimum(np.array(some, np.int64), K)] for model, some in ranks.items()})

    @property
    def trials(self) -> Trials | None:
        """What comparisons are made of; None before both models have two trainings."""
        enough = all(len(self.values[model]) >= 2 for model in MODELS)
        return Trials.make(self.values["changed"], self.values["base"]) if enough else None

    def dots(self) -> list[dict[str, Any]]:
        """``[{"model", "number", "value", "low", "high"}]``: each training with its interval over shoppers."""
        return [
            {"model": model, "number": number, **_short(bootstrap(values).to_dict())}
            for model in MODELS
            for number, values in enumerate(self.values[model], 1)
        ]

    def means(self) -> dict[str, dict[str, float]]:
        """The mean over seeds of each model that has two, with Student's interval."""
        return {
            model: _short(over_seeds(self.values[model].mean(1).tolist()).to_dict())
            for model in MODELS
            if len(self.values[model]) >= 2
        }

    def view(self) -> dict[str, Any]:
        """What pictures draw."""
        found: dict[str, Any] = {"dots": self.dots(), "means": self.means(), "asked": len(self.values["base"][0])}
        trials = self.trials
        if trials is None:
            return {**found, "sizes": [], "wrong": {}, "widths": {}}
        least = min(len(trials.ours), len(trials.theirs))
        some = [k for k in (1, 2, 4) if k <= max(1, least // 2)]
        widths = [trials.half_widths(n) for n in SIZES]
        return {
            **found,
            "sizes": list(SIZES),
            "wrong": {str(k): [round(one, 5) for one in trials.wrong_by_shoppers(SIZES, k)] for k in some},
            "widths": {name: [round(one[name], 6) for one in widths] for name in ("paired", "unpaired", "whole")},
            "difference": round(abs(trials.difference), 6),
        }

    def measures(self) -> dict[str, dict[str, float]]:
        """Every measure but the seconds. What is computed from the trainings, not estimated beyond them, is exact."""
        trials = self.trials
        assert trials is not None, "run trains at least two seeds of each"
        N, means = trials.shoppers, self.means()
        widths = trials.half_widths(N)
        pairs, different = trials.false_alarms()
        counted = {
            "seed_sd_base": float(trials.theirs.std(ddof=1)),
            "seed_sd_changed": float(trials.ours.std(ddof=1)),
            "wrong": trials.wrong(N),
            "wrong_thousand": trials.wrong(1000),
            "covered": trials.covered(N),
            "same_called_different": different / pairs,
            **{f"{name}_width": width for name, width in widths.items()},
            **{f"needed_{name}": float(np.ceil(count)) for name, count in trials.needed().items()},
        }
        return {
            "base_ndcg@10": means["base"],
            "changed_ndcg@10": means["changed"],
            "gain": trials.over_seeds(),
            **{name: exact(value) for name, value in counted.items()},
        }


def _short(interval: Mapping[str, float]) -> dict[str, float]:
    return {name: round(value, 5) for name, value in interval.items()}


# Questions


def open(folder: Path, at: int | None) -> Noise:
    """The trainings up to frame ``at``, or all."""
    view_at(folder, at)  # raises where there is no such frame
    last = max(int(path.name) for path in (folder / "frames").iterdir() if path.name.isdigit()) if at is None else at
    ranks: dict[str, list[NDArray[np.integer]]] = {model: [] for model in MODELS}
    for frame in range(last + 1):
        ranks[MODELS[frame % 2]].append(Folder(folder).weights(frame)["ranks"].numpy())
    return Noise.of(ranks)


def answer(artefact: Noise, asked: Mapping[str, Any]) -> dict[str, Any]:
    """``{"shoppers", "seeds", "measured", "wrong", "widths", "difference"}`` for a comparison of that size.

    ``wrong`` is the chance to pick the worse model, ``widths`` half an interval of the difference: paired, unpaired and
    whole. All three are None as long as the models have fewer than two trainings each.
    """
    trials, shoppers, seeds = artefact.trials, int(asked["test_shoppers"]), int(asked["seeds_each"])
    found: dict[str, Any] = {"shoppers": shoppers, "seeds": seeds, "measured": len(artefact.values["base"][0])}
    if trials is None:
        return {**found, "wrong": None, "widths": None, "difference": None}
    widths = {name: round(width, 6) for name, width in trials.half_widths(shoppers, seeds).items()}
    wrong, difference = round(trials.wrong(shoppers, seeds), 5), round(trials.difference, 6)
    return {**found, "wrong": wrong, "widths": widths, "difference": difference}
