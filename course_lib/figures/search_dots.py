"""A row a kind of query, a mark an engine, with intervals: what every picture of search by kind is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd

from course_lib.figures.base import Plot, axis, plotly_text
from course_lib.figures.palette import DEPARTMENTS, Mark, Theme
from course_lib.text import strings, text

COLUMNS = ["kind", "engine", "value", "low", "high"]
ENGINES = {  # the order of the legend
    "words": DEPARTMENTS[1], "letters": DEPARTMENTS[4], "meaning": DEPARTMENTS[0], "before": DEPARTMENTS[0],
    "both_before": DEPARTMENTS[5], "trained": DEPARTMENTS[2], "both": DEPARTMENTS[3],
}  # fmt: skip
ROW = 46  # pixels of a kind


def kind_name(kind: str, language: str) -> str:
    """A kind of query in the reader's words."""
    return strings(language).get(f"search_box.kind_{kind}", kind)


def engine_name(engine: str, language: str) -> str:
    """An engine in the reader's words."""
    return strings(language).get(f"search_box.engine_{engine}", engine)


def table_rows(table: Mapping[str, Mapping[str, Any]], engines: Sequence[str]) -> pd.DataFrame:
    """A row a kind and engine of a run's ``table``, with COLUMNS."""
    rows = [
        (kind, engine, *(row[engine][end] for end in ("value", "low", "high")))
        for kind, row in table.items()
        for engine in engines
        if isinstance(row.get(engine), Mapping)
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def dots(
    frame: pd.DataFrame, language: str, title: str, top: int, difference: bool = False
) -> Callable[[Theme], tuple[list[Plot], Plot]]:
    """Draws the rows of :func:`table_rows`.

    Args:
        frame: the rows.
        language: of the names.
        title: of the axis.
        top: pixels above, where the legend stands.
        difference: whether the values may be below 0; a line marks it then.
    """
    kinds = list(dict.fromkeys(frame["kind"]))
    engines = list(dict.fromkeys(frame["engine"]))
    shift = {engine: (number - (len(engines) - 1) / 2) * 0.17 for number, engine in enumerate(engines)}

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        data: list[Plot] = []
        for engine in engines:
            part, mark = frame[frame["engine"] == engine], ENGINES.get(engine, Mark("#5f6672", "#a3abb8", "circle"))
            colour = mark.colour(page)
            data.append(
                {
                    "type": "scatter", "mode": "markers", "name": engine_name(engine, language),
                    "x": part["value"].tolist(), "y": [kinds.index(one) + shift[engine] for one in part["kind"]],
                    "marker": {"size": 9, "symbol": mark.symbol, "color": colour},
                    "error_x": {
                        "type": "data", "symmetric": False, "array": (part["high"] - part["value"]).tolist(),
                        "arrayminus": (part["value"] - part["low"]).tolist(), "color": colour, "thickness": 1.5,
                    },
                    "customdata": [plotly_text(kind_name(one, language)) for one in part["kind"]],
                    "hovertemplate": "%{customdata}: %{x:.3f}<extra>%{fullData.name}</extra>",
                }
            )  # fmt: skip
        scale: Plot = {} if difference else {"range": [-0.02, 1.04]}
        zero = {"type": "line", "x0": 0, "x1": 0, "y0": 0, "y1": 1, "yref": "paper", "layer": "below",
                "line": {"color": page.muted, "width": 1.5}}  # fmt: skip
        return data, {
            "showlegend": len(engines) > 1,
            "legend": {"orientation": "h", "x": 0, "y": 1.01, "yanchor": "bottom", "font": {"size": 12}},
            "xaxis": axis(page, title, **scale),
            "yaxis": axis(
                page, tickvals=list(range(len(kinds))), ticktext=[kind_name(one, language) for one in kinds],
                range=[len(kinds) - 0.5, -0.5], automargin=True, fixedrange=True, showgrid=False,
                tickfont={"size": 12, "color": page.ink},
            ),
            "shapes": [zero] if difference else [],
            "margin": {"t": top if len(engines) > 1 else 14},
        }  # fmt: skip

    return draw


def said(frame: pd.DataFrame, language: str) -> str:
    """``head: words .978, meaning .907; …`` for a listener."""
    join = text("figures.list_comma", language)
    return join.join(
        f"{kind_name(str(kind), language)} "
        + " / ".join(
            f"{engine_name(str(engine), language)} {value:.2f}"
            for engine, value in zip(part["engine"], part["value"], strict=True)
        )
        for kind, part in frame.groupby("kind", sort=False)
    )
