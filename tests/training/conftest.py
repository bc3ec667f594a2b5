"""The smallest shop and its split, one thread."""

from __future__ import annotations

import pytest

from course_lib.data import registry
from course_lib.data.dataset import Dataset
from course_lib.data.histories import Split
from course_lib.data.splits import leave_one_out
from course_lib.training.checkpoint import one_thread


@pytest.fixture(autouse=True, scope="session")
def single() -> None:
    """As in the workers: equal bits need one order of sums."""
    one_thread()


@pytest.fixture(scope="session")
def dataset() -> Dataset:
    """The smallest shop."""
    return registry.load(registry.resolve("shop", "tiny"))


@pytest.fixture(scope="session")
def split(dataset: Dataset) -> Split:
    """Its leave-one-out split."""
    return leave_one_out(dataset)
