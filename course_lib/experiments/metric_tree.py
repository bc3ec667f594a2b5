"""Metric tree: how a change at one node of traffic, click, conversion and order value moves the money, and how surely.

    python -m course_lib run metric_tree --node click --lift 0.1 --empty 0.5 --json

A month's gross profit is a product:

    profit = visits * click rate * conversion * order value * margin

A lift of one node by a share g lifts the product by the same share, whichever node it is. Two things part the nodes in
practice. First, added clicks are often the less willing ones: of those that a lift adds, the share ``empty`` buys
nothing, so that conversion falls and a lift g of the clicks is worth g (1 - empty). Second, nobody knows g: it is
estimated with a standard error, here ``spread`` times the lift, and what was chosen because it looked best is worth
less than it looked. ``DRAWS`` draws of a normal lift carry that to the money, less the cost of the change:

    gain = profit * g' - running cost - building cost / months

Kohavi, Tang & Xu, Trustworthy Online Controlled Experiments, 2020, chapters 5 to 7 are on metrics and what moves them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from course_lib.experiments.events import exact

NODES = ("visits", "click", "conversion", "order_value")
SETTINGS = {  # (default, lowest, highest) or (default, *choices)
    "tree_visits": (100_000, 100, 1_000_000_000),  # a month
    "click_rate": (0.2, 0.001, 1.0),  # visits that click on a recommended product
    "conversion": (0.05, 0.001, 1.0),  # of those, the ones that buy
    "basket_value": (160.0, 0.01, 1_000_000.0),  # currency, of an order
    "profit_margin": (0.25, 0.01, 1.0),
    "node": ("click", "visits", "click", "conversion", "order_value"),
    "lift": (0.1, 0.0, 1.0),  # relative, as estimated
    "spread": (0.5, 0.0, 3.0),  # standard error of the lift, in lifts
    "empty": (0.0, 0.0, 1.0),  # added clicks that buy nothing; of no other node
    "running": (2_000.0, 0.0, 10_000_000.0),  # currency a month
    "building": (30_000.0, 0.0, 100_000_000.0),  # currency, once
    "months": (12, 1, 60),  # over which building it is spread
}
MEASURES = {
    "month_profit": "currency",  # before the change
    "month_gain": "currency",  # expected, after all costs
    "gain_low": "currency",  # 5% of the draws are below
    "gain_high": "currency",  # 5% above
    "loss_chance": "share",  # of draws in which the change costs more than it brings
    "true_lift": "share",  # of the profit
    "break_even": "share",  # the lift of the node at which it pays
}
ASKS: dict[str, Any] = {}
TINY = {"lift": 0.2}

DRAWS = 4000
BINS = 40


def answer(settings: Mapping[str, Any], asked: Mapping[str, Any]) -> dict[str, Any]:
    """Measures, the tree before and after, the draws' histogram, and what the same lift brings at every node.

    ``tree``: ``[{"node", "before", "after"}]``. ``nodes``: ``[{"node", "gain"}]``, the gain before costs. ``bins``:
    ``[{"low", "high", "share"}]`` of the gain. Draws are those of a fixed seed: equal settings, equal answer.
    """
    values = {
        "visits": float(settings["tree_visits"]),
        "click": float(settings["click_rate"]),
        "conversion": float(settings["conversion"]),
        "order_value": float(settings["basket_value"]),
    }
    margin, node, lift = float(settings["profit_margin"]), str(settings["node"]), float(settings["lift"])
    worth = worth_of(node, float(settings["empty"]))
    profit = float(np.prod(list(values.values()))) * margin
    cost = float(settings["running"]) + float(settings["building"]) / int(settings["months"])
    draws = np.random.default_rng(0).normal(lift, float(settings["spread"]) * lift, DRAWS)
    gains = profit * worth * draws - cost
    low, high = np.quantile(gains, [0.05, 0.95])
    measures = {
        "month_profit": profit,
        "month_gain": profit * worth * lift - cost,
        "gain_low": float(low),
        "gain_high": float(high),
        "loss_chance": float((gains < 0).mean()),
        "true_lift": worth * lift,
    }
    if worth:  # nothing but empty clicks never pays
        measures["break_even"] = cost / (profit * worth)
    return {
        "measures": {name: exact(value) for name, value in measures.items()},
        "tree": tree(values, margin, node, lift, worth),
        "nodes": [{"node": one, "gain": profit * lift * worth_of(one, float(settings["empty"]))} for one in NODES],
        "bins": histogram(gains),
        "cost": cost,
    }


def worth_of(node: str, empty: float) -> float:
    """What a lift of a node is worth to the product, as a share of the lift."""
    return 1.0 - empty if node == "click" else 1.0


def tree(values: Mapping[str, float], margin: float, node: str, lift: float, worth: float) -> list[dict[str, Any]]:
    """Each node before and after; the product of the nodes after is the profit after."""
    after = dict(values)
    after[node] *= 1 + lift
    if node == "click":  # the same buyers and the added willing ones, among more clicks
        after["conversion"] *= (1 + lift * worth) / (1 + lift)
    rows = [{"node": one, "before": values[one], "after": after[one]} for one in NODES]
    before, later = (float(np.prod(list(side.values()))) * margin for side in (values, after))
    return [*rows, {"node": "profit", "before": before, "after": later}]


def histogram(gains: np.ndarray[Any, np.dtype[np.float64]]) -> list[dict[str, float]]:
    """Shares of the draws by gain; one bin where all are equal."""
    if float(np.ptp(gains)) == 0.0:
        return [{"low": float(gains[0]), "high": float(gains[0]), "share": 1.0}]
    counts, edges = np.histogram(gains, BINS)
    return [
        {"low": float(edges[n]), "high": float(edges[n + 1]), "share": float(counts[n]) / len(gains)}
        for n in range(BINS)
    ]
