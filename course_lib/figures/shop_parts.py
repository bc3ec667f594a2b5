"""What is true of searches and departments: how relevant results are, and how far a taste carries over."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from course_lib.data.columns import Columns
from course_lib.figures.base import Figure, Plot, axis, plotly_text
from course_lib.figures.cells import shaded_cells
from course_lib.figures.palette import Theme, alpha, style
from course_lib.text import text

ROW = 34  # pixels of one row
LEGEND: Plot = {
    "orientation": "h", "x": 0, "y": 1.0, "yanchor": "bottom", "font": {"size": 12}, "traceorder": "normal",
}  # fmt: skip
STRENGTHS = (0.1, 0.3, 0.6, 1.0)  # of the colour, by grade: the more relevant the stronger


def result_grades(searches: pd.DataFrame, language: str) -> Figure:
    """Of each kind of query, how relevant in truth what the shop shows is.

    Args:
        searches: :func:`course_lib.shop.truth.glance.result_grades`.
        language: "zh" or "en".

    Frame columns: kind, grade, shown, share (of the results of that kind).
    """
    frame = searches.reset_index(drop=True)
    kinds = list(dict.fromkeys(frame["kind"]))
    names = [text(f"figures.search_{kind}", language) for kind in kinds]
    grades = (3, 2, 1, 0)
    shares = {grade: frame[frame["grade"] == grade].set_index("kind")["share"] for grade in grades}

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        places = list(range(len(kinds)))[::-1]
        blue = style("sasrec").colour(page)
        data: list[Plot] = [
            {
                "type": "bar", "orientation": "h", "name": text(f"figures.grade_{grade}", language), "y": places,
                "x": [float(shares[grade][kind]) for kind in kinds], "width": 0.62,
                "marker": {"color": alpha(blue, STRENGTHS[grade]), "line": {"color": blue, "width": 1}},
                "customdata": names, "hovertemplate": "%{customdata}: %{x:.0%}",
            }
            for grade in grades
        ]  # fmt: skip
        return data, {
            "barmode": "stack",
            "xaxis": axis(
                page, text("figures.axis_results", language), range=[0, 1], tickformat=".0%", nticks=6, fixedrange=True
            ),
            "yaxis": axis(
                page, tickvals=places, ticktext=names, showgrid=False, fixedrange=True, range=[-0.6, len(kinds) - 0.4]
            ),
            "margin": {"l": 118, "r": 16, "t": 48, "b": 44},
            "showlegend": bool(kinds),
            "legend": LEGEND,
            "dragmode": False,
        }  # fmt: skip

    join, half = text("figures.list_semicolon", language), text("figures.list_comma", language)
    told = join.join(
        f"{name}{text('figures.colon', language)}"
        + half.join(f"{text(f'figures.grade_{grade}', language)} {shares[grade][kind]:.0%}" for grade in grades)
        for kind, name in zip(kinds, names, strict=True)
    )
    alt = text("figures.search_alt", language, kinds=told) if kinds else text("figures.nothing_yet", language)
    return Figure(frame, text("figures.search_title", language), alt, draw, ROW * len(kinds) + 100, "result_grades")


def shared_taste(tastes: pd.DataFrame, departments: Mapping[str, str], language: str) -> Figure:
    """How far a taste in a department with much data tells what is liked in one with little.

    Args:
        tastes: :func:`course_lib.shop.truth.glance.shared_taste`.
        departments: what each department is called, by id.
        language: "zh" or "en".

    Frame columns: department (with much data), poor (with little), correlation.
    """
    frame = tastes.reset_index(drop=True)
    table = frame.pivot(index=Columns.DEPARTMENT, columns="poor", values="correlation")
    table = table.reindex(list(dict.fromkeys(frame[Columns.DEPARTMENT])), columns=list(dict.fromkeys(frame["poor"])))
    rows, columns = ([departments.get(str(one), str(one)) for one in names] for names in (table.index, table.columns))
    values = table.to_numpy(float).tolist()

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        above, words = [plotly_text(name) for name in columns], [[f"{value:.2f}" for value in row] for row in values]
        return shaded_cells(page, above, rows, values, words, "%{y} → %{x}: %{text}", top=30)

    join, half = text("figures.list_semicolon", language), text("figures.list_comma", language)
    told = join.join(
        f"{name}{text('figures.colon', language)}"
        + half.join(f"{other} {value:.2f}" for other, value in zip(columns, row, strict=True))
        for name, row in zip(rows, values, strict=True)
    )
    alt = text("figures.taste_alt", language, departments=told) if rows else text("figures.nothing_yet", language)
    return Figure(frame, text("figures.taste_title", language), alt, draw, ROW * len(rows) + 66, "shared_taste")
