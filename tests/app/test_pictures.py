"""Pictures are drawn once for all who see the same, and never shown for a run that was trained anew."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from course_lib.figures.base import Figure
from course_lib.figures.shown import Shown
from course_lib.runs.view import RunView
from course_lib.ui import drawn, picture

RUN = RunView("0" * 16, "running")
FRAME = {"shoppers": []}
WHO = {"user": 0, "history": [1, 2], "attention": [[[1.0]]], "top": []}


class Page:
    """What the page is told to draw, and how often a figure was made."""

    def __init__(self) -> None:
        self.made: list[tuple[str, bool]] = []
        self.told: list[tuple[Any, str, Any]] = []
        self.lab: Any = SimpleNamespace(language="en", key=lambda name: f"lab.{name}")

    def make(self, shown: Shown, language: str, narrow: bool = False) -> Figure:
        self.made.append((language, narrow))
        return Figure(pd.DataFrame(), "title?", "alt", lambda theme: ([], {}))

    def draw(self, shown: Shown, place: str = "train") -> Any:
        picture.draw_picture(self.lab, "next_item.attention", shown, place)
        return self.told[-1][0]


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch) -> Page:
    page = Page()
    monkeypatch.setattr(drawn, "_kept", type(drawn._kept)())
    monkeypatch.setattr(picture, "picture", lambda name: page.make)
    monkeypatch.setattr(picture, "live_figure", lambda one, key, narrow: page.told.append((one, key, narrow)))
    return page


def shopper(run: RunView = RUN, frame: Any = FRAME, at: int = 1, **who: Any) -> Shown:
    return Shown((run,), (), at, frame, answer={**WHO, **who})


def test_who_sees_the_same_gets_the_same_figure(page: Page) -> None:
    first = page.draw(shopper())
    assert page.draw(shopper(), "look") is first
    assert page.made == [("en", False), ("en", True)], "wide and narrow, once each"
    (_, one, narrow), (_, other, _) = page.told
    assert one != other, "two places of a page"
    assert narrow is not first


@pytest.mark.parametrize(
    "other",
    [
        shopper(at=2), shopper(user=1), shopper(history=[2, 1]), shopper(frame={"shoppers": []}),
        shopper(run=replace(RUN)), shopper(run=replace(RUN, run_id="1" * 16)), shopper(attention=[]),
        replace(shopper(), settings={"width": 3}), replace(shopper(), runs=(RUN, RUN)),
    ],
    ids=["frame", "shopper", "edit", "frame written anew", "run goes on", "other run", "no answer", "settings", "list"],
)  # fmt: skip
def test_whatever_differs_is_drawn_anew(page: Page, other: Shown) -> None:
    assert page.draw(shopper()) is not page.draw(other)


def test_each_language_has_its_own(page: Page) -> None:
    first = page.draw(shopper())
    page.lab.language = "zh"
    assert page.draw(shopper()) is not first
    assert page.made[-1] == ("zh", True)


def test_a_question_that_failed_once_is_not_kept_in_the_place_of_its_answer(page: Page) -> None:
    """The model may be busy now and answer at the next drawing."""
    failed = page.draw(shopper(attention=[]))
    assert page.draw(shopper()) is not failed


def test_no_more_are_kept_than_said(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drawn, "KEPT", 6)
    for at in range(9):
        page.draw(shopper(at=at))
    assert len(drawn._kept) == 6
