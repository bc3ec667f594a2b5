"""Pictures of off-policy estimates: beside the truth, by log size, the weights behind them, and what many logs tell."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from course_lib.figures.base import Figure, Plot, axis, dotted_lines, empty, note, plotly_text, three, wrap
from course_lib.figures.measure_bars import COLUMNS, in_words, measure_bars, measure_rows
from course_lib.figures.palette import DEPARTMENTS, Mark, Theme
from course_lib.figures.shown import Shown
from course_lib.text import text

LOGGED = "logged"  # the plain average of the log: no estimator, but what one looks at first
MARKS: Mapping[str, Mark] = {  # in the order of the pictures
    LOGGED: DEPARTMENTS[11], "dm": DEPARTMENTS[1], "clipped_ips": DEPARTMENTS[4], "switch_dr": DEPARTMENTS[3],
    "ips": DEPARTMENTS[0], "snips": DEPARTMENTS[2], "dr": DEPARTMENTS[5], "mixture_ips": DEPARTMENTS[6],
}  # fmt: skip
GROWING = ("dm", "clipped_ips", "ips", "snips", "mixture_ips")  # a line each by log size: more would hide each other
DASHES = {"dm": "dash", "clipped_ips": "dot", "ips": "solid", "snips": "longdash", "mixture_ips": "dashdot"}
LEGEND = {"orientation": "h", "x": 0, "y": 1.01, "yanchor": "bottom", "font": {"size": 12}}
APART = 1.05  # factor between the error bars of two estimators at one log size


def estimates(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """Every estimate with its interval beside the truth: of the question asked, else of the frame, else of the end.

    Hollow marks are estimators that are off by a bias, so that their intervals are not about the truth.
    Frame columns: name, value, low, high, claims; the truth as a row of its own where it is known.
    """
    title = text("off_policy.estimates_title", language)
    columns = ["name", "value", "low", "high", "claims"]
    table = _table(shown)
    if not table:
        return empty(title, columns, language)
    found = {one["name"]: one for one in table["rows"]}
    plain = table["logged"]
    found[LOGGED] = {"name": LOGGED, "value": plain, "low": plain, "high": plain, "claims": False}
    rows = [tuple(found[name][column] for column in columns) for name in MARKS if name in found]
    truth = table.get("truth")
    if truth:
        rows.append(("truth", truth["value"], truth["low"], truth["high"], True))
    frame = pd.DataFrame(rows, columns=columns)
    drawn = frame[frame["name"] != "truth"]
    names = [_name(name, language) for name in drawn["name"]]
    hover = text("off_policy.estimates_hover", language)

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        data: list[Plot] = []
        for claims, word in ((True, "claims"), (False, "biased")):
            part = drawn[drawn["claims"] == claims]
            if part.empty:
                continue
            colours = [MARKS[name].colour(page) for name in part["name"]]
            data.append(
                {
                    "type": "scatter", "mode": "markers", "name": text(f"off_policy.{word}", language),
                    "x": part["value"].tolist(), "y": [_name(name, language) for name in part["name"]],
                    "marker": {
                        "size": 11, "symbol": "circle" if claims else "circle-open", "color": colours,
                        "line": {"width": 2, "color": colours},
                    },
                    "error_x": {
                        "type": "data", "symmetric": False, "array": (part["high"] - part["value"]).tolist(),
                        "arrayminus": (part["value"] - part["low"]).tolist(), "color": page.ink, "thickness": 1.5,
                    },
                    "customdata": part[["low", "high"]].to_numpy().tolist(),
                    "hovertemplate": hover + "<extra></extra>",
                }
            )  # fmt: skip
        shapes, notes = [], []
        if truth:
            shapes = [_line_at(page, truth["value"]), _band(page, truth["low"], truth["high"])]
            words = text("off_policy.truth_is", language, value=_figure(truth["value"]))
            notes = [note(page, truth["value"], 1, words, yref="paper", yanchor="bottom",
                          font={"size": 12, "color": page.accent})]  # fmt: skip
        return data, {
            "showlegend": True,
            "legend": {"orientation": "h", "x": 0, "y": -0.2, "yanchor": "top", "font": {"size": 12}},
            "xaxis": axis(page, text("off_policy.axis_clicks", language)),
            "yaxis": axis(page, automargin=True, autorange="reversed", categoryorder="array", categoryarray=names),
            "shapes": shapes,
            "annotations": notes,
            "margin": {"t": 34, "b": 110 if narrow else 92},
        }

    said = text("figures.list_comma", language).join(
        f"{name} {_figure(value)} ({_figure(low)}–{_figure(high)})"
        for name, value, low, high in zip(names, drawn["value"], drawn["low"], drawn["high"], strict=True)
    )
    known = text("off_policy.truth_is", language, value=_figure(truth["value"])) if truth else _unknown(language)
    alt = text("off_policy.estimates_alt", language, truth=known, slates=f"{table['slates']:,}", estimates=said)
    return Figure(frame, title, alt, draw, height=460 if narrow else 420, revision="off-policy-estimates")


def growth(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """Estimates with their intervals as the log grows, the truth as a line, the frame on show marked; of the first run.

    Frame columns: at, slates, name, value, low, high, truth.
    """
    title = text("off_policy.growth_title", language)
    columns = ["at", "slates", "name", "value", "low", "high", "truth"]
    told = [one for one in (shown.runs[0].of("frame") if shown.runs else ()) if "estimates" in one]
    rows = [
        (one["at"], one["slates"], name, *one["estimates"][name], one["truth"])
        for one in told
        for name in GROWING
        if name in one["estimates"]
    ]
    if not rows:
        return empty(title, columns, language)
    frame = pd.DataFrame(rows, columns=columns)
    here = told[-1] if shown.at is None else next((one for one in told if one["at"] == shown.at), told[-1])
    truth = told[-1]["truth"]

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        data: list[Plot] = []
        for number, (name, part) in enumerate(frame.groupby("name", sort=False)):
            colour, place = MARKS[str(name)].colour(page), APART ** (number - len(GROWING) // 2)
            data.append(
                {
                    "type": "scatter", "mode": "lines+markers", "name": _name(str(name), language),
                    "x": (part["slates"] * place).tolist(), "y": part["value"].tolist(),
                    "line": {"color": colour, "width": 2, "dash": DASHES[str(name)]},
                    "marker": {"size": 8, "color": colour, "symbol": MARKS[str(name)].symbol},
                    "error_y": {
                        "type": "data", "symmetric": False, "array": (part["high"] - part["value"]).tolist(),
                        "arrayminus": (part["value"] - part["low"]).tolist(), "color": colour, "thickness": 1.2,
                        "width": 3,
                    },
                    "customdata": part["slates"].tolist(),
                    "hovertemplate": "%{customdata:,}: %{y:.4f}<extra>%{fullData.name}</extra>",
                }
            )  # fmt: skip
        if truth is not None:
            x = [frame["slates"].min() / 1.3, frame["slates"].max() * 1.3]
            data.append(
                {
                    "type": "scatter", "mode": "lines", "x": x, "y": [truth, truth], "hoverinfo": "skip",
                    "name": text("off_policy.truth", language), "line": {"color": page.accent, "width": 3},
                }
            )  # fmt: skip
        sizes = sorted(set(frame["slates"].tolist()))
        return data, {
            "showlegend": True,
            "legend": LEGEND,
            "xaxis": axis(page, text("off_policy.axis_slates", language), type="log", tickvals=sizes,
                          ticktext=[f"{size:,}" for size in sizes]),
            "yaxis": axis(page, text("off_policy.axis_clicks", language)),
            "shapes": dotted_lines(page, [here["slates"]]),
            "margin": {"t": 100 if narrow else 76},
        }  # fmt: skip

    said = text("figures.list_comma", language).join(
        f"{_name(name, language)} {_figure(one[0])} ({_figure(one[1])}–{_figure(one[2])})"
        for name, one in here["estimates"].items()
        if name in GROWING
    )
    known = text("off_policy.truth_is", language, value=_figure(truth)) if truth is not None else _unknown(language)
    alt = text("off_policy.growth_alt", language, slates=f"{here['slates']:,}", estimates=said, truth=known)
    return Figure(frame, title, alt, draw, height=440 if narrow else 400, revision="off-policy-growth")


def weights(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """How many of the weights, and how much of their sum, are of which size. Frame columns: low, high, share, mass."""
    title, columns = text("off_policy.weights_title", language), ["low", "high", "share", "mass"]
    table = _table(shown)
    if not table:
        return empty(title, columns, language)
    edges = [*table["weights"]["edges"], None]
    rows = list(zip(edges[:-1], edges[1:], table["weights"]["share"], table["weights"]["mass"], strict=True))
    used = [n for n, row in enumerate(rows) if row[2] > 0]
    frame = pd.DataFrame(rows[used[0] : used[-1] + 1], columns=columns)
    places = [f"{low:g}–{high:g}" if high == high and high is not None else f"{low:g}+"
              for low, high in zip(frame["low"], frame["high"], strict=True)]  # fmt: skip
    numbers = {"effective": f"{table['effective']:,.0f}", "slates": f"{table['slates']:,}"}

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        data = [
            {
                "type": "bar", "name": text(f"off_policy.{word}", language), "x": places, "y": frame[word].tolist(),
                "marker": {"color": mark.colour(page), "pattern": {"shape": shape}},
                "hovertemplate": "%{x}: %{y:.1%}<extra>%{fullData.name}</extra>",
            }
            for word, mark, shape in (("share", DEPARTMENTS[0], ""), ("mass", DEPARTMENTS[1], "/"))
        ]  # fmt: skip
        lines = wrap(text("off_policy.effective_is", language, **numbers), 44 if narrow else 80)
        said = note(page, 0, 1.02, "<br>".join(map(plotly_text, lines)), xref="paper", yref="paper", xanchor="left",
                    yanchor="bottom", align="left")  # fmt: skip
        return data, {
            "barmode": "group",
            "showlegend": True,
            "legend": {"orientation": "h", "x": 0, "y": -0.28, "yanchor": "top", "font": {"size": 12}},
            "xaxis": axis(page, text("off_policy.axis_weight", language), type="category"),
            "yaxis": axis(page, text("off_policy.axis_share", language), tickformat=".0%", rangemode="tozero"),
            "annotations": [said],
            "margin": {"t": 22 + 18 * len(lines), "b": 110},
        }

    alt = text("off_policy.weights_alt", language, **numbers, largest=f"{table['largest']:.1f}")
    return Figure(frame, title, alt, draw, height=400, revision="off-policy-weights")


def clips(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """Bias, spread and error of clipped IPS by the clip, and the error of switch-DR, over many logs of the first run.

    Frame columns: clip, bias, sd, error, switch_error; without a known truth the spread alone.
    """
    title = text("off_policy.clips_title", language)
    columns = ["clip", "bias", "sd", "error", "switch_error"]
    run = shown.runs[0] if shown.runs else None
    told = ((run.result or {}) if run else {}).get("clips") or []
    rows = []
    for one in told:
        cut, switch = one["estimators"]["clipped_ips"], one["estimators"]["switch_dr"]
        bias = abs(cut["bias"]) if "bias" in cut else None
        rows.append((one["clip"], bias, cut["sd"], cut.get("error"), switch.get("error")))
    if not rows:
        return empty(title, columns, language)
    frame = pd.DataFrame(rows, columns=columns).astype(float)
    curves = [
        ("bias", DEPARTMENTS[1], "dash", 2.0), ("sd", DEPARTMENTS[0], "dot", 2.0),
        ("error", DEPARTMENTS[4], "solid", 3.0), ("switch_error", DEPARTMENTS[3], "longdash", 2.0),
    ]  # fmt: skip
    kept = [one for one in curves if frame[one[0]].notna().all()]
    now = [run.config.settings["clip"]] if run and run.config is not None and "clip" in run.config.settings else []

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        data = [
            {
                "type": "scatter", "mode": "lines+markers", "x": frame["clip"].tolist(), "y": frame[word].tolist(),
                "name": text(f"off_policy.curve_{word}", language),
                "line": {"color": mark.colour(page), "dash": dash, "width": width},
                "marker": {"size": 8, "symbol": mark.symbol, "color": mark.colour(page)},
                "hovertemplate": "%{x:g}: %{y:.4f}<extra>%{fullData.name}</extra>",
            }
            for word, mark, dash, width in kept
        ]  # fmt: skip
        places = frame["clip"].tolist()
        return data, {
            "showlegend": True,
            "legend": LEGEND,
            "xaxis": axis(page, text("off_policy.axis_clip", language), type="log", tickvals=places,
                          ticktext=[f"{place:g}" for place in places]),
            "yaxis": axis(page, text("off_policy.axis_off", language), rangemode="tozero"),
            "shapes": dotted_lines(page, now),
            "margin": {"t": 122 if narrow else 76},
        }  # fmt: skip

    word = "error" if any(one[0] == "error" for one in kept) else "sd"
    best = frame.sort_values(word, kind="stable").iloc[0]
    alt = text(
        "off_policy.clips_alt", language, low=_figure(frame[word].iloc[0]), high=_figure(frame[word].iloc[-1]),
        best=_figure(best[word]), clip=f"{best['clip']:g}", most=f"{frame['clip'].iloc[-1]:g}",
    )  # fmt: skip
    return Figure(frame, title, alt, draw, height=420 if narrow else 380, revision="off-policy-clips")


def errors(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """The typical error of each estimator over many logs, by run. Frame columns: run, measure, value, low, high."""
    return _bars(shown, language, narrow, "error")


def held(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """How many 95% intervals of each estimator held the truth, by run. Frame columns as of :func:`errors`."""
    return _bars(shown, language, narrow, "held")


def _bars(shown: Shown, language: str, narrow: bool, word: str) -> Figure:
    title = text(f"off_policy.{word}_title", language)
    marks = {f"{name}_{word}": mark for name, mark in MARKS.items() if name != LOGGED}
    frame = measure_rows(marks, shown, "logger", f"ips_{word}", language)
    if frame.empty:
        return empty(title, COLUMNS, language)
    names = {measure: _name(measure.removesuffix(f"_{word}"), language) for measure in marks}
    score = word == "error"
    bars = measure_bars(
        frame, marks, names, text(f"off_policy.axis_{word}", language), 150 if narrow else 76, score=score
    )

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        data, layout = bars(page)
        return data, layout if score else layout | {"shapes": [_line_at(page, 0.95)]}

    alt = text(f"off_policy.{word}_alt", language, runs=in_words(frame, language, score=score),
               names=text("figures.list_comma", language).join(names.values()))  # fmt: skip
    height = (224 if narrow else 150) + 150 * frame["run"].nunique()
    return Figure(frame, title, alt, draw, height=height, revision=f"off-policy-{word}")


def _table(shown: Shown) -> Mapping[str, Any]:
    """The answer where something was asked, else the frame on show, else the first run's end; or nothing."""
    result = (shown.runs[0].result or {}) if shown.runs else {}
    for one in (shown.answer, shown.frame, result.get("table")):
        if one and "rows" in one and "weights" in one:
            return one
    return {}


def _name(name: str, language: str) -> str:
    return text(f"off_policy.name_{name}", language)


def _figure(value: float) -> str:
    """Three decimals, or four for what is as rare as a click on one impression."""
    return three(value) if value >= 0.05 else f"{value:.4f}"


def _unknown(language: str) -> str:
    return text("off_policy.truth_unknown", language)


def _line_at(page: Theme, x: float) -> Plot:
    line = {"color": page.accent, "width": 2}
    return {"type": "line", "x0": x, "x1": x, "y0": 0, "y1": 1, "yref": "paper", "line": line, "layer": "below"}


def _band(page: Theme, low: float, high: float) -> Plot:
    return {
        "type": "rect", "x0": low, "x1": high, "y0": 0, "y1": 1, "yref": "paper", "line": {"width": 0},
        "fillcolor": page.accent, "opacity": 0.12, "layer": "below",
    }  # fmt: skip
