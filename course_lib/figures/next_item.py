"""The pictures of a next-item run: its curves, its result, and one shopper at one frame.

What is shown of the shopper is ``shown.answer``: history, list and attention, as the frame has them or as the model
answered an edited history.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

import pandas as pd

from course_lib.data.columns import Columns
from course_lib.data.registry import load, load_items, resolve
from course_lib.figures.attention import attention_on_history, order_matters
from course_lib.figures.base import Figure, Plot, axis, metric_name, nothing, plotly_text
from course_lib.figures.curves import learning_curve as curve_of_scores
from course_lib.figures.curves import loss_curve as curve_of_losses
from course_lib.figures.curves import model_of
from course_lib.figures.lists import history_timeline, list_by_epoch
from course_lib.figures.maps import Extent, item_map, map_extent
from course_lib.figures.palette import Theme, style
from course_lib.figures.results import result_bars
from course_lib.figures.shown import Shown
from course_lib.runs.view import RunView, frame_view
from course_lib.shop import personas
from course_lib.text import text

METRIC = "ndcg@10"
DASHES = ("solid", "dash", "dot", "dashdot", "longdash")  # of runs of one model
SHOP = "shop"
LIN_HAS_THE_BALL = 7  # purchases of Lin's, the last of them shoes, knee pads and a basketball
FEW = 6  # products in the drawing of a mask without a run
NOBODY: Mapping[str, Any] = {"history": (), "top": (), "attention": (), "matrix": (), "user": -1}


def learning_curve(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """NDCG@10 on validation targets as training goes on, against the lines that it should be compared with."""
    return curve_of_scores(_run(shown), language)


def loss_curve(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """The training loss by step."""
    return curve_of_losses(_run(shown), language)


def result(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """NDCG@10 on the test targets, model beside baselines and oracles."""
    run = _run(shown)
    return result_bars(run.result or {}, model_of(run), language)


def product_map(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """All products as points, with one shopper's way through them."""
    if shown.items is None or not (shown.frame or {}).get("map"):
        return nothing("figures.no_map", language)
    run = _run(shown)
    view = {**(shown.frame or {}), "epoch": epoch_of(run, shown.at)}
    return item_map(shown.items, view, shown.answer, language, extent(run), narrow)


def attention(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """Where each head reads in the history."""
    one = shown.answer or NOBODY
    if shown.items is None or not one["attention"]:
        return nothing("figures.no_attention", language)
    return attention_on_history(shown.items, one["history"], one["attention"], language, narrow)


def histories(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """What the five returning shoppers have bought, without the purchase that a model is asked for: the last of each.

    Lin's row ends earlier, with the shoes and the ball of the mission that the lesson is about.
    """
    address = resolve(SHOP)
    shoppers = []
    for persona, (items, times) in zip(personas(), opening_histories(), strict=True):
        end = LIN_HAS_THE_BALL if persona.id == "lin" else len(items) - 1
        shoppers.append(
            {"name": persona.name(language), "emoji": persona.emoji, "history": items[:end], "times": times[:end]}
        )
    return history_timeline(load_items(address), shoppers, language, narrow)


@functools.cache
def opening_histories() -> tuple[tuple[tuple[int, ...], tuple[float, ...]], ...]:
    """Items and times of the five returning shoppers, oldest first; the shop is generated once per process."""
    events = load(resolve(SHOP)).events
    own = [events[events[Columns.USER] == user] for user in range(len(personas()))]
    return tuple((tuple(one[Columns.ITEM].tolist()), tuple(one[Columns.TIME].tolist())) for one in own)


def mask(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """Which place of the history looks at which; who may, where the run has not kept it."""
    one = shown.answer or NOBODY
    rows = one.get("matrix") or None
    if shown.items is None or not one["history"]:
        return order_matters(load_items(resolve(SHOP)), opening_histories()[0][0][-FEW:], None, language, narrow)
    history = one["history"] if rows else list(one["history"])[-FEW:]
    return order_matters(shown.items, history, rows, language, narrow)


def ranks(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """The shopper's list from frame to frame."""
    run, one = _run(shown), shown.answer or NOBODY
    if shown.items is None or not run.frames:
        return nothing("figures.nothing_yet", language)
    views = [{**frame_view(run.run_id, at), "epoch": epoch_of(run, at)} for at in run.frames]
    user, name = int(one["user"]), str(one.get("name", ""))
    return list_by_epoch(shown.items, views, user, language, epoch_of(run, shown.at), name, narrow)


def curves_of_runs(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """The validation curves of several runs over each other; a colour a model, a dash a run of it."""
    rows = [
        {
            "run": name,
            "model": model_of(run),
            "epoch": float(event["epoch"]),
            "value": event["metrics"][METRIC]["value"],
        }
        for run, name in zip(shown.runs, shown.names, strict=True)
        for event in run.of("score")
    ]
    if not rows:
        return nothing("figures.nothing_yet", language)
    frame = pd.DataFrame(rows, columns=["run", "model", "epoch", "value"])

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        data, seen = [], dict[str, int]()
        for name, own in frame.groupby("run", sort=False):
            model = str(own["model"].iloc[0])
            dash = DASHES[seen.setdefault(model, 0) % len(DASHES)]
            seen[model] += 1
            line = {"color": style(model).colour(page), "width": 2.5, "dash": dash}
            data.append(
                {
                    "type": "scatter", "mode": "lines+markers" if len(own) < 3 else "lines",
                    "name": plotly_text(str(name)),
                    "x": own["epoch"].tolist(), "y": own["value"].tolist(), "line": line,
                    "hovertemplate": f"{plotly_text(str(name))}: %{{y:.3f}}<extra></extra>",
                }
            )  # fmt: skip
        return data, {
            "xaxis": axis(page, text("figures.axis_epoch", language)),
            "yaxis": axis(page, metric_name(METRIC), rangemode="tozero", tickformat=".2~f"),
            "showlegend": True,
            "legend": {"orientation": "h", "y": -0.28, "font": {"size": 11}},
            "margin": {"l": 48, "r": 12, "t": 8, "b": 90},
        }

    best = frame.iloc[int(frame["value"].to_numpy().argmax())]
    alt = text(
        "figures.curves_alt", language, runs=frame["run"].nunique(), best=best["run"], value=f"{best['value']:.3f}"
    )
    return Figure(frame, text("figures.curves_title", language), alt, draw, height=330, revision="curves")


def epoch_of(run: RunView, at: int | None) -> float:
    """How many epochs had been trained at a frame (None: the newest)."""
    told = [event for event in run.of("frame") if at is None or int(event["at"]) == at]
    return float(told[-1].get("epoch", 0.0)) if told else 0.0


def extent(run: RunView) -> Extent | None:
    """Axis ranges that hold the maps of all frames, so that the map does not jump while it is scrubbed."""
    views = [frame_view(run.run_id, at) for at in run.frames]
    return map_extent(view for view in views if view.get("map"))


def _run(shown: Shown) -> RunView:
    return shown.runs[0] if shown.runs else RunView("", "missing")
