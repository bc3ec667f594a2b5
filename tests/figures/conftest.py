"""A small shop, a run in several states, and every figure of the room made from them."""

from __future__ import annotations

import math
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from course_lib import figures
from course_lib.figures import Figure, datasets, shop_parts, truth
from course_lib.figures.products import shelf
from tests.figures.list_of_runs import FakeRun

EVIL = '<script>alert("x")</script> & <b>ball</b>'
DAY = 86400


def make_items(size: int = 24) -> pd.DataFrame:
    departments = [("sports", "运动", "Sports"), ("kitchen", "厨具", "Kitchen"), ("pets", "宠物", "Pets")]
    rows = []
    for n in range(size):
        key, zh, en = departments[n % 3]
        rows.append(
            {
                "item_id": n + 1, "item_code": f"P{n + 1}",
                "title_zh": f"商品{n + 1}号", "title_en": f"Product {n + 1}",
                "department": key, "department_zh": zh, "department_en": en, "product_type": f"t{n % 6}",
                "product_type_zh": f"类型{n % 6}", "product_type_en": f"type {n % 6}", "brand": "Brand",
                "price": 10.0 + n, "emoji": "🏀", "colour": "#63C1FD",
            }
        )  # fmt: skip
    frame = pd.DataFrame(rows)
    frame.loc[2, ["title_zh", "title_en", "product_type_zh", "product_type_en"]] = EVIL
    return frame


def score(value: float, half: float = 0.01) -> dict[str, dict[str, float]]:
    return {"ndcg@10": {"value": value, "low": value - half, "high": value + half}}


BASELINES = {"popularity": score(0.05), "item-knn": score(0.15), "markov": score(0.2)}
ORACLE = {"known": score(0.35), "filtered": score(0.3)}


def make_run(epochs: int, total: int = 8, nan_at: int | None = None, steps: int | None = None) -> Any:
    """A run's view after ``epochs`` epochs; -1 is a run of which nothing is known yet."""
    if epochs < 0:
        return FakeRun()
    steps = 10 * epochs if steps is None else steps
    return FakeRun(
        state="running",
        config=SimpleNamespace(settings={"model": "sasrec", "epochs": total}),
        events={
            "plan": ({"of": "step", "steps": 10 * total},),
            "prepared": ({"items": 1000},),
            "references": ({"baselines": BASELINES, "oracle": ORACLE},),
            "score": tuple(
                {"epoch": n, "metrics": score(math.nan if n == nan_at else 0.28 * n / total)} for n in range(epochs + 1)
            ),
            "step": tuple({"at": n + 1, "loss": math.nan if n == nan_at else 7 - n / 50} for n in range(steps)),
        },
    )


def make_view(epoch: int, nan: bool = False) -> dict[str, Any]:
    history = [1, 2, 3, 4, 5]
    top = [item for item in range(6, 20) if item != 9 or epoch > 2][:10]
    shopper = {
        "user": 0, "history": history, "target": 9,
        "top": [{"item": item, "score": 1.0, "p": math.nan if nan else 0.1} for item in top],
        "attention": [[[0.1, 0.1, 0.1, 0.2, math.nan if nan else 0.5], [0.2] * 5]],
    }  # fmt: skip
    x = [math.nan if nan and n == 0 else n * (epoch + 1) / 10 for n in range(24)]
    return {"epoch": epoch, "shoppers": [shopper], "map": {"x": x, "y": [-value for value in x]}}


RESULT = {"metrics": score(0.28), "baselines": BASELINES, "oracle": ORACLE}


def make_lessons(count: int = 14) -> list[Any]:
    groups = ["foundations"] * 2 + ["method"] * 4 + ["applications"] * 8
    return [
        SimpleNamespace(
            id=f"lesson_{n}", order=n, group=groups[n - 1], minutes=45, ready=n <= 3,
            title=lambda language, n=n: f"第 {n} 课" if language == "zh" else f"Lesson {n}",
        )
        for n in range(1, count + 1)
    ]  # fmt: skip


def group_names(language: str) -> dict[str, str]:
    names = {
        "foundations": ("基础", "Foundations"),
        "method": ("方法", "Method"),
        "applications": ("应用", "Applications"),
    }
    return {key: pair[language == "en"] for key, pair in names.items()}


def shoppers(language: str, times: list[float] | None) -> list[dict[str, Any]]:
    name = "小林" if language == "zh" else "Lin"
    return [{"name": name, "emoji": "🧑", "history": [1, 2, 3, 4], "times": times}]


TIMES = [0.0, DAY, 11 * DAY, 61 * DAY]
CHANCES = np.arange(24) / np.arange(24).sum()
POSITIONS = pd.DataFrame(
    {"position": [1, 2], "rate": [0.2, 0.1], "low": [0.1, 0.05], "high": [0.3, 0.15], "truth": [0.2, 0.1]}
)
POLICIES = pd.DataFrame({"policy": ["uniform", "popularity", "personal", "best"], "value": [0.1, 0.2, 0.3, 0.9]})
KINDS = ["lost cause", "persuadable", "sleeping dog", "sure thing"]
COUPONS = pd.DataFrame(
    {"campaign": "a", "shopper_class": KINDS, "shoppers": [90, 5, 1, 4], "share": [0.9, 0.05, 0.01, 0.04]}
)
LIKING = pd.DataFrame(
    {"item_id": [1, 2, 3], "click": [0.1, 0.2, 0.3], "utility": [1.0, 0.0, -1.0], "clickbait": [False, False, True]}
)
GRADES = pd.DataFrame(
    {
        "kind": ["head"] * 4 + ["need"] * 4,
        "grade": [0, 1, 2, 3] * 2,
        "shown": [0, 1, 2, 7, 6, 2, 1, 1],
        "share": [0.0, 0.1, 0.2, 0.7, 0.6, 0.2, 0.1, 0.1],
    }
)
TASTES = pd.DataFrame({"department": ["a", "b"], "poor": ["c", "c"], "correlation": [0.9, 0.4]})
MATRIX = [[1.0], [0.4, 0.6], [0.2, 0.3, 0.5]]
Builder = Callable[[pd.DataFrame, str], Figure]
CASES: dict[str, Builder] = {
    "learning_curve": lambda items, lang: figures.learning_curve(make_run(4), lang),
    "learning_curve-single": lambda items, lang: figures.learning_curve(make_run(0), lang),
    "learning_curve-empty": lambda items, lang: figures.learning_curve(make_run(-1), lang),
    "learning_curve-nan": lambda items, lang: figures.learning_curve(make_run(4, nan_at=4), lang),
    "loss_curve": lambda items, lang: figures.loss_curve(make_run(4), lang),
    "loss_curve-single": lambda items, lang: figures.loss_curve(make_run(1, steps=1), lang),
    "loss_curve-empty": lambda items, lang: figures.loss_curve(make_run(-1), lang),
    "loss_curve-nan": lambda items, lang: figures.loss_curve(make_run(2, nan_at=3), lang),
    "result_bars": lambda items, lang: figures.result_bars(RESULT, "sasrec", lang),
    "result_bars-empty": lambda items, lang: figures.result_bars({}, "sasrec", lang),
    "result_bars-nan": lambda items, lang: figures.result_bars({**RESULT, "metrics": score(math.nan)}, "sasrec", lang),
    "item_map": lambda items, lang: figures.item_map(items, make_view(3), make_view(3)["shoppers"][0], lang),
    "item_map-narrow": lambda items, lang: figures.item_map(
        items, make_view(3), make_view(3)["shoppers"][0], lang, narrow=True
    ),
    "item_map-empty": lambda items, lang: figures.item_map(items, None, None, lang),
    "item_map-nan": lambda items, lang: figures.item_map(items, make_view(3, True), make_view(3)["shoppers"][0], lang),
    "list_by_epoch": lambda items, lang: figures.list_by_epoch(items, [make_view(n) for n in range(5)], 0, lang, 2),
    "list_by_epoch-narrow": lambda items, lang: figures.list_by_epoch(
        items, [make_view(n) for n in range(9)], 0, lang, narrow=True
    ),
    "list_by_epoch-single": lambda items, lang: figures.list_by_epoch(items, [make_view(0)], 0, lang),
    "list_by_epoch-empty": lambda items, lang: figures.list_by_epoch(items, [], 0, lang),
    "list_by_epoch-nan": lambda items, lang: figures.list_by_epoch(items, [make_view(1, True)], 0, lang),
    "attention": lambda items, lang: figures.attention_on_history(
        items, [1, 2, 3, 4, 5], make_view(0)["shoppers"][0]["attention"], lang
    ),
    "attention-empty": lambda items, lang: figures.attention_on_history(items, [], [], lang),
    "attention-nan": lambda items, lang: figures.attention_on_history(
        items, [1, 2, 3, 4, 5], make_view(0, True)["shoppers"][0]["attention"], lang
    ),
    "attention-narrow": lambda items, lang: figures.attention_on_history(
        items, [1, 2, 3], [[[0.2, 0.3, 0.5]] * 4] * 2, lang, narrow=True
    ),
    "attention-most": lambda items, lang: figures.attention_on_history(
        items, [1, 2, 3], [[[0.2, 0.3, 0.5]] * 8] * 6, lang, narrow=True
    ),
    "order_matters": lambda items, lang: figures.order_matters(items, [1, 2, 3], MATRIX, lang),
    "order_matters-narrow": lambda items, lang: figures.order_matters(items, [1, 2, 3], MATRIX, lang, narrow=True),
    "order_matters-nan": lambda items, lang: figures.order_matters(items, [1, 2], [[1.0], [math.nan] * 2], lang),
    "order_matters-bare": lambda items, lang: figures.order_matters(items, [1, 2, 3], None, lang),
    "order_matters-empty": lambda items, lang: figures.order_matters(items, [], [], lang),
    "history_timeline": lambda items, lang: figures.history_timeline(items, shoppers(lang, TIMES), lang),
    "history_timeline-narrow": lambda items, lang: figures.history_timeline(items, shoppers(lang, TIMES), lang, True),
    "history_timeline-untimed": lambda items, lang: figures.history_timeline(items, shoppers(lang, None), lang),
    "history_timeline-empty": lambda items, lang: figures.history_timeline(items, [], lang),
    "activity": lambda items, lang: datasets.activity_histogram(np.array([3, 3, 4, 9, 250]), lang),
    "activity-single": lambda items, lang: datasets.activity_histogram(np.array([7]), lang),
    "activity-empty": lambda items, lang: datasets.activity_histogram(np.array([], int), lang),
    "popularity": lambda items, lang: datasets.popularity_curve(np.arange(24), shelf(items).titles(lang), lang),
    "popularity-single": lambda items, lang: datasets.popularity_curve(np.array([5]), shelf(items).titles(lang), lang),
    "popularity-empty": lambda items, lang: datasets.popularity_curve(
        np.zeros(24, int), shelf(items).titles(lang), lang
    ),
    "traits": lambda items, lang: truth.traits([0.5, -1.0, 9.0], -0.8, lang),
    "chances": lambda items, lang: truth.next_chances(items, CHANCES, CHANCES[::-1], 3, lang),
    "chances-narrow": lambda items, lang: truth.next_chances(items, CHANCES, CHANCES[::-1], 20, lang, narrow=True),
    "positions": lambda items, lang: truth.position_effect(POSITIONS, lang),
    "positions-empty": lambda items, lang: truth.position_effect(POSITIONS.iloc[:0], lang),
    "policies": lambda items, lang: truth.policy_values(POLICIES, lang),
    "policies-empty": lambda items, lang: truth.policy_values(POLICIES.iloc[:0], lang),
    "coupons": lambda items, lang: truth.coupon_classes(COUPONS, {"a": "杯子" if lang == "zh" else "mugs"}, lang),
    "coupons-empty": lambda items, lang: truth.coupon_classes(COUPONS.iloc[:0], {}, lang),
    "liking": lambda items, lang: truth.clicks_and_utility(LIKING, items, -0.5, lang),
    "liking-empty": lambda items, lang: truth.clicks_and_utility(LIKING.iloc[:0], items, math.nan, lang),
    "grades": lambda items, lang: shop_parts.result_grades(GRADES, lang),
    "grades-empty": lambda items, lang: shop_parts.result_grades(GRADES.iloc[:0], lang),
    "tastes": lambda items, lang: shop_parts.shared_taste(TASTES, {"a": "水" if lang == "zh" else "water"}, lang),
    "tastes-empty": lambda items, lang: shop_parts.shared_taste(TASTES.iloc[:0], {}, lang),
    "course_map": lambda items, lang: figures.course_map(make_lessons(), {"lesson_1": 0.4}, lang, group_names(lang)),
    "course_map-narrow": lambda items, lang: figures.course_map(
        make_lessons(), {"lesson_1": 1.0}, lang, group_names(lang), narrow=True
    ),
    "course_map-empty": lambda items, lang: figures.course_map([], {}, lang, {}),
}


@pytest.fixture(scope="session")
def items() -> pd.DataFrame:
    return make_items()


@pytest.fixture(params=sorted(CASES))
def case(request: pytest.FixtureRequest) -> Builder:
    return CASES[request.param]


@pytest.fixture(scope="session")
def make() -> Any:
    """The makers above, for tests that need a particular state."""
    return SimpleNamespace(
        items=make_items, run=make_run, view=make_view, lessons=make_lessons, groups=group_names, score=score,
        result=RESULT, matrix=MATRIX, times=TIMES, shoppers=shoppers, evil=EVIL,
    )  # fmt: skip
