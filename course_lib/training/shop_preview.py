"""What a made shop looks like and what can be known in it, in about two seconds: counted models and the oracle.

    seen = preview(MadeShop.of({"plan_order": 0}))
    seen["scores"]   # NDCG@10 of popularity, item-kNN, Markov, ..., and of both bounds, each with its interval

The counted models learn from all shoppers and are asked for everybody's last purchase, as everywhere in the course. The
oracle answers for the first block of shoppers alone (shop/simulate.py): that is what takes longest. No torch.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from course_lib.data.dataset import Address, Dataset
from course_lib.data.overview import make_overview
from course_lib.data.splits import leave_one_out
from course_lib.evaluation.metrics import rank_of_target
from course_lib.evaluation.protocol import evaluate, summarise
from course_lib.models.catalogue import check_settings, model_card
from course_lib.shop.made import MadeShop
from course_lib.shop.simulate import simulate
from course_lib.shop.truth.next_product import block_chances, points_by_product
from course_lib.training.references import BOUNDS, COUNTED, EASE_ITEMS, ELSEWHERE

MOST = 4000  # shoppers of a preview; of a larger shop these are the first ones
METRIC = "ndcg@10"
PEOPLE = 20  # histories to look at
POINTS = 256  # of taste, which costs the filtered bound less than .003 (tests/training/test_shop_preview.py)


def preview(made: MadeShop) -> dict[str, Any]:
    """A shop's first MOST shoppers: JSON-ready.

    ``purchases`` (all), ``per_product`` (V,), ``per_shopper`` (N,), ``people`` (a few histories: user, items, times,
    events), ``scores`` (by model, ``oracle.known`` and ``oracle.filtered``: value, low, high), ``shoppers`` of the
    preview, ``asked`` (how many the bounds are of), ``seconds``.
    """
    began = time.perf_counter()
    few = replace(made, values={**made.values, "customers": min(made.shoppers, MOST)})
    world = few.world()
    blocks = list(simulate(world, few.shoppers, few.seed))
    events = pd.concat([block.frame(world) for block in blocks], ignore_index=True)
    dataset = Dataset(Address("made", "preview", "0" * 12), events, world.catalogue.items)
    seen = make_overview(dataset)
    scores = counted_scores(dataset)
    asked = len(blocks[0].length)
    (chances,) = block_chances(world, blocks[0], points_by_product(world, POINTS), ago=(1,))
    for name in BOUNDS:
        padded = np.pad(getattr(chances, name), ((0, 0), (1, 0)), constant_values=-np.inf)  # product 0 is none
        ranks = rank_of_target(padded, leave_one_out(dataset).test.targets[:asked])
        scores[f"oracle.{name}"] = _plain(summarise(ranks)[METRIC])
    return {
        "purchases": seen.events,
        "per_product": seen.per_product.tolist(),
        "per_shopper": seen.per_shopper.tolist(),
        "people": [
            {"user": one.user, "items": list(one.items), "times": list(one.times), "events": one.events}
            for one in seen.samples[:PEOPLE]
        ],
        "scores": scores,
        "shoppers": few.shoppers,
        "asked": asked,
        "seconds": round(time.perf_counter() - began, 3),
    }


def counted_scores(dataset: Dataset) -> dict[str, dict[str, float]]:
    """NDCG@10 on everybody's last purchase of the models that are counted, with 95% intervals."""
    split = leave_one_out(dataset)
    kinds = {**COUNTED, **ELSEWHERE}
    if dataset.num_items > EASE_ITEMS:
        kinds.pop("ease")
    found = {}
    for name, kind in kinds.items():
        model = kind.fit(split.train, dataset.num_items, check_settings(name, model_card(name).settings, {}))
        found[name] = _plain(evaluate(model.score, split.test).metrics[METRIC])
    return found


def _plain(score: Mapping[str, Any]) -> dict[str, float]:
    return {name: round(float(score[name]), 5) for name in ("value", "low", "high")}
