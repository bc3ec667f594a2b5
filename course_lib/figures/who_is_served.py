"""Pictures of who is served: NDCG@10 of short and long histories, rare and common products, beside a counted model."""

from __future__ import annotations

import pandas as pd

from course_lib.figures.base import Figure, empty, model_name, three
from course_lib.figures.dots import COLUMNS, dots, height
from course_lib.figures.palette import DEPARTMENTS
from course_lib.figures.shown import Shown
from course_lib.text import text

GROUPS = ("short", "long", "rare", "common")
METRIC = "ndcg@10"


def groups(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """NDCG@10 by group, a mark a finished run, and one for the counted model that is best in validation.

    Frame columns: row (the group), series (the run's number from 0, or "counted"), value, low, high.
    """
    title = text("served.groups_title", language)
    finished = [one for one in shown.runs if (one.result or {}).get("groups")]
    if not finished:
        return empty(title, COLUMNS, language)
    first = finished[0].result or {}
    chosen_by = (finished[0].last("references") or first)["baselines"]
    counted = max(chosen_by, key=lambda name: chosen_by[name][METRIC]["value"])
    names = {"counted": model_name(counted, language)}
    told = {"counted": {name: one["counted"][counted] for name, one in first["groups"].items()}}
    for number, run in enumerate(finished):
        model = str(run.config.settings["model"]) if run.config is not None else str(number + 1)
        names[str(number)] = model_name(model, language)
        told[str(number)] = {name: one["model"] for name, one in (run.result or {})["groups"].items()}
    rows = [
        (text(f"capstone.group_{name}", language), series, *(found[name][end] for end in ("value", "low", "high")))
        for name in GROUPS
        for series, found in told.items()
        if name in found
    ]
    frame = pd.DataFrame(rows, columns=COLUMNS)
    marks = dict(zip(told, DEPARTMENTS, strict=False))
    told_by_row: dict[str, list[str]] = {}
    for row, series, value, *_ in rows:
        told_by_row.setdefault(row, []).append(f"{names[series]} {three(value)}")
    words = "; ".join(f"{row}: {', '.join(parts)}" for row, parts in told_by_row.items())
    alt = text("served.groups_alt", language, groups=words)
    draw = dots(frame, marks, names, "NDCG@10", ".2f", 40)
    return Figure(frame, title, alt, draw, height(frame, 40), revision="who-is-served")
