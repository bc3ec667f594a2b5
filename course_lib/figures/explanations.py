"""Pictures of explanations: eight side by side on one history, the test of one reason, and which of them hold."""

from __future__ import annotations

from typing import Any

import pandas as pd

from course_lib.figures.base import Figure, Plot, axis, empty, note, plotly_text, shorten, wrap
from course_lib.figures.names import choice_name
from course_lib.figures.palette import DEPARTMENTS, Theme
from course_lib.figures.products import product
from course_lib.figures.shown import Shown
from course_lib.text import text

LEGEND = {"orientation": "h", "x": 0, "y": 1.01, "yanchor": "bottom", "font": {"size": 12}}
TESTS = {"delete_1": DEPARTMENTS[0], "delete_3": DEPARTMENTS[2], "keep_2": DEPARTMENTS[1]}
SEEN = 12  # newest products of a history that fit into a picture


def side_by_side(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """Each way's share of each product of the history, and what is truly lost without it.

    Frame columns: way ("truth" for what is lost), place (from 1, oldest first), product, share.
    """
    title, columns = text("explanations.side_by_side_title", language), ["way", "place", "product", "share"]
    answer = shown.answer or {}
    window, found = list(answer.get("window", ())), answer.get("ways")
    if not found or not window or shown.items is None:
        return _without(title, columns, answer, language)
    lost = [max(one, 0.0) for one in answer["lost"]]
    shares = {"truth": [one / max(sum(lost), 1e-12) for one in lost], **found}
    names = [_name(shown, item, language) for item in window]
    first = max(len(window) - SEEN, 0)
    rows = [
        (way, place + 1, names[place], round(float(values[place]), 4))
        for way, values in shares.items()
        for place in range(first, len(window))
    ]
    frame = pd.DataFrame(rows, columns=columns)
    called = {way: _way(way, language) for way in shares}

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        labels = [f"{place + 1} {shorten(names[place], 12 if narrow else 26)}" for place in range(first, len(window))]
        ways = [way for way in shares if way != "leave_one_out"]  # it is what really deleting shows
        table = [[float(shares[way][place]) for way in ways] for place in range(first, len(window))]
        low, high = ("#eef3f7", "#0072b2") if not page.dark else ("#20262e", "#56b4e9")
        data: list[Plot] = [
            {
                "type": "heatmap", "z": table, "x": list(range(len(ways))),
                "y": [plotly_text(one) for one in labels], "zmin": 0, "zmax": 1, "xgap": 2, "ygap": 2,
                "colorscale": [[0, low], [1, high]], "showscale": False,
                "text": [[f"{one:.0%}" if one >= 0.1 else "" for one in row] for row in table],
                "texttemplate": "%{text}", "textfont": {"size": 10 if narrow else 12},
                "customdata": [[plotly_text(called[way]) for way in ways] for _ in labels],
                "hovertemplate": "%{customdata}<br>%{y}: %{z:.0%}<extra></extra>",
            }
        ]  # fmt: skip
        heads = [plotly_text(text(f"explanations.short_{way}", language)) for way in ways]
        return data, {
            "xaxis": axis(
                page, "", side="top", tickangle=-40, showgrid=False, tickvals=list(range(len(ways))), ticktext=heads
            ),
            "yaxis": axis(page, "", automargin=True, showgrid=False),
            "margin": {"l": 120 if narrow else 210, "t": 84, "b": 12, "r": 40},
        }

    strongest = "; ".join(
        f"{called[way]}: {names[max(range(len(window)), key=lambda n, v=values: v[n])]}"  # type: ignore[misc]
        for way, values in shares.items()
    )
    alt = text("explanations.side_by_side_alt", language, product=_name(shown, answer["explained"], language),
               strongest=strongest)  # fmt: skip
    return Figure(frame, title, alt, draw, height=190 + 24 * (len(window) - first), revision="explanations-side")


def reason(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """The sentence a shopper would read, and the test of it: p as it is, without what is named, with nothing else.

    Frame columns: case, p.
    """
    title, columns = text("explanations.reason_title", language), ["case", "p"]
    answer = shown.answer or {}
    if "p_without" not in answer or shown.items is None:
        return _without(title, columns, answer, language)
    frame = pd.DataFrame(
        [("whole", answer["p"]), ("without", answer["p_without"]), ("only", answer["p_only"])], columns=columns
    )
    comma = text("figures.list_comma", language)
    named = comma.join(_name(shown, answer["window"][place], language) for place in answer["named"])
    told = _name(shown, answer["explained"], language)
    verdict = text(
        f"explanations.{'true' if answer['true'] else 'untrue'}", language, lost=f"{answer['lost_nats']:.2f}"
    )
    if len(answer["window"]) <= len(answer["named"]):
        verdict = text("explanations.whole_history", language)
    wide = 36 if narrow else 56
    sentence = text("explanations.because", language, product=shorten(told, wide), named=shorten(named, wide))

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        mark = DEPARTMENTS[0 if answer["true"] else 1]
        data: list[Plot] = [
            {
                "type": "bar", "orientation": "h", "x": frame["p"].tolist(),
                "y": [text(f"explanations.case_{case}", language) for case in frame["case"]],
                "marker": {"color": [page.muted, mark.colour(page), DEPARTMENTS[2].colour(page)]}, "width": 0.6,
                "text": [f"{p:.1%}" for p in frame["p"]], "textposition": "auto",
                "hovertemplate": "%{y}: %{x:.2%}<extra></extra>",
            }
        ]  # fmt: skip
        place: Plot = {
            "xref": "paper", "yref": "paper", "xanchor": "left", "yanchor": "bottom", "align": "left",
        }  # fmt: skip
        said = "<br>".join([*map(plotly_text, wrap(sentence, wide + 8)), f"<b>{plotly_text(verdict)}</b>"])
        return data, {
            "xaxis": axis(page, text("explanations.axis_p", language), tickformat=".0%", rangemode="tozero"),
            "yaxis": axis(page, "", autorange="reversed", automargin=True),
            "annotations": [note(page, 0, 1.02, said, **place)],
            "margin": {"t": 110},
        }  # fmt: skip

    alt = text("explanations.reason_alt", language, sentence=sentence, verdict=verdict, p=f"{answer['p']:.1%}",
               without=f"{answer['p_without']:.1%}", only=f"{answer['p_only']:.1%}")  # fmt: skip
    return Figure(frame, title, alt, draw, height=320, revision="explanations-reason")


def faithful(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """What is lost by each way's named products: without the first, without three, with two alone.

    Frame columns: way, test, value, low, high.
    """
    title, columns = text("explanations.faithful_title", language), ["way", "test", "value", "low", "high"]
    told = [one for run in shown.runs[:1] for one in run.of("frame") if "faithful" in one]
    here = [one for one in told if shown.at is None or one["at"] <= shown.at]
    found = here[-1]["faithful"] if here else None
    if not found:
        return empty(title, columns, language)
    rows = [
        (way, test, *(one[test][end] for end in ("value", "low", "high")))
        for way, one in found.items()
        for test in TESTS
    ]
    frame = pd.DataFrame(rows, columns=columns)

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        data: list[Plot] = []
        for test, mark in TESTS.items():
            part = frame[frame["test"] == test]
            data.append(
                {
                    "type": "scatter", "mode": "markers", "x": part["value"].tolist(),
                    "y": [_way(str(way), language) for way in part["way"]],
                    "name": text(f"explanations.{test}", language),
                    "marker": {"symbol": mark.symbol, "size": 10, "color": mark.colour(page)},
                    "error_x": {
                        "type": "data", "symmetric": False, "array": (part["high"] - part["value"]).tolist(),
                        "arrayminus": (part["value"] - part["low"]).tolist(), "color": mark.colour(page),
                        "thickness": 1.5,
                    },
                    "hovertemplate": "%{y}: %{x:.2f}<extra>%{fullData.name}</extra>",
                }
            )  # fmt: skip
        return data, {
            "showlegend": True,
            "legend": LEGEND,
            "xaxis": axis(page, text("explanations.axis_lost", language), zeroline=True, zerolinecolor=page.muted),
            "yaxis": axis(page, "", autorange="reversed", automargin=True),
            "margin": {"t": 98 if narrow else 54},
        }

    said = "; ".join(
        f"{_way(str(way), language)}: " + " / ".join(f"{value:.2f}" for value in part["value"])
        for way, part in frame.groupby("way", sort=False)
    )
    alt = text("explanations.faithful_alt", language, ways=said)
    return Figure(frame, title, alt, draw, height=440 if narrow else 400, revision="explanations-faithful")


def _way(way: str, language: str) -> str:
    return text("explanations.truth", language) if way == "truth" else choice_name("way", way, language)


def _name(shown: Shown, item: int, language: str) -> str:
    assert shown.items is not None
    return product(shown.items, item, language).title


def _without(title: str, columns: list[str], answer: Any, language: str) -> Figure:
    """Nothing to explain: no answer yet, or a history without a purchase."""
    if not answer or answer.get("window") is None or answer["window"]:
        return empty(title, columns, language)
    words = text("explanations.no_history", language)

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        hidden: Plot = {"visible": False, "fixedrange": True}
        return [], {
            "xaxis": hidden, "yaxis": hidden,
            "annotations": [note(page, 0.5, 0.5, words, xref="paper", yref="paper")],
        }  # fmt: skip

    return Figure(pd.DataFrame(columns=columns), title, words, draw, height=220, revision="empty")
