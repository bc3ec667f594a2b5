"""The picture of one coupon: the chances without and with it, where it pays, and where the four kinds are."""

from __future__ import annotations

import pandas as pd

from course_lib.figures.base import Figure, Plot, axis, empty, note
from course_lib.figures.coupon_series import KINDS, LEGEND, kind_name, yuan
from course_lib.figures.palette import Theme
from course_lib.figures.shown import Shown
from course_lib.text import text

CORNERS = {"persuadable": (0.14, 0.93), "sure_thing": (0.86, 0.93), "lost_cause": (0.14, 0.07),
           "sleeping_dog": (0.86, 0.07)}  # fmt: skip


def plane(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """The shopper's point, the line of no effect and the border above which a coupon pays.

    Frame columns: without, pays_from.
    """
    title, columns = text("one_coupon.plane_title", language), ["without", "pays_from"]
    answer = shown.answer
    if not answer:
        return empty(title, columns, language)
    frame = pd.DataFrame([[one[name] for name in columns] for one in answer["border"]], columns=columns)
    added = float(answer["measures"]["added"]["value"])

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        data: list[Plot] = [
            {
                "type": "scatter", "mode": "lines", "x": [0, 1], "y": [0, 1],
                "name": text("one_coupon.no_effect", language),
                "line": {"color": page.muted, "width": 1.5, "dash": "dash"}, "hoverinfo": "skip",
            },
            {
                "type": "scatter", "mode": "lines", "x": frame["without"].tolist(), "y": frame["pays_from"].tolist(),
                "name": text("one_coupon.border", language), "line": {"color": page.accent, "width": 3},
                "hovertemplate": "%{x:.0%}: %{y:.0%}<extra>%{fullData.name}</extra>",
            },
            {
                "type": "scatter", "mode": "markers", "x": [answer["without"]], "y": [answer["with"]],
                "name": text("one_coupon.here", language), "cliponaxis": False, "showlegend": False,
                "marker": {"size": 16, "color": page.done if added > 0 else page.accent,
                           "symbol": "circle" if added > 0 else "x", "line": {"width": 2, "color": page.ink}},
                "hovertemplate": "%{x:.0%}, %{y:.0%}<extra></extra>",
            },
        ]  # fmt: skip
        notes = [
            note(page, x, y, kind_name(kind, language), font={"size": 12, "color": KINDS[kind].colour(page)})
            for kind, (x, y) in CORNERS.items()
        ]
        return data, {
            "showlegend": True,
            "legend": LEGEND,
            "xaxis": axis(page, text("uplift.axis_without", language), tickformat=".0%", range=[0, 1]),
            "yaxis": axis(page, text("uplift.axis_with", language), tickformat=".0%", range=[0, 1]),
            "annotations": notes,
            "margin": {"l": 56, "t": 26, "b": 38},
        }

    alt = text("one_coupon.plane_alt", language, without=f"{answer['without']:.0%}", coupon=f"{answer['with']:.0%}",
               added=yuan(added))  # fmt: skip
    return Figure(frame, title, alt, draw, height=225 if narrow else 260, revision="one-coupon-plane")
