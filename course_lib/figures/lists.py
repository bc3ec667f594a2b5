"""Lists and histories of single shoppers: how a top-10 list moves between epochs, and what five shoppers bought."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pandas as pd

from course_lib.figures.base import Figure, Plot, axis, bare_axis, finite, note, plotly_text
from course_lib.figures.palette import Theme, alpha
from course_lib.figures.products import Product, department_marks, label_room, name_lines, product
from course_lib.text import text

MOST_EPOCHS, NARROW_EPOCHS = 9, 6  # columns that fit, and on a phone; first, last and even steps between
TITLE, NARROW_TITLE = (36, 2), (24, 3)  # display width and number of a title's lines beside the list
LIST_HEIGHT = 540  # pixels, on a phone too, so that the page holds its place before the picture arrives
OUTSIDE = 11.8  # where the true next product is drawn while it is not in the list
PAUSES = ((30.0, 0.6), (3.0, 0.3))  # days without a purchase -> extra room before the next one
EVENTS, NARROW_EVENTS = 8, 3  # of each shopper's history; on a phone, where their names need the room
EVENT_NAME = 12  # display width of a line of a product's name under its picture
TIMELINE_ROW = 92  # pixels of one shopper


def list_by_epoch(
    items: pd.DataFrame,
    views: Sequence[Mapping[str, Any]],
    user: int,
    language: str,
    epoch: float | None = None,
    name: str = "",
    narrow: bool = False,
) -> Figure:
    """One shopper's top 10 by epoch: a column a list, a line for each product that stays, the true next one marked.

    Args:
        items: items frame.
        views: view.json of the epochs there are, any order.
        user: which entry of ``shoppers``.
        language: "zh" or "en".
        epoch: the one the learner looks at now; it gets a band.
        name: the shopper's, for the title.
        narrow: for a phone: titles in three lines, fewer columns.

    Frame columns: epoch, rank (1..10, NaN: the target is not in the list), item_id, title, score, p (probability),
    target, drawn (at most 9 epochs are, 6 on a phone).
    """
    rows: list[dict[str, Any]] = []
    for view in sorted(views, key=lambda one: float(one["epoch"])):
        shopper = next((one for one in view.get("shoppers", []) if one["user"] == user), None)
        if shopper is None:
            continue
        target = shopper.get("target")
        ranked = [int(entry["item"]) for entry in shopper["top"]]
        for rank, entry in enumerate(shopper["top"], 1):
            item = int(entry["item"])
            rows.append(
                {
                    "epoch": float(view["epoch"]), "rank": float(rank), "item_id": item, "target": item == target,
                    "score": finite(entry.get("score")), "p": finite(entry.get("p")),
                }
            )  # fmt: skip
        if target and target not in ranked:
            rows.append({"epoch": float(view["epoch"]), "rank": None, "item_id": int(target), "target": True})
    epochs = list(dict.fromkeys(row["epoch"] for row in rows))
    columns = _columns(epochs, epoch, NARROW_EPOCHS if narrow else MOST_EPOCHS)
    known = {item: product(items, item, language) for item in {row["item_id"] for row in rows}}
    frame = pd.DataFrame(rows, columns=["epoch", "rank", "item_id", "score", "p", "target"])
    frame["rank"] = frame["rank"].astype("float64")
    frame.insert(3, "title", [known[item].title for item in frame["item_id"]])
    frame["drawn"] = frame["epoch"].isin(columns)
    cells = [row | {"x": columns.index(row["epoch"])} for row in rows if row["epoch"] in columns]
    marks = department_marks(items)

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        grey = links([cell for cell in cells if not cell["target"]])
        bold = links([cell for cell in cells if cell["target"]])
        hover = text("figures.hover_rank", language, name="")
        others, targets = [cell for cell in cells if not cell["target"]], [cell for cell in cells if cell["target"]]
        data: list[Plot] = [
            {"type": "scatter", "mode": "lines", "hoverinfo": "skip", **grey,
             "line": {"color": alpha(page.muted, 0.45), "width": 2}},
            {"type": "scatter", "mode": "lines", "hoverinfo": "skip", **bold,
             "line": {"color": page.accent, "width": 3}},
            faces(page, others, known, [marks[known[c["item_id"]].department].colour(page) for c in others], hover),
            faces(page, targets, known, [page.accent] * len(targets), hover, 3),
        ]  # fmt: skip
        last = [cell for cell in cells if cell["x"] == len(columns) - 1]
        labels, small = [cell_label(cell, known, narrow) for cell in last], 10 if narrow else 11
        notes = [
            note(
                page, 1, _height(cell), f"<b>{label}</b>" if cell["target"] else label, xref="paper", xanchor="left",
                xshift=4, align="left", font={"size": small, "color": page.accent if cell["target"] else page.ink},
            )
            for cell, label in zip(last, labels, strict=True)
        ]  # fmt: skip
        if any(cell["rank"] is None for cell in cells):
            words = text("figures.list_outside", language)
            font = {"size": 11, "color": page.muted}
            notes.append(
                note(page, 0, OUTSIDE - 0.78, words, xref="paper", xanchor="left", font=font, bgcolor=page.background)
            )
        if not cells:
            notes = [note(page, 0.5, 0.5, text("figures.list_waiting", language), xref="paper", yref="paper")]
        shapes = [_band(page, columns.index(epoch))] if epoch in columns else []
        return data, {
            "xaxis": axis(
                page, text("figures.axis_epoch", language), tickvals=list(range(len(columns))),
                ticktext=[f"{column:.3g}" for column in columns], range=[-0.6, max(len(columns), 1) - 0.4],
                showgrid=False, fixedrange=True,
            ),
            "yaxis": axis(
                page, text("figures.axis_rank", language), range=[OUTSIDE + 0.6, 0.3], tickvals=[1, 3, 5, 10],
                showgrid=False, fixedrange=True,
            ),
            "margin": {"l": 42, "r": label_room(labels, small), "t": 8, "b": 44},
            "annotations": notes,
            "shapes": shapes,
            "dragmode": False,
        }  # fmt: skip

    title = text("figures.list_title_name", language, name=name) if name else text("figures.list_title", language)
    return Figure(frame, title, _list_alt(frame, language), draw, LIST_HEIGHT, f"list_by_epoch {user}")


def _columns(epochs: list[float], chosen: float | None, most: int) -> list[float]:
    """At most ``most`` epochs: first, last, even steps between, and the one the learner looks at."""
    if len(epochs) <= most:
        return epochs
    steps = [epochs[round(n * (len(epochs) - 1) / (most - 1))] for n in range(most)]
    if chosen in epochs and chosen not in steps:
        nearest = min(steps[1:-1], key=lambda step: abs(step - (chosen or 0.0)))
        steps[steps.index(nearest)] = chosen or 0.0
    return steps


def _height(cell: Mapping[str, Any]) -> float:
    return OUTSIDE if cell["rank"] is None else float(cell["rank"])


def links(cells: Sequence[Mapping[str, Any]]) -> dict[str, list[float | None]]:
    """Lines between the places of one product in neighbouring columns, gaps between products."""
    place = {(cell["item_id"], cell["x"]): _height(cell) for cell in cells}
    x: list[float | None] = []
    y: list[float | None] = []
    for (item, column), height in place.items():
        following = place.get((item, column + 1))
        if following is not None:
            x += [column, column + 1, None]
            y += [height, following, None]
    return {"x": x, "y": y}


def faces(
    page: Theme, cells: Sequence[Mapping[str, Any]], known: Mapping[int, Any], colours: list[str], hover: str,
    ring: float = 1.2,
) -> Plot:  # fmt: skip
    """Products as emoji in a disc of their department's colour."""
    shares = ["–" if cell.get("p") is None else f"{cell['p']:.1%}" for cell in cells]
    ranks = [">10" if cell["rank"] is None else f"{cell['rank']:.0f}" for cell in cells]
    return {
        "type": "scatter", "mode": "markers+text",
        "x": [cell["x"] for cell in cells], "y": [_height(cell) for cell in cells],
        "text": [plotly_text(known[cell["item_id"]].emoji) for cell in cells],
        "textposition": "middle center", "textfont": {"size": 14, "color": page.ink},
        "marker": {
            "size": 22, "opacity": 1, "color": [_tint(page, colour) for colour in colours],
            "line": {"width": ring, "color": colours},
        },
        "customdata": [
            [plotly_text(known[cell["item_id"]].title), cell["epoch"], rank, share]
            for cell, rank, share in zip(cells, ranks, shares, strict=True)
        ],
        "hovertemplate": hover,
    }  # fmt: skip


def _tint(page: Theme, colour: str) -> str:
    """``colour`` mixed into the page's, opaque so that lines end at the disc."""
    share = 0.3 if page.dark else 0.18
    mixed = [
        round(int(colour[i : i + 2], 16) * share + int(page.background[i : i + 2], 16) * (1 - share)) for i in (1, 3, 5)
    ]
    return "#" + "".join(f"{channel:02x}" for channel in mixed)


def cell_label(cell: Mapping[str, Any], known: Mapping[int, Product], narrow: bool) -> str:
    """The product's whole title, a star before it where it is the one really bought next."""
    words = name_lines(known[cell["item_id"]].title, *(NARROW_TITLE if narrow else TITLE))
    return f"★ {words}" if cell["target"] else words


def _band(page: Theme, column: int) -> Plot:
    return {
        "type": "rect", "xref": "x", "yref": "paper", "x0": column - 0.48, "x1": column + 0.48, "y0": 0, "y1": 1,
        "fillcolor": alpha(page.muted, 0.16), "line": {"width": 0}, "layer": "below",
    }  # fmt: skip


def _list_alt(frame: pd.DataFrame, language: str) -> str:
    if frame.empty:
        return text("figures.list_waiting", language)
    last = frame[frame["epoch"] == frame["epoch"].max()]
    join = text("figures.list_comma", language)
    top = join.join(last.loc[last["rank"] <= 3, "title"])
    target = last[last["target"]]
    alt = text("figures.list_alt", language, epoch=f"{frame['epoch'].max():.3g}", top=top)
    if len(target):
        rank, title = target["rank"].iat[0], target["title"].iat[0]
        key, place = ("figures.list_alt_out", "") if rank != rank else ("figures.list_alt_rank", f"{rank:.0f}")
        alt += text(key, language, title=title, rank=place)
    return alt


def history_timeline(
    items: pd.DataFrame, shoppers: Sequence[Mapping[str, Any]], language: str, narrow: bool = False
) -> Figure:
    """What a few shoppers bought, oldest left, and a question mark where the model will have to answer.

    Args:
        items: items frame.
        shoppers: mappings with ``name``, ``history`` (item ids, oldest first), and optionally ``times`` (unix seconds,
            as many as the history) and ``emoji`` (the shopper's face). What they bought next is not among it: it is
            the empty box with the question mark.
        language: "zh" or "en".
        narrow: for a phone: fewer events of each.

    Frame columns: shopper, event (1 = oldest drawn), item_id, title, time (NaN where unknown), pause_days (since the
    event before; NaN for the first). The newest 8 events of each are drawn, 3 on a phone; the frame holds what is
    drawn.
    """
    events = NARROW_EVENTS if narrow else EVENTS
    rows: list[dict[str, Any]] = []
    for place, shopper in enumerate(shoppers):
        history = [int(item) for item in shopper["history"]][-events:]
        times = [finite(time) for time in (shopper.get("times") or [])][-events:] or [None] * len(history)
        x = 0.0
        own: list[dict[str, Any]] = []
        for event, (item, time) in enumerate(zip(history, times, strict=True), 1):
            before = own[-1]["time"] if own else None
            pause = (time - before) / 86400 if time is not None and before is not None else None
            if own:
                x += 1 + next((room for days, room in PAUSES if pause is not None and pause >= days), 0.0)
            one = product(items, item, language)
            own.append(
                {
                    "shopper": str(shopper["name"]), "event": event, "item_id": item, "title": one.title, "time": time,
                    "pause_days": pause, "x": x, "y": place, "emoji": one.emoji, "department": one.department,
                    "name": name_lines(one.short, EVENT_NAME),
                }
            )  # fmt: skip
        rows += [row | {"x": row["x"] - x} for row in own]  # right-aligned: the newest event is at 0
    columns = ["shopper", "event", "item_id", "title", "time", "pause_days"]
    frame = pd.DataFrame(rows, columns=columns)
    frame[["time", "pause_days"]] = frame[["time", "pause_days"]].astype("float64")
    marks = department_marks(items)
    left = min((row["x"] for row in rows), default=-1.0)

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        colours = [marks[row["department"]].colour(page) for row in rows]
        count = len(shoppers)
        data: list[Plot] = [
            {
                "type": "scatter", "mode": "lines", "hoverinfo": "skip", "line": {"color": page.grid, "width": 3},
                "x": [x for row in range(count) for x in (left, 1.1, None)],
                "y": [y for row in range(count) for y in (row, row, None)],
            },
            {
                "type": "scatter", "mode": "markers+text",
                "x": [row["x"] for row in rows], "y": [row["y"] for row in rows],
                "text": [plotly_text(row["emoji"]) for row in rows], "textfont": {"size": 15, "color": page.ink},
                "marker": {
                    "size": 25, "opacity": 1, "color": [_tint(page, colour) for colour in colours],
                    "line": {"color": colours, "width": 1.5},
                },
                "customdata": [
                    [plotly_text(row["title"]), _day(row["time"]), plotly_text(row["shopper"])] for row in rows
                ],
                "hovertemplate": text("figures.hover_event", language, name=""),
            },
            {
                "type": "scatter", "mode": "markers+text", "x": [1.15] * count, "y": list(range(count)),
                "text": ["<b>?</b>"] * count, "textfont": {"size": 15, "color": page.accent}, "hoverinfo": "skip",
                "marker": {
                    "size": 27, "symbol": "square", "color": page.background, "line": {"color": page.accent, "width": 2}
                },
            },
        ]  # fmt: skip
        notes = [
            note(page, 0, row, _who(shopper), xref="paper", xanchor="left", yshift=26)
            for row, shopper in enumerate(shoppers)
        ]
        small = {"size": 11, "color": page.ink}
        notes += [
            note(page, row["x"], row["y"], row["name"], yshift=-16, yanchor="top", font=small, align="center")
            for row in rows
        ]
        if not shoppers:
            notes = [note(page, 0.5, 0.5, text("figures.nothing_yet", language), xref="paper", yref="paper")]
        return data, {
            "xaxis": bare_axis(page, left - 0.9, 2.0, text("figures.timeline_axis", language)),
            "yaxis": bare_axis(page, count - 0.4, -0.55),
            "margin": {"l": 8, "r": 8, "t": 8, "b": 30},
            "annotations": notes,
            "dragmode": False,
        }

    join = text("figures.list_semicolon", language)
    comma = text("figures.list_comma", language)
    parts = []
    for shopper in shoppers:
        bought = comma.join(row["title"] for row in rows if row["shopper"] == str(shopper["name"]))
        parts.append(text("figures.timeline_alt_one", language, name=shopper["name"], bought=bought or "–"))
    alt = text("figures.timeline_alt", language, shoppers=join.join(parts))
    title = text("figures.timeline_title", language)
    nothing = text("figures.nothing_yet", language)
    height = TIMELINE_ROW * max(len(shoppers), 2) + 70
    return Figure(frame, title, alt if parts else nothing, draw, height, "history_timeline")


def _who(shopper: Mapping[str, Any]) -> str:
    return f"{plotly_text(str(shopper.get('emoji') or ''))} <b>{plotly_text(str(shopper['name']))}</b>".strip()


def _day(time: float | None) -> str:
    return "" if time is None else datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%d")
