"""Pictures of splits: what each learns and asks, which model wins under it, and what its score is made of."""

from __future__ import annotations

from typing import Any

import pandas as pd

from course_lib.figures.base import (
    Figure,
    Plot,
    axis,
    bare_axis,
    dotted_lines,
    empty,
    model_name,
    note,
    plotly_text,
    shorten,
    three,
)
from course_lib.figures.palette import DEPARTMENTS, Mark, Theme, style
from course_lib.figures.shown import Shown
from course_lib.text import text

PROTOCOLS = ("global-time", "leave-one-out", "random")
ROLES = {  # of a basket under a split, in the legend's order
    "early": DEPARTMENTS[0], "late": DEPARTMENTS[1], "own": DEPARTMENTS[3],
    "target": Mark("", "", "star"), "out": Mark("", "", "x-thin-open"),
}  # fmt: skip
TERMS = ("other_targets", "others_future", "more_purchases", "own_learned", "own_read", "other_rest")
DASHES = ("solid", "dash", "dot", "dashdot", "longdash")
NAME_WIDTH = 34  # of a product's title in a legend


def splits(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """A few shoppers' baskets over time, and what each split makes of them.

    Frame columns: split, shopper (its place in the drawing), day, role.
    """
    title, columns = text("split_leakage.splits_title", language), ["split", "shopper", "day", "role"]
    found = (shown.frame or {}).get("splits")
    if not found or not found["shoppers"]:
        return empty(title, columns, language)
    rows = [(split, *point) for split in PROTOCOLS for point in found["points"][split]]
    frame, most = pd.DataFrame(rows, columns=columns), len(found["shoppers"])

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        data: list[Plot] = []
        layout: Plot = {"annotations": [], "shapes": dotted_lines(page, [found["moment"]])}
        for number, split in enumerate(PROTOCOLS):
            up = 1 - number / 3
            side = "yaxis" if number == 0 else f"yaxis{number + 1}"
            layout[side] = bare_axis(page, most - 0.4, -0.6) | {"domain": [up - 0.31, up - 0.05], "zeroline": False}
            name = text(f"setting.protocol_{split}", language)
            layout["annotations"].append(
                note(page, 0, up - 0.045, f"<b>{plotly_text(name)}</b>", xref="paper", yref="paper", xanchor="left",
                     yanchor="bottom")
            )  # fmt: skip
            for role, mark in ROLES.items():
                part = frame[(frame["split"] == split) & (frame["role"] == role)]
                data.append(_points(part, role, mark, number, page, language))
        layout |= {
            "showlegend": True,
            "legend": {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "font": {"size": 12}},
            "xaxis": axis(page, text("split_leakage.axis_day", language), anchor="y3"),
            "margin": {"l": 12, "t": 118 if narrow else 70},
        }
        return data, layout

    counts = text("figures.list_comma", language).join(
        text(
            "split_leakage.splits_one", language, split=text(f"setting.protocol_{split}", language),
            **{role: int(((part["role"] == role)).sum()) for role in ROLES},
        )
        for split, part in frame.groupby("split", sort=False)
    )  # fmt: skip
    alt = text("split_leakage.splits_alt", language, shoppers=most, moment=round(found["moment"]), splits=counts)
    return Figure(frame, title, alt, draw, height=640 if narrow else 560, revision="leakage-splits")


def _points(part: pd.DataFrame, role: str, mark: Mark, number: int, page: Theme, language: str) -> Plot:
    """The baskets of one role under one split, in the panel ``number`` from above."""
    colour = {"target": page.accent, "out": page.muted}.get(role) or mark.colour(page)
    name = text(f"split_leakage.role_{role}", language)
    return {
        "type": "scatter", "mode": "markers", "x": part["day"].tolist(), "y": part["shopper"].tolist(),
        "yaxis": "y" if number == 0 else f"y{number + 1}", "name": name, "legendgroup": role,
        "showlegend": number == (0 if role == "out" else 2),  # each role once, from a split that has it
        "marker": {
            "symbol": mark.symbol, "size": 13 if role == "target" else 9, "color": colour,
            "line": {"width": 2 if role == "out" else 0, "color": colour},
        },
        "hovertemplate": f"{name}<br>%{{x:.0f}}<extra></extra>",
    }  # fmt: skip


def reported(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """Every model's NDCG@10 as each split reports it, with intervals, of the first run that has come so far.

    Frame columns: model, split, value, low, high.
    """
    title, columns = text("split_leakage.reported_title", language), ["model", "split", "value", "low", "high"]
    results = [(run.result or {}).get("reported") for run in shown.runs]
    found: dict[str, Any] = next((one for one in [*results, (shown.frame or {}).get("reported")] if one), {})
    rows = [
        (model, split, *(scores[split][end] for end in ("value", "low", "high")))
        for model, scores in found.items()
        for split in PROTOCOLS
    ]
    if not rows:
        return empty(title, columns, language)
    frame = pd.DataFrame(rows, columns=columns)
    names = [text(f"setting.protocol_{split}", language) for split in PROTOCOLS]

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        data: list[Plot] = []
        for model, part in frame.groupby("model", sort=False):
            look = style(str(model))
            data.append(
                {
                    "type": "scatter", "mode": "lines+markers", "x": names, "y": part["value"].tolist(),
                    "name": plotly_text(model_name(str(model), language)),
                    "line": {"color": look.colour(page), "width": look.width, "dash": look.dash},
                    "marker": {"size": 8, "color": look.colour(page)},
                    "error_y": _errors(part, page),
                    "hovertemplate": "%{x}: %{y:.3f}<extra>%{fullData.name}</extra>",
                }
            )  # fmt: skip
        return data, {
            "showlegend": True,
            "legend": {"orientation": "h", "x": 0, "y": 1.01, "yanchor": "bottom", "font": {"size": 12}},
            "xaxis": axis(page, range=[-0.2, 2.2]),
            "yaxis": axis(page, text("cold_start.axis_ndcg", language), rangemode="tozero"),
            "margin": {"t": 76 if narrow else 54},
        }

    best = frame.loc[frame.groupby("split", sort=False)["value"].idxmax()]
    winners = text("figures.list_comma", language).join(
        f"{text(f'setting.protocol_{split}', language)} {model_name(str(model), language)} {three(float(value))}"
        for split, model, value in zip(best["split"], best["model"], best["value"], strict=True)
    )
    alt = text("split_leakage.reported_alt", language, winners=winners)
    return Figure(frame, title, alt, draw, height=380 if narrow else 360, revision="leakage-reported")


def terms(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """What lies between the global split's score and another's, term by term and run by run, with intervals.

    Of the split that was asked for, else of the random one. Frame columns: run, term, value, low, high.
    """
    columns = ["run", "term", "value", "low", "high"]
    split = (shown.answer or {}).get("protocol", "random")
    split = split if split in PROTOCOLS else "random"
    title = text(f"split_leakage.terms_{split}_title", language)
    rows: list[tuple[Any, ...]] = []
    names = [*shown.names, *[""] * len(shown.runs)]
    for number, (run, called) in enumerate(zip(shown.runs, names, strict=False), 1):
        found = (run.result or {}).get("terms") or (
            (shown.frame or {}).get("terms", {}) if len(shown.runs) == 1 else {}
        )
        name = called or str(number)
        name = name if name not in {row[0] for row in rows} else f"{name} ({number})"
        rows += [(name, one["term"], *(one[end] for end in ("value", "low", "high"))) for one in found.get(split, ())]
    if not rows:
        return empty(title, columns, language)
    frame = pd.DataFrame(rows, columns=columns)
    known = [term for term in TERMS if (frame["term"] == term).any()]
    words = {term: text(f"split_leakage.term_{term}", language) for term in known}

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        data: list[Plot] = []
        for number, (run, part) in enumerate(frame.groupby("run", sort=False)):
            mark = DEPARTMENTS[number % len(DEPARTMENTS)]
            data.append(
                {
                    "type": "bar", "orientation": "h", "name": plotly_text(str(run)),
                    "y": [plotly_text(words[term]) for term in part["term"]], "x": part["value"].tolist(),
                    "marker": {"color": mark.colour(page)}, "error_x": _errors(part, page),
                    "hovertemplate": "%{y}: %{x:+.3f}<extra>%{fullData.name}</extra>",
                }
            )  # fmt: skip
        return data, {
            "barmode": "group",
            "showlegend": len(data) > 1,
            "legend": {"orientation": "h", "x": 0, "y": 1.01, "yanchor": "bottom", "font": {"size": 12}},
            "xaxis": axis(page, text("split_leakage.axis_difference", language), tickformat="+.2f"),
            "yaxis": axis(page, autorange="reversed", automargin=True),
            "shapes": [
                {"type": "line", "x0": 0, "x1": 0, "y0": 0, "y1": 1, "yref": "paper",
                 "line": {"color": page.muted, "width": 1}}
            ],
            "margin": {"t": (76 if narrow else 54) if len(data) > 1 else 14},
        }  # fmt: skip

    said = text("figures.list_comma", language).join(
        f"{run}: "
        + " / ".join(f"{words[term]} {value:+.3f}" for term, value in zip(part["term"], part["value"], strict=True))
        for run, part in frame.groupby("run", sort=False)
    )
    alt = text("split_leakage.terms_alt", language, split=text(f"setting.protocol_{split}", language), runs=said)
    height = 140 + len(known) * max(34, 22 * frame["run"].nunique())
    return Figure(frame, title, alt, draw, height=height, revision=f"leakage-terms-{split}")


def changed(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """The products whose sales changed most around the moment, over time. Frame columns: product, day, share."""
    title, columns = text("split_leakage.changed_title", language), ["product", "day", "share"]
    found = (shown.frame or {}).get("changed")
    if not found or not found["products"]:
        return empty(title, columns, language)
    key = "title_zh" if language == "zh" else "title_en"
    rows = [
        (one[key], day, share)
        for one in found["products"]
        for day, share in zip(found["days"], one["share"], strict=True)
    ]
    frame = pd.DataFrame(rows, columns=columns)

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        data: list[Plot] = []
        for number, one in enumerate(found["products"]):
            mark = DEPARTMENTS[number % len(DEPARTMENTS)]
            data.append(
                {
                    "type": "scatter", "mode": "lines+markers", "x": found["days"], "y": one["share"],
                    "name": plotly_text(shorten(one[key], NAME_WIDTH)),
                    "line": {"color": mark.colour(page), "width": 2, "dash": DASHES[number % len(DASHES)]},
                    "marker": {"symbol": mark.symbol, "size": 6, "color": mark.colour(page)},
                    "hovertemplate": "%{x:.0f}: %{y:.2%}<extra>%{fullData.name}</extra>",
                }
            )  # fmt: skip
        return data, {
            "showlegend": True,
            "legend": {"orientation": "h", "x": 0, "y": 1.01, "yanchor": "bottom", "font": {"size": 12}},
            "xaxis": axis(page, text("split_leakage.axis_day", language)),
            "yaxis": axis(page, text("split_leakage.axis_share", language), rangemode="tozero", tickformat=".1%"),
            "shapes": dotted_lines(page, [found["moment"]]),
            "margin": {"l": 56, "t": 140 if narrow else 96},
        }

    firsts = text("figures.list_comma", language).join(
        text("split_leakage.changed_one", language, name=one[key], first=round(one["first"]), most=max(one["share"]))
        for one in found["products"]
    )
    alt = text("split_leakage.changed_alt", language, moment=round(found["moment"]), products=firsts)
    return Figure(frame, title, alt, draw, height=460 if narrow else 420, revision="leakage-changed")


def _errors(part: pd.DataFrame, page: Theme) -> Plot:
    """The intervals of some values as Plotly draws them."""
    return {
        "type": "data", "symmetric": False, "array": (part["high"] - part["value"]).tolist(),
        "arrayminus": (part["value"] - part["low"]).tolist(), "color": page.ink, "thickness": 1.5,
    }  # fmt: skip
