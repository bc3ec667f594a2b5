"""Pictures of metrics by hand: five lists with their hits, what each place adds, metrics as bars, scores in one pot."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from course_lib.figures.base import Figure, Plot, axis, empty, metric_name, note, plotly_text, three
from course_lib.figures.cells import shaded_cells
from course_lib.figures.palette import DEPARTMENTS, Theme, alpha
from course_lib.figures.products import NO_EMOJI, product
from course_lib.figures.shown import Shown
from course_lib.text import text

ROWS = ("hr", "precision", "recall", "mrr", "map", "ndcg", "auc")  # of a list, in the pictures' order
MEANS = (*ROWS, "gauc")
WHOLE = ("auc", "gauc")  # which look at all ten places, whatever k is


def name_of(who: str, language: str) -> str:
    """A shopper's name."""
    return text(f"setting.shopper_{who}", language)


def label_of(metric: str, k: int) -> str:
    """``ndcg`` as ``NDCG@5``; AUC and GAUC have no k."""
    return metric_name(metric if metric in WHOLE else f"{metric}@{k}")


def _chosen(shown: Shown) -> Mapping[str, Any]:
    """The entry of the shopper whose list is in hand."""
    assert shown.answer is not None
    who = shown.settings.get("shopper")
    found: Mapping[str, Any] = next(one for one in shown.answer["shoppers"] if one["who"] == who)
    return found


def lists(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """Five lists as rows of products, hits ringed, and a line after place k.

    Frame columns: who, place (from 1), item, title, hit, counts (whether the place is among the first k), was.
    """
    title = text("list_metrics.lists_title", language)
    columns = ["who", "place", "item", "title", "hit", "counts", "was"]
    if not (answer := shown.answer):
        return empty(title, columns, language)
    k, rows = answer["k"], []
    for one in answer["shoppers"]:
        for place, row in enumerate(one["list"], 1):
            named = None if shown.items is None else product(shown.items, row["item"], language)
            name = f"#{row['item']}" if named is None else named.title
            face = NO_EMOJI if named is None else named.emoji
            rows.append((one["who"], place, row["item"], name, row["hit"], place <= k, row["was"], face))
    whole = pd.DataFrame(rows, columns=[*columns, "emoji"])
    frame = whole[columns]
    names = [name_of(one["who"], language) for one in answer["shoppers"]]
    now = next(n for n, one in enumerate(answer["shoppers"]) if one["who"] == shown.settings.get("shopper", one["who"]))
    height = {one["who"]: n for n, one in enumerate(answer["shoppers"])}

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        data: list[Plot] = []
        size = 26 if narrow else 32
        for hit in (False, True):
            part = whole[whole["hit"] == hit]
            colour = page.accent if hit else page.muted
            data.append(
                {
                    "type": "scatter", "mode": "markers+text",
                    "x": part["place"].tolist(), "y": [height[who] for who in part["who"]],
                    "text": [plotly_text(face) for face in part["emoji"]],
                    "textfont": {"size": 13 if narrow else 16, "color": page.ink},
                    "name": text(f"list_metrics.{'hit' if hit else 'other'}", language),
                    "marker": {
                        "size": size, "symbol": "square" if hit else "circle", "opacity": 1,
                        "color": alpha(colour, 0.28 if hit else 0.06),
                        "line": {"color": colour, "width": 3 if hit else 0.8},
                    },
                    "customdata": [plotly_text(name) for name in part["title"]],
                    "hovertemplate": "%{x}: %{customdata}<extra>%{fullData.name}</extra>",
                }
            )  # fmt: skip
        line = {"type": "line", "x0": k + 0.5, "x1": k + 0.5, "y0": -0.5, "y1": len(names) - 0.5}
        band = {"type": "rect", "xref": "paper", "x0": 0, "x1": 1, "y0": now - 0.46, "y1": now + 0.46, "layer": "below"}
        return data, {
            "showlegend": True,
            "legend": {"orientation": "h", "x": 0, "y": 1.01, "yanchor": "bottom", "font": {"size": 12}},
            "xaxis": axis(
                page, text("list_metrics.axis_place", language), tickvals=list(range(1, 11)), range=[0.4, 10.6],
                showgrid=False, fixedrange=True,
            ),
            "yaxis": axis(
                page, tickvals=list(range(len(names))), ticktext=[plotly_text(name) for name in names],
                range=[len(names) - 0.5, -0.5], showgrid=False, fixedrange=True,
                tickfont={"size": 12, "color": page.ink},
            ),
            "shapes": [
                {**band, "fillcolor": alpha(page.muted, 0.12), "line": {"width": 0}},
                {**line, "line": {"color": page.ink, "width": 1.5, "dash": "dash"}},
            ],
            "margin": {"l": 52, "r": 8, "t": 34, "b": 46},
            "dragmode": False,
        }  # fmt: skip

    comma, semicolon = text("figures.list_comma", language), text("figures.list_semicolon", language)
    told = semicolon.join(
        text(
            "list_metrics.lists_alt_one", language, name=name,
            places=comma.join(str(n) for n, row in enumerate(one["list"], 1) if row["hit"]) or "–",
        )
        for name, one in zip(names, answer["shoppers"], strict=True)
    )  # fmt: skip
    return Figure(frame, title, text("list_metrics.lists_alt", language, k=k, lists=told), draw, 330, "lists")


def places(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """What each place of the list in hand adds to each metric, and the sum at the end of the row.

    Frame columns: metric, place (1 to 10; 0 is the sum), value.
    """
    title = text("list_metrics.places_title", language)
    columns = ["metric", "place", "value"]
    if not (answer := shown.answer):
        return empty(title, columns, language)
    one = _chosen(shown)
    adds = {metric: [*one["adds"][metric], one["values"][metric]] for metric in ROWS}
    frame = pd.DataFrame(
        [
            (metric, place % 11, value)
            for metric, row in adds.items() for place, value in enumerate(row, 1)
        ], columns=columns,
    )  # fmt: skip
    name = name_of(one["who"], language)

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        ends = [*(str(place) for place in range(1, 11)), "="]
        hits = [*("<b>★</b>" if row["hit"] else "" for row in one["list"]), ""]
        tops = [f"{star}<br>{end}" if star else end for star, end in zip(hits, ends, strict=True)]
        digits = 2 if narrow else 3
        words = [[_short(value, digits) for value in row] for row in adds.values()]
        data, layout = shaded_cells(
            page, tops, [label_of(metric, answer["k"]) for metric in adds],
            list(adds.values()), words, "%{y}, %{x}: %{z:.3f}", 44,
        )  # fmt: skip
        data[0]["textfont"]["size"] = 9 if narrow else 12
        data[0]["texttemplate"] = "%{text}"
        layout["margin"]["l"] = 82
        layout["margin"]["r"] = 4
        layout["xaxis"]["type"] = "category"
        return data, layout

    best = text("figures.list_comma", language).join(
        f"{label_of(metric, answer['k'])} {three(row[-1])}" for metric, row in adds.items()
    )
    return Figure(
        frame, title, text("list_metrics.places_alt", language, name=name, values=best), draw,
        34 * len(adds) + 90, "places",
    )  # fmt: skip


def bars(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """Each metric's mean over the five, as the lists are now and as the model had them.

    Frame columns: metric, lists ("now", "model"), value.
    """
    title = text("list_metrics.bars_title", language)
    columns = ["metric", "lists", "value"]
    if not (answer := shown.answer):
        return empty(title, columns, language)
    k = answer["k"]
    rows = [(metric, "now", answer["measures"][metric]["value"]) for metric in MEANS]
    rows += [(metric, "model", answer["model"][metric]) for metric in MEANS]
    frame = pd.DataFrame(rows, columns=columns)

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        data: list[Plot] = []
        for kind, mark, pattern in (("now", DEPARTMENTS[1], ""), ("model", DEPARTMENTS[0], "/")):
            part = frame[frame["lists"] == kind]
            data.append(
                {
                    "type": "bar", "orientation": "h", "name": text(f"list_metrics.lists_{kind}", language),
                    "y": [label_of(metric, k) for metric in part["metric"]], "x": part["value"].tolist(),
                    "marker": {"color": mark.colour(page), "pattern": {"shape": pattern}},
                    "text": [three(value) for value in part["value"]], "textposition": "outside",
                    "cliponaxis": False, "textfont": {"size": 11, "color": page.ink},
                    "hovertemplate": "%{y}: %{x:.3f}<extra>%{fullData.name}</extra>",
                }
            )  # fmt: skip
        return data, {
            "barmode": "group",
            "showlegend": True,
            "legend": {"orientation": "h", "x": 0, "y": 1.01, "yanchor": "bottom", "font": {"size": 12}},
            "xaxis": axis(page, text("list_metrics.axis_mean", language), range=[0, 1.12], fixedrange=True),
            "yaxis": axis(page, autorange="reversed", fixedrange=True, tickfont={"size": 12, "color": page.ink}),
            "margin": {"l": 92, "r": 12, "t": 34, "b": 46},
            "dragmode": False,
        }

    told = text("figures.list_comma", language).join(
        f"{label_of(metric, k)} {three(answer['measures'][metric]['value'])} ({three(answer['model'][metric])})"
        for metric in MEANS
    )
    return Figure(frame, title, text("list_metrics.bars_alt", language, values=told), draw, 460, "bars")


def pot(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """The scores of all fifty products on one axis, a row a shopper: AUC compares across the rows, GAUC along them.

    Frame columns: who, score, hit.
    """
    title = text("list_metrics.pot_title", language)
    columns = ["who", "score", "hit"]
    if not (answer := shown.answer):
        return empty(title, columns, language)
    rows = [(one["who"], row["score"], row["hit"]) for one in answer["shoppers"] for row in one["list"]]
    frame = pd.DataFrame(rows, columns=columns)
    people = [one["who"] for one in answer["shoppers"]]
    auc, gauc = (answer["measures"][name]["value"] for name in WHOLE)

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        data: list[Plot] = []
        for hit in (False, True):
            part = frame[frame["hit"] == hit]
            data.append(
                {
                    "type": "scatter", "mode": "markers", "x": part["score"].tolist(),
                    "y": [people.index(who) for who in part["who"]],
                    "name": text(f"list_metrics.{'hit' if hit else 'other'}", language),
                    "marker": {
                        "size": 9 if narrow else 13, "symbol": "square" if hit else "circle-open",
                        "color": page.accent if hit else page.muted, "line": {"width": 1.5},
                    },
                    "hovertemplate": "%{x:.2f}<extra>%{fullData.name}</extra>",
                }
            )  # fmt: skip
        own = [note(page, 1, n, _own(one), xref="paper", xanchor="left", xshift=6, font={"size": 12, "color": page.ink})
               for n, one in enumerate(answer["shoppers"])]  # fmt: skip
        return data, {
            "showlegend": True,
            "legend": {"orientation": "h", "x": 0, "y": 1.01, "yanchor": "bottom", "font": {"size": 12}},
            "xaxis": axis(page, text("list_metrics.axis_score", language), fixedrange=True),
            "yaxis": axis(
                page, tickvals=list(range(len(people))), range=[len(people) - 0.5, -0.5], fixedrange=True,
                ticktext=[plotly_text(name_of(who, language)) for who in people],
                tickfont={"size": 12, "color": page.ink},
            ),
            "annotations": own,
            "margin": {"l": 52, "r": 76, "t": 34, "b": 46},
            "dragmode": False,
        }  # fmt: skip

    alt = text("list_metrics.pot_alt", language, auc=three(auc), gauc=three(gauc))
    return Figure(frame, title, alt, draw, 330, "pot")


def _own(one: Mapping[str, Any]) -> str:
    """A shopper's own AUC, or a dash where there is no pair."""
    return f"AUC {three(one['values'].get('auc'))}"


def _short(value: float, digits: int) -> str:
    """A share in few letters: nothing for 0, .333 for a third.

    >>> _short(0.0, 3), _short(1 / 3, 3), _short(1.0, 2)
    ('', '.333', '1')
    """
    if abs(value) < 0.5 * 10**-digits:
        return ""
    words = f"{value:.{digits}f}"
    return words.rstrip("0").rstrip(".") if float(words) == round(value) else words.replace("0.", ".", 1)
