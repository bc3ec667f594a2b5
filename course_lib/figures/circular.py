"""Pictures of the circular layers: the orbit among its ends, the rounds, the bound, random layers, and damping."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from course_lib.figures.base import Figure, Plot, axis, empty, note, spread
from course_lib.figures.palette import DEPARTMENTS, Theme, alpha
from course_lib.figures.shown import Shown
from course_lib.text import text

ROUNDS = 24  # rounds that the pictures over time draw: a cycle of eight still shows three times
ENDS = 8  # ends that get a colour of their own on the map


def orbit(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """The path of g in the plane, over the ends that other starts lead to and the lines where a coordinate rests.

    Frame columns: step, g_1, g_2, part ("path", or "end" for the states of the end). One row per round.
    """
    title = text("circular.orbit_title", language)
    if not (answer := shown.answer):
        return empty(title, ["step", "g_1", "g_2", "part"], language)
    g, period = answer["orbit"]["g"], answer["end"]["period"]
    rows = [
        {"step": step, "g_1": x, "g_2": y, "part": "end" if period and step >= len(g) - period else "path"}
        for step, (x, y) in enumerate(g)
    ]
    frame = pd.DataFrame(rows)
    ends, rest = answer["starts"], answer["pull"]

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        data = [_map_of_ends(page, ends, language)]
        for number in (1, 2):
            data.append(
                {
                    "type": "contour", "x": rest["places"], "y": rest["places"], "z": rest[f"change_{number}"],
                    "contours": {"start": 0, "end": 0, "size": 1, "coloring": "none"}, "showscale": False,
                    "line": {"color": _colour(page, number), "width": 1.5, "dash": "dot" if number == 2 else "dash"},
                    "hoverinfo": "skip",
                }
            )  # fmt: skip
        path = frame.head(len(g) if not period else len(g) - period + 1)
        hover = text("circular.hover_orbit", language)
        data += [
            {
                "type": "scatter", "mode": "lines+markers", "x": path["g_1"], "y": path["g_2"],
                "customdata": path["step"], "line": {"color": page.ink, "width": 1},
                "marker": {"color": page.ink, "size": 4}, "hovertemplate": hover,
            },
            {
                "type": "scatter", "mode": "markers", "x": [g[0][0]], "y": [g[0][1]], "customdata": [0],
                "marker": {"symbol": "circle-open", "size": 13, "color": page.ink, "line": {"width": 2}},
                "hovertemplate": hover,
            },
        ]  # fmt: skip
        last = frame[frame["part"] == "end"]
        if len(last):
            data.append(
                {
                    "type": "scatter", "mode": "markers", "x": last["g_1"], "y": last["g_2"],
                    "customdata": last["step"], "hovertemplate": hover,
                    "marker": {"symbol": "diamond", "size": 11, "color": page.accent},
                }
            )  # fmt: skip
        for each in data:
            for key in ("x", "y", "customdata"):
                if isinstance(each.get(key), pd.Series):
                    each[key] = each[key].tolist()
        words = text("circular.start", language)
        high = g[0][1] > 0.5
        notes = [note(page, g[0][0], g[0][1], words, yshift=-16 if high else 16, font={"size": 12, "color": page.ink})]
        square = {"range": [-0.02, 1.02], "dtick": 0.25, "fixedrange": True, "showgrid": False}
        return data, {
            "xaxis": axis(page, text("circular.axis_g_1", language), **square),
            "yaxis": axis(page, text("circular.axis_g_2", language), **square),
            "annotations": notes,
        }

    return Figure(frame, title, _orbit_alt(answer, language), draw, height=340 if narrow else 400, revision="orbit")


def _map_of_ends(page: Theme, ends: dict[str, Any], language: str) -> Plot:
    """Which end each start leads to, as quiet fields; grey where nothing repeats."""
    fills = [page.surface, *(alpha(mark.colour(page), 0.22) for mark in DEPARTMENTS[:ENDS])]
    scale: list[list[Any]] = []
    for place, fill in enumerate(fills):
        scale += [[place / len(fills), fill], [(place + 1) / len(fills), fill]]
    numbers = [[-1 if label < 0 else label % ENDS for label in line] for line in ends["labels"]]
    names = [[_name_of_end(ends, label, language) for label in line] for line in ends["labels"]]
    return {
        "type": "heatmap", "x": ends["places"], "y": ends["places"], "z": numbers, "zmin": -1.5, "zmax": ENDS - 0.5,
        "colorscale": scale, "showscale": False, "customdata": names,
        "hovertemplate": text("circular.hover_ends", language),
    }  # fmt: skip


def _name_of_end(ends: dict[str, Any], label: int, language: str) -> str:
    if label < 0:
        return text("circular.kind_none", language)
    return f"{label + 1}: {kind(ends['ends'][label]['period'], language)}"


def kind(period: int, language: str) -> str:
    """What an orbit ends as, in words: settles, a cycle of so many rounds, or no repetition."""
    if period == 1:
        return text("circular.kind_settles", language)
    return text("circular.kind_cycle", language, period=period) if period else text("circular.kind_none", language)


def _orbit_alt(answer: Any, language: str) -> str:
    x, y = answer["orbit"]["g"][-1]
    return text(
        "circular.orbit_alt", language, kind=kind(answer["end"]["period"], language), x=f"{x:.3f}", y=f"{y:.3f}",
        ends=len(answer["starts"]["ends"]),
    )  # fmt: skip


def rounds(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """The two numbers of g, round by round, the first 24 rounds.

    Frame columns: step, series ("g_1" or "g_2"), value.
    """
    return _over_time(shown, language, "g", text("circular.rounds_title", language))


def readout(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """The two scores r = σ(W3 g + b3) round by round: whichever is higher would be recommended.

    Frame columns: step, series ("r_1" or "r_2"), value.
    """
    return _over_time(shown, language, "r", text("circular.readout_title", language))


def _over_time(shown: Shown, language: str, letter: str, title: str) -> Figure:
    columns = ["step", "series", "value"]
    if not (answer := shown.answer):
        return empty(title, columns, language)
    path = answer["orbit"][letter][: ROUNDS + 1]
    frame = pd.DataFrame(
        [(step, f"{letter}_{n}", pair[n - 1]) for n in (1, 2) for step, pair in enumerate(path)], columns=columns
    )

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        data, notes = [], []
        heights = spread([path[-1][0], path[-1][1]], 0.09)
        for number in (1, 2):
            line = frame[frame["series"] == f"{letter}_{number}"]
            words = text(f"circular.series_{letter}_{number}", language)
            data.append(
                {
                    "type": "scatter", "mode": "lines+markers", "x": line["step"].tolist(), "y": line["value"].tolist(),
                    "line": {"color": _colour(page, number), "width": 2, "dash": "dot" if number == 2 else "solid"},
                    "marker": {"size": 5, "symbol": DEPARTMENTS[number - 1].symbol},
                    "hovertemplate": text("circular.hover_rounds", language, name=words),
                }
            )  # fmt: skip
            font = {"size": 13, "color": _colour(page, number)}
            notes.append(note(page, len(path) - 1, heights[number - 1], words, xanchor="left", xshift=6, font=font))
        return data, {
            "xaxis": axis(
                page, text("circular.axis_rounds", language), range=[-0.5, len(path) + (5 if letter == "r" else 1.5)]
            ),
            "yaxis": axis(page, text("circular.axis_value", language), range=[-0.05, 1.05], dtick=0.25),
            "annotations": notes,
        }

    words = kind(answer["end"]["period"], language)
    alt = text("circular.rounds_alt", language, letter=letter, kind=words, rounds=len(path) - 1)
    return Figure(frame, title, alt, draw, height=260, revision=f"rounds_{letter}")


def bound(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """The bound, and what really is left of a small push at the end, on one line with the border at 1.

    Frame columns: series ("bound", "multiplier"), value. A multiplier is missing where nothing repeats.
    """
    title = text("circular.bound_title", language)
    if not (answer := shown.answer):
        return empty(title, ["series", "value"], language, height=190)
    values = {"bound": answer["bound"]["value"], "multiplier": answer["end"]["multiplier"]}
    rows = [(name, value) for name, value in values.items() if value is not None]
    frame = pd.DataFrame(rows, columns=["series", "value"])
    top = max(2.0, 1.15 * max(frame["value"]))

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        inside = {"type": "rect", "xref": "x", "yref": "paper", "x0": 0, "x1": 1, "y0": 0, "y1": 1, "layer": "below"}
        border = {"type": "line", "xref": "x", "yref": "paper", "x0": 1, "x1": 1, "y0": 0, "y1": 1}
        marks = {"bound": ("square", page.ink), "multiplier": ("diamond", page.accent)}
        data, notes = [], []
        for row, (name, value) in enumerate(values.items()):
            symbol, colour = marks[name]
            said = "–" if value is None else f"<b>{value:.3f}</b>"
            words = text(f"circular.line_{name}", language, value=said)
            notes.append(note(page, 0, 1 - row, words, xanchor="left", yshift=22, font={"size": 12, "color": colour}))
            if value is None:
                continue
            data.append(
                {
                    "type": "scatter", "mode": "lines+markers", "x": [0, value], "y": [1 - row, 1 - row],
                    "line": {"color": colour, "width": 3}, "hoverinfo": "skip",
                    "marker": {"symbol": symbol, "size": [0, 13], "color": colour, "opacity": 1},
                }
            )  # fmt: skip
        return data, {
            "xaxis": axis(page, text("circular.axis_stretch", language), range=[-0.03 * top, top], fixedrange=True),
            "yaxis": axis(page, range=[-0.4, 1.75], showticklabels=False, showgrid=False, fixedrange=True),
            "shapes": [
                {**inside, "fillcolor": alpha(page.done, 0.14), "line": {"width": 0}},
                {**border, "line": {"color": page.done, "width": 2}},
            ],
            "annotations": notes,
            "margin": {"l": 14, "r": 14, "t": 8, "b": 46},
        }

    key = "circular.bound_alt_yes" if answer["bound"]["guarantees"] else "circular.bound_alt_no"
    alt = text(key, language, bound=f"{values['bound']:.3f}", kind=kind(answer["end"]["period"], language))
    return Figure(frame, title, alt, draw, height=190, revision="bound")


def draws(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """Forty random pairs of layers: their bound, and what each ends as.

    Frame columns: bound, period (0: does not repeat), kind ("settles", "cycle", "none").
    """
    title = text("circular.draws_title", language)
    if not (answer := shown.answer):
        return empty(title, ["bound", "period", "kind"], language, height=240)
    frame = pd.DataFrame(answer["draws"], columns=["bound", "period"])
    frame["kind"] = ["settles" if p == 1 else "cycle" if p else "none" for p in frame["period"]]
    lanes = ("none", "cycle", "settles")

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        data = []
        for lane, name in enumerate(lanes):
            mine = frame[frame["kind"] == name]
            mark = DEPARTMENTS[(3, 1, 0)[lane]]
            data.append(
                {
                    "type": "scatter", "mode": "markers", "x": mine["bound"].tolist(),
                    # Spread within the lane by turns, so that equal bounds do not hide each other.
                    "y": [lane + 0.22 * (i % 3 - 1) for i in range(len(mine))],
                    "marker": {"symbol": mark.symbol, "size": 9, "color": mark.colour(page)},
                    "customdata": [kind(int(p), language) for p in mine["period"]],
                    "hovertemplate": text("circular.hover_draws", language),
                }
            )  # fmt: skip
        counts = frame["kind"].value_counts()
        ticks = [text(f"circular.lane_{name}", language, count=int(counts.get(name, 0))) for name in lanes]
        low, high = math.log10(min(0.3, frame["bound"].min())), math.log10(1.3 * frame["bound"].max())
        border = {"type": "line", "xref": "x", "yref": "paper", "x0": 1, "x1": 1, "y0": 0, "y1": 1}
        return data, {
            "xaxis": axis(
                page, text("circular.axis_bound", language), type="log", range=[low, high],
                tickvals=[0.3, 1, 3, 10], ticktext=["0.3", "1", "3", "10"],
            ),
            "yaxis": axis(page, tickvals=[0, 1, 2], ticktext=ticks, range=[-0.6, 2.6], showgrid=False, fixedrange=True),
            "shapes": [{**border, "line": {"color": page.done, "width": 2}}],
            "margin": {"l": 96 if language == "zh" else 104, "r": 12, "t": 8, "b": 46},
        }  # fmt: skip

    wide = frame[frame["bound"] > 1]
    alt = text(
        "circular.draws_alt", language, count=len(frame), wide=len(wide), settled=int((wide["period"] == 1).sum())
    )
    return Figure(frame, title, alt, draw, height=240, revision="draws")


def damping(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """Rounds until it settles, by the share of the old value that is kept.

    Frame columns: damping, steps (missing where it does not settle), current (the setting nearest to the lab's).
    """
    title = text("circular.damping_title", language)
    if not (answer := shown.answer):
        return empty(title, ["damping", "steps", "current"], language, height=260)
    now = float(shown.settings.get("damping", 0.0))
    frame = pd.DataFrame(answer["dampings"], columns=["damping", "steps"])
    frame["current"] = (frame["damping"] - now).abs() < 0.05
    known = frame.dropna()

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        plain = DEPARTMENTS[0].colour(page)
        bars: Plot = {
            "type": "bar", "x": known["damping"].tolist(), "y": known["steps"].astype(int).tolist(), "width": 0.07,
            "marker": {"color": [page.accent if current else plain for current in known["current"]]},
            "text": [str(int(steps)) for steps in known["steps"]], "textposition": "outside", "cliponaxis": False,
            "hovertemplate": text("circular.hover_damping", language),
        }  # fmt: skip
        never = frame[frame["steps"].isna()]["damping"].tolist()
        font = {"size": 14, "color": page.muted}
        notes = [note(page, x, 0, "∞", yanchor="bottom", font=font) for x in never]
        if never:
            words = text("circular.damping_never", language)
            font = {"size": 11, "color": page.muted}
            notes.append(note(page, 0, 1, words, xref="paper", yref="paper", xanchor="left", yanchor="top", font=font))
        high = 1.3 * max(known["steps"].max() if len(known) else 1, 4)
        return [bars], {
            "xaxis": axis(
                page, text("circular.axis_damping", language), range=[-0.06, 0.96], dtick=0.1, tickformat=".0%"
            ),
            "yaxis": axis(page, text("circular.axis_settle", language), range=[0, high]),
            "annotations": notes,
        }  # fmt: skip

    if len(known):
        best = known.iloc[int(known["steps"].to_numpy().argmin())]
        alt = text("circular.damping_alt", language, damping=f"{best['damping']:.0%}", steps=int(best["steps"]))
    else:
        alt = text("circular.damping_alt_never", language)
    return Figure(frame, title, alt, draw, height=260, revision="damping")


def _colour(page: Theme, number: int) -> str:
    """The colour of the first or the second number of a pair."""
    return DEPARTMENTS[number - 1].colour(page)
