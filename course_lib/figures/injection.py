"""Pictures of fake accounts: how far they push a product, and whom a defence drops."""

from __future__ import annotations

import pandas as pd

from course_lib.figures.base import Figure, Plot, axis, empty, note, plotly_text, shorten
from course_lib.figures.names import choice_name, measure_name
from course_lib.figures.palette import DEPARTMENTS, Theme
from course_lib.figures.products import product
from course_lib.figures.shown import Shown
from course_lib.figures.strips import COLUMNS, Strip, in_words, strip_rows, strips, strips_height
from course_lib.text import text

LEGEND = {"orientation": "h", "x": 0, "y": 1.01, "yanchor": "bottom", "font": {"size": 12}}
BETTER = {"seen": "down", "fakes_dropped": "up", "shoppers_dropped": "down", "defence_cost": "down"}
DASHES = ("solid", "dash", "dot", "dashdot")


def reach(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """The share of real shoppers who have the pushed product in their ten, by fake accounts, a line a run.

    Frame columns: run, accounts, seen.
    """
    title, columns = text("injection.reach_title", language), ["run", "accounts", "seen"]
    rows = []
    names = [*shown.names, *[""] * len(shown.runs)]
    for number, (run, name) in enumerate(zip(shown.runs, names, strict=False), 1):
        told = [one for one in run.of("frame") if "accounts" in one and "seen" in one]
        settings = run.config.settings if run.config is not None else {}
        label = name or (choice_name("model", settings.get("model", ""), language) if settings else str(number))
        rows += [(label, int(one["accounts"]), float(one["seen"])) for one in told]
    if not rows:
        return empty(title, columns, language)
    frame = pd.DataFrame(rows, columns=columns)
    answer = shown.answer or {}
    lines = frame["run"].nunique() + (answer.get("needed") is not None)  # of the legend

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        data: list[Plot] = []
        for number, (label, part) in enumerate(frame.groupby("run", sort=False)):
            mark = DEPARTMENTS[number % len(DEPARTMENTS)]
            data.append(
                {
                    "type": "scatter", "mode": "lines+markers", "x": part["accounts"].tolist(),
                    "y": part["seen"].tolist(), "name": plotly_text(str(label)),
                    "line": {"color": mark.colour(page), "width": 2.5, "dash": DASHES[number % len(DASHES)]},
                    "marker": {"symbol": mark.symbol, "size": 8, "color": mark.colour(page)},
                    "hovertemplate": "%{x}: %{y:.1%}<extra>%{fullData.name}</extra>",
                }
            )  # fmt: skip
        if answer.get("needed") is not None:
            data.append(
                {
                    "type": "scatter", "mode": "markers", "x": [answer["needed"]], "y": [answer["reach"]],
                    "name": text("injection.needed", language, needed=f"{answer['needed']:,.0f}"),
                    "marker": {"symbol": "circle-open", "size": 17, "color": page.accent, "line": {"width": 3}},
                    "hovertemplate": "%{x:.0f}: %{y:.0%}<extra></extra>",
                }
            )  # fmt: skip
        return data, {
            "showlegend": True,
            "legend": LEGEND,
            "xaxis": axis(page, text("injection.axis_accounts", language), rangemode="tozero"),
            "yaxis": axis(page, text("injection.axis_seen", language), tickformat=".0%", rangemode="tozero"),
            "margin": {"t": 34 + 21 * -(-lines // (1 if narrow else 3)), "l": 58},
        }

    last = frame.groupby("run", sort=False).last()
    said = "; ".join(f"{run}: {row['accounts']:.0f}, {row['seen']:.1%}" for run, row in last.iterrows())
    alt = text("injection.reach_alt", language, runs=said)
    return Figure(frame, title, alt, draw, height=440 if narrow else 380, revision="injection-reach")


def account(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """The history of one fake account, oldest first. Frame columns: place, product, pushed."""
    title, columns = text("injection.account_title", language), ["place", "product", "pushed"]
    answer = shown.answer or {}
    if not answer.get("example") or shown.items is None:
        return empty(title, columns, language)
    rows = [
        (place, product(shown.items, int(item), language).title, item == answer["product"])
        for place, item in enumerate(answer["example"], 1)
    ]
    frame = pd.DataFrame(rows, columns=columns)

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        notes = []
        for row in frame.itertuples():
            words = plotly_text(f"{row.place}  {shorten(str(row.product), 34 if narrow else 70)}")
            colour = page.accent if row.pushed else page.ink
            words = f"<b>{words}</b>" if row.pushed else words
            height = len(frame) - int(str(row.place))
            notes.append(note(page, 0, height, words, xanchor="left", font={"size": 13, "color": colour}))
        hidden: Plot = {"visible": False, "fixedrange": True}
        return [], {
            "xaxis": hidden | {"range": [0, 1]},
            "yaxis": hidden | {"range": [-0.6, len(frame) - 0.4]},
            "annotations": notes,
            "margin": {"l": 12, "b": 10},
        }

    pushed = product(shown.items, int(answer["product"]), language).title
    alt = text("injection.account_alt", language, product=pushed, times=int(frame["pushed"].sum()), length=len(frame))
    return Figure(frame, title, alt, draw, height=70 + 26 * len(frame), revision="injection-account")


def defences(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """What each finished run let through and what it cost, a strip a measure.

    Frame columns: run, model, measure, value, low, high.
    """
    title = text("injection.defences_title", language)
    frame = strip_rows(tuple(BETTER), shown, "seen_before", language)
    if frame.empty:
        return empty(title, COLUMNS, language)
    names = {name: measure_name(name, language) for name in BETTER}
    kinds = [Strip(name, names[name], better) for name, better in BETTER.items()]
    top = 34 + 22 * -(-frame["run"].nunique() // (2 if narrow else 4))
    alt = text("injection.defences_alt", language, measures=in_words(frame, names, language))
    return Figure(
        frame, title, alt, strips(frame, kinds, language, top), strips_height(frame, top), revision="injection-defences"
    )
