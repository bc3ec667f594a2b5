"""Pictures of a stream: one day as it comes in, three lists beside each other, how old is too old, gain beside cost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from course_lib.figures.base import Figure, Plot, axis, empty, note, plotly_text, three
from course_lib.figures.lists import LIST_HEIGHT, OUTSIDE, cell_label, faces, links
from course_lib.figures.palette import DEPARTMENTS, Mark, Theme, alpha
from course_lib.figures.products import department_marks, label_room, product
from course_lib.figures.shown import Shown
from course_lib.text import text

LEGEND = {"orientation": "h", "x": 0, "y": 1.01, "yanchor": "bottom", "font": {"size": 12}}
LISTS: dict[str, Mark] = {"nightly": DEPARTMENTS[1], "batch": DEPARTMENTS[2], "live": DEPARTMENTS[0]}
LAGGED = {"again": (DEPARTMENTS[1], "dash"), "all": (DEPARTMENTS[0], "solid")}
LAGS = (0, 30, 120, 300, 900, 3600, 14_400, 86_400)  # seconds that have a name on the axis
CROWD = 97  # heights among which the dots of everybody else are spread


def stream(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """The day's purchases up to the moment on show: a row for each shopper who is followed, below them all others.

    Frame columns: hour, shopper (1, 2, ...; 0: somebody else), item_id, title.
    """
    title, columns = text("real_time.stream_title", language), ["hour", "shopper", "item_id", "title"]
    view, items = shown.frame or {}, shown.items
    people = view.get("shoppers") or []
    if not people or "stream" not in view or items is None:
        return empty(title, columns, language, 420)
    hour, every = float(view["hour"]), int(view["every"])
    rows = [(at, number, item) for number, one in enumerate(people, 1) for at, item in one["bought"]]
    own = {(at, item) for at, _, item in rows}
    rows += [(at, 0, item) for at, item in view["stream"] if (at, item) not in own]
    frame = pd.DataFrame(rows, columns=columns[:3])
    frame["title"] = [product(items, int(item), language).title for item in frame["item_id"]]
    refreshed = hour * 60 // every * every / 60
    marks = department_marks(items)
    turn = view.get("next")

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        known = {int(item): product(items, int(item), language) for item in frame["item_id"]}
        crowd, followed = frame[frame["shopper"] == 0], frame[frame["shopper"] > 0]
        colours = [marks[known[int(item)].department].colour(page) for item in crowd["item_id"]]
        symbols = [marks[known[int(item)].department].symbol for item in crowd["item_id"]]
        data: list[Plot] = [
            {
                "type": "scatter", "mode": "markers", "x": crowd["hour"].tolist(),
                "y": [-0.2 - 0.9 * (n * 41 % CROWD) / CROWD for n in range(len(crowd))],
                "marker": {"size": 6, "color": colours, "symbol": symbols, "opacity": 0.75},
                "text": [plotly_text(words) for words in crowd["title"]],
                "hovertemplate": "%{x:.1f} h: %{text}<extra></extra>",
            },
            {
                "type": "scatter", "mode": "markers+text", "x": followed["hour"].tolist(),
                "y": [len(people) + 1 - number for number in followed["shopper"]],
                "text": [plotly_text(known[int(item)].emoji) for item in followed["item_id"]],
                "textposition": "middle center", "textfont": {"size": 14, "color": page.ink},
                "marker": {"size": 24, "color": page.surface, "line": {"width": 1.5, "color": page.muted}},
                "customdata": [plotly_text(words) for words in followed["title"]],
                "hovertemplate": "%{x:.1f} h: %{customdata}<extra></extra>",
            },
        ]  # fmt: skip
        if turn is not None:
            data.append(
                {
                    "type": "scatter", "mode": "markers", "x": [hour], "y": [len(people) - turn], "hoverinfo": "skip",
                    "marker": {"symbol": "circle-open", "size": 28, "color": page.accent, "line": {"width": 3}},
                }
            )  # fmt: skip
        names = [text("real_time.shopper", language, number=n) for n in range(1, len(people) + 1)]
        ticks = [plotly_text(name) for name in names] + [text("real_time.everybody", language)]
        line: Plot = {"type": "line", "yref": "paper", "y0": 0, "y1": 1}
        return data, {
            "xaxis": axis(
                page, text("real_time.axis_hour", language), range=[-0.4, 24.4], dtick=6 if narrow else 3,
                showgrid=False, fixedrange=True,
            ),
            "yaxis": axis(
                page, "", range=[-1.25, len(people) + 0.6], tickvals=[*range(len(people), 0, -1), -0.6],
                ticktext=ticks, fixedrange=True,
            ),
            "shapes": [
                {"type": "rect", "yref": "paper", "x0": refreshed, "x1": hour, "y0": 0, "y1": 1, "layer": "below",
                 "fillcolor": alpha(LISTS["batch"].colour(page), 0.18), "line": {"width": 0}},
                line | {"x0": refreshed, "x1": refreshed,
                        "line": {"color": LISTS["batch"].colour(page), "width": 2, "dash": "dash"}},
                line | {"x0": hour, "x1": hour, "line": {"color": page.accent, "width": 2}},
            ],
            "margin": {"l": label_room(ticks, 11) + 4, "t": 12},
            "dragmode": False,
        }  # fmt: skip

    alt = text(
        "real_time.stream_alt", language, hour=f"{hour:.1f}", bought=len(frame), own=int((frame["shopper"] > 0).sum()),
        refreshed=f"{refreshed:.1f}",
    )  # fmt: skip
    return Figure(frame, title, alt, draw, height=420, revision="real-time-stream")


def lists(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """Three lists for one shopper at the moment on show, lines between a product's places, what is bought next marked.

    Frame columns: list, rank (NaN: what is bought next is not in the list), item_id, title, target.
    """
    title, columns = text("real_time.lists_title", language), ["list", "rank", "item_id", "title", "target"]
    who, items = shown.answer or _in_turn(shown.frame or {}), shown.items
    if set(LISTS) - set(who.get("lists") or ()) or items is None:
        return empty(title, columns, language, LIST_HEIGHT)
    target = int(who["target"])
    cells: list[dict[str, Any]] = []
    for x, name in enumerate(LISTS):
        ranked: list[int] = [int(item) for item in who["lists"][name]]
        cells += [
            {"x": x, "list": name, "rank": float(rank), "item_id": item, "target": item == target, "epoch": name}
            for rank, item in enumerate(ranked, 1)
        ]
        if target and target not in ranked:
            cells.append({"x": x, "list": name, "rank": None, "item_id": target, "target": True, "epoch": name})
    known = {cell["item_id"]: product(items, cell["item_id"], language) for cell in cells}
    frame = pd.DataFrame(cells)[["list", "rank", "item_id", "target"]]
    frame["rank"] = frame["rank"].astype("float64")
    frame.insert(3, "title", [known[item].title for item in frame["item_id"]])
    every = int((shown.frame or {}).get("every", 60))
    names = [text(f"real_time.{name}", language, every=every) for name in LISTS]
    marks = department_marks(items)

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        plain, aims = [one for one in cells if not one["target"]], [one for one in cells if one["target"]]
        data: list[Plot] = [
            {"type": "scatter", "mode": "lines", "hoverinfo": "skip", **links(plain),
             "line": {"color": alpha(page.muted, 0.45), "width": 2}},
            {"type": "scatter", "mode": "lines", "hoverinfo": "skip", **links(aims),
             "line": {"color": page.accent, "width": 3}},
            faces(page, plain, known, [marks[known[c["item_id"]].department].colour(page) for c in plain], _HOVER),
            faces(page, aims, known, [page.accent] * len(aims), _HOVER, 3),
        ]  # fmt: skip
        small = 10 if narrow else 11
        last = [one for one in cells if one["x"] == len(LISTS) - 1]
        labels = [cell_label(one, known, narrow) for one in last]
        notes = [
            note(
                page, 1, OUTSIDE if one["rank"] is None else one["rank"], f"<b>{label}</b>" if one["target"] else label,
                xref="paper", xanchor="left", xshift=4, align="left",
                font={"size": small, "color": page.accent if one["target"] else page.ink},
            )
            for one, label in zip(last, labels, strict=True)
        ]  # fmt: skip
        return data, {
            "xaxis": axis(
                page, "", tickvals=list(range(len(LISTS))), ticktext=names, range=[-0.6, len(LISTS) - 0.4],
                showgrid=False, fixedrange=True,
            ),
            "yaxis": axis(
                page, text("figures.axis_rank", language), range=[OUTSIDE + 0.6, 0.3], showgrid=False, fixedrange=True,
                tickvals=[1, 3, 5, 10, OUTSIDE], ticktext=["1", "3", "5", "10", ">10"],
            ),
            "margin": {"l": 46, "r": label_room(labels, small), "t": 8, "b": 44},
            "annotations": notes,
            "dragmode": False,
        }  # fmt: skip

    ranks = [_place(who["ranks"][name]) for name in LISTS]
    what = product(items, target, language).title if target else text("real_time.nothing_more", language)
    alt = text(
        "real_time.lists_alt", language, shopper=int(who["number"]) + 1, hour=f"{float(who['hour']):.1f}",
        product=what, nightly=ranks[0], batch=ranks[1], live=ranks[2],
    )  # fmt: skip
    return Figure(frame, title, alt, draw, LIST_HEIGHT, "real-time-lists")


_HOVER = "%{customdata[0]}<br>%{customdata[2]}<extra></extra>"


def _in_turn(view: Mapping[str, Any]) -> Mapping[str, Any]:
    """Whoever buys at the moment on show, else the first who is followed; for a picture that nothing was asked for."""
    people = view.get("shoppers") or []
    number = int(view.get("next") or 0)
    return {"number": number, "hour": view["hour"], **people[number]} if people else {}


def _place(rank: Any) -> str:
    return ">10" if rank is None else str(rank)


def by_lag(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """NDCG@10 of a live list by how old a purchase must be to be read. Frame columns: lag (seconds), again, all."""
    title, columns = text("real_time.by_lag_title", language), ["lag", *LAGGED]
    told = ((shown.runs[0].result or {}) if shown.runs else {}).get("lags") or []
    if not told:
        return empty(title, columns, language)
    frame = pd.DataFrame([[one[name] for name in columns] for one in told], columns=columns)
    places = list(range(len(frame)))
    names = [text(f"real_time.lag_{int(lag)}", language) if lag in LAGS else f"{lag} s" for lag in frame["lag"]]

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        data: list[Plot] = [
            {
                "type": "scatter", "mode": "lines+markers", "x": places,
                "y": [None if pd.isna(one) else one for one in frame[column]],
                "name": text(f"real_time.lagged_{column}", language),
                "line": {"color": mark.colour(page), "width": 2.5, "dash": dash},
                "marker": {"symbol": mark.symbol, "size": 8, "color": mark.colour(page)}, "text": names,
                "hovertemplate": "%{text}: %{y:.3f}<extra>%{fullData.name}</extra>",
            }
            for column, (mark, dash) in LAGGED.items()
        ]  # fmt: skip
        return data, {
            "showlegend": True,
            "legend": LEGEND,
            "xaxis": axis(page, text("real_time.axis_lag", language), tickvals=places, ticktext=names),
            "yaxis": axis(page, "NDCG@10", rangemode="tozero"),
            "margin": {"t": 76 if narrow else 54, "l": 54},
        }

    said = text("figures.list_comma", language).join(
        f"{name} {three(row['all'])} / {'–' if pd.isna(row['again']) else three(row['again'])}"
        for name, (_, row) in zip(names, frame.iterrows(), strict=True)
    )
    return Figure(frame, title, text("real_time.by_lag_alt", language, points=said), draw, 380, "real-time-lag")


def gain_and_cost(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """NDCG@10 of each list against how many lists are computed a day.

    Frame columns: list, lists (a day), value, low, high, again, busy (seconds of one core a day).
    """
    title = text("real_time.gain_and_cost_title", language)
    columns = ["list", "lists", "value", "low", "high", "again", "busy"]
    found: Mapping[str, Any] = ((shown.runs[0].result or {}) if shown.runs else {}).get("measures", {})
    if "lists_live" not in found:
        return empty(title, columns, language)
    rows = []
    for name in LISTS:
        count, score = found[f"lists_{name}"]["value"], found[f"ndcg_{name}"]
        each = found["list_single" if name == "live" else "list_many"]["value"]
        again = found.get(f"again_{name}", {}).get("value")
        rows.append((name, count, score["value"], score["low"], score["high"], again, count * each))
    frame = pd.DataFrame(rows, columns=columns)
    told: list[dict[str, Any]] = [dict(zip(columns, row, strict=True)) for row in rows]
    every = int(shown.runs[0].config.settings["every"]) if shown.runs[0].config is not None else 60
    names = {name: text(f"real_time.{name}", language, every=every) for name in LISTS}

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        data: list[Plot] = [
            {
                "type": "scatter", "mode": "markers", "x": [row["lists"]], "y": [row["value"]],
                "name": names[row["list"]], "customdata": [[row["busy"]]],
                "marker": {"symbol": LISTS[row["list"]].symbol, "size": 14, "color": LISTS[row["list"]].colour(page)},
                "error_y": {"type": "data", "symmetric": False, "array": [row["high"] - row["value"]],
                            "arrayminus": [row["value"] - row["low"]], "color": page.ink, "thickness": 1.5},
                "hovertemplate": "%{x:,.0f} → %{y:.3f}, %{customdata[0]:.2f} s<extra>%{fullData.name}</extra>",
            }
            for row in told
        ]  # fmt: skip
        return data, {
            "showlegend": True,
            "legend": LEGEND,
            "xaxis": axis(page, text("real_time.axis_lists", language), type="log", dtick=1),
            "yaxis": axis(page, "NDCG@10", rangemode="tozero"),
            "margin": {"t": 96 if narrow else 54, "l": 54},
        }

    said = text("figures.list_comma", language).join(
        text(
            "real_time.gain_and_cost_one", language, name=names[row["list"]], lists=f"{row['lists']:,.0f}",
            ndcg=three(row["value"]), busy=f"{row['busy']:.2f}",
        )
        for row in told
    )  # fmt: skip
    return Figure(frame, title, text("real_time.gain_and_cost_alt", language, lists=said), draw, 380, "real-time-cost")
