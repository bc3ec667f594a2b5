"""Pictures of a private count: what is learned of all and of one, and masks that cancel in a sum."""

from __future__ import annotations

import pandas as pd

from course_lib.figures.base import Figure, Plot, axis, dotted_lines, empty, note
from course_lib.figures.palette import DEPARTMENTS, Theme
from course_lib.figures.shown import Shown
from course_lib.text import text

LEGEND = {"orientation": "h", "x": 0, "y": 1.01, "yanchor": "bottom", "font": {"size": 12}}
LINES = {"certainty": (DEPARTMENTS[1], "solid"), "half_width": (DEPARTMENTS[0], "dash")}


def sides(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """How sure one may be of a single shopper, and how precisely all are counted, by epsilon.

    Frame columns: epsilon, certainty, half_width.
    """
    title, columns = text("private_count.sides_title", language), ["epsilon", *LINES]
    answer = shown.answer or {}
    if not answer.get("curve"):
        return empty(title, columns, language)
    frame = pd.DataFrame([[one[name] for name in columns] for one in answer["curve"]], columns=columns)
    told = answer["measures"]

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        data: list[Plot] = [
            {
                "type": "scatter", "mode": "lines", "x": frame["epsilon"].tolist(),
                "y": frame[name].clip(upper=1.0).tolist(), "name": text(f"private_count.{name}", language),
                "line": {"color": mark.colour(page), "width": 2.5, "dash": dash},
                "hovertemplate": "ε %{x:.2f}: %{y:.1%}<extra>%{fullData.name}</extra>",
            }
            for name, (mark, dash) in LINES.items()
        ]  # fmt: skip
        return data, {
            "showlegend": True,
            "legend": LEGEND,
            "xaxis": axis(
                page, text("private_count.axis_epsilon", language), type="log", tickvals=[0.1, 0.3, 1, 3, 10],
                ticktext=["0.1", "0.3", "1", "3", "10"],
            ),
            "yaxis": axis(page, "", tickformat=".0%", range=[0, 1.02]),
            "shapes": dotted_lines(page, [answer["epsilon"]]),
            "margin": {"t": 76 if narrow else 54},
        }  # fmt: skip

    alt = text(
        "private_count.sides_alt", language, epsilon=f"{answer['epsilon']:g}",
        certainty=f"{told['certainty']['value']:.0%}", half=f"{told['half_width']['value']:.1%}",
        base=f"{answer['share']:.0%}",
    )  # fmt: skip
    return Figure(frame, title, alt, draw, height=360, revision="count-sides")


def masks(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """Five shoppers' numbers, what each sends, and the sum, in which the masks are gone.

    Frame columns: shopper (from 1; 0: the sum), value, masked.
    """
    title, columns = text("private_count.masks_title", language), ["shopper", "value", "masked"]
    answer = shown.answer or {}
    if not answer.get("masks"):
        return empty(title, columns, language)
    rows = [(n, one["value"], one["masked"]) for n, one in enumerate(answer["masks"], 1)]
    total = sum(value for _, value, _ in rows)
    frame = pd.DataFrame([*rows, (0, total, answer["sum"])], columns=columns)

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        places = (0.02, 0.42, 0.78)
        heads = [text(f"private_count.{name}", language) for name in ("shopper", "value", "masked")]
        notes = [
            note(page, x, len(rows) + 1, f"<b>{words}</b>", xanchor="left")
            for x, words in zip(places, heads, strict=True)
        ]
        for row, (n, value, masked) in enumerate(frame.itertuples(index=False)):
            name = str(n) if n else text("private_count.sum", language)
            cells = [name, str(value) if n else "", str(masked)]
            colour = page.ink if n else page.accent
            notes += [
                note(page, x, len(rows) - row, f"<b>{cell}</b>" if not n else cell, xanchor="left",
                     font={"size": 14, "color": colour})
                for x, cell in zip(places, cells, strict=True)
            ]  # fmt: skip
        hidden: Plot = {"visible": False, "fixedrange": True}
        return [], {
            "xaxis": hidden | {"range": [0, 1]},
            "yaxis": hidden | {"range": [-0.6, len(rows) + 1.6]},
            "annotations": notes,
            "shapes": [{"type": "line", "x0": 0, "x1": 1, "y0": 0.5, "y1": 0.5, "line": {"color": page.muted}}],
            "margin": {"l": 12, "b": 8},
        }

    said = text("figures.list_comma", language).join(str(masked) for _, _, masked in rows)
    alt = text("private_count.masks_alt", language, sent=said, total=answer["sum"])
    return Figure(frame, title, alt, draw, height=260, revision="count-masks")
