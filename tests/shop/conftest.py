"""The published shop, and one with blocks so small that several cost little."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from course_lib.data import registry
from course_lib.data.dataset import Dataset
from course_lib.shop import simulate as simulator
from course_lib.shop.published import shop
from course_lib.shop.simulate import Block
from course_lib.shop.world import World


@pytest.fixture(scope="session")
def world() -> World:
    """The shop as published."""
    return shop()


@pytest.fixture(scope="session")
def dataset() -> Dataset:
    """Its smallest size, as every other room gets it."""
    return registry.load(registry.resolve("shop", "tiny"))


@pytest.fixture(scope="session")
def block(world: World) -> Block:
    """Its first shoppers, the truth included."""
    return next(simulator.simulate(world, simulator.BLOCK))


@pytest.fixture
def blocks_of(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """``blocks_of(50)`` simulates 50 shoppers at a time for the rest of a test."""

    def change(shoppers: int) -> None:
        monkeypatch.setattr(simulator, "BLOCK", shoppers)

    return change
