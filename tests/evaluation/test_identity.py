"""Identity: whose history a visit is added to, on two shoppers of one household whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest

from course_lib.evaluation.identity import Identity, linked
from course_lib.shop.behaviour import APP, STORE, WEB
from course_lib.shop.journeys import Journeys

# Shopper 0 and 1 share the app's device 0; shopper 0 alone has the web's device 1. A purchase a visit, numbered alike.
VISITS = [  # shopper, channel, device, logged in
    (0, APP, 0, True),
    (1, APP, 0, True),
    (0, APP, 0, False),  # a guest after shopper 1's login: "last" takes 0 for 1
    (0, WEB, 1, True),
    (0, STORE, -1, False),
    (0, WEB, 1, False),  # the target of shopper 0
    (1, APP, 0, True),  # the target of shopper 1
]  # fmt: skip


@pytest.fixture
def household() -> Journeys:
    shopper, channel, device, known = (np.array(column) for column in zip(*VISITS, strict=True))
    order = np.lexsort((np.arange(len(VISITS)), shopper))
    none = np.empty(0, np.int64)
    return Journeys(
        2, shopper, channel, np.arange(len(VISITS)) * 100, device, known.astype(bool), order,
        (order + 1).astype(np.int32), order * 100 + 10, none, none, none,
    )  # fmt: skip


def read(household: Journeys, way: str, wrong: float = 0.0, sole: bool = False) -> list[list[int]]:
    """Products read before each target, as visits: that of shopper 0, then that of shopper 1."""
    histories = Identity.of(household, way, wrong, sole, 1).test().histories
    return [(history - 1).tolist() for history in histories]


@pytest.mark.parametrize(
    ("way", "zero", "one"),
    [
        ("true", [0, 2, 3, 4], [1]),
        ("stitched", [0, 3], [1, 2]),  # a stranger's purchase is read, and two own ones are not
        ("devices", [], [1]),  # the guest's own device alone
        ("known", [], [1]),
        ("apart", [], [1]),
        ("app", [0, 2], [1]),
        ("web", [3], []),
    ],
)
def test_each_way_reads_what_it_knows(household: Journeys, way: str, zero: list[int], one: list[int]) -> None:
    assert read(household, way) == [zero, one]


def test_strangers_and_missing_are_shares_of_what_is_read_and_owned(household: Journeys) -> None:
    strangers, missing = Identity.of(household, "stitched", 0.0, False, 1).strangers_and_missing()
    assert strangers.tolist() == [0, 1 / 2]
    assert missing.tolist() == [2 / 4, 0]
    for found in Identity.of(household, "true", 0.0, False, 1).strangers_and_missing():
        assert not found.any()


def test_only_a_device_with_one_account_is_sole(household: Journeys) -> None:
    link = linked(household, 0.0, True, 1)
    assert link[[0, 1, 2, 6]].tolist() == [-1] * 4
    assert link[[3, 5]].tolist() == [0, 0]
    assert read(household, "stitched", sole=True) == [[0, 3], [1]], "no stranger is read any more"


def test_a_store_has_no_device_and_is_never_linked(household: Journeys) -> None:
    assert linked(household, 1.0, False, 1)[4] == -1


def test_nobody_logs_in_after_the_moment_that_is_asked_about(household: Journeys) -> None:
    """Device 1 with its login after the target: the guest may not be known by what comes later."""
    swapped = np.array(household.known)
    swapped[3], swapped[5] = False, False
    later = Journeys(**{**vars(household), "known": swapped})
    assert linked(later, 0.0, False, 1)[5] == -1


def test_what_is_learned_from_ends_before_every_target(household: Journeys) -> None:
    train = Identity.of(household, "true", 0.0, False, 1).train()
    assert [(history - 1).tolist() for history in train] == [[0, 2, 3, 4]]
