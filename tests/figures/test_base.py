"""Text measures, wrapping, spreading of labels: the small parts that the pictures share."""

from __future__ import annotations

import itertools
import math

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.figures.base import (
    finite,
    metric_name,
    model_name,
    plotly_text,
    shorten,
    span,
    spread,
    three,
    whole_step,
    width_of,
    wrap,
)  # fmt: skip


def test_width_counts_chinese_and_emoji_twice() -> None:
    assert width_of("ball") == 4
    assert width_of("篮球") == 4
    assert width_of("🏀") == 2
    assert width_of("é") == 1


def test_shorten() -> None:
    assert shorten("篮球鞋", 6) == "篮球鞋"
    assert shorten("篮球鞋", 5) == "篮球…"
    assert shorten("running shoes", 9) == "running…"


def test_wrap_breaks_at_spaces_and_between_chinese_characters() -> None:
    assert wrap("Understanding the shopper", 18) == ["Understanding the", "shopper"]
    assert wrap("理解用户的下一步", 8) == ["理解用户", "的下一步"]
    assert wrap("你好，世界", 4) == ["你", "好，", "世界"]  # a line never begins with a comma
    assert wrap("", 8) == [""]


@given(st.lists(st.floats(0, 300), max_size=8))
@settings(max_examples=60, deadline=None, database=None)
def test_spread_keeps_order_and_distance(places: list[float]) -> None:
    moved = spread(places, 14)
    order = sorted(range(len(places)), key=lambda i: places[i])
    steps = [moved[b] - moved[a] for a, b in itertools.pairwise(order)]
    assert all(step >= 14 - 1e-6 for step in steps)


def test_spread_leaves_what_is_far_apart() -> None:
    assert spread([10, 100, 14], 10) == [7, 100, 17]


@pytest.mark.parametrize(("count", "step"), [(1, 1), (8, 1), (9, 2), (100, 20), (25000, 5000), (90000, 100000)])
def test_whole_step(count: float, step: int) -> None:
    assert whole_step(count) == step


def test_numbers() -> None:
    assert finite(math.nan) is None
    assert finite(math.inf) is None
    assert finite(pd.NA) is None
    assert finite(1) == 1.0
    assert three(None) == "–"
    assert three(0.12345) == "0.123"
    assert span(0.1, None) == ""
    assert span(0.1, 0.2) == "0.100–0.200"


def test_names() -> None:
    assert model_name("item-knn", "zh") == "物品近邻"
    assert model_name("my-own", "zh") == "my-own"
    assert metric_name("ndcg@10") == "NDCG@10"
    assert metric_name("recall@10") == "Recall@10"
    assert plotly_text('<b> & "x"') == '&lt;b&gt; &amp; "x"'  # Plotly does not know &quot;
