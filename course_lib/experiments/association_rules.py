"""Association rules: what is bought with what, by support, confidence and lift, and how much of a lift is real.

    python -m course_lib run association_rules --dataset complete-journey/full --json

Rules are counted in the first four fifths of the baskets by time, and checked in the last fifth. Their formulas stand
in evaluation/association.py. The same is counted once more after all lines were shuffled over the baskets: nothing goes
with anything there, so whatever is found is the method's own doing.

Choosing the rules with the highest lift chooses the luckiest as well. ``lift_learned`` is the pooled lift (pairs seen /
pairs expected) of the TOP pairs in the baskets that they were chosen in, ``lift_later`` that of the same pairs later.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from course_lib.data import registry
from course_lib.data.baskets import Baskets
from course_lib.evaluation.association import PairCounts, by_time, frequent_pairs, shuffled
from course_lib.evaluation.intervals import bootstrap_ratio
from course_lib.experiments.config import RunConfig
from course_lib.experiments.events import Event, Folder, exact, plan, result
from course_lib.experiments.products import product_asked

DATA = {"dataset": "histories"}
SETTINGS = {  # (default, lowest, highest)
    "least_baskets": (20, 1, 5_000),  # that hold both products of a rule
}
MEASURES = {
    "baskets": "count",  # that rules are counted in
    "unrelated": "number",  # lift of two products that have nothing to do with each other, by the baskets' sizes
    "above_one": "share",  # of the pairs of which ten baskets would be expected: those with a lift above 1
    "above_one_adjusted": "share",
    "shuffled_above_one": "share",  # the same where nothing goes with anything
    "shuffled_above_one_adjusted": "share",
    "lift_learned": "number",  # of the TOP pairs by lift
    "lift_later": "number",  # of the same pairs in later baskets
    "adjusted_learned": "number",  # of the TOP pairs by adjusted lift
    "adjusted_later": "number",
    "seconds": "seconds",
}
ASKS = {
    "items": "items",  # rules from the last of them
    "rules_by": ("adjusted", "adjusted", "lift", "confidence", "support"),
    "support": (20, 1, 500),  # of ten thousand baskets
    "confidence": (0.1, 0.0, 1.0),
    "world": ("real", "real", "shuffled"),
    "k": (10, 1, 50),
}
TINY: dict[str, int] = {"least_baskets": 2}

LEARNED = 0.8  # of the baskets, by time
TOP = 50  # pairs that are followed into later baskets
EXPECTED = 10.0  # baskets with both that a pair needs to be judged
SIZES = (1_000, 3_000, 10_000, 30_000)  # baskets of the frames on the way
DRAWN = 40  # rules of the graph
SUPPORTED = 10_000  # baskets that the threshold of support counts in
KEPT = "pairs.safetensors"
WORLDS = ("real", "shuffled")
Array = NDArray[Any]


def run(config: RunConfig, folder: Folder) -> Iterator[Event]:
    """Counts in more and more baskets, then in all and in shuffled ones.

    Raises CourseError where the data cannot be had, has too few baskets or too many products. An interrupted run begins
    again.
    """
    began = time.perf_counter()
    baskets = Baskets.of(registry.load(config.data["dataset"]))
    first, last = by_time(baskets, baskets.times, LEARNED)
    rng = np.random.default_rng(config.seed)
    drawn = rng.permutation(first)
    sizes = [*(size for size in SIZES if size < len(first)), len(first)]
    yield plan(frame=len(sizes))
    later = PairCounts.of(baskets.take(last), baskets.num_items)
    least = int(config.settings["least_baskets"])
    found: dict[str, dict[str, float]] = {}
    worlds: dict[str, PairCounts] = {}
    for at, size in enumerate(sizes):
        rows = np.sort(drawn[:size])
        worlds["real"] = PairCounts.of(baskets.take(rows), baskets.num_items)
        if size == len(first):
            worlds["shuffled"] = PairCounts.of(shuffled(baskets.take(rows), rng), baskets.num_items)
            _keep(folder.path, worlds)
        found = {
            **_followed(worlds["real"], later, least, "lift"),
            **_followed(worlds["real"], later, least, "adjusted"),
        }
        told = {name: round(one["value"], 5) for name, one in found.items()}
        pairs = int((np.triu(worlds["real"].together, 1) >= least).sum())
        yield folder.frame(at, {"baskets": size, "pairs": pairs, **told}, None, baskets=size, pairs=pairs, **told)
    found |= {"baskets": exact(len(first)), "unrelated": exact(round(worlds["real"].of_unrelated(), 6))}
    for world, ends in (("real", ""), ("shuffled", "shuffled_")):
        counts = worlds[world]
        one, other = frequent_pairs(counts, EXPECTED)
        if len(one):
            found[f"{ends}above_one"] = exact(round(float((counts.lift()[one, other] > 1).mean()), 6))
            found[f"{ends}above_one_adjusted"] = exact(round(float((counts.adjusted()[one, other] > 1).mean()), 6))
    total = round(time.perf_counter() - began, 3)
    found["seconds"] = exact(total)
    yield result(found, seconds={"total": total}, later=len(last), products=baskets.num_items, least=least)


def _followed(counts: PairCounts, later: PairCounts, least: int, by: str) -> dict[str, dict[str, float]]:
    """Pooled lift of the TOP pairs by lift or adjusted lift, where they were chosen and later; none without pairs."""
    table = np.triu(counts.lift() if by == "lift" else counts.adjusted(), 1)
    table = np.where(counts.together >= least, table, 0)
    best = np.argsort(-table, axis=None, kind="stable")[:TOP]
    one, other = np.unravel_index(best[table.ravel()[best] > 0], table.shape)
    found = {}
    for name, where in (("learned", counts), ("later", later)):
        expected = (where.expected_of_equals() if by == "lift" else where.expected())[one, other]
        if len(one) and expected.sum() > 0:
            pooled = bootstrap_ratio(where.together[one, other][:, None], expected[:, None])
            found[f"{by}_{name}"] = pooled.to_dict()
    return found


def _keep(place: Path, worlds: Mapping[str, PairCounts]) -> None:
    from safetensors.numpy import save_file

    arrays: dict[str, Array] = {}
    for world, one in worlds.items():
        arrays |= {
            f"{world}.n": np.array([one.n], np.int64), f"{world}.together": one.together,
            f"{world}.by_size": one.by_size, f"{world}.meeting": one.meeting,
        }  # fmt: skip
    save_file(arrays, place / KEPT)


# Questions


@dataclass(frozen=True)
class Rules:
    """The four tables of one world, each (V + 1, V + 1)."""

    together: Array
    tables: Mapping[str, Array]

    @classmethod
    def of(cls, counts: PairCounts) -> Rules:
        """All of them, computed once."""
        tables = {
            "support": counts.support(), "confidence": counts.confidence(),
            "lift": counts.lift(), "adjusted": counts.adjusted(),
        }  # fmt: skip
        return cls(counts.together, tables)

    def rule(self, one: int, other: int) -> dict[str, Any]:
        """What is known of "who buys ``one`` buys ``other``"."""
        known = {name: round(float(table[one, other]), 5) for name, table in self.tables.items()}
        return {"if": int(one), "item": int(other), "baskets": int(self.together[one, other]), **known}


def open(folder: Path, at: int | None) -> dict[str, Rules]:
    """The rules of all learning baskets, whichever frame is on show."""
    from safetensors.numpy import load_file

    kept = load_file(folder / KEPT)
    return {
        world: Rules.of(
            PairCounts(
                int(kept[f"{world}.n"][0]), kept[f"{world}.together"], kept[f"{world}.by_size"],
                kept[f"{world}.meeting"],
            )
        )
        for world in WORLDS
    }  # fmt: skip


def answer(artefact: Mapping[str, Rules], asked: Mapping[str, Any]) -> dict[str, Any]:
    """The rules above both thresholds: how many, the best DRAWN, and the best from one product.

    ``{"count", "rules": [rule], "item", "near": [rule], "by", "world"}``, a rule ``{"if", "item", "baskets", "support",
    "confidence", "lift", "adjusted"}``. Raises CourseError for products that the catalogue does not have.
    """
    rules, by = artefact[str(asked["world"])], str(asked["rules_by"])
    item = product_asked(asked, len(rules.together) - 1)
    held = (rules.tables["support"] >= int(asked["support"]) / SUPPORTED) & (
        rules.tables["confidence"] >= float(asked["confidence"])
    )
    held &= rules.together > 0
    one, other = np.nonzero(held)
    order = np.lexsort((other, one, -rules.tables[by][one, other]))[:DRAWN]
    listed = [rules.rule(int(one[n]), int(other[n])) for n in order]
    near = []
    if item is not None:
        own = np.flatnonzero(held[item])
        best = own[np.lexsort((own, -rules.tables[by][item, own]))][: int(asked["k"])]
        near = [rules.rule(item, int(place)) for place in best]
    return {"count": len(one), "rules": listed, "item": item, "near": near, "by": by, "world": str(asked["world"])}
