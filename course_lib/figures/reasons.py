"""Pictures of reasons that a language model wrote: how often they are true, which claims are not, and some of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from course_lib.figures.base import Figure, Plot, empty, note, plotly_text, shorten, width_of, wrap
from course_lib.figures.measure_bars import COLUMNS, in_words, measure_bars, measure_rows
from course_lib.figures.palette import DEPARTMENTS, Theme
from course_lib.figures.share_curves import ShareCurve, share_curves
from course_lib.figures.shown import Shown
from course_lib.text import text

BARS = {
    "true_new": DEPARTMENTS[2],
    "true_type_new": DEPARTMENTS[0],
    "true_brand_new": DEPARTMENTS[3],
    "true_price_new": DEPARTMENTS[1],
    "unreadable_new": DEPARTMENTS[11],
}
LINE, GAP, MOST = 19, 16, 8  # pixels of a line and between reasons; reasons in a picture


def curve(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """The share of true reasons by epoch, for products that were learned from and for new ones.

    Frame columns: at, epoch, true, true_new, unreadable.
    """
    title = text("reasons.curve_title", language)
    columns = ["at", "epoch", "true", "true_new", "unreadable"]
    told = [one for one in (shown.runs[0].of("frame") if shown.runs else ()) if "true_new" in one]
    if not told:
        return empty(title, columns, language)
    frame = pd.DataFrame([[one[column] for column in columns] for one in told], columns=columns)
    drawn = [
        ("true", DEPARTMENTS[0], "solid"), ("true_new", DEPARTMENTS[2], "dashdot"),
        ("unreadable", DEPARTMENTS[11], "dot"),
    ]  # fmt: skip
    curves = [ShareCurve(column, text(f"reasons.{column}", language), mark, dash) for column, mark, dash in drawn]
    titles = (text("reasons.axis_epoch", language), text("reasons.axis_share", language))
    draw = share_curves(frame, "epoch", shown.at, curves, titles, 96 if narrow else 54)
    last = frame.iloc[-1]
    alt = text("reasons.curve_alt", language, known=f"{last['true']:.0%}", new=f"{last['true_new']:.0%}")
    return Figure(frame, title, alt, draw, height=380 if narrow else 340, revision="reasons-curve")


def claims(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """What finished runs write about new products: true reasons, and true claims by kind, with intervals.

    Frame columns: run, measure, value, low, high.
    """
    title = text("reasons.claims_title", language)
    frame = measure_rows(BARS, shown, "input", "true_new", language)
    if frame.empty:
        return empty(title, COLUMNS, language)
    names = {measure: text(f"reasons.{measure}", language) for measure in BARS}
    draw = measure_bars(frame, BARS, names, text("reasons.axis_share", language), 124 if narrow else 76)
    alt = text("reasons.claims_alt", language, runs=in_words(frame, language))
    height = (170 if narrow else 140) + 96 * frame["run"].nunique()
    return Figure(frame, title, alt, draw, height=height, revision="reasons-claims")


def examples(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """A few reasons in full, each claim marked true or false: of the product that was asked about, else of the frame.

    Frame columns: item, name, new, text, kind, said, true; a row a claim, and one without a kind for no claim.
    """
    title = text("reasons.examples_title", language)
    columns = ["item", "name", "new", "text", "kind", "said", "true"]
    samples = _samples(shown)
    if not samples:
        return empty(title, columns, language)
    names = _names(shown, language)
    rows: list[tuple[Any, ...]] = []
    for one in samples:
        start = (one["item"], names.get(one["item"], str(one["item"])), bool(one.get("new")), one["text"])
        rows += [(*start, claim["kind"], claim["said"], claim["true"]) for claim in one["claims"]]
        rows += [] if one["claims"] else [(*start, "", "", False)]
    frame = pd.DataFrame(rows, columns=columns)
    width = 46 if narrow else 84
    blocks = [_block(one, names, language, width) for one in samples]
    height = sum(LINE * len(block) + GAP for block in blocks) + GAP

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        notes: list[Plot] = []
        marks: list[Plot] = []
        top = height - GAP / 2
        for one, block in zip(samples, blocks, strict=True):
            right = one["claims"] and all(claim["true"] for claim in one["claims"])
            marks.append(
                {
                    "type": "line", "xref": "paper", "x0": 0, "x1": 0, "y0": top, "y1": top - LINE * len(block),
                    "line": {
                        "color": page.done if right else page.accent, "width": 4, "dash": "solid" if right else "dot",
                    },
                }
            )  # fmt: skip
            for number, (role, words) in enumerate(block):
                colour = {"about": page.muted, "text": page.ink, "true": page.done, "false": page.accent}[role]
                notes.append(
                    note(
                        page, 0, top - LINE * (number + 0.5), words, xref="paper", xanchor="left", xshift=10,
                        align="left", font={"size": 13 if role == "text" else 12, "color": colour},
                    )
                )  # fmt: skip
            top -= LINE * len(block) + GAP
        hidden: Plot = {"visible": False, "fixedrange": True}
        return [], {
            "annotations": notes,
            "shapes": marks,
            "xaxis": {**hidden, "range": [0, 1]},
            "yaxis": {**hidden, "range": [0, height]},
            "margin": {"l": 8, "r": 8, "t": 8, "b": 4},
        }

    said = [
        text("reasons.example_alt", language, name=names.get(one["item"], one["item"]), text=one["text"],
             true=sum(claim["true"] for claim in one["claims"]), claims=len(one["claims"]))
        for one in samples
    ]  # fmt: skip
    return Figure(frame, title, " ".join(said), draw, height=height + 38, revision="reasons-examples")


def _samples(shown: Shown) -> Sequence[Mapping[str, Any]]:
    """Those of an answer about one product, else of the frame: some that were learned from, and some new ones."""
    answer, frame = shown.answer or {}, shown.frame or {}
    if answer.get("reasons"):
        return [{"item": answer["item"], **one} for one in answer["reasons"]][:MOST]
    found = list(frame.get("samples") or [])
    half = MOST // 2
    return [one for one in found if not one["new"]][:half] + [one for one in found if one["new"]][:half]


def _names(shown: Shown, language: str) -> dict[int, str]:
    """Titles by product, where the catalogue is there."""
    items, column = shown.items, f"title_{language}"
    if items is None or column not in items:
        return {}
    return dict(enumerate(items[column].fillna("").astype(str), 1))


def _block(one: Mapping[str, Any], names: Mapping[int, str], language: str, width: int) -> list[tuple[str, str]]:
    """The lines of one reason, each with its role: about which product, the text, true claims, false claims."""
    about = names.get(one["item"], str(one["item"]))
    if one.get("new"):
        about = text("reasons.new_product", language, name=about)
    lines = [("about", plotly_text(shorten(about, width)))]
    lines += [("text", f"<b>{plotly_text(line)}</b>") for line in wrap(one["text"] or "–", width)]
    if not one["claims"]:
        return [*lines, ("false", text("reasons.no_claim", language))]
    for role, sign in (("true", "✓"), ("false", "✗")):
        these = [claim for claim in one["claims"] if claim["true"] is (role == "true")]
        kinds = [text(f"reasons.kind_{claim['kind']}", language) for claim in these]
        parts = [f"{sign} {kind}: {claim['said']}" for kind, claim in zip(kinds, these, strict=True)]
        lines += [(role, plotly_text(line)) for line in _joined(parts, width)]
    return lines


def _joined(parts: Sequence[str], width: int) -> list[str]:
    """Parts in lines of at most a display width, none broken."""
    lines: list[str] = []
    for part in parts:
        part = shorten(part, width)
        if lines and width_of(f"{lines[-1]}   {part}") <= width:
            lines[-1] += f"   {part}"
        else:
            lines.append(part)
    return lines
