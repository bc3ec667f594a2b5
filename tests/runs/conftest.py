"""Runs without torch and without data: a fake worker, a home of each test's own, configurations made by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytest.register_assert_rewrite("contract")
from run_helpers import FAKE

from course_lib.data.dataset import Address
from course_lib.errors import CourseError
from course_lib.experiments import config as config_module
from course_lib.runs.local import LocalRuns
from course_lib.runs.store import RunStore
from course_lib.settings import Settings


@pytest.fixture(autouse=True, scope="module")
def one_dataset() -> Iterator[None]:
    """The registry knows one dataset; its loaders are not these tests' business."""

    def resolve(name: str, size: str | None = None) -> Address:
        if name != "shop":
            raise CourseError("unknown_dataset", name=name, known="shop")
        return Address("shop", size or "tiny", "0" * 12)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(config_module, "resolve", resolve)
        yield


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    home = tmp_path / "home"
    return Settings(home=home, database_url="sqlite://", workers=1, run_bytes=10 * 2**20)


@pytest.fixture
def store(settings: Settings) -> RunStore:
    settings.runs.mkdir(parents=True)
    return RunStore(settings)


@pytest.fixture
def open_runs(settings: Settings) -> Iterator[Callable[..., LocalRuns]]:
    """Opens LocalRuns with the fake worker; closes all at the end."""
    opened: list[LocalRuns] = []

    def open_one(command: tuple[str, ...] = FAKE, of: Settings = settings, **options: float) -> LocalRuns:
        opened.append(LocalRuns(of, command=command, **options))
        return opened[-1]

    yield open_one
    for runs in opened:
        runs.close()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, one_dataset: None) -> Iterator[LocalRuns]:
    """One LocalRuns with two workers for all tests that leave it as it was; each uses configurations of its own."""
    home = tmp_path_factory.mktemp("shared")
    runs = LocalRuns(Settings(home=home, database_url="sqlite://", workers=2, run_bytes=10 * 2**20), command=FAKE)
    yield runs
    runs.close()
