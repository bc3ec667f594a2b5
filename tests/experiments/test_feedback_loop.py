"""Weeks under a recommender: equal to the plain shop where nobody recommends, and what patience must do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from course_lib.errors import CourseError
from course_lib.experiments import feedback_loop
from course_lib.experiments.config import CONFIG, RunConfig
from course_lib.experiments.events import Folder
from course_lib.experiments.feedback_loop import Sellers, Shop, fair, recommender
from course_lib.shop import recommenders, weeks
from course_lib.shop.published import shop
from course_lib.shop.truth import patience
from course_lib.shop.truth.patience import Patience, week_utilities

PEOPLE = 80


def run(folder: Path, dataset: str = "shop", **settings: Any) -> list[dict[str, Any]]:
    config = RunConfig.make("feedback_loop", {"dataset": (dataset, "tiny")}, settings, 1)
    folder.mkdir(exist_ok=True)
    (folder / CONFIG).write_text(config.to_json(), encoding="utf-8")
    return list(feedback_loop.run(config, Folder(folder)))


def begun() -> Any:
    return weeks.begin(shop(), PEOPLE, 1, warmup=2)


def test_where_nobody_recommends_and_nobody_leaves_it_is_the_plain_shop() -> None:
    ours, plain = Shop(shop(), begun(), 0.0), begun()
    for _ in range(3):
        ours.live(recommender("nothing", shop(), 0.0, 1))
        week = weeks.advance(shop(), plain, None)
        assert ours.sales[-1] == len(week.events)
    assert (ours.life.items == plain.items).all()
    assert (ours.life.taste == plain.taste).all()
    assert ours.stayed == 1.0


def test_the_run_without_a_recommender_equals_its_own_control(tmp_path: Path) -> None:
    told = run(tmp_path, recommender="nothing", weeks=2, people=PEOPLE)
    assert told[-1]["measures"]["gini_over_plain"]["value"] == 0
    for week in (one for one in told if one["kind"] == "week"):
        assert week["revenue"] == week["plain_revenue"]
        assert week["stayed"] == week["plain_stayed"]


def test_whoever_has_left_never_buys_again() -> None:
    life = begun()
    gone = Patience.begin(PEOPLE, 10.0)
    for _ in range(3):
        weeks.advance(shop(), life, None)
        assert life.last is not None
        assert not gone.left[life.last.users].any()
        gone.week(shop(), life)
    assert 0 < gone.left.sum() < PEOPLE


def test_a_price_hurts_from_the_next_week_on(monkeypatch: pytest.MonkeyPatch) -> None:
    life = begun()
    weeks.advance(shop(), life, None)
    dear = (np.arange(PEOPLE), np.ones(PEOPLE), np.full(PEOPLE, -1e6))  # pleased, at a ruinous price
    monkeypatch.setattr(patience, "week_utilities", lambda world, life: dear)
    one = Patience.begin(PEOPLE)
    one.week(shop(), life)
    assert not one.left.any()
    one.week(shop(), life)
    assert one.left.all()


def test_utility_is_that_of_the_shops_truth() -> None:
    from course_lib.shop.truth.satisfaction import expected_utility

    life = begun()
    weeks.advance(shop(), life, None)
    users, without, price = week_utilities(shop(), life)
    assert life.last is not None
    bought = life.last.bought[life.last.bought >= 0]
    nothing = np.zeros((PEOPLE, len(shop().durable)), bool)
    table = expected_utility(shop(), life.first_taste.astype(np.float64), life.budget, nothing)
    told = table[users, bought]
    again = without + price < told - 1e-6  # a second durable, which the table does not know of
    assert (without + price)[~again] == pytest.approx(told[~again], abs=1e-4)
    assert again.mean() < 0.3


def test_random_slates_are_drawn_at_the_share_that_was_asked() -> None:
    life = begun()
    own = recommender("markov", shop(), 0.0, 1)(weeks.log(shop(), life))
    some = recommender("markov", shop(), 0.5, 1)(weeks.log(shop(), life))
    histories = life.histories()
    assert callable(own)
    assert callable(some)
    differs = (np.asarray(own(histories)) != np.asarray(some(histories)))[:, 1:].any(1)
    assert 0.3 < differs.mean() < 0.7


def test_greed_ranks_by_price_times_chance() -> None:
    log = weeks.log(shop(), begun())
    markov, greedy = (recommender(name, shop(), 0.0, 1)(log) for name in ("markov", "greedy"))
    assert callable(markov)
    assert callable(greedy)
    prices = shop().catalogue.items["price"].to_numpy()
    chance, ranked = (np.asarray(one(log.histories))[0, 1:] for one in (markov, greedy))
    sold = chance > 0
    assert sold.sum() > 100
    assert ranked[sold] / chance[sold] == pytest.approx(prices[sold], rel=1e-4)


def test_a_seller_below_its_merit_is_moved_up() -> None:
    ours, sellers = Shop(shop(), begun(), 0.0), Sellers.make(shop())
    ours.shown[sellers.of == 0] = 100.0  # one brand has had all the exposure
    sellers.merit = np.full(len(sellers.names), 1 / len(sellers.names))
    log = weeks.log(shop(), ours.life)
    plain = recommenders.popularity(log)
    moved = fair(recommenders.popularity, sellers, ours, 1.0)(log)
    assert callable(plain)
    assert callable(moved)
    ranks = [pd.Series(np.asarray(one(log.histories))[0, 1:]).rank() for one in (plain, moved)]
    assert ranks[1][sellers.of == 0].mean() < ranks[0][sellers.of == 0].mean()
    assert fair(recommenders.nothing, sellers, ours, 1.0)(log) is None


def test_another_dataset_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CourseError) as caught:
        run(tmp_path, dataset="shop-trends", people=PEOPLE)
    assert caught.value.key == "ab_needs_shop"


def test_no_weeks_are_refused_in_a_sentence() -> None:
    with pytest.raises(CourseError) as caught:
        RunConfig.make("feedback_loop", {"dataset": ("shop", "tiny")}, {"weeks": 0}, 1)
    assert "weeks" in caught.value.text("en")
