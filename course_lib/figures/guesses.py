"""A guess beside the truth: the learner's mark on the axis, the run's estimate with its interval."""

from __future__ import annotations

import math

import pandas as pd

from course_lib.course.guesses import Guess, ScoredGuess
from course_lib.course.measures import unit_of
from course_lib.figures.base import Figure, Plot, axis, note, plotly_text, shorten
from course_lib.figures.palette import Theme, alpha
from course_lib.text import text


def guess_axis(guess: Guess, value: str | float, scored: ScoredGuess, language: str) -> Figure:
    """One line: where the learner's guess lies (a point, or the range of the option chosen), and where the truth does.

    Frame columns: what (guess, truth), low, high, value.
    """
    truth = scored.truth
    if guess.kind == "choice":
        option = guess.option(str(value))
        own = (option.low, option.high)
        edges = [edge for one in guess.options for edge in (one.low, one.high) if math.isfinite(edge)]
    else:
        own = (float(value), float(value))
        edges = [guess.low, guess.high]
    seen = [*edges, truth.low, truth.high, *(edge for edge in own if math.isfinite(edge))]
    spare = 0.15 * (max(seen) - min(seen) or abs(truth.value) or 1.0)
    left, right = min(seen) - spare, max(seen) + spare
    mine = (max(own[0], left), min(own[1], right))
    frame = pd.DataFrame(
        [
            {"what": "guess", "low": mine[0], "high": mine[1], "value": sum(mine) / 2},
            {"what": "truth", "low": truth.low, "high": truth.high, "value": truth.value},
        ]
    )
    shares = unit_of(guess.truth) == "share"

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        data: list[Plot] = [
            {
                "type": "scatter", "mode": "lines+markers", "x": list(mine), "y": [1, 1], "hoverinfo": "skip",
                "line": {"color": alpha(page.ink, 0.35), "width": 9}, "marker": {"size": 9, "color": page.ink},
            },
            {
                "type": "scatter", "mode": "markers", "x": [truth.value], "y": [0], "hoverinfo": "skip",
                "marker": {"size": 11, "color": page.accent, "symbol": "diamond"},
                "error_x": {
                    "type": "data", "symmetric": False, "array": [truth.high - truth.value],
                    "arrayminus": [truth.value - truth.low], "color": page.accent, "thickness": 2, "width": 5,
                },
            },
        ]  # fmt: skip
        notes = [
            note(page, left, y, plotly_text(words), xanchor="left", yshift=13, font={"size": 11, "color": colour})
            for y, words, colour in (
                (1, text("figures.guess_yours", language), page.ink),
                (0, text("figures.guess_truth", language), page.accent),
            )
        ]
        return data, {
            "xaxis": axis(page, "", range=[left, right], nticks=6, tickformat=".0%" if shares else ".3~f"),
            "yaxis": {"visible": False, "range": [-0.6, 1.8], "fixedrange": True},
            "margin": {"l": 8, "r": 8, "t": 4, "b": 24},
            "annotations": notes,
            "dragmode": False,
        }

    said = {name: f"{number:.3g}" for name, number in (("guess", sum(mine) / 2), ("truth", truth.value))}
    alt = text("figures.guess_alt", language, **said)
    title = shorten(text("figures.guess_title", language), 46)
    return Figure(frame, title, alt, draw, height=150, revision=f"guess {guess.id}")
