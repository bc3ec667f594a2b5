"""Pictures of weeks under a recommender: week by week, how unequal products are, sellers, and runs side by side."""

from __future__ import annotations

import pandas as pd

from course_lib.figures.base import Figure, Plot, axis, dotted_lines, empty, plotly_text
from course_lib.figures.names import measure_name
from course_lib.figures.palette import DEPARTMENTS, Theme
from course_lib.figures.shown import Shown
from course_lib.figures.strips import COLUMNS, Strip, in_words, strip_rows, strips, strips_height
from course_lib.text import text

LEGEND = {"orientation": "h", "x": 0, "y": 1.01, "yanchor": "bottom", "font": {"size": 12}}
PANELS = ("revenue", "stayed", "gini")
BETTER = {
    "gini_over_plain": "down", "buying": "up", "revenue": "up", "revenue_last": "up", "stayed": "up",
    "purchase_utility": "up", "unfairness": "down",
}  # fmt: skip
MOST = 20  # sellers that fit


def by_week(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """Revenue, who has stayed, and concentration of each week, with the recommender and without.

    Frame columns: week, and ``revenue``, ``stayed``, ``gini`` with and without "plain_" before.
    """
    title = text("feedback_loop.by_week_title", language)
    columns = ["week", *(f"{before}{name}" for name in PANELS for before in ("", "plain_"))]
    run = shown.runs[0] if shown.runs else None
    told = [one for one in run.of("week") if "plain_gini" in one] if run is not None else []
    if not told:
        return empty(title, columns, language)
    rows = [(one["at"], *(one[name] for name in columns[1:])) for one in told]
    frame = pd.DataFrame(rows, columns=columns)

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        data: list[Plot] = []
        layout: Plot = {
            "showlegend": True, "legend": LEGEND, "margin": {"t": 54, "l": 64},
            "xaxis": axis(page, text("feedback_loop.axis_week", language), anchor="y3"),
            "shapes": dotted_lines(page, [shown.at + 1] if shown.at is not None else []),
        }  # fmt: skip
        for number, name in enumerate(PANELS):
            end = "" if number == 0 else str(number + 1)
            for before, mark, dash in (("", DEPARTMENTS[0], "solid"), ("plain_", DEPARTMENTS[1], "dash")):
                data.append(
                    {
                        "type": "scatter", "mode": "lines+markers", "x": frame["week"].tolist(),
                        "y": frame[f"{before}{name}"].tolist(), "yaxis": f"y{end}", "legendgroup": before,
                        "showlegend": number == 0,
                        "name": text(f"feedback_loop.{'without' if before else 'with'}", language),
                        "line": {"color": mark.colour(page), "width": 2.5, "dash": dash},
                        "marker": {"symbol": mark.symbol, "size": 6, "color": mark.colour(page)},
                        "hovertemplate": "%{x}: %{y}<extra>%{fullData.name}</extra>",
                    }
                )  # fmt: skip
            high = 1 - number / len(PANELS)
            layout[f"yaxis{end}"] = axis(
                page, text(f"feedback_loop.axis_{name}", language), domain=[high - 0.27, high], nticks=4,
                tickformat=".0%" if name == "stayed" else "",
            )  # fmt: skip
        return data, layout

    first, last = frame.iloc[0], frame.iloc[-1]
    alt = text(
        "feedback_loop.by_week_alt", language, weeks=len(frame), revenue=f"{last['revenue']:,.0f}",
        plain=f"{last['plain_revenue']:,.0f}", first=f"{first['revenue']:,.0f}", stayed=f"{last['stayed']:.0%}",
        plain_stayed=f"{last['plain_stayed']:.0%}", gini=f"{last['gini']:.2f}", plain_gini=f"{last['plain_gini']:.2f}",
    )  # fmt: skip
    return Figure(frame, title, alt, draw, height=470, revision="loop-weeks")


def lorenz(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """Which share of all sales, or of all that was shown, the products have that sell least: the Lorenz curve.

    Frame columns: products, ours, plain (shares).
    """
    title, columns = text("feedback_loop.lorenz_title", language), ["products", "ours", "plain"]
    answer = shown.answer or {}
    if not answer.get("plain"):
        return empty(title, columns, language)
    plain, ours = answer["plain"], answer.get("ours") or [None] * len(answer["plain"])
    places = [n / (len(plain) - 1) for n in range(len(plain))]
    frame = pd.DataFrame({"products": places, "ours": ours, "plain": plain})
    names = {
        "ours": text(f"feedback_loop.lorenz_{answer['lorenz']}", language),
        "plain": text("feedback_loop.without", language),
    }

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        marks = {"ours": (DEPARTMENTS[0], "solid"), "plain": (DEPARTMENTS[1], "dash")}
        data: list[Plot] = [
            {
                "type": "scatter", "mode": "lines", "x": frame["products"].tolist(),
                "y": [None if pd.isna(one) else one for one in frame[name]], "name": names[name],
                "line": {"color": mark.colour(page), "width": 2.5, "dash": dash},
                "hovertemplate": "%{x:.0%}: %{y:.1%}<extra>%{fullData.name}</extra>",
            }
            for name, (mark, dash) in marks.items()
        ]  # fmt: skip
        data.append(
            {
                "type": "scatter", "mode": "lines", "x": [0, 1], "y": [0, 1], "hoverinfo": "skip",
                "name": text("feedback_loop.equal", language), "line": {"color": page.muted, "width": 1, "dash": "dot"},
            }
        )  # fmt: skip
        return data, {
            "showlegend": True,
            "legend": LEGEND,
            "xaxis": axis(page, text("feedback_loop.axis_products", language), tickformat=".0%"),
            "yaxis": axis(page, text("feedback_loop.axis_share", language), tickformat=".0%"),
            "margin": {"t": 76 if narrow else 54, "l": 56},
        }

    alt = text(
        "feedback_loop.lorenz_alt", language, top=answer["top"], share=f"{answer['share']:.0%}",
        plain=f"{answer['plain_share']:.0%}", what=names["ours"],
    )  # fmt: skip
    return Figure(frame, title, alt, draw, height=380, revision="loop-lorenz")


def sellers(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """Each seller's exposure against its merit, the largest sellers. Frame columns: seller, merit, exposure."""
    title, columns = text("feedback_loop.sellers_title", language), ["seller", "merit", "exposure"]
    rows = (shown.frame or {}).get("sellers") or []
    if not rows or not any(one["exposure"] for one in rows):
        return empty(title, columns, language)
    frame = pd.DataFrame(rows, columns=columns).head(MOST)
    most = float(frame[["merit", "exposure"]].to_numpy().max()) * 1.06

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        mark = DEPARTMENTS[0]
        data: list[Plot] = [
            {
                "type": "scatter", "mode": "markers", "x": frame["merit"].tolist(), "y": frame["exposure"].tolist(),
                "text": [plotly_text(str(one)) for one in frame["seller"]], "name": "",
                "marker": {"symbol": mark.symbol, "size": 10, "color": mark.colour(page)},
                "hovertemplate": "%{text}<br>%{x:.1%} → %{y:.1%}<extra></extra>",
            },
            {
                "type": "scatter", "mode": "lines", "x": [0, most], "y": [0, most], "hoverinfo": "skip", "name": "",
                "line": {"color": page.muted, "width": 1, "dash": "dot"},
            },
        ]  # fmt: skip
        return data, {
            "xaxis": axis(page, text("feedback_loop.axis_merit", language), tickformat=".0%", range=[0, most]),
            "yaxis": axis(page, text("feedback_loop.axis_exposure", language), tickformat=".0%", range=[0, most]),
            "margin": {"l": 56},
        }

    above = frame.assign(more=frame["exposure"] - frame["merit"]).sort_values("more")
    low, high = above.iloc[0], above.iloc[-1]
    alt = text(
        "feedback_loop.sellers_alt", language, high=high["seller"], high_merit=f"{high['merit']:.1%}",
        high_shown=f"{high['exposure']:.1%}", low=low["seller"], low_merit=f"{low['merit']:.1%}",
        low_shown=f"{low['exposure']:.1%}",
    )  # fmt: skip
    return Figure(frame, title, alt, draw, height=380, revision="loop-sellers")


def compared(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """What the weeks were like in each finished run, a strip a measure.

    Frame columns: run, model, measure, value, low, high.
    """
    title = text("feedback_loop.compared_title", language)
    frame = strip_rows(tuple(BETTER), shown, "gini_over_plain", language)
    if frame.empty:
        return empty(title, COLUMNS, language)
    names = {name: measure_name(name, language) for name in BETTER}
    kinds = [Strip(name, names[name], better) for name, better in BETTER.items()]
    top = 34 + 22 * -(-frame["run"].nunique() // (2 if narrow else 4))
    alt = text("feedback_loop.compared_alt", language, measures=in_words(frame, names, language))
    return Figure(
        frame, title, alt, strips(frame, kinds, language, top), strips_height(frame, top), revision="loop-compared"
    )
