"""Pictures of identity: what each way of knowing is worth, when wrong matches cost more than they bring, one life."""

from __future__ import annotations

import pandas as pd

from course_lib.figures.base import Figure, Plot, axis, empty, plotly_text, three
from course_lib.figures.measure_bars import COLUMNS, in_words, measure_bars, measure_rows
from course_lib.figures.names import choice_name, measure_name
from course_lib.figures.palette import DEPARTMENTS, Theme
from course_lib.figures.products import label_room
from course_lib.figures.shown import Shown
from course_lib.figures.strips import COLUMNS as STRIP_COLUMNS
from course_lib.figures.strips import Strip, strip_rows, strips, strips_height
from course_lib.figures.strips import in_words as strips_in_words
from course_lib.text import text

LEGEND = {"orientation": "h", "x": 0, "y": 1.01, "yanchor": "bottom", "font": {"size": 12}}
GROUPS = {"ndcg@10": DEPARTMENTS[0], "ndcg_known": DEPARTMENTS[2], "ndcg_guests": DEPARTMENTS[1]}
BETTER = {"ndcg@10": "up", "ndcg_guests": "up", "strangers": "down", "unread": "down"}
CHANNELS = ("app", "web", "store")
SORTS = {
    "read": (DEPARTMENTS[0], "circle"),
    "unread": (DEPARTMENTS[0], "circle-open"),
    "stranger": (DEPARTMENTS[1], "x"),
}


def ways(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """NDCG@10 of each finished run: of all, of who was logged in, of guests.

    Frame columns: run, measure, value, low, high.
    """
    title = text("channels.ways_title", language)
    frame = measure_rows(GROUPS, shown, "identity", "ndcg_known", language)
    if frame.empty:
        return empty(title, COLUMNS, language)
    names = {name: measure_name(name, language) for name in GROUPS}
    draw = measure_bars(frame, GROUPS, names, "NDCG@10", 96 if narrow else 54, score=True)
    alt = text("channels.ways_alt", language, runs=in_words(frame, language, score=True))
    return Figure(frame, title, alt, draw, height=120 + 62 * frame["run"].nunique(), revision="channels-ways")


def mixed_up(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """What each run reads of strangers and misses of its own, a strip a measure.

    Frame columns: run, model, measure, value, low, high.
    """
    title = text("channels.mixed_up_title", language)
    frame = strip_rows(tuple(BETTER), shown, "strangers", language)
    if frame.empty:
        return empty(title, STRIP_COLUMNS, language)
    names = {name: measure_name(name, language) for name in BETTER}
    kinds = [Strip(name, names[name], better) for name, better in BETTER.items()]
    top = 34 + 22 * -(-frame["run"].nunique() // (2 if narrow else 4))
    alt = text("channels.mixed_up_alt", language, measures=strips_in_words(frame, names, language))
    draw = strips(frame, kinds, language, top)
    return Figure(frame, title, alt, draw, strips_height(frame, top), revision="channels-mixed")


def by_wrong(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """NDCG@10 of stitched runs by the share of wrong matches, and a level for each other way among the runs.

    Frame columns: run, way, wrong (NaN for a level), value, low, high, strangers.
    """
    title = text("channels.by_wrong_title", language)
    columns = ["run", "way", "wrong", "value", "low", "high", "strangers"]
    rows = []
    for number, run in enumerate(shown.runs, 1):
        found = (run.result or {}).get("measures", {})
        if "ndcg@10" not in found or "strangers" not in found or run.config is None:
            continue
        way = str(run.config.settings["identity"])
        wrong = float(run.config.settings["wrong_matches"]) if way == "stitched" else None
        score = found["ndcg@10"]
        rows.append((number, way, wrong, score["value"], score["low"], score["high"], found["strangers"]["value"]))
    if not rows:
        return empty(title, columns, language)
    frame = pd.DataFrame(rows, columns=columns)
    line = frame[frame["way"] == "stitched"].sort_values("wrong")
    levels = frame[frame["way"] != "stitched"]

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        mark = DEPARTMENTS[0]
        data: list[Plot] = [
            {
                "type": "scatter", "mode": "lines+markers", "x": line["wrong"].tolist(), "y": line["value"].tolist(),
                "name": choice_name("identity", "stitched", language), "customdata": line["strangers"].tolist(),
                "line": {"color": mark.colour(page), "width": 2.5},
                "marker": {"symbol": mark.symbol, "size": 9, "color": mark.colour(page)},
                "error_y": {"type": "data", "symmetric": False, "array": (line["high"] - line["value"]).tolist(),
                            "arrayminus": (line["value"] - line["low"]).tolist(), "color": mark.colour(page),
                            "thickness": 1.2},
                "hovertemplate": "%{x:.0%}: %{y:.3f}<extra>%{fullData.name}</extra>",
            }
        ]  # fmt: skip
        dashes = ("dash", "dot", "dashdot", "longdash")
        for n, row in enumerate(levels.itertuples()):
            own = DEPARTMENTS[(n + 1) % len(DEPARTMENTS)]
            data.append(
                {
                    "type": "scatter", "mode": "lines", "x": [0, 1], "y": [row.value, row.value],
                    "name": plotly_text(choice_name("identity", row.way, language)),
                    "line": {"color": own.colour(page), "width": 2, "dash": dashes[n % len(dashes)]},
                    "hovertemplate": "%{y:.3f}<extra>%{fullData.name}</extra>",
                }
            )  # fmt: skip
        return data, {
            "showlegend": True,
            "legend": LEGEND,
            "xaxis": axis(page, text("channels.axis_wrong", language), tickformat=".0%", range=[-0.03, 1.03]),
            "yaxis": axis(page, "NDCG@10", rangemode="tozero"),
            "margin": {"t": 34 + 21 * -(-(1 + len(levels)) // (1 if narrow else 3)), "l": 54},
        }

    said = text("figures.list_comma", language).join(
        f"{choice_name('identity', way, language)}{'' if wrong is None else f' {wrong:.0%}'}: {three(value)}"
        for _, way, wrong, value, *_ in rows
    )
    alt = text("channels.by_wrong_alt", language, runs=said)
    return Figure(frame, title, alt, draw, height=400, revision="channels-wrong")


def visits(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """One shopper's purchase visits by channel: which are read before the last one, and whose else.

    Frame columns: ago (days before the purchase that is asked for), channel, known, sort (read, unread, stranger).
    """
    title, columns = text("channels.visits_title", language), ["ago", "channel", "known", "sort"]
    who = shown.answer or {}
    if "visits" not in who:
        return empty(title, columns, language)
    rows = [
        (one["ago"], one["channel"], bool(one["known"]), "read" if one["read"] else "unread") for one in who["visits"]
    ]
    rows += [(one["ago"], one["channel"], False, "stranger") for one in who["strangers"]]
    frame = pd.DataFrame(rows, columns=columns)

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        data: list[Plot] = []
        for sort, (mark, symbol) in SORTS.items():
            part = frame[frame["sort"] == sort]
            lift = 0.16 if sort == "stranger" else 0.0  # beside the shopper's own, not upon them
            data.append(
                {
                    "type": "scatter", "mode": "markers", "x": (-part["ago"]).tolist(),
                    "y": [CHANNELS.index(str(one)) - lift for one in part["channel"]],
                    "name": text(f"channels.{sort}", language),
                    "marker": {"symbol": symbol, "size": 13, "color": mark.colour(page), "line": {"width": 2}},
                    "text": [text(f"channels.{'logged_in' if one else 'guest'}", language) for one in part["known"]],
                    "hovertemplate": "%{x:.0f} d, %{text}<extra>%{fullData.name}</extra>",
                }
            )  # fmt: skip
        data.append(
            {
                "type": "scatter", "mode": "markers", "x": [0], "y": [CHANNELS.index(str(who["channel"]))],
                "name": text("channels.asked_for", language),
                "marker": {"symbol": "star", "size": 16, "color": page.accent}, "hoverinfo": "skip",
            }
        )  # fmt: skip
        ticks = [text(f"channels.{name}", language) for name in CHANNELS]
        return data, {
            "showlegend": True,
            "legend": LEGEND,
            "xaxis": axis(page, text("channels.axis_days", language)),
            "yaxis": axis(page, "", tickvals=[0, 1, 2], ticktext=ticks, range=[2.6, -0.6], fixedrange=True),
            "margin": {"t": 76 if narrow else 54, "l": label_room(ticks, 11) + 8},
        }

    count = frame["sort"].value_counts()
    alt = text(
        "channels.visits_alt", language, shopper=int(who["user"]), read=int(count.get("read", 0)),
        unread=int(count.get("unread", 0)), strangers=int(count.get("stranger", 0)),
    )  # fmt: skip
    return Figure(frame, title, alt, draw, height=320, revision="channels-visits")
