"""A table drawn as shaded cells, each with its number: the stronger the more."""

from __future__ import annotations

from collections.abc import Sequence

from course_lib.figures.base import Plot, axis, plotly_text
from course_lib.figures.palette import Theme, alpha, style


def shaded_cells(
    page: Theme,
    columns: Sequence[str],
    rows: Sequence[str],
    strength: Sequence[Sequence[float]],
    words: Sequence[Sequence[str]],
    hover: str,
    top: int,
) -> tuple[list[Plot], Plot]:
    """Data and layout of a table of R rows and C columns.

    Args:
        page: the theme.
        columns: C names as Plotly takes them, above the table.
        rows: R names, plain.
        strength: (R, C) from 0 to 1, how strong the colour is.
        words: (R, C) what stands in the cells.
        hover: Plotly's template.
        top: pixels above the table, for the columns' names.
    """
    blue = style("sasrec").colour(page)
    data: list[Plot] = [
        {
            "type": "heatmap", "z": strength, "zmin": 0, "zmax": 1, "showscale": False,
            "x": columns, "y": [plotly_text(name) for name in rows],
            "text": words, "texttemplate": "<b>%{text}</b>", "textfont": {"size": 13, "color": page.ink},
            "colorscale": [[0, alpha(blue, 0.02)], [1, alpha(blue, 0.5)]], "xgap": 3, "ygap": 3,
            "hovertemplate": f"{hover}<extra></extra>",
        }
    ]  # fmt: skip
    return data, {
        "xaxis": axis(page, side="top", showgrid=False, fixedrange=True, tickfont={"size": 12, "color": page.ink}),
        "yaxis": axis(page, showgrid=False, fixedrange=True, autorange="reversed"),
        "margin": {"l": 118, "r": 12, "t": top, "b": 12},
        "dragmode": False,
    }
