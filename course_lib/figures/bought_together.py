"""Pictures of what goes with a product: what training changes, what each method finds, one product."""

from __future__ import annotations

import pandas as pd

from course_lib.data.columns import Columns
from course_lib.figures.base import Figure, Plot, axis, empty, plotly_text, shorten
from course_lib.figures.palette import DEPARTMENTS, Theme
from course_lib.figures.share_bars import COLUMNS, in_words, share_bars, share_rows
from course_lib.figures.share_curves import ShareCurve, share_curves
from course_lib.figures.shown import Shown
from course_lib.text import text

BASKETBALL = "basketball"
BARS = {"recall@10": DEPARTMENTS[0], "recall_new@10": DEPARTMENTS[2], "same_type": DEPARTMENTS[1]}
ROLES = {"same": DEPARTMENTS[1], "department": DEPARTMENTS[0], "other": DEPARTMENTS[11]}


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
    frame = share_rows(BARS, shown, "method", "counts_recall@10", language)
    if frame.empty:
        return empty(title, COLUMNS, language)
    names = {measure: text(f"bought_together.{measure.replace('@10', '')}", language) for measure in BARS}
    draw = share_bars(frame, BARS, names, text("bought_together.axis_share", language), 76 if narrow else 54)
    alt = text("bought_together.methods_alt", language, runs=in_words(frame, language))
    height = 130 + 70 * frame["run"].nunique()
    return Figure(frame, title, alt, draw, height=height, revision="together-methods")


def neighbours(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """The ten neighbours of one product by score: of its type, of its department, of another.

    The product is ``shown.answer["item"]``, else the first basketball, else the first with neighbours. Frame columns:
    item, name, score, role.
    """
    title, columns = text("bought_together.neighbours_title", language), ["item", "name", "score", "role"]
    view, items = shown.frame or {}, shown.items
    lists = view.get("neighbours") or []
    if items is None or not any(lists):
        return empty(title, columns, language)
    kinds = items[Columns.TYPE].astype(str).tolist() if Columns.TYPE in items else [""] * len(items)
    departments = items[Columns.DEPARTMENT].astype(str).tolist() if Columns.DEPARTMENT in items else kinds
    item = (shown.answer or {}).get("item") or _usual(kinds, lists)
    names = items[f"title_{language}"].fillna("").astype(str).tolist()
    rows = []
    for other, score in zip(lists[item - 1], view["scores"][item - 1], strict=True):
        if other > len(items):
            continue
        same, near = (table[other - 1] == table[item - 1] for table in (kinds, departments))
        rows.append((other, names[other - 1], score, "same" if same else "department" if near else "other"))
    if not rows or item > len(items):
        return empty(title, columns, language)
    frame = pd.DataFrame(rows, columns=columns)
    short = 18 if narrow else 40

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        order = list(range(len(frame)))
        data: list[Plot] = []
        for role, mark in ROLES.items():
            part = frame[frame["role"] == role]
            if len(part):
                data.append(
                    {
                        "type": "bar", "orientation": "h", "y": part.index.tolist(), "x": part["score"].tolist(),
                        "name": f"{text(f'bought_together.role_{role}', language)} ({len(part)})",
                        "marker": {"color": mark.colour(page)},
                        "customdata": [plotly_text(name) for name in part["name"]],
                        "hovertemplate": "%{customdata}: %{x:.3~g}<extra></extra>",
                    }
                )  # fmt: skip
        labels = [plotly_text(shorten(name, short)) for name in frame["name"]]
        return data, {
            "showlegend": True,
            "legend": {"orientation": "h", "x": 0, "y": 1.01, "yanchor": "bottom", "font": {"size": 12}},
            "xaxis": axis(page, text("bought_together.axis_score", language)),
            "yaxis": axis(page, tickvals=order, ticktext=labels, range=[len(frame) - 0.5, -0.5], automargin=True),
            "margin": {"t": 76 if narrow else 54},
        }

    count = frame["role"].value_counts()
    told = {role: int(count.get(role, 0)) for role in ROLES}
    alt = text("bought_together.neighbours_alt", language, product=names[item - 1], **told)
    return Figure(frame, title, alt, draw, height=420, revision="together-neighbours")


def _usual(kinds: list[str], lists: list[list[int]]) -> int:
    """The first basketball that has neighbours, else the first product that has some."""
    some = [n for n, row in enumerate(lists, 1) if row]
    return next((n for n in some if n <= len(kinds) and kinds[n - 1] == BASKETBALL), some[0])
