"""Pictures of satisfaction: who leads in what, what contentment costs, and the truth behind one list."""

from __future__ import annotations

import pandas as pd

from course_lib.data.columns import Columns
from course_lib.figures.base import Figure, Plot, axis, empty, plotly_text, shorten, three
from course_lib.figures.beyond_accuracy import LEGEND, measure_name
from course_lib.figures.palette import DEPARTMENTS, Theme
from course_lib.figures.shown import Shown
from course_lib.figures.steered_frontier import frontier_traces, weight_rows
from course_lib.figures.strips import COLUMNS, Strip, in_words, strip_rows, strips, strips_height
from course_lib.text import text

BETTER = {"ndcg@10": "up", "clicks": "up", "utility": "up", "owned_again": "down"}
WAYS = ("stars", "owned", "ridge")
MARKS = dict(zip(WAYS, DEPARTMENTS, strict=False))
DASHES = dict(zip(WAYS, ("dot", "dash", "solid"), strict=True))
PANELS = ("utility", "clicks")


def models(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """NDCG, clicks, true utility and repeated durables of each finished run: a strip a measure, a mark a run.

    Frame columns: run, model, measure, value, low, high.
    """
    title = text("satisfaction.models_title", language)
    frame = strip_rows(tuple(BETTER), shown, "utility", language)
    if frame.empty:
        return empty(title, COLUMNS, language)
    names = {measure: measure_name(measure, language) for measure in BETTER}
    kinds = [Strip(measure, names[measure], better) for measure, better in BETTER.items()]
    runs = frame["run"].nunique()
    top = 34 + 22 * -(-runs // (2 if narrow else 5))
    alt = text("satisfaction.models_alt", language, measures=in_words(frame, names, language))
    return Figure(
        frame,
        title,
        alt,
        strips(frame, kinds, language, top),
        strips_height(frame, top),
        revision="satisfaction-models",
    )


def frontier(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """True utility and clicks against NDCG@10 at every weight, by what the stars are learned from; the slider's point
    ringed.

    Frame columns: by, weight, ndcg, utility, clicks, asked (whether the slider stands there).
    """
    title, columns = text("satisfaction.frontier_title", language), ["by", "weight", "ndcg", *PANELS, "asked"]
    rows = weight_rows(shown.runs, "by")
    if not rows:
        return empty(title, columns, language)
    here = (str((shown.answer or {}).get("by")), (shown.answer or {}).get("weight"))
    frame = pd.DataFrame(
        [
            (one["by"], one["weight"], *(float(one["measures"][name]["value"]) for name in ("ndcg@10", *PANELS)),
             (one["by"], one["weight"]) == here)
            for one in rows
        ],
        columns=columns,
    )  # fmt: skip

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        data = frontier_traces(frame, "by", PANELS, MARKS, DASHES, page, language)
        return data, {
            "showlegend": True,
            "legend": LEGEND,
            "xaxis": axis(page, "", domain=[0, 1], anchor="y", matches="x2", showticklabels=False),
            "xaxis2": axis(page, measure_name("ndcg@10", language), domain=[0, 1], anchor="y2"),
            "yaxis": axis(page, text("satisfaction.axis_utility", language), domain=[0.5, 1], zeroline=True,
                          zerolinecolor=page.muted),
            "yaxis2": axis(page, text("satisfaction.axis_clicks", language), domain=[0, 0.42], anchor="x2"),
            "margin": {"l": 58, "t": 100 if narrow else 54},
        }  # fmt: skip

    ends = "; ".join(
        f"{text(f'setting.by_{by}', language)}: "
        + " → ".join(
            " / ".join(three(float(row[name])) for name in ("ndcg", *PANELS))
            for _, row in part.iloc[[0, -1]].iterrows()
        )
        for by, part in frame.groupby("by", sort=False)
    )  # fmt: skip
    alt = text("satisfaction.frontier_alt", language, ways=ends)
    return Figure(frame, title, alt, draw, height=460 if narrow else 420, revision="satisfaction-frontier")


def listed(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """The list at the slider's weight, each product with what it would truly be worth to this shopper.

    Frame columns: place, product, utility, owned (a durable that the shopper has), was (its place before, 0 for none).
    """
    title, columns = text("satisfaction.listed_title", language), ["place", "product", "utility", "owned", "was"]
    rows = [one for one in (shown.answer or {}).get("list") or [] if "utility" in one]
    if not rows:
        return empty(title, columns, language)
    frame = pd.DataFrame(
        [
            (place, _product(shown, int(one["item"]), language), float(one["utility"]), bool(one["owned"]),
             int(one["was"] or 0))
            for place, one in enumerate(rows, 1)
        ],
        columns=columns,
    )  # fmt: skip
    mean = float(frame["utility"].mean())
    before = [float(one["utility"]) for one in (shown.answer or {}).get("before") or []]
    first = sum(before) / len(before) if before else mean

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        labels = [
            plotly_text(f"{place} {shorten(name, 20 if narrow else 34)}")
            for place, name in zip(frame["place"], frame["product"], strict=True)
        ]
        data: list[Plot] = []
        for owned, mark in ((False, DEPARTMENTS[0]), (True, DEPARTMENTS[1])):
            some = frame["owned"] == owned
            hover = [
                text("satisfaction.hover_was", language, was=was) if was else text("satisfaction.hover_new", language)
                for was in frame.loc[some, "was"]
            ]
            data.append(
                {
                    "type": "bar", "orientation": "h",
                    "name": text(f"satisfaction.{'owned' if owned else 'free'}", language),
                    "y": [label for label, here in zip(labels, some, strict=True) if here],
                    "x": frame.loc[some, "utility"].tolist(), "marker": {"color": mark.colour(page)}, "width": 0.7,
                    "customdata": hover,
                    "hovertemplate": "%{y}: %{x:.2f}<br>%{customdata}<extra>%{fullData.name}</extra>",
                }
            )  # fmt: skip
        means = (("mean_before", first, page.muted, "dot"), ("mean_now", mean, page.accent, "solid"))
        for name, level, colour, dash in means:
            data.append(
                {
                    "type": "scatter", "mode": "lines", "x": [level, level], "y": [labels[0], labels[-1]],
                    "name": text(f"satisfaction.{name}", language), "line": {"color": colour, "width": 2, "dash": dash},
                    "hovertemplate": "%{x:.2f}<extra>%{fullData.name}</extra>",
                }
            )  # fmt: skip
        return data, {
            "barmode": "overlay",
            "showlegend": True,
            "legend": LEGEND,
            "xaxis": axis(page, text("satisfaction.axis_utility", language), zeroline=True, zerolinecolor=page.ink),
            "yaxis": axis(page, autorange="reversed", automargin=True, categoryorder="array", categoryarray=labels),
            "margin": {"t": 100 if narrow else 54},
        }

    said = text("figures.list_comma", language).join(f"{row.product} {row.utility:.2f}" for row in frame.itertuples())
    alt = text("satisfaction.listed_alt", language, mean=f"{mean:.2f}", before=f"{first:.2f}", products=said)
    return Figure(frame, title, alt, draw, height=140 + 30 * len(frame), revision="satisfaction-listed")


def correlation(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """How well the stars to expect agree with the true utility, by what they are learned from.

    Frame columns: by, value, low, high.
    """
    title, columns = text("satisfaction.correlation_title", language), ["by", "value", "low", "high"]
    told = ((run.result or {}).get("correlations") for run in shown.runs)
    found = next((one for one in told if one), None)
    if not found:
        return empty(title, columns, language)
    frame = pd.DataFrame([(by, one["value"], one["low"], one["high"]) for by, one in found.items()], columns=columns)
    names = [text(f"setting.by_{by}", language) for by in frame["by"]]

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        data: list[Plot] = [
            {
                "type": "bar", "orientation": "h", "y": names, "x": frame["value"].tolist(),
                "marker": {"color": [MARKS[by].colour(page) for by in frame["by"]]},
                "text": [three(one) for one in frame["value"]], "textposition": "inside", "insidetextanchor": "start",
                "textfont": {"color": page.background, "size": 13},
                "error_x": {
                    "type": "data", "symmetric": False, "array": (frame["high"] - frame["value"]).tolist(),
                    "arrayminus": (frame["value"] - frame["low"]).tolist(), "color": page.ink, "thickness": 1.5,
                },
                "hovertemplate": "%{y}: %{x:.3f}<extra></extra>",
            }
        ]  # fmt: skip
        return data, {
            "xaxis": axis(
                page, text("satisfaction.axis_correlation", language), range=[min(0.0, frame["low"].min()), 1.02]
            ),
            "yaxis": axis(page, autorange="reversed", automargin=True),
        }

    said = text("figures.list_comma", language).join(
        f"{name} {three(value)}" for name, value in zip(names, frame["value"], strict=True)
    )
    alt = text("satisfaction.correlation_alt", language, ways=said)
    return Figure(frame, title, alt, draw, height=230, revision="satisfaction-correlation")


def _product(shown: Shown, item: int, language: str) -> str:
    """A product's title, or its number where the catalogue has none."""
    column = Columns.TITLE_ZH if language == "zh" else Columns.TITLE_EN
    if shown.items is not None and column in shown.items and 0 < item <= len(shown.items):
        found = shown.items[column].iloc[item - 1]
        if isinstance(found, str) and found:
            return found
    return str(item)
