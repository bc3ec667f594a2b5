"""Off-policy: what a model of the shop would earn as a policy, from the log of others, beside the truth.

    python -m course_lib run off_policy --model item-knn --sharpness 2 --slates 12000 --json

Any model of the next purchase can be the policy: its ranking of the front page's products gives them weights,

    weight of product i  =  (rank of i)^-sharpness,     a slate: three of them, drawn without replacement

and the log knows the chance of everything that was shown. IPS, clipped IPS, SNIPS, IPS weighted by the mixture of the
logging policies, the direct method (DM), DR and switch-DR then guess the clicks a slate (evaluation/off_policy.py has
the formulas and papers). The shop knows the true value, so a run also draws LOGS more logs of the same kind and counts
what no single log can tell: each estimator's bias, its spread, and how often its 95% interval holds the truth.

The log is that of the shop's front page, by one of its three policies or by all three in turn; or a campaign of Open
Bandit (Saito, Aihara, Matsutani & Narita, NeurIPS 2021), real clicks with the true chances. There the policy in
question is Thompson sampling, which showed products beside the random policy: what it earned is known, what any other
policy would earn is not.

The model is the one that ``next_item`` trains with the same settings and seed. Where that run is there, its weights are
taken; else the model is trained, or counted, here.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Generator, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from course_lib.data import registry
from course_lib.data.dataset import Dataset
from course_lib.data.open_bandit import NAME, SAMPLE
from course_lib.data.splits import leave_one_out
from course_lib.errors import CourseError
from course_lib.evaluation.policy_repeats import Repeats
from course_lib.evaluation.policy_trials import BanditTrial, Case, ShopTrial, Slates, judged
from course_lib.evaluation.protocol import evaluate
from course_lib.experiments.config import RunConfig
from course_lib.experiments.events import ANSWERS, Event, Folder, exact, plan, result
from course_lib.experiments.next_item import FINISHED, build
from course_lib.models.base import model_class
from course_lib.models.catalogue import model_card
from course_lib.shop.front_page import front_page, visitors
from course_lib.shop.parts import SLATES, whole_blocks
from course_lib.shop.published import shop
from course_lib.training.checkpoint import one_thread
from course_lib.training.loop import Trainer

DATA = {"dataset": "histories"}  # what the model learns from; the truth is known of the shop alone
CHOOSES = {"model": "next_item"}
SETTINGS = {  # (default, lowest, highest) or (default, *choices)
    "log": ("shop", "shop", "all", "men", "women"),  # the shop's front page, or a campaign of Open Bandit
    "logger": ("mixture", "mixture", "uniform", "popularity", "personal"),  # who made the shop's log
    "slates": (3_000, 100, 12_000),  # in the log
    "sharpness": (1.0, 0.0, 4.0),  # how surely the policy shows what its model ranks first
    "clip": (10.0, 1.0, 100.0),  # largest weight of clipped IPS, and where switch-DR leaves it to the model
    "shoppers": (0, 0, 100_000_000),  # how many shoppers the model learns from, as in next_item
}
MEASURES = {
    "truth": "score",  # what the policy is worth: clicks a slate
    "logged": "score",  # what the log's own policies earned
    "ips": "score",
    "clipped_ips": "score",
    "snips": "score",
    "mixture_ips": "score",
    "dm": "score",
    "dr": "score",
    "switch_dr": "score",
    "effective": "count",  # slates of equal weight that would know as much, at the worst position
    "mixture_effective": "count",  # the same by the weights of the mixture
    "largest": "number",  # weight
    "dm_width": "score",  # of the direct method's interval
    "ips_error": "score",  # root of the mean squared error over LOGS logs
    "clipped_ips_error": "score",
    "snips_error": "score",
    "mixture_ips_error": "score",
    "dm_error": "score",
    "dr_error": "score",
    "switch_dr_error": "score",
    "ips_held": "share",  # of the 95% intervals of LOGS logs that hold the truth
    "clipped_ips_held": "share",
    "snips_held": "share",
    "mixture_ips_held": "share",
    "dm_held": "share",
    "dr_held": "share",
    "switch_dr_held": "share",
    "seconds": "seconds",
}
ASKS = {  # the same log, asked in other ways; all four are exact
    "logger": ("mixture", "mixture", "uniform", "popularity", "personal"),
    "slates": (3_000, 100, 12_000),
    "sharpness": (1.0, 0.0, 4.0),
    "clip": (10.0, 1.0, 100.0),
}
TINY = {"model": "popularity", "slates": 300}

VISITORS = 1_000  # shoppers at the front page, the shop's first ones
LOGS = 200  # drawn anew
TOLD = 10  # logs between two events
MOST = 12_000  # slates of the log that can be asked about
SIZES = (100, 300, 1_000, 3_000, 12_000)  # of the log as it grows
KEPT = "log.safetensors"  # in the folder FINISHED
SCORED = 1_000  # validation targets that decide when a model has learned enough, as in next_item
Array = NDArray[Any]


def run(config: RunConfig, folder: Folder) -> Iterator[Event]:
    """Gets the model, draws the log and judges it as it grows; then many logs.

    Raises CourseError where the data is not the shop, or cannot be had. An interrupted run begins again.
    """
    one_thread()
    began = time.perf_counter()
    settings = config.settings
    slates, sharpness, clip = int(settings["slates"]), float(settings["sharpness"]), float(settings["clip"])
    sizes = [*(size for size in SIZES if size < slates), slates]
    yield plan(frame=len(sizes), logs=LOGS // TOLD)
    if settings["log"] == "shop":
        scores = yield from _scores(config, folder, frame=len(sizes), logs=LOGS // TOLD)
        trial = ShopTrial.make(shop(), scores)
        logs = {
            logger: trial.draw(MOST, logger, np.random.default_rng([config.seed, number, 0]))
            for number, logger in enumerate(trial.loggers)
        }
        _keep(folder.path / FINISHED, trial, logs)
    artefact = open(folder.path, None)
    table: dict[str, Any] = {}
    for at, size in enumerate(sizes):
        asked = {"logger": settings["logger"], "slates": size, "sharpness": sharpness, "clip": clip}
        table = answer(artefact, asked)
        estimates = {one["name"]: [one[end] for end in ("value", "low", "high")] for one in table["rows"]}
        truth = table["truth"]["value"] if table["truth"] is not None else None
        yield folder.frame(
            at, table, None, slates=table["slates"], effective=table["effective"], truth=truth, estimates=estimates
        )
    repeats = Repeats([size for size in sizes if size <= table["slates"]], clip)
    for number in range(1, LOGS + 1):
        artefact.repeat(repeats, str(settings["logger"]), slates, sharpness, [config.seed, 100, number])
        if number % TOLD == 0:
            yield {"kind": "logs", "at": number // TOLD}
    folder.keep_answers([(asked, table)])
    yield _result(table, repeats, time.perf_counter() - began)


def _result(table: Mapping[str, Any], repeats: Repeats, seconds: float) -> Event:
    measures = {one["name"]: {end: one[end] for end in ("value", "low", "high")} for one in table["rows"]}
    if table["truth"] is not None:
        measures["truth"] = dict(table["truth"])
    measures |= {name: exact(table[name]) for name in ("logged", "effective", "mixture_effective", "largest")}
    measures["dm_width"] = exact(measures["dm"]["high"] - measures["dm"]["low"])
    if table["log"] == "shop":  # elsewhere the truth is an estimate itself, and nothing can be held against it
        measures |= {f"{name}_error": one.to_dict() for name, one in repeats.errors().items()}
        measures |= {f"{name}_held": one.to_dict() for name, one in repeats.held().items()}
    total = round(seconds, 3)
    measures["seconds"] = exact(total)
    return result(
        measures, seconds={"total": total}, table=dict(table), estimators=repeats.estimators(),
        sizes=repeats.by_size(), clips=repeats.by_clip(), logs=repeats.logs,
    )  # fmt: skip


# The model that is the policy


def _scores(config: RunConfig, folder: Folder, **ahead: int) -> Generator[Event, None, Array]:
    """(VISITORS, n) the model's scores of the front page's products; ``ahead`` is what the plan holds besides."""
    address = config.data["dataset"]
    if address.name != "shop":
        raise CourseError("off_policy_shop", name=address.name)
    model = _finished(config, folder)
    if model is None:
        model = yield from _fit(config, registry.load(address), **ahead)
    block, _ = next(whole_blocks(shop(), SLATES, VISITORS))
    histories = visitors(block).histories.take(np.arange(VISITORS))
    scores: Array = np.asarray(model.score(histories), np.float64)[:, front_page(shop()).items]
    return scores


def _twin(config: RunConfig) -> RunConfig:
    """The run of ``next_item`` that makes the same model."""
    own = {name: value for name, value in config.settings.items() if name not in SETTINGS or name == "shoppers"}
    address = config.data["dataset"]
    return RunConfig.make("next_item", {"dataset": (address.name, address.size)}, own, config.seed)


def _finished(config: RunConfig, folder: Folder) -> Any | None:
    """The model of a finished run of ``next_item`` with the same settings, where there is one."""
    twin = folder.path.parent / _twin(config).run_id
    try:
        if not (twin / ANSWERS).is_file():  # the last that such a run writes of its model
            return None
        return model_class(str(config.settings["model"])).load(twin / FINISHED)
    except (OSError, ValueError, KeyError):  # deleted meanwhile, or damaged: the model is made again
        return None


def _fit(config: RunConfig, dataset: Dataset, **ahead: int) -> Generator[Event, None, Any]:
    """The same model, trained or counted here."""
    split, settings = leave_one_out(dataset), config.settings
    few = int(settings["shoppers"])
    train = split.train.take(np.arange(min(few, len(split.train)))) if few else split.train
    name = str(settings["model"])
    if not model_card(name).neural:
        own = {one: settings[one] for one in model_card(name).settings}
        return model_class(name).fit(train, dataset.num_items, own, config.seed)
    net = build(config, dataset.num_items)
    trainer = Trainer(net, train, settings, config.seed)
    yield plan({"logs": ("frame", 1.0)}, step=trainer.steps, **ahead)
    epochs, patience = int(settings["epochs"]), int(settings["patience"])
    rows = np.sort(np.random.default_rng(0).permutation(len(split.validation))[:SCORED])
    states = []

    def look() -> None:
        if patience:
            trainer.progress.scores.append(evaluate(net.score, split.validation.take(rows)).metrics["ndcg@10"]["value"])
            states.append({one: value.clone() for one, value in net.state_dict().items()})

    look()
    while trainer.progress.epoch < epochs and not trainer.progress.is_enough(patience):
        yield from trainer.epoch()
        look()
    if patience:
        net.load_state_dict(states[trainer.progress.best])
        yield plan({"logs": ("frame", 1.0)}, step=trainer.progress.step, **ahead)  # nothing more is trained
    return net


# The log, and questions to it


class ShopLog:
    """One log by each logger, and the model's policy."""

    def __init__(self, trial: ShopTrial, logs: Mapping[str, Slates]) -> None:
        self.trial, self.logs = trial, logs
        self._shows = functools.lru_cache(maxsize=1)(trial.chances)  # most questions differ in something else

    def case(self, logger: str, slates: int, sharpness: float) -> Case:
        """The log's first so many slates."""
        return self.trial.case(self.logs[logger].first(slates), sharpness, self._shows(sharpness))

    def repeat(self, repeats: Repeats, logger: str, slates: int, sharpness: float, seed: list[int]) -> None:
        """Adds another log of the same kind."""
        drawn = self.trial.draw(slates, logger, np.random.default_rng(seed))
        chances = self._shows(sharpness)
        repeats.add(lambda size: self.trial.case(drawn.first(size), sharpness, chances))


class BanditLog:
    """A campaign of Open Bandit. Its log is the random policy's, whichever logger is asked for."""

    def __init__(self, trial: BanditTrial) -> None:
        self.trial = trial

    def case(self, logger: str, slates: int, sharpness: float) -> Case:
        """The first so many impressions."""
        return self.trial.case(slates, sharpness)

    def repeat(self, repeats: Repeats, logger: str, slates: int, sharpness: float, seed: list[int]) -> None:
        """Adds a log of impressions that are drawn again from those there are: there is no other week."""
        again = self.trial.taken(np.random.default_rng(seed).integers(len(self.trial), size=slates))
        repeats.add(lambda size: again.case(size, sharpness))


def _keep(place: Path, trial: ShopTrial, logs: Mapping[str, Slates]) -> None:
    from safetensors.numpy import save_file

    arrays: dict[str, Array] = {"rank": np.rint(np.exp(-trial.rank)).astype(np.int16)}
    for logger, one in logs.items():
        arrays |= {
            f"{logger}.visitor": one.visitor.astype(np.int16), f"{logger}.made_by": one.made_by.astype(np.uint8),
            f"{logger}.shown": one.shown.astype(np.uint8), f"{logger}.clicked": one.clicked.astype(np.uint8),
        }  # fmt: skip
    place.mkdir(parents=True, exist_ok=True)
    save_file(arrays, place / KEPT)


def open(folder: Path, at: int | None) -> ShopLog | BanditLog:
    """The log of a run, whole at every frame: how much of it is looked at is part of the question."""
    from safetensors.numpy import load_file

    config = RunConfig.read(folder)
    name = str(config.settings["log"])
    if name != "shop":
        table = registry.load_table(registry.resolve(NAME, SAMPLE), name)
        return BanditLog(BanditTrial.make(table, np.random.default_rng([config.seed, 0])))
    kept = load_file(folder / FINISHED / KEPT)
    trial = ShopTrial.make(shop(), -kept["rank"].astype(np.float64))
    logs = {
        logger: Slates(
            kept[f"{logger}.visitor"].astype(np.int64), kept[f"{logger}.made_by"].astype(np.int64),
            kept[f"{logger}.shown"].astype(np.int64), kept[f"{logger}.clicked"].astype(np.float64),
        )
        for logger in trial.loggers
    }  # fmt: skip
    return ShopLog(trial, logs)


def answer(artefact: ShopLog | BanditLog, asked: Mapping[str, Any]) -> dict[str, Any]:
    """Every estimator beside the truth, by :func:`judged`, and what was asked; ``slates`` as many as there are.

    Raises CourseError where the log has nothing in common with the policy.
    """
    logger, sharpness, clip = str(asked["logger"]), float(asked["sharpness"]), float(asked["clip"])
    found = judged(artefact.case(logger, int(asked["slates"]), sharpness), clip)
    shop_log = isinstance(artefact, ShopLog)
    return {"log": "shop" if shop_log else "open-bandit", "logger": logger if shop_log else "random",
            "sharpness": sharpness, "clip": clip, **found}  # fmt: skip
