"""Pictures of what goes with a product: what training changes, and what each method finds."""

from __future__ import annotations

import pandas as pd

from course_lib.figures.base import Figure, empty
from course_lib.figures.measure_bars import COLUMNS, in_words, measure_bars, measure_rows
from course_lib.figures.palette import DEPARTMENTS
from course_lib.figures.share_curves import ShareCurve, share_curves
from course_lib.figures.shown import Shown
from course_lib.text import text

BARS = {"recall@10": DEPARTMENTS[0], "recall_new@10": DEPARTMENTS[2], "same_type": DEPARTMENTS[1]}


def curve(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """Recall@10, coverage and the share of substitutes by epoch, with what counting recalls as a dashed line.

    Frame columns: at, epoch, recall, same_type, coverage (share of all products), counts.
    """
    title = text("bought_together.curve_title", language)
    columns = ["at", "epoch", "recall", "same_type", "coverage", "counts"]
    told = [one for one in (shown.runs[0].of("frame") if shown.runs else ()) if "counts_recall@10" in one]
    if not told:
        return empty(title, columns, language)
    rows = [
        (one["at"], one["epoch"], one["recall@10"], one.get("same_type"), one["coverage"], one["counts_recall@10"])
        for one in told
    ]
    frame = pd.DataFrame(rows, columns=columns)
    drawn = [("recall", DEPARTMENTS[0], "solid"), ("coverage", DEPARTMENTS[2], "dashdot")]
    if frame["same_type"].notna().all():
        drawn.insert(1, ("same_type", DEPARTMENTS[1], "dot"))
    drawn.append(("counts", DEPARTMENTS[11], "dash"))
    curves = [
        ShareCurve(column, text(f"bought_together.{column}", language), mark, dash, level=column == "counts")
        for column, mark, dash in drawn
    ]
    titles = (text("bought_together.axis_epoch", language), text("bought_together.axis_share", language))
    draw = share_curves(frame, "epoch", shown.at, curves, titles, 96 if narrow else 54)
    last = frame.iloc[-1]
    alt = text(
        "bought_together.curve_alt", language, recall=f"{last['recall']:.0%}", coverage=f"{last['coverage']:.0%}",
        counts=f"{last['counts']:.0%}",
    )  # fmt: skip
    return Figure(frame, title, alt, draw, height=380 if narrow else 340, revision="together-curve")


def methods(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """Recall, recall of new products and the share of substitutes of each finished run, with intervals.

    Frame columns: run, measure, value, low, high.
    """
    title = text("bought_together.methods_title", language)
    frame = measure_rows(BARS, shown, "method", "counts_recall@10", language)
    if frame.empty:
        return empty(title, COLUMNS, language)
    names = {measure: text(f"bought_together.{measure.replace('@10', '')}", language) for measure in BARS}
    draw = measure_bars(frame, BARS, names, text("bought_together.axis_share", language), 76 if narrow else 54)
    alt = text("bought_together.methods_alt", language, runs=in_words(frame, language))
    height = 130 + 70 * frame["run"].nunique()
    return Figure(frame, title, alt, draw, height=height, revision="together-methods")
