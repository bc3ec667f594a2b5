"""Pictures of titles as vectors: what they know by how many numbers, runs side by side, and the map."""

from __future__ import annotations

import pandas as pd

from course_lib.figures.base import Figure, empty
from course_lib.figures.maps import item_map
from course_lib.figures.measure_bars import COLUMNS, in_words, measure_bars, measure_rows
from course_lib.figures.palette import DEPARTMENTS
from course_lib.figures.share_curves import ShareCurve, share_curves
from course_lib.figures.shown import Shown
from course_lib.text import text

CURVES = (
    ("same_type", DEPARTMENTS[0], "solid"),
    ("probe_type", DEPARTMENTS[1], "dash"),
    ("probe_brand", DEPARTMENTS[2], "dashdot"),
    ("probe_price", DEPARTMENTS[11], "dot"),
)
BARS = {  # measure -> its mark; the order of the legend
    "same_type@10": DEPARTMENTS[0], "translated_type@10": DEPARTMENTS[2], "own_translation": DEPARTMENTS[5],
    "probe_price": DEPARTMENTS[11],
}  # fmt: skip


def numbers(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """Neighbours of the same type, and what a probe reads off, by how many numbers a vector has.

    Frame columns: at, numbers (as text), same_type, probe_type, probe_brand, probe_price.
    """
    title = text("item_text.numbers_title", language)
    columns = ["at", "numbers", *(column for column, *_ in CURVES)]
    told = [one for one in (shown.runs[0].of("frame") if shown.runs else ()) if "same_type@10" in one]
    if not told:
        return empty(title, columns, language)
    rows = [
        (one["at"], str(one["numbers"]), one["same_type@10"], *(one.get(column) for column in columns[3:]))
        for one in told
    ]
    frame = pd.DataFrame(rows, columns=columns)
    curves = [
        ShareCurve(column, text(f"item_text.{column}", language), mark, dash)
        for column, mark, dash in CURVES
        if frame[column].notna().all()
    ]
    titles = (text("item_text.axis_numbers", language), text("item_text.axis_share", language))
    draw = share_curves(frame, "numbers", shown.at, curves, titles, 96 if narrow else 54, named=True)
    last = frame.iloc[-1]
    alt = text(
        "item_text.numbers_alt", language, numbers=last["numbers"], type=_share(last["same_type"]),
        probe=_share(last["probe_type"]), price=_share(last["probe_price"]),
    )  # fmt: skip
    return Figure(frame, title, alt, draw, height=380 if narrow else 340, revision="text-numbers")


def knows(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """What each finished run's vectors know, within a language and across, with intervals.

    Frame columns: run, measure, value, low, high.
    """
    title = text("item_text.knows_title", language)
    frame = measure_rows(BARS, shown, "encoder", "same_type@10", language)
    if frame.empty:
        return empty(title, COLUMNS, language)
    names = {measure: text(f"item_text.{measure.removesuffix('@10')}", language) for measure in BARS}
    draw = measure_bars(frame, BARS, names, text("item_text.axis_share", language), 116 if narrow else 54)
    alt = text("item_text.knows_alt", language, runs=in_words(frame, language))
    height = (210 if narrow else 150) + 90 * frame["run"].nunique()
    return Figure(frame, title, alt, draw, height=height, revision="text-knows")


def catalogue(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """Every product where its title stands: two numbers as they are, more by t-SNE; none at the frames between.

    Frame columns as those of ``figures.maps.item_map``.
    """
    if shown.items is None or not (shown.frame or {}).get("map"):
        return empty(text("item_text.map_title", language), ["item_id", "x", "y", "type"], language)
    view = {"map": shown.frame["map"], "epoch": shown.frame["numbers"]}  # type: ignore[index]
    answer = shown.answer or {}
    highlight = {"history": answer.get("history", ()), "top": answer.get("near", ())} if answer.get("near") else None
    return item_map(shown.items, view, highlight, language, narrow=narrow)


def _share(value: float | None) -> str:
    return "–" if value is None or pd.isna(value) else f"{value:.0%}"
