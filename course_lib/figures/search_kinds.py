"""Pictures of search engines that nobody trained: by kind of query, by the weight of meaning, by candidates."""

from __future__ import annotations

import pandas as pd

from course_lib.figures.base import Figure, Plot, axis, dotted_lines, empty, three
from course_lib.figures.palette import DEPARTMENTS, Theme
from course_lib.figures.search_dots import COLUMNS, ENGINES, ROW, dots, engine_name, said, table_rows
from course_lib.figures.shown import Shown
from course_lib.text import text

ALONE = (("words", "dash"), ("letters", "dot"), ("meaning", "dashdot"))


def kinds(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """NDCG@10 of each engine by kind of query, with intervals, of the first run. Frame columns: search_dots.COLUMNS."""
    title = text("search_kinds.kinds_title", language)
    frame = table_rows(_table(shown), ("words", "letters", "meaning", "both"))
    if frame.empty:
        return empty(title, COLUMNS, language)
    draw = dots(frame, language, text("search_box.axis_ndcg", language), 84 if narrow else 36)
    alt = text("search_kinds.kinds_alt", language, kinds=said(frame, language))
    height = (150 if narrow else 110) + ROW * frame["kind"].nunique()
    return Figure(frame, title, alt, draw, height=height, revision="search-kinds")


def gap(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """NDCG@10 of meaning less that of words, by kind, with intervals. Frame columns: search_dots.COLUMNS."""
    title = text("search_kinds.gap_title", language)
    frame = table_rows(_table(shown), ("gap",))
    if frame.empty:
        return empty(title, COLUMNS, language)
    draw = dots(frame, language, text("search_kinds.axis_gap", language), 14, difference=True)
    named = text("figures.list_comma", language).join(
        f"{text(f'search_box.kind_{row.kind}', language)} {row.value:+.2f}".replace("-", "−")
        for row in frame.itertuples()
    )
    alt = text("search_kinds.gap_alt", language, kinds=named)
    return Figure(frame, title, alt, draw, height=110 + 36 * len(frame), revision="search-gap")


def weights(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """The sum's NDCG@10 by the weight of meaning in it, beside each engine alone; the frame on show marked.

    Frame columns: at, weight, score, words, letters, meaning.
    """
    title = text("search_kinds.weights_title", language)
    columns = ["at", "weight", "score", *(name for name, _ in ALONE)]
    told = [one for one in (shown.runs[0].of("frame") if shown.runs else ()) if "alone" in one]
    if not told:
        return empty(title, columns, language)
    rows = [(one["at"], one["weight"], one["score"], *(one["alone"][name] for name, _ in ALONE)) for one in told]
    frame = pd.DataFrame(rows, columns=columns).drop_duplicates("weight").sort_values("weight", kind="stable")
    here = told[-1] if shown.at is None else next((one for one in told if one["at"] == shown.at), told[-1])

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        data: list[Plot] = [
            {
                "type": "scatter", "mode": "lines+markers", "x": frame["weight"].tolist(), "y": frame["score"].tolist(),
                "name": engine_name("both", language), "line": {"color": ENGINES["both"].colour(page), "width": 3},
                "marker": {"size": 7, "symbol": ENGINES["both"].symbol},
                "hovertemplate": "%{x:.1f}: %{y:.3f}<extra>%{fullData.name}</extra>",
            }
        ]  # fmt: skip
        data += [
            {
                "type": "scatter", "mode": "lines", "x": [0, 1], "y": frame[name].iloc[:1].tolist() * 2,
                "name": engine_name(name, language),
                "line": {"color": ENGINES[name].colour(page), "width": 2, "dash": dash},
                "hovertemplate": "%{y:.3f}<extra>%{fullData.name}</extra>",
            }
            for name, dash in ALONE
        ]  # fmt: skip
        return data, {
            "showlegend": True,
            "legend": {"orientation": "h", "x": 0, "y": 1.01, "yanchor": "bottom", "font": {"size": 12}},
            "xaxis": axis(page, text("search_kinds.axis_weight", language), range=[-0.03, 1.03]),
            "yaxis": axis(page, text("search_box.axis_ndcg", language)),
            "shapes": dotted_lines(page, [here["weight"]]),
            "margin": {"t": 92 if narrow else 58},
        }

    best = frame.iloc[int(frame["score"].to_numpy().argmax())]
    alone = {name: three(float(frame[name].iloc[0])) for name, _ in ALONE}
    alt = text(
        "search_kinds.weights_alt", language, best=three(float(best["score"])), weight=f"{best['weight']:.1f}", **alone
    )
    return Figure(frame, title, alt, draw, height=380 if narrow else 340, revision="search-weights")


def pools(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """The sum's NDCG@10 by how many candidates of each engine enter it. Frame columns: candidates, score."""
    title, columns = text("search_kinds.pools_title", language), ["candidates", "score"]
    found = ((shown.runs[0].result or {}) if shown.runs else {}).get("pools") or []
    if not found:
        return empty(title, columns, language)
    frame = pd.DataFrame([(one["candidates"], one["score"]) for one in found], columns=columns)

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        mark = DEPARTMENTS[3]
        data: list[Plot] = [
            {
                "type": "scatter", "mode": "lines+markers", "x": frame["candidates"].tolist(),
                "y": frame["score"].tolist(), "line": {"color": mark.colour(page), "width": 2.5},
                "marker": {"size": 8, "symbol": mark.symbol, "color": mark.colour(page)},
                "hovertemplate": "%{x:,}: %{y:.3f}<extra></extra>",
            }
        ]  # fmt: skip
        places = frame["candidates"].tolist()
        return data, {
            "xaxis": axis(page, text("search_kinds.axis_pool", language), type="log", tickvals=places,
                          ticktext=[f"{one:,}" for one in places]),
            "yaxis": axis(page, text("search_box.axis_ndcg", language)),
        }  # fmt: skip

    numbers = text("figures.list_comma", language).join(
        f"{row.candidates}: {row.score:.3f}" for row in frame.itertuples()
    )
    alt = text("search_kinds.pools_alt", language, numbers=numbers)
    return Figure(frame, title, alt, draw, height=320, revision="search-pools")


def _table(shown: Shown) -> dict[str, dict[str, object]]:
    """The table by kind of the first run that has one."""
    for run in shown.runs:
        table = (run.result or {}).get("table")
        if table and all(isinstance(row, dict) and "gap" in row for row in table.values()):
            return dict(table)
    return {}
