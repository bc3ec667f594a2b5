"""Pictures of a confounded campaign: estimates beside the truth, as the log grows, over many logs; and households."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from course_lib.figures.base import Figure, Plot, axis, dotted_lines, empty, note, three
from course_lib.figures.coupon_series import HALVES, LEGEND
from course_lib.figures.measure_bars import COLUMNS, in_words, measure_bars, measure_rows
from course_lib.figures.palette import DEPARTMENTS, Mark, Theme
from course_lib.figures.shown import Shown
from course_lib.text import text

MARKS: Mapping[str, Mark] = {  # in the order of the pictures
    "naive": DEPARTMENTS[1], "wrong": DEPARTMENTS[4], "ipw": DEPARTMENTS[0], "ipw_learned": DEPARTMENTS[2],
    "dr": DEPARTMENTS[5], "before": DEPARTMENTS[11], "did": DEPARTMENTS[0], "placebo": DEPARTMENTS[3],
}  # fmt: skip
DASHES = {"naive": "dash", "wrong": "dot", "ipw": "solid", "ipw_learned": "longdash", "dr": "dashdot"}
IN_SHOP = tuple(DASHES)
AMONG_HOUSEHOLDS = ("naive", "before", "did", "placebo")
ENDS = ("value", "low", "high")
APART = 1.05  # factor between the error bars of two estimators at one size


def estimates(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """Every estimate with its interval: in the shop beside the truth, among households beside nothing sent.

    Frame columns: name, value, low, high.
    """
    title, columns = text("confounded.estimates_title", language), ["name", *ENDS]
    table = _table(shown)
    if not table:
        return empty(title, columns, language)
    real = "mailing" in table
    names = AMONG_HOUSEHOLDS if real else IN_SHOP
    found = table["estimates"]
    frame = pd.DataFrame([(name, *(found[name][end] for end in ENDS)) for name in names], columns=columns)
    truth = 0.0 if real else float(table["truth"]["value"])
    words = [_name(name, real, language) for name in names]

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        data: list[Plot] = [
            {
                "type": "scatter", "mode": "markers", "x": frame["value"].tolist(), "y": words,
                "marker": {
                    "size": 12, "color": [MARKS[name].colour(page) for name in names],
                    "symbol": [MARKS[name].symbol for name in names],
                },
                "error_x": {
                    "type": "data", "symmetric": False, "array": (frame["high"] - frame["value"]).tolist(),
                    "arrayminus": (frame["value"] - frame["low"]).tolist(), "color": page.ink, "thickness": 1.5,
                },
                "customdata": frame[["low", "high"]].to_numpy().tolist(),
                "hovertemplate": "%{y}: %{x:.3f} (%{customdata[0]:.3f} – %{customdata[1]:.3f})<extra></extra>",
            }
        ]  # fmt: skip
        line = {"color": page.accent, "width": 2, "dash": "dot" if real else "solid"}
        shapes = [{"type": "line", "x0": truth, "x1": truth, "y0": 0, "y1": 1, "yref": "paper", "line": line,
                   "layer": "below"}]  # fmt: skip
        said = (
            text("confounded.zero", language) if real else text("confounded.truth_is", language, value=f"{truth:.4f}")
        )
        notes = [note(page, truth, 1, said, yref="paper", yanchor="bottom", font={"size": 12, "color": page.accent},
                      xanchor="left" if real else "center")]  # fmt: skip
        return data, {
            "xaxis": axis(page, text(f"confounded.axis_{'lines' if real else 'effect'}", language)),
            "yaxis": axis(page, automargin=True, autorange="reversed", categoryorder="array", categoryarray=words),
            "shapes": shapes,
            "annotations": notes,
            "margin": {"t": 36, "b": 48},
        }

    said = text("figures.list_comma", language).join(
        f"{word} {row.value:.3f} ({row.low:.3f} – {row.high:.3f})"
        for word, row in zip(words, frame.itertuples(), strict=True)
    )
    known = text("confounded.unknown" if real else "confounded.truth_is", language, value=f"{truth:.4f}")
    alt = text("confounded.estimates_alt", language, estimates=said, truth=known)
    return Figure(frame, title, alt, draw, height=110 + 46 * len(names), revision="confounded-estimates")


def growth(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """Each estimate as the log grows, the truth as a line. Frame columns: size, name, value, low, high."""
    title, columns = text("confounded.growth_title", language), ["size", "name", *ENDS]
    tables = [one for one in _told(shown) if "shoppers" in one]
    if not tables:
        return empty(title, columns, language)
    frame = pd.DataFrame(
        [(one["shoppers"], name, *(one["estimates"][name][end] for end in ENDS)) for one in tables for name in IN_SHOP],
        columns=columns,
    )
    truth, last = float(tables[-1]["truth"]["value"]), tables[-1]
    sizes = [one["shoppers"] for one in tables]

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        data: list[Plot] = []
        for number, name in enumerate(IN_SHOP):
            part, colour = frame[frame["name"] == name], MARKS[name].colour(page)
            data.append(
                {
                    "type": "scatter", "mode": "lines+markers", "name": _name(name, False, language),
                    "x": (part["size"] * APART ** (number - 2)).tolist(), "y": part["value"].tolist(),
                    "line": {"color": colour, "width": 2, "dash": DASHES[name]},
                    "marker": {"size": 8, "color": colour, "symbol": MARKS[name].symbol},
                    "error_y": {
                        "type": "data", "symmetric": False, "array": (part["high"] - part["value"]).tolist(),
                        "arrayminus": (part["value"] - part["low"]).tolist(), "color": colour, "thickness": 1.2,
                        "width": 3,
                    },
                    "customdata": part["size"].tolist(),
                    "hovertemplate": "%{customdata:,}: %{y:.4f}<extra>%{fullData.name}</extra>",
                }
            )  # fmt: skip
        data.append(
            {
                "type": "scatter", "mode": "lines", "x": [min(sizes) / 1.3, max(sizes) * 1.3], "y": [truth, truth],
                "hoverinfo": "skip", "name": text("confounded.truth", language),
                "line": {"color": page.accent, "width": 3},
            }
        )  # fmt: skip
        return data, {
            "showlegend": True,
            "legend": HALVES if narrow else LEGEND,
            "xaxis": axis(page, text("confounded.axis_shoppers", language), type="log", tickvals=sizes,
                          ticktext=[f"{size:,}" for size in sizes]),
            "yaxis": axis(page, text("confounded.axis_effect", language), zeroline=True, zerolinecolor=page.muted),
            "shapes": dotted_lines(page, [sizes[-1]]),
            "margin": {"l": 58, "t": 112 if narrow else 66},
        }  # fmt: skip

    said = text("figures.list_comma", language).join(
        f"{_name(name, False, language)} {last['estimates'][name]['value']:.3f}" for name in IN_SHOP
    )
    alt = text(
        "confounded.growth_alt", language, shoppers=f"{last['shoppers']:,}", estimates=said, truth=f"{truth:.4f}"
    )
    return Figure(frame, title, alt, draw, height=440 if narrow else 400, revision="confounded-growth")


def errors(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """The typical error of each estimator over many logs, by run. Frame columns: run, measure, value, low, high."""
    return _bars(shown, language, narrow, "error")


def held(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """How many 95% intervals of each estimator held the truth, by run. Frame columns as of :func:`errors`."""
    return _bars(shown, language, narrow, "held")


def _bars(shown: Shown, language: str, narrow: bool, word: str) -> Figure:
    title = text(f"confounded.{word}_title", language)
    marks = {f"effect_{name}_{word}": MARKS[name] for name in IN_SHOP}
    frame = measure_rows(marks, shown, "log", f"effect_ipw_{word}", language)
    if frame.empty:
        return empty(title, COLUMNS, language)
    names = {f"effect_{name}_{word}": _name(name, False, language) for name in IN_SHOP}
    score = word == "error"
    bars = measure_bars(frame, marks, names, text(f"confounded.axis_{word}", language), 112 if narrow else 66, score)
    alt = text(f"confounded.{word}_alt", language, runs=in_words(frame, language, score=score),
               names=text("figures.list_comma", language).join(names.values()))  # fmt: skip
    height = (190 if narrow else 140) + 126 * frame["run"].nunique()
    return Figure(frame, title, alt, bars, height=height, revision=f"confounded-{word}")


def weeks(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """Lines a household by week, of those who got the mailing and of the others; it begins in week 0.

    Frame columns: group, week, lines.
    """
    title, columns = text("confounded.weeks_title", language), ["group", "week", "lines"]
    table = _table(shown)
    if "weekly" not in table:
        return empty(title, columns, language)
    groups = {"sent": DEPARTMENTS[0], "others": DEPARTMENTS[1]}
    frame = pd.DataFrame(
        [
            (group, week, lines)
            for group in groups
            for week, lines in zip(table["weeks"], table["weekly"][group], strict=True)
        ],
        columns=columns,
    )

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        data: list[Plot] = [
            {
                "type": "scatter", "mode": "lines+markers", "name": text(f"confounded.group_{group}", language),
                "x": part["week"].tolist(), "y": part["lines"].tolist(),
                "line": {"color": groups[str(group)].colour(page), "width": 2.5,
                         "dash": "solid" if group == "sent" else "dash"},
                "marker": {"size": 7, "symbol": groups[str(group)].symbol},
                "hovertemplate": "%{x}: %{y:.1f}<extra>%{fullData.name}</extra>",
            }
            for group, part in frame.groupby("group", sort=False)
        ]  # fmt: skip
        top = float(frame["lines"].max())
        return data, {
            "showlegend": True,
            "legend": LEGEND,
            "xaxis": axis(page, text("confounded.axis_week", language)),
            "yaxis": axis(page, text("confounded.axis_weekly", language), rangemode="tozero"),
            "shapes": dotted_lines(page, [-0.5]),
            "annotations": [
                note(page, -0.4, 0.04 * top, text("confounded.begins", language), xanchor="left", yanchor="bottom")
            ],
            "margin": {"l": 50, "t": 44},
        }

    means = {
        (group, when): three(float(part[(part["week"] >= 0) == when]["lines"].mean()))
        for group, part in frame.groupby("group")
        for when in (False, True)
    }
    alt = text(
        "confounded.weeks_alt", language, sent_before=means["sent", False], sent_during=means["sent", True],
        others_before=means["others", False], others_during=means["others", True],
    )  # fmt: skip
    return Figure(frame, title, alt, draw, height=360, revision="confounded-weeks")


def _table(shown: Shown) -> Mapping[str, Any]:
    """The answer where something was asked, else the first run's end, else its newest frame; or nothing."""
    result = (shown.runs[0].result or {}) if shown.runs else {}
    for one in (shown.answer, result.get("table"), *reversed(_told(shown))):
        if one and "estimates" in one:
            found: Mapping[str, Any] = one
            return found
    return {}


def _told(shown: Shown) -> list[Mapping[str, Any]]:
    """The tables of the first run's frames, up to the one on show."""
    frames = shown.runs[0].of("frame") if shown.runs else ()
    return [one["table"] for one in frames if "table" in one and (shown.at is None or one["at"] <= shown.at)]


def _name(name: str, real: bool, language: str) -> str:
    return text(f"confounded.household_{name}" if real else f"confounded.name_{name}", language)
