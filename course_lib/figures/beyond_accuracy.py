"""Pictures of what lists are beyond accuracy: models side by side, what steering costs, one shopper's proportions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from course_lib.data.columns import Columns
from course_lib.figures.base import Figure, Plot, axis, empty, model_name, plotly_text, three
from course_lib.figures.palette import DEPARTMENTS, Theme
from course_lib.figures.share_curves import ShareCurve, share_curves
from course_lib.figures.shown import Shown
from course_lib.figures.steered_frontier import frontier_traces, weight_rows
from course_lib.figures.strips import COLUMNS, Strip, in_words, strip_rows, strips, strips_height
from course_lib.text import text

BETTER = {  # which way each measure is better, where it is
    "ndcg@10": "up", "coverage": "", "gini": "", "novelty": "", "diversity": "", "serendipity": "up",
    "miscalibration": "down", "lift_niche": "",
}  # fmt: skip
WAYS = ("calibration", "popularity")
MARKS = dict(zip(WAYS, DEPARTMENTS, strict=False))
DASHES = {"calibration": "solid", "popularity": "dash"}
PANELS = ("coverage", "miscalibration")
LEGEND = {"orientation": "h", "x": 0, "y": 1.01, "yanchor": "bottom", "font": {"size": 12}}


def measure_name(measure: str, language: str) -> str:
    """A measure's name as pictures and tables have it."""
    return text(f"measure.{measure.replace('@', '_at_')}", language)


def profile(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """Every measure of each finished run: a strip a measure, a mark a run.

    Frame columns: run, model, measure, value, low, high.
    """
    title = text("beyond.profile_title", language)
    frame = strip_rows(tuple(BETTER), shown, "gini", language)
    if frame.empty:
        return empty(title, COLUMNS, language)
    names = {measure: measure_name(measure, language) for measure in BETTER}
    names["coverage"] = text("beyond.axis_coverage", language)
    kinds = [Strip(measure, names[measure], better) for measure, better in BETTER.items()]
    runs = frame["run"].nunique()
    top = 34 + 22 * -(-runs // (2 if narrow else 5))
    alt = text("beyond.profile_alt", language, measures=in_words(frame, names, language))
    return Figure(
        frame, title, alt, strips(frame, kinds, language, top), strips_height(frame, top), revision="beyond-profile"
    )


def frontier(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """Coverage and miscalibration against NDCG@10 at every weight, the slider's point ringed.

    Frame columns: rerank, weight, ndcg, coverage, miscalibration, asked (whether the slider stands there).
    """
    title = text("beyond.frontier_title", language)
    columns = ["rerank", "weight", "ndcg", *PANELS, "asked"]
    rows = weight_rows(shown.runs, "rerank")
    if not rows:
        return empty(title, columns, language)
    here = (str((shown.answer or {}).get("rerank")), (shown.answer or {}).get("weight"))
    frame = pd.DataFrame(
        [
            (one["rerank"], one["weight"], *(_value(one, name) for name in ("ndcg@10", *PANELS)),
             (one["rerank"], one["weight"]) == here)
            for one in rows
        ],
        columns=columns,
    )  # fmt: skip

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        data = frontier_traces(frame, "rerank", PANELS, MARKS, DASHES, page, language)
        return data, {
            "showlegend": True,
            "legend": LEGEND,
            "xaxis": axis(page, "", domain=[0, 1], anchor="y", matches="x2", showticklabels=False),
            "xaxis2": axis(page, measure_name("ndcg@10", language), domain=[0, 1], anchor="y2"),
            "yaxis": axis(page, text("beyond.axis_coverage", language), domain=[0.54, 1], tickformat=".0%"),
            "yaxis2": axis(page, text("beyond.axis_miscalibration", language), domain=[0, 0.46], anchor="x2",
                           rangemode="tozero"),
            "margin": {"l": 58, "t": 76 if narrow else 54},
        }  # fmt: skip

    alt = text("beyond.frontier_alt", language, ways=_ends(frame, language))
    return Figure(frame, title, alt, draw, height=460 if narrow else 420, revision="beyond-frontier")


def proportions(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """What a shopper has bought, and is shown by the model's own list and by the steered one, by category.

    Frame columns: category, history, before, after.
    """
    title, columns = text("beyond.proportions_title", language), ["category", "history", "before", "after"]
    rows = (shown.answer or {}).get("categories") or []
    if not rows:
        return empty(title, columns, language)
    frame = pd.DataFrame(
        [(_category(shown, str(one["category"]), language), *(one[name] for name in columns[1:])) for one in rows],
        columns=columns,
    )
    names = {name: text(f"beyond.{name}", language) for name in columns[1:]}

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        data: list[Plot] = [
            {
                "type": "bar", "orientation": "h", "name": names[column],
                "y": frame["category"].map(plotly_text).tolist(), "x": frame[column].tolist(),
                "marker": {"color": mark.colour(page)},
                "hovertemplate": "%{y}: %{x:.0%}<extra>%{fullData.name}</extra>",
            }
            for column, mark in zip(columns[1:], (DEPARTMENTS[11], DEPARTMENTS[1], DEPARTMENTS[0]), strict=True)
        ]  # fmt: skip
        return data, {
            "barmode": "group",
            "showlegend": True,
            "legend": LEGEND,
            "xaxis": axis(page, text("beyond.axis_share", language), tickformat=".0%", range=[0, 1.02]),
            "yaxis": axis(page, autorange="reversed", automargin=True),
            "margin": {"t": 76 if narrow else 54},
        }

    said = text("figures.list_comma", language).join(
        f"{row.category} {row.history:.0%} / {row.before:.0%} / {row.after:.0%}" for row in frame.itertuples()
    )
    alt = text("beyond.proportions_alt", language, categories=said)
    return Figure(frame, title, alt, draw, height=140 + 52 * len(frame), revision="beyond-proportions")


def gini(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """The Gini coefficient of each run's lists and of the shop's purchases, by how many of either are counted.

    Frame columns: run, sales, gini. The purchases are the row of the name that the picture gives them.
    """
    title, columns = text("beyond.gini_title", language), ["run", "sales", "gini"]
    rows: list[tuple[str, int, float]] = []
    names = [*shown.names, *[""] * len(shown.runs)]
    curves = [((run.result or {}).get("gini_curve"), name) for run, name in zip(shown.runs, names, strict=False)]
    known = [(curve, name or _called(shown, number, language)) for number, (curve, name) in enumerate(curves) if curve]
    if not known:
        return empty(title, columns, language)
    for curve, name in known:
        rows += [(name, int(one["sales"]), float(one["gini"])) for one in curve]
    sold = text("beyond.purchases", language)
    rows += [(sold, int(one["sales"]), float(one["purchases"])) for one in known[0][0]]
    frame = pd.DataFrame(rows, columns=columns)

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        data: list[Plot] = []
        for number, (name, part) in enumerate(frame.groupby("run", sort=False)):
            mark, last = DEPARTMENTS[number % len(DEPARTMENTS)], name == sold
            colour = page.ink if last else mark.colour(page)
            data.append(
                {
                    "type": "scatter", "mode": "lines+markers", "x": part["sales"].tolist(), "y": part["gini"].tolist(),
                    "name": plotly_text(str(name)),
                    "line": {"color": colour, "width": 2.5, "dash": "dot" if last else "solid"},
                    "marker": {"symbol": mark.symbol, "size": 8, "color": colour},
                    "hovertemplate": "%{x:,}: %{y:.3f}<extra>%{fullData.name}</extra>",
                }
            )  # fmt: skip
        return data, {
            "showlegend": True,
            "legend": LEGEND,
            "xaxis": axis(page, text("beyond.axis_sales", language), type="log", dtick=1, tickformat="~s"),
            "yaxis": axis(page, measure_name("gini", language), range=[min(0.4, float(frame["gini"].min())), 1.02]),
            "margin": {"t": 34 + 22 * len(data) if narrow else 76},
        }

    ends = frame.groupby("run", sort=False)["gini"].last()
    said = text("figures.list_comma", language).join(f"{name} {three(float(value))}" for name, value in ends.items())
    alt = text("beyond.gini_alt", language, most=f"{int(frame['sales'].max()):,}", runs=said)
    return Figure(frame, title, alt, draw, height=440 if narrow else 400, revision="beyond-gini")


def epochs(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """NDCG@10, coverage, Gini and diversity by epoch, the frame on show marked. Frame columns: at, epoch, and these."""
    title, columns = text("beyond.epochs_title", language), ["at", "epoch", "ndcg", "coverage", "gini", "diversity"]
    told = [one for one in (shown.runs[0].of("frame") if shown.runs else ()) if "gini" in one]
    if not told:
        return empty(title, columns, language)
    measures = ("ndcg@10", "coverage", "gini", "diversity")
    frame = pd.DataFrame([(one["at"], one["epoch"], *(one.get(name) for name in measures)) for one in told],
                         columns=columns)  # fmt: skip
    frame = frame.dropna(axis="columns")
    curves = [
        ShareCurve(column, measure_name(measure, language), mark, dash)
        for column, measure, mark, dash in zip(
            columns[2:], measures, DEPARTMENTS, ("solid", "dash", "dot", "dashdot"), strict=False
        )
        if column in frame
    ]
    titles = (text("beyond.axis_epoch", language), text("beyond.axis_value", language))
    draw = share_curves(frame, "epoch", shown.at, curves, titles, 100 if narrow else 54)
    last = frame.iloc[-1]
    said = text("figures.list_comma", language).join(f"{one.name} {three(float(last[one.column]))}" for one in curves)
    alt = text("beyond.epochs_alt", language, measures=said)
    return Figure(frame, title, alt, draw, height=400 if narrow else 340, revision="beyond-epochs")


def _called(shown: Shown, number: int, language: str) -> str:
    """A run without a name is called by its model."""
    config = shown.runs[number].config
    return model_name(str(config.settings["model"]), language) if config is not None else str(number + 1)


def _value(row: Mapping[str, Any], measure: str) -> float | None:
    found = row["measures"].get(measure)
    return None if found is None else float(found["value"])


def _ends(frame: pd.DataFrame, language: str) -> str:
    """Where each way begins and ends, for a listener."""
    told = []
    for way, part in frame.groupby("rerank", sort=False):
        ends = [
            " / ".join("–" if pd.isna(row[name]) else three(float(row[name])) for name in ("ndcg", *PANELS))
            for _, row in part.iloc[[0, -1]].iterrows()
        ]
        told.append(f"{text(f'setting.rerank_{way}', language)}: {ends[0]} → {ends[1]}")
    return "; ".join(told)


def _category(shown: Shown, name: str, language: str) -> str:
    """A department's or type's name in the reader's language; its own where the catalogue has none."""
    if shown.items is None:
        return name or text("beyond.no_category", language)
    other = "zh" if language == "zh" else "en"
    for column, named in (
        (Columns.DEPARTMENT, {"zh": Columns.DEPARTMENT_ZH, "en": Columns.DEPARTMENT_EN}[other]),
        (Columns.TYPE, {"zh": Columns.TYPE_ZH, "en": Columns.TYPE_EN}[other]),
    ):
        if column in shown.items and named in shown.items:
            found = shown.items.loc[shown.items[column] == name, named]
            if len(found) and isinstance(found.iloc[0], str) and found.iloc[0]:
                return str(found.iloc[0])
    return name or text("beyond.no_category", language)
