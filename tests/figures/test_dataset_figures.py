"""The figures of a dataset and of the shop's truth: every number equals the same count done the slow way."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest

from course_lib.figures.datasets import BINS, activity_histogram, popularity_curve, top_share
from course_lib.figures.products import shelf
from course_lib.figures.truth import coupon_classes, next_chances, position_effect, traits


@pytest.mark.parametrize("spread", [1, 4, 30, 900])
def test_the_histogram_counts_every_shopper_once(spread: int) -> None:
    counts = np.random.default_rng(spread).geometric(1 / (3 * spread), 700) + 2
    frame = activity_histogram(counts, "en").frame
    assert len(frame) <= BINS + 1
    for row in frame.to_dict("records"):
        assert row["shoppers"] == sum(row["low"] <= count <= row["high"] for count in counts.tolist())
        assert row["share"] == pytest.approx(row["shoppers"] / 700)
    assert frame["shoppers"].sum() == 700
    assert (frame["low"].iloc[1:].to_numpy() == frame["high"].iloc[:-1].to_numpy() + 1).all()  # no gap, no overlap


def test_the_last_bin_is_named_as_open() -> None:
    plot = activity_histogram(np.array([3] * 200 + [4] * 200 + [5, 900]), "en").plot()
    assert plot["layout"]["xaxis"]["ticktext"][-1] == "≥ 5"
    assert plot["data"][0]["y"] == [200, 200, 2]


@pytest.mark.parametrize("counts", [[9] * 120, [3] * 5 + [4] * 9])
def test_the_note_above_the_bars_stands_on_none(counts: list[int]) -> None:
    plot = activity_histogram(np.array(counts), "en").plot()
    low, high = plot["layout"]["yaxis"]["range"]
    assert low == 0
    assert max(plot["data"][0]["y"]) <= 0.9 * high


def test_the_popularity_curve_against_sorting_by_hand(items: pd.DataFrame) -> None:
    counts = np.array([0, 9, 1, 0, 30, 9, 2, *range(17)])
    figure = popularity_curve(counts, shelf(items).titles("en"), "en")
    falling = sorted(counts.tolist(), reverse=True)
    assert figure.frame["purchases"].tolist() == falling
    assert counts[figure.frame["item_id"] - 1].tolist() == falling
    assert figure.frame["share"].tolist() == pytest.approx([sum(falling[: n + 1]) / sum(falling) for n in range(24)])
    assert figure.frame["drawn"].tolist() == [count > 0 for count in falling]
    top = sum(falling[:3]) / sum(falling)  # a tenth of 24 products, rounded up
    assert top_share(counts) == pytest.approx(top)
    assert f"{top:.0%}" in figure.alt
    assert math.isnan(top_share(np.zeros(5, int)))


def test_a_long_curve_draws_a_part_and_keeps_both_ends() -> None:
    counts = np.random.default_rng(0).zipf(1.5, 30_000).clip(0, 10_000)
    figure = popularity_curve(counts, np.array([""] * 30_000, dtype=object), "en")
    drawn = figure.frame[figure.frame["drawn"]]
    assert len(drawn) <= 400
    assert (drawn["rank"].iloc[0], drawn["rank"].iloc[-1]) == (1, 30_000)
    assert len(figure.plot()["data"][0]["x"]) == len(drawn)


def test_chances_are_ranked_and_the_bought_product_is_always_there(items: pd.DataFrame) -> None:
    known = np.linspace(0, 1, 24) ** 2 / 10
    frame = next_chances(items, known, known[::-1], 2, "en").frame
    order = sorted(range(24), key=lambda row: -known[row])
    assert frame["item_id"].tolist() == [*(row + 1 for row in order[:8]), 2]
    assert frame["rank"].tolist() == [*range(1, 9), 23]
    assert frame["known"].tolist() == pytest.approx([known[item - 1] for item in frame["item_id"]])
    assert frame["filtered"].tolist() == pytest.approx([known[24 - item] for item in frame["item_id"]])
    assert frame.loc[frame["bought"], "item_id"].tolist() == [2]
    assert len(next_chances(items, known, known, 24, "en").frame) == 8  # among the first: not drawn twice


def test_traits_beyond_the_axis_stand_at_its_edge_and_keep_their_number() -> None:
    figure = traits([5.0, -0.25], -4.0, "en")
    assert figure.frame["value"].tolist() == [5.0, -0.25, -4.0]
    assert figure.plot()["data"][0]["x"] == [3.0, -0.25, -3.0]
    assert "+5.0" in figure.alt


def test_a_class_that_nobody_is_in_has_a_cell() -> None:
    classes = ["lost cause", "persuadable", "sleeping dog", "sure thing"]
    rows = pd.DataFrame(
        {"campaign": "a", "shopper_class": classes, "shoppers": [9, 1, 0, 0], "share": [0.9, 0.1, 0, 0]}
    )
    cells = coupon_classes(rows, {"a": "mugs"}, "en").plot()["data"][0]
    assert cells["text"] == [["10.0%", "0.0%", "0.0%", "90.0%"]]
    assert cells["y"] == ["mugs"]


def test_positions_show_log_and_truth_apart(make: Any) -> None:
    rows = pd.DataFrame(
        {"position": [1, 2], "rate": [0.3, 0.1], "low": [0.2, 0.0], "high": [0.4, 0.2], "truth": [0.25, 0.15]}
    )
    bars, line = position_effect(rows, "en").plot()["data"]
    assert (bars["y"], line["y"]) == ([0.3, 0.1], [0.25, 0.15])
    assert bars["error_y"]["array"] == pytest.approx([0.1, 0.1])
