"""Answers of light experiments, given in the process that asks: pure, without torch, in under 100 ms."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

from course_lib.errors import CourseError
from course_lib.experiments.catalogue import check_asked, experiment_card


def answer_light(name: str, settings: Mapping[str, Any], asked: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """What the light experiment ``name`` says of ``settings``; both are checked first.

    Raises CourseError for a bad value, and ``experiment_not_light`` for one that has to be run.
    """
    card = experiment_card(name)
    if not card.light:
        raise CourseError("experiment_not_light", name=name)
    module = importlib.import_module(card.module)
    found: dict[str, Any] = module.answer(card.check(settings), check_asked(card, asked or {}))
    return found
