"""What can be known in a made shop: the counted models, and above them the best possible, each with its interval."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from course_lib.figures.base import Figure, Plot, axis, finite, metric_name, model_name, note, plotly_text, span, three
from course_lib.figures.palette import Theme, style
from course_lib.figures.results import score_bar
from course_lib.text import text

ORDER = ("popularity", "personal-frequency", "item-knn", "ease", "markov", "oracle.filtered", "oracle.known")
ROW = 40  # pixels of one bar with its label


def known_bars(scores: Mapping[str, Mapping[str, Any]], language: str, metric: str = "ndcg@10") -> Figure:
    """One bar a model in a fixed order, hollow for the two bounds; whiskers are 95% intervals.

    Args:
        scores: by model, with ``value``, ``low`` and ``high``; those that are missing are left out.
        language: "zh" or "en".
        metric: of which the scores are.

    Frame columns: series, value, low, high.
    """
    rows: list[dict[str, Any]] = [
        {
            "series": name,
            "kind": name.partition(".")[0],
            **{key: finite(scores[name].get(key)) for key in ("value", "low", "high")},
        }
        for name in ORDER
        if finite((scores.get(name) or {}).get("value")) is not None
    ]
    frame = pd.DataFrame(rows, columns=["series", "value", "low", "high"])
    top = 1.05 * max((row["high"] or row["value"] for row in rows), default=1.0) or 1.0

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        places = list(range(len(rows)))[::-1]
        data = [
            score_bar(page, row, place, language, metric_name(metric)) for row, place in zip(rows, places, strict=True)
        ]
        notes = [
            note(
                page, 0, place, f"{plotly_text(model_name(row['series'], language))} <b>{row['value']:.3f}</b>",
                xanchor="left", yshift=16, font={"size": 12, "color": style(row["series"]).colour(page)},
            )
            for row, place in zip(rows, places, strict=True)
        ]  # fmt: skip
        return data, {
            "xaxis": axis(page, metric_name(metric), range=[0, top], nticks=6, fixedrange=True),
            "yaxis": axis(page, range=[-0.45, len(rows) - 0.3], showticklabels=False, showgrid=False, fixedrange=True),
            "margin": {"l": 8, "r": 12, "t": 8, "b": 44},
            "annotations": notes,
            "dragmode": False,
        }

    told = text("figures.list_comma", language).join(
        f"{model_name(row['series'], language)} {three(row['value'])}"
        + (f" [{inside}]" if (inside := span(row["low"], row["high"])) else "")
        for row in rows
    )
    alt = text("figures.made_scores_alt", language, scores=told) if rows else text("figures.nothing_yet", language)
    height = ROW * max(len(rows), 2) + 80
    return Figure(frame, text("figures.made_scores_title", language), alt, draw, height, "known_bars")
