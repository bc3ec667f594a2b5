"""Pictures of A/B tests: power before, false alarms on the way, what a rule costs, what is reported, what fades."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from course_lib.figures.base import Figure, Plot, axis, dotted_lines, empty, note, plotly_text
from course_lib.figures.cells import shaded_cells
from course_lib.figures.palette import DEPARTMENTS, Mark, Theme, alpha
from course_lib.figures.shown import Shown
from course_lib.text import text

RULES = ("fixed", "peeking", "planned", "always_valid")
LOOKS: dict[str, tuple[Mark, str]] = {
    "fixed": (DEPARTMENTS[0], "solid"),
    "peeking": (DEPARTMENTS[7], "dot"),
    "planned": (DEPARTMENTS[2], "dash"),
    "always_valid": (DEPARTMENTS[5], "dashdot"),
}
LEGEND = {"orientation": "h", "x": 0, "y": 1.01, "yanchor": "bottom", "font": {"size": 12}}
BINS = 36
WANTED = 0.8


def paths(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """z by look of a hundred tests in which nothing differs, and where those that call a difference do so.

    Frame columns: test, look, z, alarm (whether this test calls a difference), first (whether it does so here),
    boundary (missing at looks that do not count).
    """
    title, columns = text("ab_test.paths_title", language), ["test", "look", "z", "alarm", "first", "boundary"]
    if not (answer := shown.answer):
        return empty(title, columns, language)
    alike = answer["alike"]
    z, alarm, boundary = np.array(alike["z"]), np.array(alike["alarm"]), np.array(alike["boundary"], float)
    tests, looks = z.shape
    look = np.tile(np.arange(1, looks + 1), tests)
    frame = pd.DataFrame(
        {
            "test": np.repeat(np.arange(1, tests + 1), looks), "look": look, "z": z.ravel(),
            "alarm": np.repeat(alarm > 0, looks), "first": look == np.repeat(alarm, looks),
            "boundary": np.tile(boundary, tests),
        }
    )  # fmt: skip
    counted = np.flatnonzero(np.isfinite(boundary))
    edge = max(4.0, float(np.abs(z).max()) + 0.3)

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        red = DEPARTMENTS[7].colour(page)
        data = [
            _bundle(z[alarm == 0], alpha(page.muted, 0.35), text("ab_test.path_quiet", language)),
            _bundle(z[alarm > 0], alpha(red, 0.4), text("ab_test.path_alarm", language)),
        ]
        struck = frame[frame["first"]]
        data.append(
            {
                "type": "scatter", "mode": "markers", "x": struck["look"].tolist(), "y": struck["z"].tolist(),
                "marker": {"symbol": "x", "size": 8, "color": red}, "name": text("ab_test.path_first", language),
                "hovertemplate": "%{x}: z = %{y:.2f}<extra></extra>",
            }
        )  # fmt: skip
        for sign in (1, -1):
            data.append(
                {
                    "type": "scatter", "mode": "lines+markers" if len(counted) == 1 else "lines",
                    "x": (counted + 1).tolist(), "y": (sign * boundary[counted]).tolist(), "showlegend": sign > 0,
                    "name": text("ab_test.boundary", language), "line": {"color": page.ink, "width": 2, "dash": "dash"},
                    "marker": {"symbol": "line-ew-open", "size": 16, "color": page.ink},
                    "hovertemplate": "%{x}: %{y:.2f}<extra></extra>",
                }
            )  # fmt: skip
        return data, {
            "showlegend": True,
            "legend": LEGEND,
            "xaxis": axis(page, text("ab_test.axis_look", language), range=[0.5, looks + 0.5]),
            "yaxis": axis(page, text("ab_test.axis_z", language), range=[-edge, edge], zeroline=True),
            "margin": {"t": 76 if narrow else 54},
        }

    alt = text(
        "ab_test.paths_alt", language, tests=tests, looks=looks, rule=_rule(shown, language),
        alarms=int((alarm > 0).sum()), share=f"{answer['measures']['false_alarms']['value']:.1%}",
    )  # fmt: skip
    return Figure(frame, title, alt, draw, height=420 if narrow else 380, revision="ab-paths")


def power(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """Power by shoppers an arm for each rule, this test marked. Frame columns: shoppers, and one for each rule."""
    title, columns = text("ab_test.power_title", language), ["shoppers", *RULES]
    if not (answer := shown.answer):
        return empty(title, columns, language)
    frame = pd.DataFrame(answer["curve"], columns=columns)
    here = answer["measures"]["shoppers"]["value"] / 2
    chosen = str(shown.settings.get("stopping", RULES[1]))
    reached = answer["measures"]["power"]["value"]

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        data: list[Plot] = []
        for rule in RULES:
            mark, dash = LOOKS[rule]
            data.append(
                {
                    "type": "scatter", "mode": "lines", "x": frame["shoppers"].tolist(), "y": frame[rule].tolist(),
                    "name": text(f"setting.stopping_{rule}", language),
                    "line": {"color": mark.colour(page), "width": 4 if rule == chosen else 1.8, "dash": dash},
                    "hovertemplate": "%{x:,}: %{y:.1%}<extra>%{fullData.name}</extra>",
                }
            )  # fmt: skip
        data.append(
            {
                "type": "scatter", "mode": "markers", "x": [here], "y": [reached], "showlegend": False,
                "marker": {"symbol": "circle", "size": 12, "color": page.accent},
                "hovertemplate": "%{x:,}: %{y:.1%}<extra></extra>",
            }
        )  # fmt: skip
        level = {
            "type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": WANTED, "y1": WANTED,
            "line": {"color": page.muted, "width": 1, "dash": "dot"},
        }  # fmt: skip
        return data, {
            "showlegend": True,
            "legend": LEGEND,
            "xaxis": axis(page, text("ab_test.axis_arm", language), type="log", dtick=1),
            "yaxis": axis(page, text("ab_test.axis_called", language), tickformat=".0%", range=[-0.02, 1.02]),
            "shapes": [level],
            "margin": {"t": 76 if narrow else 54},
        }

    alt = text(
        "ab_test.power_alt", language, shoppers=f"{here:,.0f}", rule=_rule(shown, language), power=f"{reached:.0%}",
        fixed=f"{answer['rules'][0]['power']:.0%}",
    )  # fmt: skip
    return Figure(frame, title, alt, draw, height=400 if narrow else 360, revision="ab-power")


def price(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """What each rule costs. Frame columns: rule, false_alarms, power, mean_shoppers, needed (for 80% power)."""
    names = ["false_alarms", "power", "mean_shoppers", "needed"]
    title, columns = text("ab_test.price_title", language), ["rule", *names]
    if not (answer := shown.answer):
        return empty(title, columns, language)
    frame = pd.DataFrame(answer["rules"], columns=columns)
    frame["needed"] = frame["needed"].astype("float64")  # missing where no number of shoppers is enough
    rows = [text(f"setting.stopping_{rule}", language) for rule in frame["rule"]]
    words, strength = [], []
    largest = {name: float(frame[name].max()) if frame[name].notna().any() else 1.0 for name in names}
    for _, row in frame.iterrows():
        shares = [f"{row['false_alarms']:.1%}", f"{row['power']:.0%}"]
        words.append([*shares, *(_many(row[name], language) for name in names[2:])])
        strength.append([0.0 if pd.isna(row[name]) else float(row[name]) / largest[name] * 0.8 for name in names])
    heads = [text(f"ab_test.price_{name}{'_narrow' if narrow else ''}", language) for name in names]

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        return shaded_cells(page, heads, rows, strength, words, "%{y}, %{x}: %{text}", 76)

    told = text("figures.list_comma", language).join(
        f"{name}: {' / '.join(line)}" for name, line in zip(rows, words, strict=True)
    )
    return Figure(frame, title, text("ab_test.price_alt", language, rules=told), draw, height=330, revision="ab-price")


def exaggeration(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """Relative lifts that 500 tests report, those that call a difference apart, and the lift that lasts.

    Frame columns: lift (the middle of a bin), called, not_called (tests in the bin).
    """
    title, columns = text("ab_test.exaggeration_title", language), ["lift", "called", "not_called"]
    if not (answer := shown.answer) or not answer["estimates"]:
        return empty(title, columns, language)
    found = {name: np.array(answer["estimates"][name], float) for name in columns[1:]}
    everything = np.concatenate(list(found.values()))
    edges = np.linspace(float(everything.min()), float(everything.max()) + 1e-9, BINS + 1)
    middle = (edges[1:] + edges[:-1]) / 2
    frame = pd.DataFrame({"lift": middle} | {name: np.histogram(one, edges)[0] for name, one in found.items()})
    true = float(shown.settings.get("relative_lift", 0.0))
    reported = answer["measures"]["reported_lift"]["value"]

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        colours = {"called": DEPARTMENTS[1].colour(page), "not_called": alpha(page.muted, 0.45)}
        data: list[Plot] = [
            {
                "type": "bar", "x": middle.tolist(), "y": frame[name].tolist(), "width": float(edges[1] - edges[0]),
                "name": text(f"ab_test.{name}", language),
                "marker": {"color": colours[name], "pattern": {"shape": "/" if name == "called" else ""}},
                "hovertemplate": "%{x:+.1%}: %{y}<extra>%{fullData.name}</extra>",
            }
            for name in ("not_called", "called")
        ]  # fmt: skip
        lines = dotted_lines(page, [true])
        lines[0]["line"] = {"color": page.ink, "width": 2, "dash": "dash"}
        notes = [
            note(page, true, 1, text("ab_test.true_lift", language, lift=f"{true:.1%}"), yref="paper", xanchor="left",
                 xshift=4, yanchor="top")
        ]  # fmt: skip
        return data, {
            "barmode": "stack",
            "bargap": 0,
            "showlegend": True,
            "legend": LEGEND,
            "xaxis": axis(page, text("ab_test.axis_lift", language), tickformat="+.0%"),
            "yaxis": axis(page, text("ab_test.axis_tests", language)),
            "shapes": lines,
            "annotations": notes,
            "margin": {"t": 76 if narrow else 54},
        }

    alt = text(
        "ab_test.exaggeration_alt", language, tests=len(everything), called=len(found["called"]), true=f"{true:.1%}",
        reported=f"{reported:.1%}", times=f"{answer['measures']['exaggeration']['value']:.1f}",
    )  # fmt: skip
    return Figure(frame, title, alt, draw, height=380 if narrow else 340, revision="ab-exaggeration")


def novelty(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """The true lift of each day, and its mean so far, which is what a test that ends then reports on average.

    Frame columns: day, lift, so_far.
    """
    title, columns = text("ab_test.novelty_title", language), ["day", "lift", "so_far"]
    if not (answer := shown.answer):
        return empty(title, columns, language)
    days = answer["days"]
    frame = pd.DataFrame({"day": range(1, len(days["lift"]) + 1), "lift": days["lift"], "so_far": days["so_far"]})
    lasting = float(shown.settings.get("relative_lift", 0.0))

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        series: tuple[tuple[str, Mark, str], ...] = (
            ("lift", DEPARTMENTS[0], "solid"),
            ("so_far", DEPARTMENTS[1], "dash"),
        )
        data: list[Plot] = [
            {
                "type": "scatter", "mode": "lines+markers" if len(frame) < 40 else "lines", "x": frame["day"].tolist(),
                "y": frame[name].tolist(), "name": text(f"ab_test.novelty_{name}", language),
                "line": {"color": mark.colour(page), "width": 2.5, "dash": dash},
                "marker": {"symbol": mark.symbol, "size": 6},
                "hovertemplate": "%{x}: %{y:+.2%}<extra>%{fullData.name}</extra>",
            }
            for name, mark, dash in series
        ]  # fmt: skip
        level = {
            "type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": lasting, "y1": lasting,
            "line": {"color": page.muted, "width": 1, "dash": "dot"},
        }  # fmt: skip
        late = days["stop"] > len(frame) / 2
        side = {"xanchor": "right", "xshift": -4} if late else {"xanchor": "left", "xshift": 4}
        words = text("ab_test.novelty_stop", language)
        notes = [note(page, days["stop"], 0.02, words, yref="paper", yanchor="bottom", **side)]
        return data, {
            "showlegend": True,
            "legend": LEGEND,
            "xaxis": axis(page, text("ab_test.axis_day", language)),
            "yaxis": axis(page, text("ab_test.axis_lift", language), tickformat="+.1%", rangemode="tozero"),
            "shapes": [level, *dotted_lines(page, [days["stop"]])],
            "annotations": notes,
            "margin": {"t": 76 if narrow else 54, "l": 60},
        }

    first, last = frame.iloc[0], frame.iloc[-1]
    alt = text(
        "ab_test.novelty_alt", language, lasting=f"{lasting:.1%}", first=f"{first['lift']:.1%}", days=len(frame),
        last=f"{last['lift']:.1%}", mean=f"{last['so_far']:.1%}", stop=f"{days['stop']:.1f}",
    )  # fmt: skip
    return Figure(frame, title, alt, draw, height=380 if narrow else 340, revision="ab-novelty")


def _bundle(z: Any, colour: str, name: str) -> Plot:
    """Many paths as one trace, with gaps between them."""
    looks = z.shape[1]
    x = [*range(1, looks + 1), None] * len(z)
    y = [value for path in z.tolist() for value in (*path, None)]
    return {
        "type": "scatter", "mode": "lines" if looks > 1 else "markers", "x": x, "y": y, "name": name,
        "line": {"color": colour, "width": 1}, "marker": {"color": colour, "size": 4}, "hoverinfo": "skip",
    }  # fmt: skip


def _rule(shown: Shown, language: str) -> str:
    return text(f"setting.stopping_{shown.settings.get('stopping', RULES[1])}", language)


def _many(count: float, language: str) -> str:
    """A number of shoppers with three digits that count; a dash where no number is enough."""
    if pd.isna(count):
        return "–"
    unit = 1e4 if language == "zh" else 1e6 if count >= 999_500 else 1e3
    if count < (1e4 if language == "zh" else 1e3):
        return f"{count:,.0f}"
    key = "ab_test.millions" if unit == 1e6 else "ab_test.thousands"  # in Chinese: ten thousands
    return plotly_text(text(key, language, count=f"{float(f'{count / unit:.3g}'):g}"))
