"""Pictures of one training step in slow motion: its stages, what moves where, the gradients, and the loss."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from course_lib.figures.base import Figure, Plot, axis, bare_axis, empty, note, spread
from course_lib.figures.palette import DEPARTMENTS, Theme, alpha
from course_lib.figures.shown import Shown
from course_lib.text import text

STAGES = ("look_up", "attend", "score", "loss", "gradients", "update")
ROWS = ("look_up", "attend", "score", "loss", "update")  # the gradients are written into the rows of before
ROW = 92  # pixels of one row
SYMBOLS = {"W_Q": "W<sub>Q</sub>", "W_K": "W<sub>K</sub>", "W_V": "W<sub>V</sub>"}


def stages(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """The step from look-up to update, top to bottom; numbers appear when their stage is reached.

    Frame columns: stage, box (what it is about), symbol, place (1 or 2 in a vector, else 0), value, gradient (missing
    before the stage "gradients"), lit (whether the stage on show is this one).
    """
    title = text("slow_motion.stages_title", language)
    columns = ["stage", "box", "symbol", "place", "value", "gradient", "lit"]
    if not (answer := shown.answer):
        return empty(title, columns, language)
    stage = str(shown.settings.get("stage", "look_up"))
    reached = STAGES.index(stage)
    rows = [row for row in _numbers(answer) if STAGES.index(row["stage"]) <= reached]
    for row in rows:
        row["gradient"] = row["gradient"] if stage in ("gradients", "update") else None
        row["lit"] = row["stage"] == stage or (stage == "gradients" and row["gradient"] is not None)
    frame = pd.DataFrame(rows, columns=columns)

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        shapes: list[Plot] = []
        notes: list[Plot] = []
        for line, name in enumerate(ROWS):
            lit = name == stage or (stage == "gradients" and name != "update")
            there = STAGES.index(name) <= reached
            heading = text(f"slow_motion.stage_{name}", language)
            font = {"size": 12, "color": page.accent if lit else page.ink if there else page.muted}
            words = f"<b>{heading}</b>" if lit else heading
            notes.append(note(page, 0, line + 0.1, words, xanchor="left", font=font))
            boxes = _boxes(answer, name, language, "<br>" if narrow else " → ")
            width = 1 / max(len(boxes), 3)
            for place, (label, numbers, gradient) in enumerate(boxes):
                x0, x1 = place * width + 0.005, (place + 1) * width - 0.005
                shapes.append(
                    {
                        "type": "rect", "x0": x0, "x1": x1, "y0": line + 0.22, "y1": line + 0.94, "layer": "below",
                        "fillcolor": alpha(page.accent, 0.1) if lit else page.surface,
                        "line": {"color": page.accent if lit else page.grid, "width": 2 if lit else 1},
                    }
                )  # fmt: skip
                told = [label, numbers if there else "…"]
                if gradient and stage in ("gradients", "update"):
                    shorter = gradient.replace(", ", ",") if narrow else f" {gradient}"
                    told.append(f"<span style='color:{page.accent}'>∂{shorter}</span>")
                ink = page.ink if there else page.muted
                font = {"size": 11 if narrow else 12, "color": ink}
                notes.append(note(page, (x0 + x1) / 2, line + 0.58, "<br>".join(told), font=font))
        if stage == "gradients":
            words = text("slow_motion.backwards", language)
            font = {"size": 12, "color": page.accent}
            notes.append(note(page, 1, 0.1, words, xanchor="right", font=font))
        return [], {
            "xaxis": bare_axis(page, 0, 1),
            "yaxis": bare_axis(page, len(ROWS), 0),
            "shapes": shapes,
            "annotations": notes,
            "margin": {"l": 6, "r": 6, "t": 4, "b": 4},
        }

    alt = text(
        "slow_motion.stages_alt", language, step=answer["step"], stage=text(f"slow_motion.stage_{stage}", language),
        target=_name(answer, answer["target"], language), loss=f"{answer['forward']['L']:.3f}",
    )  # fmt: skip
    return Figure(frame, title, alt, draw, height=ROW * len(ROWS) + 40, revision="stages")


def _numbers(answer: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Every number of the picture as a row of its frame."""
    f, d, products = answer["forward"], answer["backward"], answer["products"]
    history = [products[product] for product in answer["history"]]
    rows: list[tuple[str, str, str, int, float, float | None]] = []
    for name, x, d_x in zip(history, f["X"], d["X"], strict=True):
        rows += [("look_up", name, "x", n + 1, x[n], d_x[n]) for n in (0, 1)]
    rows += [("attend", history[-1], "q", n + 1, f["q"][n], d["q"][n]) for n in (0, 1)]
    for name, score, a, d_score, d_a in zip(history, f["scores"], f["a"], d["scores"], d["a"], strict=True):
        rows += [("attend", name, "score", 0, score, d_score), ("attend", name, "a", 0, a, d_a)]
    rows += [("attend", "z", "z", n + 1, f["z"][n], d["z"][n]) for n in (0, 1)]
    for name, y, p, d_y in zip(products, f["y"], f["p"], d["y"], strict=True):
        rows += [("score", name, "y", 0, y, d_y), ("score", name, "p", 0, p, None)]
    rows.append(("loss", products[answer["target"]], "L", 0, f["L"], 1.0))
    for name, e in zip(products, answer["updated"]["E"], strict=True):
        rows += [("update", name, "E", n + 1, e[n], None) for n in (0, 1)]
    names = ("stage", "box", "symbol", "place", "value", "gradient")
    return [dict(zip(names, row, strict=True)) for row in rows]


def _boxes(answer: Mapping[str, Any], row: str, language: str, to: str) -> list[tuple[str, str, str]]:
    """The boxes of one row: label, numbers, gradient ("" where there is none); ``to`` parts a score from its share."""
    f, d, products = answer["forward"], answer["backward"], range(len(answer["products"]))
    history, target = answer["history"], answer["target"]
    if row == "look_up":
        return [
            (_name(answer, product, language), _pair(x), _pair(d_x))
            for product, x, d_x in zip(history, f["X"], d["X"], strict=True)
        ]
    if row == "attend":
        shares = [
            (_name(answer, product, language), f"{_number(score)}{to}{a:.1%}", _number(d_score))
            for product, score, a, d_score in zip(history, f["scores"], f["a"], d["scores"], strict=True)
        ]
        return [*shares, ("z", _pair(f["z"]), _pair(d["z"]))]
    if row == "score":
        return [
            (_name(answer, n, language), f"{_number(f['y'][n])}{to}{f['p'][n]:.1%}", _number(d["y"][n]))
            for n in products
        ]
    if row == "loss":
        words = f"−ln {f['p'][target]:.3f} = <b>{f['L']:.3f}</b>"
        return [(text("slow_motion.bought", language, product=_name(answer, target, language)), words, "")]
    old, new = answer["weights"]["E"], answer["updated"]["E"]
    return [(_name(answer, n, language), f"{_pair(old[n])}<br><b>{_pair(new[n])}</b>", "") for n in products]


def table(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """Each product's vector before and after the step, and z, the vector that the history was read into.

    Frame columns: product (or "z"), x, y (before), x_after, y_after.
    """
    title = text("slow_motion.table_title", language)
    columns = ["product", "x", "y", "x_after", "y_after"]
    if not (answer := shown.answer):
        return empty(title, columns, language)
    before, after = answer["weights"]["E"], answer["updated"]["E"]
    rows = [(name, *before[n], *after[n]) for n, name in enumerate(answer["products"])]
    rows.append(("z", *answer["forward"]["z"], *answer["after"]["z"]))
    frame = pd.DataFrame(rows, columns=columns)
    # The same frame for all steps, so that the products wander and not the axes.
    places = [abs(value) for one in answer["tables"][:12] for row in one for value in row]
    reach = 1.2 * min(max([*places, *(abs(value) for row in rows for value in row[1:])]), 8.0)

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        data, notes = [], []
        heights = spread([row[4] for row in rows], reach / 9)
        for n, (name, x, y, x_after, y_after) in enumerate(rows):
            mark = DEPARTMENTS[n]
            colour = page.ink if name == "z" else mark.colour(page)
            symbol = "star" if name == "z" else mark.symbol
            label = "z" if name == "z" else _name(answer, n, language)
            data.append(
                {
                    "type": "scatter", "mode": "lines+markers", "x": [x, x_after], "y": [y, y_after],
                    "line": {"color": colour, "width": 2},
                    "marker": {"symbol": [f"{symbol}-open", symbol], "size": 11, "color": colour},
                    "hovertemplate": text("slow_motion.hover_table", language, name=label),
                }
            )  # fmt: skip
            font = {"size": 12, "color": colour}
            notes.append(note(page, x_after, heights[n], label, xanchor="left", xshift=9, font=font))
        square = {
            "range": [-reach, reach],
            "zeroline": True,
            "zerolinecolor": page.grid,
            "fixedrange": True,
            "nticks": 7,
        }
        return data, {
            "xaxis": axis(page, text("slow_motion.axis_first", language), **square),
            "yaxis": axis(page, text("slow_motion.axis_second", language), **square),
            "annotations": notes,
        }

    target = answer["target"]
    alt = text(
        "slow_motion.table_alt", language, target=_name(answer, target, language), before=_pair(before[target]),
        after=_pair(after[target]), z=_pair(answer["forward"]["z"]),
    )  # fmt: skip
    return Figure(frame, title, alt, draw, height=340 if narrow else 380, revision="table")


def gradients(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """The gradient of the loss in all 24 numbers.

    Frame columns: table (E, W_Q, W_K, W_V, b), row, column (from 1; row is the product in E and b), weight, gradient.
    """
    title = text("slow_motion.gradients_title", language)
    columns = ["table", "row", "column", "weight", "gradient"]
    if not (answer := shown.answer):
        return empty(title, columns, language)
    w, d = answer["weights"], answer["gradients"]
    rows = [
        (name, i + 1, j + 1, w[name][i][j], d[name][i][j])
        for name in ("E", "W_Q", "W_K", "W_V") for i in range(len(w[name])) for j in (0, 1)
    ]  # fmt: skip
    rows += [("b", i + 1, 1, w["b"][i], d["b"][i]) for i in range(len(w["b"]))]
    frame = pd.DataFrame(rows, columns=columns)
    names = [_name(answer, n, language) for n in range(len(answer["products"]))]
    # One line a product: its two numbers and its bias. Then one line for each row of the three matrices.
    lines = [(names[i], [*d["E"][i], d["b"][i]], [*w["E"][i], w["b"][i]]) for i in range(len(names))]
    for name in ("W_Q", "W_K", "W_V"):
        lines += [(f"{SYMBOLS[name]} {i + 1}", [*d[name][i], None], [*w[name][i], None]) for i in (0, 1)]
    peak = max(abs(row[4]) for row in rows) or 1.0

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        up, down = DEPARTMENTS[1].colour(page), DEPARTMENTS[0].colour(page)
        heat: Plot = {
            "type": "heatmap", "z": [line[1] for line in lines], "x": [0, 1, 2], "y": list(range(len(lines))),
            "zmin": -peak, "zmax": peak, "showscale": False, "xgap": 3, "ygap": 3, "hoverongaps": False,
            "colorscale": [[0, alpha(down, 0.7)], [0.5, alpha(page.muted, 0.06)], [1, alpha(up, 0.7)]],
            "customdata": [line[2] for line in lines],
            "hovertemplate": text("slow_motion.hover_gradients", language),
        }  # fmt: skip
        notes = [
            note(page, x, y, f"{value:+.3f}", font={"size": 12, "color": page.ink})
            for y, line in enumerate(lines) for x, value in enumerate(line[1]) if value is not None
        ]  # fmt: skip
        ticks = [text(f"slow_motion.column_{n}", language) for n in (1, 2, 3)]
        return [heat], {
            "xaxis": axis(page, tickvals=[0, 1, 2], ticktext=ticks, side="top", showgrid=False, fixedrange=True),
            "yaxis": axis(
                page, tickvals=list(range(len(lines))), ticktext=[line[0] for line in lines], showgrid=False,
                range=[len(lines) - 0.5, -0.5], fixedrange=True, tickfont={"size": 12, "color": page.ink},
            ),
            "annotations": notes,
            "margin": {"l": 74, "r": 8, "t": 30, "b": 8},
        }  # fmt: skip

    most = frame.iloc[int(frame["gradient"].abs().to_numpy().argmax())]
    alt = text(
        "slow_motion.gradients_alt", language, moved=int((frame["gradient"] != 0).sum()), count=len(frame),
        table=most["table"], row=int(most["row"]), column=int(most["column"]), gradient=f"{most['gradient']:+.3f}",
    )  # fmt: skip
    return Figure(frame, title, alt, draw, height=26 * len(lines) + 80, revision="gradients")


def loss(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """The loss before and after each training step, with the step on show.

    Frame columns: step (0: before any training), loss (nats), current (the loss before the step on show).
    """
    title = text("slow_motion.loss_title", language)
    if not (answer := shown.answer):
        return empty(title, ["step", "loss", "current"], language)
    frame = pd.DataFrame({"step": range(len(answer["losses"])), "loss": answer["losses"]})
    frame["current"] = frame["step"] == answer["step"] - 1
    return _curve(
        frame.rename(columns={"step": "x", "loss": "y"}), frame, title, language, "slow_motion.axis_steps",
        mark=answer["step"] - 1, reach=answer["step"], guess=text("slow_motion.knows_nothing", language),
        alt=text(
            "slow_motion.loss_alt", language, step=answer["step"], before=f"{answer['losses'][answer['step'] - 1]:.3f}",
            after=f"{answer['losses'][answer['step']]:.3f}", last=f"{answer['losses'][-1]:.3f}",
        ),
    )  # fmt: skip


def along(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """The loss after the step on show, had the learning rate been another.

    Frame columns: rate (0: no step), loss (nats), current (the rate nearest to the lab's).
    """
    title = text("slow_motion.along_title", language)
    if not (answer := shown.answer):
        return empty(title, ["rate", "loss", "current"], language)
    frame = pd.DataFrame(answer["along"], columns=["rate", "loss"])
    rate = float(shown.settings.get("learning_rate", 0.5))
    frame["current"] = (frame["rate"] - rate).abs() <= (frame["rate"] - rate).abs().min() + 1e-9
    best = frame.iloc[int(frame["loss"].to_numpy().argmin())]
    return _curve(
        frame.rename(columns={"rate": "x", "loss": "y"}), frame, title, language, "slow_motion.axis_rate",
        mark=float(frame.loc[frame["current"], "rate"].iloc[0]), reach=None, guess="",
        alt=text("slow_motion.along_alt", language, rate=f"{best['rate']:.1f}", loss=f"{best['loss']:.3f}"),
    )  # fmt: skip


def _curve(
    points: pd.DataFrame, frame: pd.DataFrame, title: str, language: str, label: str, *,
    mark: float, reach: float | None, guess: str, alt: str,
) -> Figure:  # fmt: skip
    """A loss curve with one point marked; ``reach`` marks the point after it too."""
    x, y = points["x"].tolist(), points["y"].tolist()
    high = 1.15 * max(min(max(y), 4.0), 1.5)  # a loss that has run away would flatten the rest

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        colour = DEPARTMENTS[0].colour(page)
        hover = "%{x}: %{y:.3f}<extra></extra>"
        data: list[Plot] = [
            {
                "type": "scatter", "mode": "lines", "x": x, "y": y, "hovertemplate": hover,
                "line": {"color": colour, "width": 2},
            }
        ]  # fmt: skip
        marked = [value for value in (mark, reach) if value is not None]
        heights = [y[x.index(value)] for value in marked]
        data.append(
            {
                "type": "scatter", "mode": "lines+markers", "x": marked, "y": heights, "hovertemplate": hover,
                "line": {"color": page.accent, "width": 3}, "marker": {"color": page.accent, "size": 9},
            }
        )  # fmt: skip
        font = {"size": 12, "color": page.accent}
        notes = [
            note(page, value, min(height, high), f"{height:.3f}", xanchor="left", xshift=8, yshift=8, font=font)
            for value, height in zip(marked, heights, strict=True)
        ]
        shapes = []
        if guess:
            even = 1.3862943611198906  # ln 4: a quarter for each of four products
            line = {"color": page.muted, "dash": "dash", "width": 1}
            shapes.append({"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": even, "y1": even, "line": line})
            font = {"size": 11, "color": page.muted}
            notes.append(note(page, 1, even, guess, xref="paper", xanchor="right", yshift=10, font=font))
        return data, {
            "xaxis": axis(page, text(label, language), range=[0, 1.02 * x[-1]]),
            "yaxis": axis(page, text("slow_motion.axis_loss", language), range=[0, high]),
            "shapes": shapes,
            "annotations": notes,
        }

    return Figure(frame, title, alt, draw, height=260, revision=label)


def chances(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """What the model expects next, before and after the step.

    Frame columns: product, before, after (shares), bought (whether this is what was really bought next).
    """
    title = text("slow_motion.chances_title", language)
    columns = ["product", "before", "after", "bought"]
    if not (answer := shown.answer):
        return empty(title, columns, language)
    rows = [
        (name, answer["forward"]["p"][n], answer["after"]["p"][n], n == answer["target"])
        for n, name in enumerate(answer["products"])
    ]
    frame = pd.DataFrame(rows, columns=columns)
    names = [_name(answer, n, language) for n in range(len(rows))]

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        data: list[Plot] = []
        for key, fade in (("before", 0.35), ("after", 1.0)):
            values = frame[key].tolist()
            word = text(f"slow_motion.{key}", language)
            data.append(
                {
                    "type": "bar", "orientation": "h", "y": names, "x": values, "name": word,
                    "marker": {"color": [alpha(DEPARTMENTS[n].colour(page), fade) for n in range(len(names))]},
                    "text": [f"{word} {value:.1%}" for value in values], "textposition": "outside",
                    "cliponaxis": False, "hoverinfo": "skip",
                }
            )  # fmt: skip
        ticks = [f"<b>{name}</b> ✓" if n == answer["target"] else name for n, name in enumerate(names)]
        return data, {
            "barmode": "group",
            "xaxis": axis(
                page, text("slow_motion.axis_chance", language), range=[0, 1.3], tickformat=".0%",
                tickvals=[0, 0.5, 1], fixedrange=True,
            ),
            "yaxis": axis(
                page, tickvals=names, ticktext=ticks, autorange="reversed", showgrid=False, fixedrange=True,
                tickfont={"size": 12, "color": page.ink},
            ),
            "margin": {"l": 74, "r": 8, "t": 8, "b": 46},
        }  # fmt: skip

    target = rows[answer["target"]]
    alt = text(
        "slow_motion.chances_alt", language, target=names[answer["target"]], before=f"{target[1]:.1%}",
        after=f"{target[2]:.1%}",
    )  # fmt: skip
    return Figure(frame, title, alt, draw, height=290, revision="chances")


def _name(answer: Mapping[str, Any], product: int, language: str) -> str:
    """A product's short name."""
    return text(f"slow_motion.product_{answer['products'][product]}", language)


def _pair(vector: Sequence[float]) -> str:
    """A vector of two numbers as text."""
    return f"({vector[0]:.2f}, {vector[1]:.2f})".replace("-", "−")


def _number(value: float) -> str:
    """One number as text, with a minus sign that is as wide as a plus."""
    return f"{value:.3f}".replace("-", "−")
