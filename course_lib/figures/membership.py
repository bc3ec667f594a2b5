"""Pictures of an attack on a trained model: how it scores people, whom it accuses, and how that grows by epoch."""

from __future__ import annotations

import itertools
from typing import Any

import pandas as pd

from course_lib.figures.base import Figure, Plot, axis, dotted_lines, empty, moments_shown, plotly_text, three
from course_lib.figures.names import measure_name
from course_lib.figures.palette import DEPARTMENTS, Theme, alpha
from course_lib.figures.shown import Shown
from course_lib.figures.strips import COLUMNS, Strip, in_words, strip_rows, strips, strips_height
from course_lib.text import text

LEGEND = {"orientation": "h", "x": 0, "y": 1.01, "yanchor": "bottom", "font": {"size": 12}}
GROUPS = {"members": DEPARTMENTS[0], "outsiders": DEPARTMENTS[1]}
CURVES = {"attack_auc": (DEPARTMENTS[0], "dash"), "auc_reference": (DEPARTMENTS[1], "solid")}
BETTER = {"attack_auc": "down", "auc_reference": "down", "caught_reference": "down", "ndcg@10": "up"}


def scores(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """How the attack that is asked about scores members and outsiders, and where it begins to accuse.

    Frame columns: score (middle of a bin), members, outsiders (shares).
    """
    title, columns = text("membership.scores_title", language), ["score", *GROUPS]
    name = str((shown.answer or {}).get("attack", "reference"))
    told = (shown.frame or {}).get("attacks", {}).get(name)
    if not told:
        return empty(title, columns, language)
    edges = told["edges"]
    middles = [(low + high) / 2 for low, high in itertools.pairwise(edges)]
    frame = pd.DataFrame({"score": middles, **{group: told[group] for group in GROUPS}})
    level = (shown.answer or {}).get("threshold")

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        data: list[Plot] = [
            {
                "type": "scatter", "mode": "lines", "x": middles, "y": frame[group].tolist(), "fill": "tozeroy",
                "name": text(f"membership.{group}", language), "fillcolor": alpha(mark.colour(page), 0.18),
                "line": {"color": mark.colour(page), "width": 2.5, "shape": "hvh",
                         "dash": "solid" if group == "members" else "dash"},
                "hovertemplate": "%{x:.2f}: %{y:.1%}<extra>%{fullData.name}</extra>",
            }
            for group, mark in GROUPS.items()
        ]  # fmt: skip
        return data, {
            "showlegend": True,
            "legend": LEGEND,
            "xaxis": axis(page, text(f"membership.axis_{name}", language)),
            "yaxis": axis(page, text("membership.axis_share", language), tickformat=".0%", rangemode="tozero"),
            "shapes": dotted_lines(page, [] if level is None else [level]),
            "margin": {"t": 54, "l": 56},
        }

    caught = (shown.answer or {}).get("caught", {}).get("value")
    alt = text(
        "membership.scores_alt", language, attack=text(f"setting.attack_{name}", language),
        caught="–" if caught is None else f"{caught:.0%}",
        alarms="–" if caught is None else f"{(shown.answer or {})['alarms']:.0%}",
    )  # fmt: skip
    return Figure(frame, title, alt, draw, revision="membership-scores")


def people(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """Forty shoppers by their score: filled where the attack calls them members, coloured by what they are.

    Frame columns: place (from 1, highest score first), user, member, score, called, chosen.
    """
    title = text("membership.people_title", language)
    columns = ["place", "user", "member", "score", "called", "chosen"]
    answer = shown.answer or {}
    if not answer.get("people"):
        return empty(title, columns, language)
    rows = [(one["user"], one["member"], one["score"], one["called"], n == answer["number"])
            for n, one in enumerate(answer["people"], 1)]  # fmt: skip
    frame = pd.DataFrame(rows, columns=columns[1:]).sort_values("score", ascending=False, ignore_index=True)
    frame.insert(0, "place", range(1, len(frame) + 1))

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        data: list[Plot] = []
        for member, (group, mark) in zip((True, False), GROUPS.items(), strict=True):
            for called in (True, False):
                some = frame[(frame["member"] == member) & (frame["called"] == called)]
                verdict = text(f"membership.{'called' if called else 'spared'}", language)
                data.append(
                    {
                        "type": "scatter", "mode": "markers", "x": some["score"].tolist(), "y": some["place"].tolist(),
                        "name": f"{text(f'membership.{group}', language)} · {verdict}",
                        "marker": {
                            "symbol": mark.symbol if called else f"{mark.symbol}-open", "size": 9,
                            "color": mark.colour(page), "line": {"width": 2, "color": mark.colour(page)},
                        },
                        "customdata": some["user"].tolist(),
                        "hovertemplate": text("membership.hover", language) + "<extra>%{fullData.name}</extra>",
                    }
                )  # fmt: skip
        spot = frame[frame["chosen"]]
        data.append(
            {
                "type": "scatter", "mode": "markers", "x": spot["score"].tolist(), "y": spot["place"].tolist(),
                "name": text("membership.chosen", language), "hoverinfo": "skip",
                "marker": {"symbol": "circle-open", "size": 18, "color": page.accent, "line": {"width": 3}},
            }
        )  # fmt: skip
        return data, {
            "showlegend": True,
            "legend": LEGEND,
            "xaxis": axis(page, text(f"membership.axis_{answer['attack']}", language)),
            "yaxis": axis(page, text("membership.axis_place", language), autorange="reversed"),
            "shapes": dotted_lines(page, [answer["threshold"]]),
            "margin": {"t": 120 if narrow else 76, "l": 50},
        }

    one = answer["shopper"]
    alt = text(
        "membership.people_alt", language,
        right=int((frame["member"] & frame["called"]).sum()), wrong=int((~frame["member"] & frame["called"]).sum()),
        truth=text(f"membership.{'members' if one['member'] else 'outsiders'}", language),
        verdict=text(f"membership.{'called' if one['called'] else 'spared'}", language), rank=f"{one['rank']:.0%}",
    )  # fmt: skip
    return Figure(frame, title, alt, draw, height=480 if narrow else 440, revision="membership-people")


def by_epoch(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """AUC of both attacks, and NDCG@10 of shoppers never seen, after each epoch.

    Frame columns: at, epoch, attack_auc, auc_reference, ndcg.
    """
    title, columns = text("membership.by_epoch_title", language), ["at", "epoch", "attack_auc", "auc_reference", "ndcg"]
    run = shown.runs[0] if shown.runs else None
    told = [one for one in run.of("frame") if "attack_auc" in one and "epoch" in one] if run is not None else []
    if not told:
        return empty(title, columns, language)
    rows = [(int(one["at"]), one["epoch"], one["attack_auc"], one["auc_reference"], one["ndcg@10"]) for one in told]
    frame = pd.DataFrame(rows, columns=columns)

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        data: list[Plot] = [
            _line(frame["epoch"], frame[name], measure_name(name, language), mark.colour(page), mark.symbol, dash)
            for name, (mark, dash) in CURVES.items()
        ]
        mark = DEPARTMENTS[2]
        data.append(
            _line(frame["epoch"], frame["ndcg"], measure_name("ndcg@10", language), mark.colour(page), mark.symbol,
                  "dot") | {"xaxis": "x", "yaxis": "y2"}
        )  # fmt: skip
        return data, {
            "showlegend": True,
            "legend": LEGEND,
            "xaxis": axis(page, text("membership.axis_epoch", language), anchor="y2"),
            "yaxis": axis(page, text("membership.axis_auc", language), domain=[0.5, 1], range=[0.45, 1.01]),
            "yaxis2": axis(page, measure_name("ndcg@10", language), domain=[0, 0.42], rangemode="tozero"),
            "shapes": dotted_lines(page, moments_shown(frame, frame["epoch"], shown.at)),
            "margin": {"t": 98 if narrow else 76, "l": 56},
        }

    last = frame.iloc[-1]
    alt = text(
        "membership.by_epoch_alt", language, auc=three(last["attack_auc"]), reference=three(last["auc_reference"]),
        ndcg=three(last["ndcg"]), epochs=int(last["epoch"]),
    )  # fmt: skip
    return Figure(frame, title, alt, draw, height=440 if narrow else 400, revision="membership-epochs")


def leaks(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """Attack and NDCG of each finished run, a strip a measure. Frame columns: run, model, measure, value, low, high."""
    title = text("membership.leaks_title", language)
    frame = strip_rows(tuple(BETTER), shown, "auc_reference", language)
    if frame.empty:
        return empty(title, COLUMNS, language)
    names = {name: measure_name(name, language) for name in BETTER}
    kinds = [Strip(name, names[name], better) for name, better in BETTER.items()]
    top = 34 + 22 * -(-frame["run"].nunique() // (2 if narrow else 5))
    alt = text("membership.leaks_alt", language, measures=in_words(frame, names, language))
    return Figure(
        frame, title, alt, strips(frame, kinds, language, top), strips_height(frame, top), revision="membership-leaks"
    )


def _line(x: pd.Series[Any], y: pd.Series[Any], name: str, colour: str, symbol: str, dash: str) -> Plot:
    return {
        "type": "scatter", "mode": "lines+markers", "x": x.tolist(), "y": y.tolist(), "name": plotly_text(name),
        "line": {"color": colour, "width": 2.5, "dash": dash}, "marker": {"symbol": symbol, "size": 8, "color": colour},
        "hovertemplate": "%{x}: %{y:.3f}<extra>%{fullData.name}</extra>",
    }  # fmt: skip
