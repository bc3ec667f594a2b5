"""Journeys: at zero it is the shop as it is; each number does what it says."""

from __future__ import annotations

import numpy as np
import pytest

from course_lib.shop.behaviour import STORE
from course_lib.shop.journeys import Journeys, journeys
from course_lib.shop.published import shop

PEOPLE = 200


@pytest.fixture(scope="module")
def plain() -> Journeys:
    return journeys(shop(), PEOPLE)


def shared_visits(one: Journeys) -> tuple[int, float]:
    """The most shoppers of any device, and the share of the kept shoppers' online visits on a device of two."""
    online = (one.device >= 0) & (one.shopper < PEOPLE)
    pairs = np.unique(np.stack([one.device[online], one.shopper[online]], axis=1), axis=0)
    owners = np.bincount(pairs[:, 0])
    return int(owners.max()), float((owners[one.device[online]] == 2).mean())


def test_purchases_do_not_change_with_what_is_harder(plain: Journeys) -> None:
    hard = journeys(shop(), PEOPLE, 1.0, 1.0, 1.0)
    for name in ("item", "second", "bought_in", "shopper", "channel", "start"):
        np.testing.assert_array_equal(getattr(plain, name), getattr(hard, name))
    assert plain.buyer.max() < PEOPLE
    assert (np.diff(plain.buyer) >= 0).all()


def test_nobody_shares_a_device_unless_asked_to(plain: Journeys) -> None:
    assert shared_visits(plain) == (1, 0.0)
    some, all_of_them = (shared_visits(journeys(shop(), PEOPLE, share)) for share in (0.4, 1.0))
    assert some[0] == all_of_them[0] == 2
    assert 0.1 < some[1] < 0.35 < all_of_them[1]


def test_a_household_is_two_neighbours() -> None:
    one = journeys(shop(), PEOPLE, 1.0)
    online = one.device >= 0
    for device in np.unique(one.device[online])[:200]:
        assert len(np.unique(one.shopper[one.device == device] // 2)) == 1


def test_everybody_who_is_asked_logs_in_but_in_no_store(plain: Journeys) -> None:
    asked = journeys(shop(), PEOPLE, prompted=1.0)
    assert asked.known[asked.channel != STORE].all()
    store = asked.channel == STORE
    np.testing.assert_array_equal(asked.known[store], plain.known[store])


def bought_what_was_viewed(one: Journeys) -> float:
    """The share of online purchases of whose type something had been viewed in the same visit."""
    kind = shop().catalogue.type[one.item - 1]
    seen = set(zip(one.viewed_in.tolist(), one.type.tolist(), strict=True))
    online = np.flatnonzero(one.channel[one.bought_in] != STORE)
    return float(np.mean([(int(one.bought_in[row]), int(kind[row])) in seen for row in online]))


def test_only_who_goes_astray_buys_what_was_not_viewed(plain: Journeys) -> None:
    assert bought_what_was_viewed(plain) == 1.0, "in the shop as it is a view gives the purchase away"
    half, none = (bought_what_was_viewed(journeys(shop(), PEOPLE, astray=share)) for share in (0.5, 1.0))
    assert none < 0.5 < half < 0.9
