"""Pictures of two recommenders compared online: which test knows first, power, the lists, shoppers needed."""

from __future__ import annotations

from typing import Any

import pandas as pd

from course_lib.figures.base import Figure, Plot, axis, bare_axis, dotted_lines, empty, moments_shown, note, plotly_text
from course_lib.figures.palette import DEPARTMENTS, Mark, Theme, alpha
from course_lib.figures.products import label_room, name_lines, product
from course_lib.figures.shown import Shown
from course_lib.text import text

TESTS: dict[str, tuple[Mark, str]] = {"ab": (DEPARTMENTS[0], "solid"), "interleaving": (DEPARTMENTS[1], "dash")}
TEAMS = (DEPARTMENTS[0], DEPARTMENTS[1])  # who put a product there: control, treatment
LEGEND = {"orientation": "h", "x": 0, "y": 1.01, "yanchor": "bottom", "font": {"size": 12}}
CALLED = 1.96
FAR = 8.0  # z that the picture of the race shows at most
ROW = 46  # pixels of a place in the lists


def race(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """z of both tests after as many shoppers each, and the lines from which they call a difference.

    Above 0 the treatment is ahead. Frame columns: at, shoppers, ab, interleaving.
    """
    title, columns = text("interleaving.race_title", language), ["at", "shoppers", *TESTS]
    told = [one for one in (shown.runs[0].of("frame") if shown.runs else ()) if "interleaving" in one]
    if not told:
        return empty(title, columns, language)
    rows = [(one["at"], one["shoppers"], *(one[test]["z"] for test in TESTS)) for one in told]
    frame = pd.DataFrame(rows, columns=columns)
    now = moments_shown(frame, frame["shoppers"], shown.at)
    # Beyond this nothing is decided any more: the lines go on above the picture.
    z = frame[list(TESTS)].to_numpy()
    low, high = max(min(float(z.min()) - 0.5, -3.0), -FAR), min(max(float(z.max()) + 0.5, 3.0), FAR)

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        data = [_line(frame["shoppers"], frame[test], test, "%{x:,}: z = %{y:.2f}", language, page) for test in TESTS]
        levels = [
            {
                "type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": y, "y1": y,
                "line": {"color": page.muted, "width": 1.5, "dash": "dash"},
            }
            for y in (-CALLED, CALLED)
        ]  # fmt: skip
        return data, {
            "showlegend": True,
            "legend": LEGEND,
            "xaxis": axis(page, text("interleaving.axis_shoppers", language), type="log", dtick=1),
            "yaxis": axis(page, text("interleaving.axis_z", language), zeroline=True, range=[low, high]),
            "shapes": [*levels, *dotted_lines(page, now)],
            "margin": {"t": 76 if narrow else 54},
        }

    alt = text(
        "interleaving.race_alt", language, shoppers=f"{frame['shoppers'].iloc[-1]:,}",
        **{test: _since(frame, test, language) for test in TESTS},
    )  # fmt: skip
    return Figure(frame, title, alt, draw, height=380 if narrow else 340, revision="interleaving-race")


def power(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """Power of both tests by shoppers, the number asked about marked. Frame columns: shoppers, ab, interleaving."""
    title, columns = text("interleaving.power_title", language), ["shoppers", *TESTS]
    if not (answer := shown.answer) or "curve" not in answer:
        return empty(title, columns, language)
    frame = pd.DataFrame(answer["curve"], columns=columns)

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        data = []
        for test, (mark, _) in TESTS.items():
            line = _line(frame["shoppers"], frame[test], test, "%{x:,}: %{y:.0%}", language, page)
            data.append(line | {"mode": "lines"})
            data.append(
                {
                    "type": "scatter", "mode": "markers", "x": [answer["shoppers"]], "y": [answer[test]],
                    "marker": {"symbol": mark.symbol, "size": 12, "color": mark.colour(page)}, "showlegend": False,
                    "hovertemplate": "%{x:,}: %{y:.0%}<extra></extra>",
                }
            )  # fmt: skip
        return data, {
            "showlegend": True,
            "legend": LEGEND,
            "xaxis": axis(page, text("interleaving.axis_shoppers", language), type="log", dtick=1),
            "yaxis": axis(page, text("interleaving.axis_power", language), tickformat=".0%", range=[-0.02, 1.04]),
            "shapes": dotted_lines(page, [answer["shoppers"]]),
            "margin": {"t": 76 if narrow else 54},
        }

    alt = text(
        "interleaving.power_alt", language, shoppers=f"{answer['shoppers']:,}",
        **{test: f"{answer[test]:.0%}" for test in TESTS},
    )  # fmt: skip
    return Figure(frame, title, alt, draw, height=380 if narrow else 340, revision="interleaving-power")


def lists(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """One shopper's two lists, and between them a draft of both. Frame columns: place, control, drafted, treatment,
    team (0: the control put it there, 1: the treatment); products are item ids."""
    title, columns = text("interleaving.lists_title", language), ["place", "control", "drafted", "treatment", "team"]
    if not (answer := shown.answer) or "lists" not in answer or shown.items is None:
        return empty(title, columns, language)
    three = answer["lists"]
    places = len(three["drafted"])
    frame = pd.DataFrame({"place": range(1, places + 1)} | {name: three[name] for name in columns[1:]}, columns=columns)
    names = ("control", "drafted", "treatment")
    teams = {"control": [0] * places, "drafted": three["team"], "treatment": [1] * places}
    known = {item: product(shown.items, item, language) for name in names for item in three[name]}
    room = (9, 2) if narrow else (20, 2)

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        shapes, notes = [], []
        for column, name in enumerate(names):
            head = text(f"interleaving.list_{name}", language)
            notes.append(note(page, column, -0.85, f"<b>{plotly_text(head)}</b>"))
            for place, (item, team) in enumerate(zip(three[name], teams[name], strict=True)):
                colour = TEAMS[team].colour(page)
                shapes.append(
                    {
                        "type": "rect", "x0": column - 0.46, "x1": column + 0.46,
                        "y0": place - 0.44, "y1": place + 0.44,
                        "line": {"color": colour, "width": 2, "dash": "dot" if team else "solid"},
                        "fillcolor": alpha(colour, 0.16 if name == "drafted" else 0.05), "layer": "below",
                    }
                )  # fmt: skip
                one = known[item]
                words = name_lines(one.short, *room)
                notes.append(
                    note(page, column, place, f"{plotly_text(one.emoji)} {words}", font={"size": 11, "color": page.ink})
                )
        return [], {
            "shapes": shapes,
            "annotations": notes,
            "xaxis": bare_axis(page, -0.5, 2.5),
            "yaxis": axis(
                page, tickvals=list(range(places)), ticktext=[str(n + 1) for n in range(places)], showgrid=False,
                range=[places - 0.5, -1.3], fixedrange=True,
            ),
            "margin": {"l": 26, "r": 4, "t": 6, "b": 6},
        }  # fmt: skip

    alt = text(
        "interleaving.lists_alt", language, shopper=text(f"setting.shopper_{answer['shopper']}", language),
        places=places, treated=int(sum(three["team"])), shared=len(set(three["control"]) & set(three["treatment"])),
    )  # fmt: skip
    return Figure(frame, title, alt, draw, height=ROW * (places + 1) + 50, revision="interleaving-lists")


def needed(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """Shoppers for 80% power by run and test. Frame columns: run, test, shoppers, ahead (whom the test prefers)."""
    title, columns = text("interleaving.needed_title", language), ["run", "test", "shoppers", "ahead"]
    rows: list[tuple[Any, ...]] = []
    for number, run in enumerate(shown.runs):
        found = (run.result or {}).get("measures", {})
        name = shown.names[number] if number < len(shown.names) and shown.names[number] else str(number + 1)
        ahead = {"ab": found.get("difference", {}).get("value", 0) > 0}
        ahead["interleaving"] = found.get("preferred", {}).get("value", 0) > 0.5
        rows += [
            (name, test, found[f"needed_{test}"]["value"], "treatment" if ahead[test] else "control")
            for test in TESTS
            if f"needed_{test}" in found
        ]
    if not rows:
        return empty(title, columns, language)
    frame = pd.DataFrame(rows, columns=columns)
    runs = list(dict.fromkeys(frame["run"]))

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        data: list[Plot] = []
        for test, (mark, _) in TESTS.items():
            part = frame[frame["test"] == test]
            words = [
                text(f"interleaving.needed_{one.ahead}", language, shoppers=f"{one.shoppers:,.0f}")
                for one in part.itertuples()
            ]
            data.append(
                {
                    "type": "bar", "orientation": "h", "x": part["shoppers"].tolist(), "text": words,
                    "y": [plotly_text(name) for name in part["run"]], "name": text(f"interleaving.{test}", language),
                    "marker": {"color": mark.colour(page), "pattern": {"shape": "/" if test == "ab" else ""}},
                    "textposition": "outside", "textfont": {"size": 12, "color": page.ink},
                    "hovertemplate": "%{x:,}<extra>%{fullData.name}</extra>",
                }
            )  # fmt: skip
        return data, {
            "barmode": "group",
            "showlegend": True,
            "legend": LEGEND,
            "xaxis": axis(
                page,
                text("interleaving.axis_shoppers", language),
                type="log",
                dtick=2 if narrow else 1,
                tickangle=0,
                range=[1, 8.5 if narrow else 7.5],
            ),
            "yaxis": axis(page, autorange="reversed", showgrid=False),
            "margin": {"l": label_room(runs), "t": 76 if narrow else 54},
        }

    told = text("figures.list_comma", language).join(
        f"{run}: " + " / ".join(f"{value:,.0f}" for value in part["shoppers"])
        for run, part in frame.groupby("run", sort=False)
    )
    alt = text("interleaving.needed_alt", language, runs=told)
    return Figure(frame, title, alt, draw, height=150 + 80 * len(runs), revision="interleaving-needed")


def _line(x: Any, y: Any, test: str, hover: str, language: str, page: Theme) -> Plot:
    mark, dash = TESTS[test]
    return {
        "type": "scatter", "mode": "lines+markers", "x": x.tolist(), "y": y.tolist(),
        "name": text(f"interleaving.{test}", language),
        "line": {"color": mark.colour(page), "width": 2.5, "dash": dash},
        "marker": {"symbol": mark.symbol, "size": 8, "color": mark.colour(page)},
        "hovertemplate": f"{hover}<extra>%{{fullData.name}}</extra>",
    }  # fmt: skip


def _since(frame: pd.DataFrame, test: str, language: str) -> str:
    """After how many shoppers a test calls a difference at every further count."""
    called = frame[test].abs() >= CALLED
    if not called.iloc[-1]:
        return text("interleaving.undecided", language)
    since = int(called[::-1].cumprod().sum())
    return text("interleaving.decided", language, shoppers=f"{frame['shoppers'].iloc[-since]:,}")
