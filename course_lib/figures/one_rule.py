"""A hundred baskets, each with bread, milk, both or neither: what a rule is counted in."""

from __future__ import annotations

import pandas as pd

from course_lib.figures.base import Figure, Plot, empty
from course_lib.figures.palette import DEPARTMENTS, Theme
from course_lib.figures.shown import Shown
from course_lib.text import text

KINDS = {  # mark of each kind of basket; the ones with bread stand first
    "both": DEPARTMENTS[0], "bread_alone": DEPARTMENTS[1], "milk_alone": DEPARTMENTS[2], "neither": DEPARTMENTS[11],
}  # fmt: skip
ROW = 20  # baskets


def hundred(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """One mark a basket, those with bread first. Frame columns: kind, baskets."""
    title = text("one_rule.hundred_title", language)
    counts = (shown.answer or {}).get("baskets")
    if not counts:
        return empty(title, ["kind", "baskets"], language)
    frame = pd.DataFrame([(kind, int(counts[kind])) for kind in KINDS], columns=["kind", "baskets"])
    starts = frame["baskets"].cumsum() - frame["baskets"]

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        data: list[Plot] = []
        for (kind, mark), start, count in zip(KINDS.items(), starts, frame["baskets"], strict=True):
            places = range(int(start), int(start) + int(count))
            name = f"{text(f'one_rule.{kind}', language)} ({count})"
            data.append(
                {
                    "type": "scatter", "mode": "markers", "name": name, "x": [place % ROW for place in places],
                    "y": [-(place // ROW) for place in places], "hoverinfo": "name",
                    "marker": {"symbol": mark.symbol, "size": 9 if narrow else 13, "color": mark.colour(page)},
                }
            )  # fmt: skip
        bare = {"visible": False, "fixedrange": True}
        return data, {
            "showlegend": True,
            "legend": {"orientation": "h", "x": 0, "y": 1.01, "yanchor": "bottom", "font": {"size": 12}},
            "xaxis": bare | {"range": [-0.7, ROW - 0.3]},
            "yaxis": bare | {"range": [-(99 // ROW) - 0.7, 0.7]},
            "margin": {"l": 6, "r": 6, "b": 6, "t": 54 if narrow else 34},
        }

    said = text("figures.list_comma", language).join(
        f"{text(f'one_rule.{kind}', language)} {count}" for kind, count in frame.itertuples(index=False)
    )
    alt = text("one_rule.hundred_alt", language, baskets=said)
    return Figure(frame, title, alt, draw, height=200 if narrow else 190, revision="one-rule")
