"""Injection: how many fake accounts it takes to push a product into other people's lists, and what defence costs.

    python -m course_lib run injection --model markov --style bandwagon --defence none --json

A product that sells as the middle one does is pushed by the accounts of evaluation/injection.py, more and more of them;
a model that counts learns from all accounts that the defence lets through, and the lists of the real shoppers are
written anew. ``seen`` is how many of these have the product in their ten. The defence also drops real shoppers, and its
cost in NDCG@10 is measured where nobody attacks: that is what it costs on an ordinary day.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from course_lib.data import registry
from course_lib.data.columns import Columns
from course_lib.data.dataset import Dataset
from course_lib.data.histories import Histories, Holdout
from course_lib.data.splits import leave_one_out
from course_lib.errors import CourseError
from course_lib.evaluation.injection import dropped, fake_accounts, joined
from course_lib.evaluation.intervals import bootstrap, paired_difference
from course_lib.experiments import steering
from course_lib.experiments.config import RunConfig
from course_lib.experiments.events import Event, Folder, exact, plan, result
from course_lib.experiments.products import view_at
from course_lib.models import ease, item_knn, markov, popularity
from course_lib.training.checkpoint import one_thread
from course_lib.training.top_lists import K, pool_of

DATA = {"dataset": "histories"}
SETTINGS = {  # (default, lowest, highest) or (default, *choices)
    "model": ("markov", "popularity", "item-knn", "markov", "ease"),
    "style": ("bandwagon", "bandwagon", "copied"),
    "defence": ("none", "none", "repeats", "surge"),
    "strictness": (0.45, 0.01, 1.0),
    "accounts": (200, 0, 5000),  # the most that are tried
}
MEASURES = {
    "seen": "share",  # of real shoppers who have the product in their ten, with all accounts
    "seen_before": "share",  # without any
    "accounts_needed": "count",  # accounts after which a tenth of them have; only where that is reached
    "ndcg@10": "score",  # of the real shoppers, with all accounts
    "attack_cost": "difference",  # NDCG@10 without any account less that with all
    "defence_cost": "difference",  # NDCG@10 without a defence less that with it, where nobody attacks
    "fakes_dropped": "share",
    "shoppers_dropped": "share",
    "seconds": "seconds",
}
ASKS = {"listed_share": (0.1, 0.01, 0.9)}
TINY = {"accounts": 20}

PARTS = (0.0, 0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0)  # of the accounts, one after another
REACH = 0.1
LISTS = 3000  # real shoppers whose lists are written, the first ones
STREAM = 31


def run(config: RunConfig, folder: Folder) -> Iterator[Event]:
    """Attacks with more and more accounts. It takes seconds, so a run that was interrupted begins again."""
    one_thread()
    began = time.perf_counter()
    settings = config.settings
    counts = sorted({round(part * int(settings["accounts"])) for part in PARTS})
    yield plan(frame=len(counts))
    shop = Market.make(registry.load(config.data["dataset"]), config.seed)
    fakes = fake_accounts(
        shop.train, shop.product, str(settings["style"]), counts[-1], np.random.default_rng([config.seed, STREAM])
    )
    name, defence, strictness = str(settings["model"]), str(settings["defence"]), float(settings["strictness"])
    open_day, _ = shop.lists(name, "none", strictness, fakes.take(np.arange(0)))
    curve: list[dict[str, float]] = []
    for at, count in enumerate(counts):
        lists, gone = shop.lists(name, defence, strictness, fakes.take(np.arange(count)))
        seen, found = (lists == shop.product).any(1), steering.ndcg_of(lists, shop.test.targets)
        if at == 0:
            quiet, before, innocent = found, seen, gone
        real = len(shop.train)
        curve.append(
            {
                "accounts": count, "seen": round(float(seen.mean()), 5), "ndcg": round(float(found.mean()), 5),
                "fakes_dropped": round(float(gone[real:].mean()), 5) if count else 0.0,
                "shoppers_dropped": round(float(gone[:real].mean()), 5),
            }
        )  # fmt: skip
        view = {"curve": curve, "product": shop.product, "example": fakes[0].tolist() if len(fakes) else []}
        yield folder.frame(at, view, None, accounts=count, seen=curve[-1]["seen"], ndcg=curve[-1]["ndcg"])
    measures = {
        "seen": bootstrap(seen.astype(float)).to_dict(),
        "seen_before": bootstrap(before.astype(float)).to_dict(),
        "ndcg@10": bootstrap(found).to_dict(),
        "attack_cost": paired_difference(quiet, found).to_dict(),
        "defence_cost": paired_difference(steering.ndcg_of(open_day, shop.test.targets), quiet).to_dict(),
        "shoppers_dropped": bootstrap(innocent[: len(shop.train)].astype(float)).to_dict(),
        "seconds": exact(round(time.perf_counter() - began, 3)),
    }
    if counts[-1]:
        measures["fakes_dropped"] = exact(curve[-1]["fakes_dropped"])
    if (needed := reached(curve, REACH)) is not None:
        measures["accounts_needed"] = exact(needed)
    yield result(
        measures, curve=curve, product=shop.product, shoppers=len(shop.train),
        seconds={"total": round(time.perf_counter() - began, 3)},
    )  # fmt: skip


@dataclass(frozen=True)
class Market:
    """The real shoppers, and the product that is to be pushed."""

    train: Histories
    came: NDArray[np.float64]  # (N,) when each first bought
    test: Holdout
    product: int
    num_items: int

    @classmethod
    def make(cls, dataset: Dataset, seed: int) -> Market:
        """The product is one that sells as the middle one does. Raises CourseError where a list has too few to choose
        from."""
        if dataset.num_items < K:
            raise CourseError("too_few_products", name=dataset.address.name, products=dataset.num_items, fewest=K)
        split = leave_one_out(dataset)
        sold = np.bincount(split.train.items, minlength=dataset.num_items + 1)[1:]
        order = np.argsort(sold, kind="stable")
        product = int(order[len(order) // 2]) + 1
        first = dataset.events.groupby(Columns.USER)[Columns.TIME].min()
        came = first.reindex(range(len(split.train))).fillna(0).to_numpy(np.float64)
        test = split.test.take(np.arange(min(LISTS, len(split.test))))
        return cls(split.train, came, test, product, dataset.num_items)

    def lists(
        self, name: str, defence: str, strictness: float, fakes: Histories
    ) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """(n, K) lists of the real shoppers, and (N + fakes,) whom the defence has dropped. Fakes come last."""
        accounts = joined(self.train, fakes)
        came = np.concatenate([self.came, np.full(len(fakes), self.came.max(initial=0.0) + 1)])
        gone = dropped(accounts, came, defence, strictness)
        learned = accounts.take(np.flatnonzero(~gone))
        score = fitted(name, learned, self.num_items).score
        return pool_of(score, self.test.histories, K).items, gone


def fitted(name: str, train: Histories, num_items: int) -> Any:
    """A model that counts, with its file's defaults."""
    kinds: dict[str, tuple[Any, Mapping[str, Any]]] = {
        "popularity": (popularity.PopularityModel, {}),
        "item-knn": (item_knn.ItemKNNModel, item_knn.SETTINGS),
        "markov": (markov.MarkovModel, markov.SETTINGS),
        "ease": (ease.EASEModel, ease.SETTINGS),
    }
    kind, settings = kinds[name]
    return kind.fit(train, num_items, {setting: one[0] for setting, one in settings.items()})


def reached(curve: list[dict[str, float]], share: float) -> float | None:
    """After how many accounts ``share`` of the shoppers have seen the product, between the points of the curve; None
    where they never have."""
    if curve[0]["seen"] >= share:
        return 0.0
    for before, after in itertools.pairwise(curve):
        if after["seen"] >= share:
            part = (share - before["seen"]) / (after["seen"] - before["seen"])
            return round(before["accounts"] + part * (after["accounts"] - before["accounts"]), 1)
    return None


# Questions


@dataclass(frozen=True)
class Artefact:
    """What a frame keeps."""

    view: Mapping[str, Any]


def open(folder: Path, at: int | None) -> Artefact:
    """The attack up to frame ``at``, or to the end."""
    return Artefact(view_at(folder, at))


def answer(artefact: Artefact, asked: Mapping[str, Any]) -> dict[str, Any]:
    """How many accounts it takes until a share of real shoppers has the product in their ten.

    ``{"reach", "needed": accounts or None, "most": accounts tried, "seen": share then, "product", "example"}``;
    ``example`` is the history of the first fake account.
    """
    curve = list(artefact.view["curve"])
    share = float(asked["listed_share"])
    return {
        "reach": share,
        "needed": reached(curve, share),
        "most": curve[-1]["accounts"],
        "seen": curve[-1]["seen"],
        "product": artefact.view["product"],
        "example": artefact.view["example"],
    }
