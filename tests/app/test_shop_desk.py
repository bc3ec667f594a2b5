"""The processes that make shops: what they answer, what becomes of one that is stopped or dies."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from course_lib.data.intake import store
from course_lib.errors import CourseError
from course_lib.settings import load_settings
from course_lib.shop.made import MadeShop
from course_lib.ui.shop_desk import Making, ShopDesk

PATIENCE_S = 90.0
SMALL = MadeShop.of({"customers": 100})
MUTE = (sys.executable, "-c", "import sys; sys.stdin.readline()")  # takes an order and ends without a word


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[ShopDesk]:
    monkeypatch.setenv("LIVEREC_HOME", str(tmp_path))
    desk = ShopDesk(load_settings())
    yield desk
    desk.close()


def until(there: Callable[[], object]) -> object:
    end = time.monotonic() + PATIENCE_S
    while not (found := there()):
        assert time.monotonic() < end
        time.sleep(0.05)
    return found


def over(desk: ShopDesk) -> Making | None:
    job = desk.making("me")
    return job if job is not None and not job.live else None


def test_a_preview_comes_and_is_kept_and_a_shop_is_made(desk: ShopDesk) -> None:
    assert desk.preview(SMALL, "me") is None  # nobody waits in it
    found = until(lambda: desk.preview(SMALL, "me"))
    assert desk.preview(SMALL, "somebody else") is found
    desk.make(SMALL, "mine", "me")
    job = until(lambda: over(desk))
    assert isinstance(job, Making)
    assert job.error is None
    assert store.find(job.key) is not None
    with pytest.raises(CourseError, match="mine"):
        desk.make(SMALL, "mine", "me")


def test_a_stopped_shop_leaves_nothing_and_the_next_one_is_made(desk: ShopDesk) -> None:
    desk.make(MadeShop.of({"customers": 100_000}), "large", "me")
    with pytest.raises(CourseError, match="large"):
        desk.make(SMALL, "small", "me")
    until(lambda: desk.making("me") and desk.making("me").share > 0)
    desk.stop("me")
    job = until(lambda: over(desk))
    assert isinstance(job, Making)
    assert job.error is not None
    assert job.error.key == "shop_stopped"
    assert not list(store.added("me"))
    desk.taken("me")
    desk.make(SMALL, "small", "me")
    job = until(lambda: over(desk))
    assert isinstance(job, Making)
    assert job.error is None


def test_a_process_that_dies_is_a_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LIVEREC_HOME", str(tmp_path))
    desk = ShopDesk(load_settings(), MUTE)

    def failed() -> bool:
        try:
            desk.preview(SMALL, "me")
        except CourseError as error:
            return error.key == "shop_not_made"
        return False

    until(failed)
    desk.close()
