"""Pictures of campaign size: what is learned and earned by size, and how campaigns of one size differ."""

from __future__ import annotations

from typing import Any

import pandas as pd

from course_lib.figures.base import Figure, Plot, axis, dotted_lines, empty
from course_lib.figures.coupon_series import DASHES, HALVES, LEGEND, MARKS, policy_name, yuan
from course_lib.figures.palette import Theme, alpha
from course_lib.figures.shown import Shown
from course_lib.text import text

ENDS = ("value", "low", "high")


def _view(shown: Shown) -> dict[str, Any]:
    """All sizes that the first run has told of, up to the frame on show."""
    told = [one for one in (shown.runs[0].of("frame") if shown.runs else ()) if "row" in one]
    told = [one for one in told if shown.at is None or one["at"] <= shown.at]
    if not told:
        return {}
    return {"sizes": [one["row"] for one in told], "everyone": told[-1]["everyone"], "best": told[-1]["best"]}


def order(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """Share of the best possible Qini by campaign size, response model and T-learner, with intervals over campaigns.

    Frame columns: policy, size, value, low, high.
    """
    title, columns = text("campaign_size.order_title", language), ["policy", "size", *ENDS]
    rows = [
        (name, one["size"], *(one[f"{name}_qini"][end] for end in ENDS))
        for name in ("response", "t")
        for one in _view(shown).get("sizes", ())
    ]
    if not rows:
        return empty(title, columns, language)
    frame = pd.DataFrame(rows, columns=columns)

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        data = [trace for name in ("response", "t") for trace in _band(page, frame, name, language, ".0%")]
        return data, {
            "showlegend": True,
            "legend": LEGEND,
            "xaxis": _sizes(page, frame, language),
            "yaxis": axis(page, text("uplift.axis_best", language), tickformat=".0%", rangemode="tozero"),
            "shapes": _here(page, shown),
            "margin": {"l": 56, "t": 44},
        }

    said = text("figures.list_comma", language).join(
        f"{row.size:,}: {row.value:.0%}" for row in frame[frame["policy"] == "t"].itertuples(index=False)
    )
    response = frame[frame["policy"] == "response"]["value"]
    alt = text("campaign_size.order_alt", language, sizes=said, low=f"{response.iloc[0]:.0%}",
               high=f"{response.iloc[-1]:.0%}")  # fmt: skip
    return Figure(frame, title, alt, draw, height=400, revision="campaign-size-order")


def earned(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """Profit of the coupons that a model promises a gain from, by campaign size, against nobody, everyone and the best.

    Frame columns: policy, size, value, low, high: yuan a thousand shoppers.
    """
    title, columns = text("campaign_size.earned_title", language), ["policy", "size", *ENDS]
    view = _view(shown)
    if not view:
        return empty(title, columns, language)
    nobody = dict.fromkeys(ENDS, 0.0)
    levels = {"nobody": nobody, "everyone": view["everyone"], "best": view["best"]}
    frame = pd.DataFrame(
        [("money", one["size"], *(one["profit"][end] for end in ENDS)) for one in view["sizes"]]
        + [
            (name, one["size"], *(level[end] for end in ENDS))
            for name, level in levels.items()
            for one in view["sizes"]
        ],
        columns=columns,
    )

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        data = _band(page, frame, "money", language, ",.0f")
        for name in levels:
            part = frame[frame["policy"] == name]
            reach = [part["size"].min() / 1.2, part["size"].max() * 1.2]
            data.append(
                {
                    "type": "scatter", "mode": "lines", "x": reach, "y": [part["value"].iloc[0]] * 2,
                    "name": policy_name(name, language),
                    "line": {"color": MARKS[name].colour(page), "dash": DASHES[name], "width": 2},
                    "hovertemplate": "%{y:,.0f}<extra>%{fullData.name}</extra>",
                }
            )  # fmt: skip
        return data, {
            "showlegend": True,
            "legend": HALVES if narrow else LEGEND,
            "xaxis": _sizes(page, frame, language),
            "yaxis": axis(page, text("uplift.axis_profit", language), zeroline=False),
            "shapes": _here(page, shown),
            "margin": {"l": 62, "t": 66 if narrow else 44},
        }

    said = text("figures.list_comma", language).join(
        f"{one['size']:,}: {yuan(one['profit']['value'])}" for one in view["sizes"]
    )
    alt = text("campaign_size.earned_alt", language, sizes=said, everyone=yuan(view["everyone"]["value"]),
               best=yuan(view["best"]["value"]))  # fmt: skip
    return Figure(frame, title, alt, draw, height=420 if narrow else 400, revision="campaign-size-earned")


def luck(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """What each campaign of the size asked about led to. Frame columns: campaign, profit (yuan a thousand shoppers)."""
    title, columns = text("campaign_size.luck_title", language), ["campaign", "profit"]
    answer = shown.answer or {}
    if not answer.get("profits"):
        return empty(title, columns, language)
    frame = pd.DataFrame(list(enumerate(sorted(answer["profits"]), 1)), columns=columns)
    rival = max(0.0, float(answer["everyone"]["value"]))

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        data: list[Plot] = [
            {
                "type": "bar", "x": frame["campaign"].tolist(), "y": frame["profit"].tolist(),
                "name": policy_name("money", language),
                "marker": {
                    "color": [MARKS["money" if one >= rival else "response"].colour(page) for one in frame["profit"]]
                },
                "hovertemplate": "%{y:,.0f}<extra></extra>",
            },
            {
                "type": "scatter", "mode": "lines", "x": [0.4, len(frame) + 0.6],
                "y": [float(answer["everyone"]["value"])] * 2, "name": policy_name("everyone", language),
                "line": {"color": MARKS["everyone"].colour(page), "dash": "dot", "width": 2},
                "hovertemplate": "%{y:,.0f}<extra>%{fullData.name}</extra>",
            },
        ]  # fmt: skip
        return data, {
            "showlegend": True,
            "legend": LEGEND,
            "xaxis": axis(page, text("campaign_size.axis_campaigns", language, size=f"{answer['size']:,}"), nticks=6),
            "yaxis": axis(page, text("uplift.axis_profit", language), zeroline=True, zerolinecolor=page.ink),
            "margin": {"l": 62, "t": 44},
        }

    alt = text(
        "campaign_size.luck_alt", language, size=f"{answer['size']:,}", low=yuan(frame["profit"].iloc[0]),
        high=yuan(frame["profit"].iloc[-1]), worse=f"{answer['worse']:.0%}",
    )  # fmt: skip
    return Figure(frame, title, alt, draw, height=380, revision="campaign-size-luck")


def _band(page: Theme, frame: pd.DataFrame, name: str, language: str, form: str) -> list[Plot]:
    part = frame[frame["policy"] == name]
    colour, x = MARKS[name].colour(page), part["size"].tolist()
    return [
        {
            "type": "scatter", "mode": "lines", "hoverinfo": "skip", "fill": "toself", "showlegend": False,
            "x": x + x[::-1], "y": part["high"].tolist() + part["low"].tolist()[::-1],
            "fillcolor": alpha(colour, 0.2), "line": {"width": 0},
        },
        {
            "type": "scatter", "mode": "lines+markers", "x": x, "y": part["value"].tolist(),
            "name": policy_name(name, language),
            "line": {"color": colour, "width": 2.5, "dash": DASHES[name]},
            "marker": {"size": 8, "symbol": MARKS[name].symbol, "color": colour},
            "hovertemplate": f"%{{x:,}}: %{{y:{form}}}<extra>%{{fullData.name}}</extra>",
        },
    ]  # fmt: skip


def _sizes(page: Theme, frame: pd.DataFrame, language: str) -> Plot:
    there = sorted(set(frame["size"].tolist()))
    return axis(page, text("campaign_size.axis_size", language), type="log", tickvals=there,
                ticktext=[f"{one / 1000:g}k" if one >= 1000 else str(one) for one in there])  # fmt: skip


def _here(page: Theme, shown: Shown) -> list[Plot]:
    told = [one for one in (shown.runs[0].of("frame") if shown.runs else ()) if "size" in one]
    if shown.at is None or not told:
        return []
    return dotted_lines(page, [one["size"] for one in told if one["at"] == shown.at])
