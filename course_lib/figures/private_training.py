"""Pictures of a private training: what each promise costs, how epsilon is spent, and how long gradients are."""

from __future__ import annotations

import pandas as pd

from course_lib.figures.base import Figure, Plot, axis, dotted_lines, empty, moments_shown, note, three
from course_lib.figures.names import measure_name
from course_lib.figures.palette import DEPARTMENTS, Theme
from course_lib.figures.shown import Shown
from course_lib.text import text

LEGEND = {"orientation": "h", "x": 0, "y": 1.01, "yanchor": "bottom", "font": {"size": 12}}
ENDS = ("value", "low", "high")


def price(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """NDCG@10 and the attack of each finished run, from no protection to the smallest epsilon.

    Frame columns: run, protection, epsilon, measure, value, low, high.
    """
    title = text("private_training.price_title", language)
    columns = ["run", "protection", "epsilon", "measure", *ENDS]
    rows = []
    for run in shown.runs:
        told = run.result or {}
        if "protection" not in told:
            continue
        way, epsilon = str(told["protection"]), float(told["epsilon"])
        label = text("private_training.epsilon", language, epsilon=f"{epsilon:g}")
        label = label if way == "private" else text(f"setting.protection_{way}", language)
        rows += [
            (label, way, epsilon, name, *(told["measures"][name][end] for end in ENDS))
            for name in ("ndcg@10", "auc_reference")
        ]
    if not rows:
        return empty(title, columns, language)
    frame = pd.DataFrame(rows, columns=columns).drop_duplicates(["run", "measure"])
    order = {"plain": 0, "clipped": 1, "private": 2}
    frame = frame.sort_values(
        ["protection", "epsilon"], key=lambda one: one.map(order) if one.name == "protection" else -one, kind="stable"
    )

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        data: list[Plot] = []
        for number, (name, mark) in enumerate((("ndcg@10", DEPARTMENTS[2]), ("auc_reference", DEPARTMENTS[1]))):
            part = frame[frame["measure"] == name]
            data.append(
                {
                    "type": "scatter", "mode": "lines+markers+text", "x": part["run"].tolist(),
                    "y": part["value"].tolist(), "yaxis": "y" if number == 0 else "y2",
                    "name": measure_name(name, language), "text": [three(one) for one in part["value"]],
                    "textposition": "top center", "cliponaxis": False, "textfont": {"size": 12, "color": page.ink},
                    "line": {"color": mark.colour(page), "width": 2.5, "dash": "solid" if number == 0 else "dash"},
                    "marker": {"symbol": mark.symbol, "size": 9, "color": mark.colour(page)},
                    "error_y": {
                        "type": "data", "symmetric": False, "array": (part["high"] - part["value"]).tolist(),
                        "arrayminus": (part["value"] - part["low"]).tolist(), "color": mark.colour(page),
                        "thickness": 1.5,
                    },
                    "hovertemplate": "%{x}: %{y:.3f}<extra>%{fullData.name}</extra>",
                }
            )  # fmt: skip
        best = frame[frame["measure"] == "ndcg@10"]["high"].max()
        return data, {
            "showlegend": True,
            "legend": LEGEND,
            "xaxis": axis(page, "", type="category", anchor="y2", tickangle=-30 if narrow else 0, automargin=True),
            "yaxis": axis(page, measure_name("ndcg@10", language), domain=[0.46, 1], range=[0, 1.2 * best]),
            "yaxis2": axis(page, text("membership.axis_auc", language), domain=[0, 0.36], range=[0.45, 0.8]),
            "shapes": [
                {
                    "type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": 0.5, "y1": 0.5, "yref": "y2",
                    "line": {"color": page.muted, "width": 1, "dash": "dot"},
                }
            ],
            "margin": {"t": 76 if narrow else 54, "l": 56, "b": 60},
        }  # fmt: skip

    part = frame.pivot_table(index="run", columns="measure", values="value", sort=False)
    said = "; ".join(f"{run}: {three(row['ndcg@10'])} / {three(row['auc_reference'])}" for run, row in part.iterrows())
    alt = text("private_training.price_alt", language, runs=said)
    return Figure(frame, title, alt, draw, height=460 if narrow else 430, revision="private-price")


def by_update(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """NDCG@10 and the attack with a reference as the updates go on. Frame columns: at, updates, ndcg, auc."""
    title, columns = text("private_training.by_update_title", language), ["at", "updates", "ndcg", "auc"]
    run = shown.runs[0] if shown.runs else None
    told = [one for one in run.of("frame") if "auc_reference" in one and "step" in one] if run is not None else []
    if not told:
        return empty(title, columns, language)
    rows = [(int(one["at"]), int(one["step"]), one["ndcg@10"], one["auc_reference"]) for one in told]
    frame = pd.DataFrame(rows, columns=columns)

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        data: list[Plot] = [
            {
                "type": "scatter", "mode": "lines+markers", "x": frame["updates"].tolist(), "y": frame[name].tolist(),
                "yaxis": where, "name": measure_name(measure, language),
                "line": {"color": mark.colour(page), "width": 2.5, "dash": dash},
                "marker": {"symbol": mark.symbol, "size": 8, "color": mark.colour(page)},
                "hovertemplate": "%{x}: %{y:.3f}<extra>%{fullData.name}</extra>",
            }
            for name, measure, where, mark, dash in (
                ("ndcg", "ndcg@10", "y", DEPARTMENTS[2], "solid"),
                ("auc", "auc_reference", "y2", DEPARTMENTS[1], "dash"),
            )
        ]  # fmt: skip
        return data, {
            "showlegend": True,
            "legend": LEGEND,
            "xaxis": axis(page, text("private_training.axis_updates", language), anchor="y2"),
            "yaxis": axis(page, measure_name("ndcg@10", language), domain=[0.46, 1], rangemode="tozero"),
            "yaxis2": axis(page, text("membership.axis_auc", language), domain=[0, 0.36], range=[0.45, 0.8]),
            "shapes": dotted_lines(page, moments_shown(frame, frame["updates"], shown.at)),
            "margin": {"t": 76 if narrow else 54, "l": 56},
        }

    last = frame.iloc[-1]
    alt = text(
        "private_training.by_update_alt", language, updates=int(last["updates"]), ndcg=three(last["ndcg"]),
        auc=three(last["auc"]),
    )  # fmt: skip
    return Figure(frame, title, alt, draw, height=380, revision="private-updates")


def spending(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """The epsilon that the run's noise has spent after each number of updates. Frame columns: updates, epsilon."""
    title, columns = text("private_training.spending_title", language), ["updates", "epsilon"]
    rows = (shown.answer or {}).get("promised")
    if rows is None:
        return empty(title, columns, language)
    frame = pd.DataFrame([(one["steps"], one["epsilon"]) for one in rows], columns=columns)

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        mark = DEPARTMENTS[0]
        data: list[Plot] = [
            {
                "type": "scatter", "mode": "lines+markers+text", "x": frame["updates"].tolist(),
                "y": frame["epsilon"].tolist(), "text": [f"{one:.2f}" for one in frame["epsilon"]],
                "textposition": "top left", "line": {"color": mark.colour(page), "width": 2.5}, "cliponaxis": False,
                "marker": {"symbol": mark.symbol, "size": 9, "color": mark.colour(page)},
                "hovertemplate": "%{x}: ε %{y:.2f}<extra></extra>",
            }
        ]  # fmt: skip
        nothing = text("private_training.no_promise", language)
        return data, {
            "xaxis": axis(page, text("private_training.axis_updates", language), rangemode="tozero"),
            "yaxis": axis(page, text("private_training.axis_spent", language), rangemode="tozero"),
            "annotations": [note(page, 0.5, 0.5, nothing, xref="paper", yref="paper")] if frame.empty else [],
        }

    if frame.empty:
        alt = text("private_training.no_promise", language)
    else:
        said = text("figures.list_comma", language).join(
            f"{one.updates}: {one.epsilon:.2f}" for one in frame.itertuples()
        )
        alt = text("private_training.spending_alt", language, noise=f"{(shown.answer or {})['noise']:.2f}", points=said)
    return Figure(frame, title, alt, draw, revision="private-spending")


def lengths(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """How long the shoppers' own gradients were at the newest update, against the clip. Frame column: length."""
    title = text("private_training.lengths_title", language)
    told = (shown.frame or {}).get("lengths")
    if not told:
        return empty(title, ["length"], language)
    frame, clip = pd.DataFrame({"length": told}), float((shown.frame or {})["clip"])
    above = float((frame["length"] > clip).mean())

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        data: list[Plot] = [
            {
                "type": "histogram", "x": frame["length"].tolist(), "nbinsx": 30,
                "marker": {"color": DEPARTMENTS[0].colour(page)},
                "hovertemplate": "%{x}: %{y}<extra></extra>",
            }
        ]  # fmt: skip
        return data, {
            "xaxis": axis(page, text("private_training.axis_length", language), rangemode="tozero"),
            "yaxis": axis(page, text("private_training.axis_shoppers", language)),
            "shapes": dotted_lines(page, [clip]),
        }

    alt = text("private_training.lengths_alt", language, clip=f"{clip:g}", above=f"{above:.0%}")
    return Figure(frame, title, alt, draw, revision="private-lengths")
