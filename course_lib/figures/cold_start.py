"""Pictures of new products: what training does for them, what a boost costs, what their first purchases teach."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import pandas as pd

from course_lib.figures.base import Figure, Plot, axis, dotted_lines, empty, moments_shown, plotly_text, three
from course_lib.figures.measure_bars import COLUMNS, in_words, measure_bars, measure_rows
from course_lib.figures.palette import DEPARTMENTS, Mark, Theme
from course_lib.figures.shown import Shown
from course_lib.text import text

NDCGS = ("warm_ndcg@10", "cold_ndcg@10", "cold_among_new@10")
WORDS = ("warm", "cold", "among")
MARKS = (DEPARTMENTS[0], DEPARTMENTS[1], DEPARTMENTS[2])
BARS = dict(zip(NDCGS, MARKS, strict=True))
DASHES = ("solid", "dash", "dot")
LEGEND = {"orientation": "h", "x": 0, "y": 1.01, "yanchor": "bottom", "font": {"size": 12}}
LABEL_WIDE, LABEL_HIGH = 0.08, 0.06  # of the picture, that a label takes


def curve(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """The three NDCGs by epoch, the frame on show marked. Frame columns: at, epoch, warm, cold, among."""
    title, columns = text("cold_start.curve_title", language), ["at", "epoch", *WORDS]
    told = [one for one in (shown.runs[0].of("frame") if shown.runs else ()) if "cold_ndcg@10" in one]
    if not told:
        return empty(title, columns, language)
    frame = pd.DataFrame([(one["at"], one["epoch"], *(one[name] for name in NDCGS)) for one in told], columns=columns)
    now = moments_shown(frame, frame["epoch"], shown.at)

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        data = [
            _line(frame["epoch"], frame[word], text(f"cold_start.{word}", language), mark, dash, page)
            for word, mark, dash in zip(WORDS, MARKS, DASHES, strict=True)
        ]
        return data, {
            "showlegend": True,
            "legend": LEGEND,
            "xaxis": axis(page, text("cold_start.axis_epoch", language)),
            "yaxis": axis(page, text("cold_start.axis_ndcg", language), rangemode="tozero"),
            "shapes": dotted_lines(page, now),
            "margin": {"t": 76 if narrow else 54},
        }

    last = frame.iloc[-1]
    alt = text("cold_start.curve_alt", language, **{word: three(last[word]) for word in WORDS})
    return Figure(frame, title, alt, draw, height=380 if narrow else 340, revision="cold-curve")


def boost(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """New products' NDCG against known products', a point for each boost: up is gain, left is price.

    Of one run at the frame on show; of several, each at its end. Frame columns: run, boost, warm, cold, share.
    """
    title, columns = text("cold_start.boost_title", language), ["run", "boost", "warm", "cold", "share"]
    rows = [
        (name, one["boost"], one["warm_ndcg@10"], one["cold_ndcg@10"], one["new_share"])
        for name, told in _told(shown, "boosts", language)
        for one in told
    ]
    if not rows:
        return empty(title, columns, language)
    frame = pd.DataFrame(rows, columns=columns)
    labelled = _apart(frame)

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        data: list[Plot] = []
        for number, (name, part) in enumerate(frame.groupby("run", sort=False)):
            mark = DEPARTMENTS[number % len(DEPARTMENTS)]
            line = _line(part["warm"], part["cold"], str(name), mark, DASHES[number % len(DASHES)], page)
            hover = [
                text("cold_start.hover_boost", language, boost=boost, warm=warm, cold=cold, share=share)
                for boost, warm, cold, share in zip(*(part[column] for column in columns[1:]), strict=True)
            ]
            more = {"customdata": hover, "hovertemplate": "%{customdata}<extra>%{fullData.name}</extra>"}
            words = [f"{value:g}" if at in labelled else "" for at, value in part["boost"].items()]
            labels = {
                "mode": "lines+markers+text", "text": words,
                "textposition": "top right", "textfont": {"size": 11, "color": page.muted}, "cliponaxis": False,
            }  # fmt: skip
            data.append(line | more | labels)
        return data, {
            "showlegend": len(data) > 1,
            "legend": LEGEND,
            "xaxis": axis(page, text("cold_start.axis_warm", language)),
            "yaxis": axis(page, text("cold_start.axis_cold", language), rangemode="tozero"),
            "margin": {"t": 100 if narrow and len(data) > 1 else 54, "r": 36},
        }

    told = text("cold_start.between", language).join(
        text(
            "cold_start.boost_one", language, name=name, warm_low=three(part["warm"].iloc[0]),
            warm_high=three(part["warm"].iloc[-1]), cold_low=three(part["cold"].iloc[0]),
            cold_high=three(part["cold"].iloc[-1]),
        )
        for name, part in frame.groupby("run", sort=False)
    )  # fmt: skip
    alt = text("cold_start.boost_alt", language, runs=told)
    return Figure(frame, title, alt, draw, height=420, revision="cold-boost")


def seen(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """New products' NDCG against all by how many purchases of each were seen. Frame columns: run, seen, cold."""
    title, columns = text("cold_start.seen_title", language), ["run", "seen", "cold"]
    rows = [(name, one["seen"], one["cold_ndcg@10"]) for name, told in _told(shown, "seen", language) for one in told]
    if not rows:
        return empty(title, columns, language)
    frame = pd.DataFrame(rows, columns=columns)

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        data = [
            _line(part["seen"], part["cold"], str(name), DEPARTMENTS[n % len(DEPARTMENTS)], DASHES[n % 3], page)
            for n, (name, part) in enumerate(frame.groupby("run", sort=False))
        ]
        return data, {
            "showlegend": len(data) > 1,
            "legend": LEGEND,
            "xaxis": axis(page, text("cold_start.axis_seen", language)),
            "yaxis": axis(page, text("cold_start.axis_cold", language), rangemode="tozero"),
            "margin": {"t": 100 if narrow and len(data) > 1 else 54},
        }

    told = text("cold_start.between", language).join(
        f"{name}: {three(part['cold'].iloc[0])} / {three(part['cold'].iloc[-1])}"
        for name, part in frame.groupby("run", sort=False)
    )
    alt = text("cold_start.seen_alt", language, most=int(frame["seen"].max()), runs=told)
    return Figure(frame, title, alt, draw, height=380 if narrow else 340, revision="cold-seen")


def result(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """The three NDCGs of each finished run, with intervals. Frame columns: run, measure, value, low, high."""
    title = text("cold_start.result_title", language)
    frame = measure_rows(BARS, shown, "product", NDCGS[1], language)
    if frame.empty:
        return empty(title, COLUMNS, language)
    names = {measure: text(f"cold_start.{word}", language) for measure, word in zip(NDCGS, WORDS, strict=True)}
    top = 76 if narrow else 54
    draw = measure_bars(frame, BARS, names, text("cold_start.axis_ndcg", language), top, score=True)
    alt = text("cold_start.result_alt", language, runs=in_words(frame, language, score=True))
    return Figure(frame, title, alt, draw, height=130 + 70 * frame["run"].nunique(), revision="cold-result")


def _line(x: Iterable[Any], y: Iterable[Any], name: str, mark: Mark, dash: str, page: Theme) -> Plot:
    """Points joined by a line: told apart by colour, dash and marker."""
    return {
        "type": "scatter", "mode": "lines+markers", "x": list(x), "y": list(y), "name": plotly_text(name),
        "line": {"color": mark.colour(page), "width": 2.5, "dash": dash},
        "marker": {"symbol": mark.symbol, "size": 8, "color": mark.colour(page)},
        "hovertemplate": "%{x}: %{y:.3f}<extra>%{fullData.name}</extra>",
    }  # fmt: skip


def _apart(frame: pd.DataFrame) -> set[int]:
    """Rows of a picture of cold against warm whose labels do not lie upon each other; the others tell when hovered."""
    wide, high = (max(float(frame[side].max() - frame[side].min()), 1e-9) for side in ("warm", "cold"))
    kept: dict[int, tuple[float, float]] = {}
    for at, (warm, cold) in enumerate(zip(frame["warm"] / wide, frame["cold"] / high, strict=True)):
        if all(abs(warm - x) > LABEL_WIDE or abs(cold - y) > LABEL_HIGH for x, y in kept.values()):
            kept[at] = (warm, cold)
    return set(kept)


def _told(shown: Shown, name: str, language: str) -> list[tuple[str, list[dict[str, Any]]]]:
    """A curve of each run's result; of a single run, that of the frame on show where it has one."""
    here = (shown.frame or {}).get(name)
    if here and len(shown.runs) == 1:
        return [(_name(shown, 0, language), here)]
    return list(_finished(shown, name, language))


def _finished(shown: Shown, name: str, language: str) -> Iterator[tuple[str, Any]]:
    """What the result of each finished run says under ``name``, with the run's own name, each name once."""
    used: set[str] = set()
    for number, run in enumerate(shown.runs):
        found = (run.result or {}).get(name)
        if found:
            called = _name(shown, number, language)
            called = called if called not in used else f"{called} ({number + 1})"
            used.add(called)
            yield called, found


def _name(shown: Shown, number: int, language: str) -> str:
    """What the lab calls a run, else where its product vectors come from."""
    if number < len(shown.names) and shown.names[number]:
        return shown.names[number]
    config = shown.runs[number].config
    kind = config.settings.get("product") if config is not None else None
    return text(f"setting.product_{kind}", language) if kind else str(number + 1)
