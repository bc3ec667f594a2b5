"""Refresh interval: the closed forms against draws, and the ends of the scale."""

from __future__ import annotations

import numpy as np
import pytest

from course_lib.experiments import refresh_interval as refresh
from course_lib.experiments.light import answer_light


@pytest.mark.parametrize(("every", "lag"), [(60.0, 0.0), (300.0, 0.0), (3600.0, 200.0), (86_400.0, 3600.0)])
def test_the_shares_are_those_of_drawn_gaps(every: float, lag: float) -> None:
    rng = np.random.default_rng(0)
    visit = rng.uniform(refresh.NEAR, refresh.FAR, 200_000)
    mean = 7 * refresh.DAY * np.exp(refresh.SPREAD * rng.standard_normal(400_000))
    later = rng.exponential(mean)
    for gaps, found in (
        (visit, refresh.in_visit(every, lag)),
        (later, refresh.between_visits(every, lag, 7.0)),
    ):
        since = rng.uniform(0, every, len(gaps))  # since the last refresh, which read what was lag seconds old
        assert found == pytest.approx(float((gaps < since + lag).mean()), abs=0.004)


def test_a_shop_where_nobody_buys_twice_a_visit_can_wait() -> None:
    told = answer_light("refresh_interval", {"same_visit": 0.0, "every": 1440})["measures"]
    assert told["unread_last"] == told["unread_later"]
    assert told["unread_last"]["value"] < 0.15 < told["unread_visit"]["value"]
    assert told["refreshes"]["value"] == 1


def test_refreshing_more_often_never_reads_less() -> None:
    curve = answer_light("refresh_interval", {})["curve"]
    for name in ("visit", "later", "all"):
        shares = [one[name] for one in curve]
        assert shares == sorted(shares)
        assert 0 <= shares[0] <= shares[-1] <= 1
