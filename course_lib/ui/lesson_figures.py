"""The figures that a lesson's prose asks for by name, ``{{figure:histories}}``, before anything has been trained."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from course_lib.data.registry import load, resolve
from course_lib.errors import CourseError
from course_lib.figures.attention import order_matters
from course_lib.figures.base import Figure
from course_lib.figures.lists import history_timeline
from course_lib.shop import personas
from course_lib.ui.lab_session import Lab
from course_lib.ui.lab_state import SHOPPERS
from course_lib.ui.live_figure import live_figure
from course_lib.ui.product_search import items_of

SHOP = "shop"  # these pictures always show the simulated shop, whatever the lab is set to


def lesson_figure(lab: Lab, name: str) -> None:
    """Draws the figure ``name``; raises CourseError for a name that no figure has."""
    if name not in FIGURES:
        raise CourseError("unknown_figure", name=name, known=", ".join(FIGURES))
    figure = FIGURES[name](lab.language)
    live_figure(figure, key=lab.key(f"figure.prose.{name}"), height=figure.height)


@functools.cache
def opening_histories() -> tuple[tuple[tuple[int, ...], tuple[float, ...]], ...]:
    """Items and times of the five returning shoppers, oldest first; the shop is generated once per process."""
    events = load(resolve(SHOP)).events
    own = [events[events["user_id"] == user] for user in range(SHOPPERS)]
    return tuple((tuple(one["item_id"].tolist()), tuple(one["timestamp"].tolist())) for one in own)


def histories(language: str) -> Figure:
    """What the five shoppers have bought."""
    shoppers: list[dict[str, Any]] = [
        {"name": persona.name(language), "emoji": persona.emoji, "history": items, "times": times}
        for persona, (items, times) in zip(personas(), opening_histories(), strict=True)
    ]
    return history_timeline(items_of(resolve(SHOP)), shoppers, language)


def mask(language: str) -> Figure:
    """Who may look at whom, with attention spread evenly, as it is before the model has learned anything."""
    items, _ = opening_histories()[0]
    newest = items[-6:]
    even = [[1 / (row + 1) if column <= row else 0.0 for column in range(len(newest))] for row in range(len(newest))]
    return order_matters(items_of(resolve(SHOP)), newest, even, language)


FIGURES: dict[str, Callable[[str], Figure]] = {"histories": histories, "mask": mask}
