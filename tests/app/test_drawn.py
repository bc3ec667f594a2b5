"""What is made once for everyone, and what is looked up once for a page."""

from __future__ import annotations

import gzip
import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pandas as pd
import pytest

from course_lib.figures.base import Figure
from course_lib.ui import drawn, this_run
from course_lib.ui.this_run import once, one_run, running


def figure(told: list[str]) -> Figure:
    def draw(page: Any) -> tuple[list[Any], dict[str, Any]]:
        told.append("drawn")
        return [{"name": page.ink}], {}

    told.append("made")
    return Figure(pd.DataFrame(), "title", "alt", draw)


@pytest.fixture(autouse=True)
def empty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drawn, "_kept", type(drawn._kept)())


def test_what_many_see_is_drawn_once_a_theme_until_its_source_is_another() -> None:
    told: list[str] = []
    view, later = object(), object()
    first = drawn.shared("curve", view, lambda: figure(told))
    for _ in range(3):
        again = drawn.shared("curve", view, lambda: figure(told))
        assert again is first
        assert again.plot(False)["data"] != again.plot(True)["data"]
    assert told == ["made", "drawn", "drawn"]
    assert drawn.shared("curve", later, lambda: figure(told)) is not first
    assert drawn.shared("other", later, lambda: figure(told)) is not drawn.shared("curve", later, lambda: figure(told))


def test_only_the_last_ones_asked_for_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drawn, "KEPT", 2)
    source, told = object(), []
    one = drawn.shared("one", source, lambda: figure(told))
    drawn.shared("two", source, lambda: figure(told))
    assert drawn.shared("one", source, lambda: figure(told)) is one
    drawn.shared("three", source, lambda: figure(told))
    assert list(drawn._kept) == ["one", "three"]


def test_a_figure_is_packed_once_for_each_way_to_show_it_always_to_the_same_bytes() -> None:
    asked: list[int] = []

    def words(height: int) -> dict[str, Any]:
        asked.append(height)
        return {"height": height, "alt": "地图"}

    one = drawn.Drawn(figure([]))
    packed = [one.packed(height, lambda height=height: words(height)) for height in (300, 300, 400)]
    assert asked == [300, 400]
    assert packed[0] == packed[1] == drawn.packed({"height": 300, "alt": "地图"})
    assert json.loads(gzip.decompress(packed[2])) == {"height": 400, "alt": "地图"}


def test_a_run_asks_once_and_forgets_at_its_end() -> None:
    asked: list[str] = []

    def ask() -> int:
        asked.append("?")
        return len(asked)

    assert [once("n", ask), once("n", ask)] == [1, 2]  # outside a run
    with one_run():
        assert [once("n", ask), once("n", ask)] == [3, 3]
        with one_run():  # a part of it
            assert once("n", ask) == 3
        assert once("n", ask) == 3
        assert running()
    with pytest.raises(ZeroDivisionError), one_run():
        once("broken", lambda: 1 // 0)
    assert not running()
    assert once("n", ask) == 4


def test_pages_are_drawn_one_after_the_other_but_none_waits_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(this_run, "PATIENCE_S", 30.0)
    inside, most = [0], [0]

    def page() -> None:
        with one_run():
            inside[0] += 1
            most[0] = max(most[0], inside[0])
            time.sleep(0.002)
            inside[0] -= 1

    with ThreadPoolExecutor(8) as pool:
        for done in [pool.submit(page) for _ in range(24)]:
            done.result(timeout=30)
    assert most == [1]

    monkeypatch.setattr(this_run, "PATIENCE_S", 0.01)
    with one_run(), ThreadPoolExecutor(1) as pool:  # this page hangs
        pool.submit(page).result(timeout=30)
        assert running()
    monkeypatch.setattr(this_run, "PATIENCE_S", 30.0)
    page()  # whoever went in without a turn has not given one back
    assert most == [1]
