"""Recorded runs: what a lesson plays before anybody has trained, small enough to ship, made by a command.

``[recorded]`` in lesson.toml says which lab's run and which histories it is asked, or, where the lab is a list of runs
that are asked about products, of which product types one each is asked; ``python -m course_lib record`` makes the runs
and writes ``lessons/<id>/recorded.json``. Pages say that it is recorded; a test fails when it is stale.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from course_lib.course.problems import Table
from course_lib.errors import CourseError
from course_lib.settings import PROJECT

FILE = "recorded.json"
LISTED = 5  # products of each recorded list
NEAR = 10  # neighbours of each recorded product


@dataclass(frozen=True)
class RecordedHistory:
    """One history that the recorded run is asked."""

    id: str
    types: tuple[str, ...]  # product types, oldest first; the first product of each is meant


@dataclass(frozen=True)
class RecordedPlan:
    """What is to be recorded for a lesson."""

    lab: str
    questions: Mapping[str, str]  # what the learner is asked before pressing the button
    histories: tuple[RecordedHistory, ...]  # two: the button swaps them; none where products are asked about
    products: tuple[str, ...] = ()  # product types, the first product of each is meant
    runs: tuple[str, ...] = ()  # of a lab that compares, those that are played


def read_recorded_plan(table: Table) -> RecordedPlan:
    """``[recorded]`` of lesson.toml; what is wrong goes to the table's problems."""
    lab, questions = table.text("lab"), table.texts("question")
    rows = table.tables("history")
    histories = []
    for row in rows:
        types = row.value("types", (list,), "array", [])
        histories.append(RecordedHistory(row.identifier(), tuple(map(str, types))))
        row.finish()
    products = tuple(map(str, table.value("products", (list,), "array", [], needed=False)))
    runs = tuple(map(str, table.value("runs", (list,), "array", [], needed=bool(products))))
    if len(histories) != 2 and not products:
        table.problem("lesson_recorded_two", field=table.at("history"), count=len(histories))
    table.finish()
    return RecordedPlan(lab, questions, tuple(histories), products, runs)


def read_recorded(lesson: str, lessons: Path = PROJECT / "lessons") -> Mapping[str, Any]:
    """What was recorded for a lesson: ``run``, ``frames`` (``epoch`` and ``score``), ``lines`` and ``histories``.

    Of products: ``runs`` (names by their ids in the lab) and ``products`` (``item`` and ``near``, items by run).
    Raises CourseError ``recorded_missing`` where there is no such file or it cannot be read.
    """
    path = lessons / lesson / FILE
    try:
        return _read(path, path.stat().st_mtime_ns)
    except (OSError, ValueError, KeyError, TypeError):
        raise CourseError("recorded_missing", lesson=lesson) from None


@functools.lru_cache(maxsize=32)
def _read(path: Path, changed: int) -> Mapping[str, Any]:
    record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    if "products" in record:
        if not record["products"] or any(set(one["near"]) != set(record["runs"]) for one in record["products"]):
            raise ValueError("no products, or not one list a run")
    elif not record["frames"] or len(record["histories"]) != 2:
        raise ValueError("no frames or not two histories")
    return record
