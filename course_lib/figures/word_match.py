"""Pictures of matching by words: what each word gives each product, and how rare each word is."""

from __future__ import annotations

from typing import Any

import pandas as pd

from course_lib.figures.base import Figure, Plot, axis, empty, note, plotly_text
from course_lib.figures.palette import DEPARTMENTS, Theme
from course_lib.figures.products import label_room, name_lines
from course_lib.figures.shown import Shown
from course_lib.text import text

DRAWN = 5  # products
PATTERNS = ("", "/", ".", "x", "-", "|", "+", "\\")


def parts(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """The best products, each bar made of what the query's words give it; a star where it is what was asked for.

    Frame columns: place (from 1), item_id, title, word, part, grade.
    """
    title = text("word_match.parts_title", language)
    columns = ["place", "item_id", "title", "word", "part", "grade"]
    answer = shown.answer or {}
    if "words" not in answer or "list" not in answer or not answer["words"]:
        return empty(title, columns, language)
    words, listed = [one["word"] for one in answer["words"]], answer["list"][:DRAWN]
    rows = [
        (place, row["item"], row[f"title_{language}"], word, part, row["grade"])
        for place, row in enumerate(listed, 1)
        for word, part in zip(words, row["parts"], strict=True)
    ]
    frame = pd.DataFrame(rows, columns=columns)
    labels = [_label(row, language, narrow) for row in listed]
    used = [word for word in words if (frame.loc[frame["word"] == word, "part"] > 0).any()]
    query = text("word_match.query", language, query=answer["query"])

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        data: list[Plot] = [
            {
                "type": "bar", "orientation": "h", "name": plotly_text(word),
                "x": frame.loc[frame["word"] == word, "part"].tolist(), "y": list(range(1, len(labels) + 1)),
                "marker": {
                    "color": DEPARTMENTS[n % len(DEPARTMENTS)].colour(page),
                    "pattern": {"shape": PATTERNS[n % len(PATTERNS)]},
                },
                "customdata": [plotly_text(row[f"title_{language}"]) for row in listed],
                "hovertemplate": "%{customdata}<br>%{fullData.name}: %{x:.2f}<extra></extra>",
            }
            for n, word in enumerate(used)
        ]  # fmt: skip
        notes = [note(page, 0, 1.02, f"<b>{plotly_text(query)}</b>", xref="paper", yref="paper", xanchor="left",
                      yanchor="bottom")]  # fmt: skip
        if not labels:
            nothing = text("word_match.nothing", language)
            notes.append(note(page, 0.5, 0.5, nothing, xref="paper", yref="paper"))
        return data, {
            "barmode": "stack",
            "showlegend": len(used) > 1,
            "legend": {"orientation": "h", "x": 0, "y": -0.24, "yanchor": "top", "font": {"size": 12}},
            "xaxis": axis(page, text("word_match.axis_score", language), fixedrange=True, rangemode="tozero"),
            "yaxis": axis(
                page, tickvals=list(range(1, len(labels) + 1)), ticktext=labels, showgrid=False, fixedrange=True,
                range=[max(len(labels), 1) + 0.5, 0.5], tickfont={"size": 12, "color": page.ink},
            ),
            "annotations": notes,
            "shapes": [],
            "margin": {"l": label_room(labels or [""]), "r": 12, "t": 26, "b": 76 if len(used) > 1 else 40},
        }  # fmt: skip

    measures = answer["measures"]
    alt = text(
        "word_match.parts_alt", language, query=answer["query"], found=round(measures["found"]["value"]),
        right=sum(row["grade"] == 3 for row in answer["list"]),
    )  # fmt: skip
    height = (34 if narrow else 24) * max(len(labels), 4) + (128 if len(used) > 1 else 92)
    return Figure(frame, title, alt, draw, height=height, revision="word-parts")


def rarity(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """How much each word of the query counts: its idf, 0 where no title has it. Frame columns: word, titles, idf."""
    title, columns = text("word_match.rarity_title", language), ["word", "titles", "idf"]
    answer = shown.answer or {}
    if not answer.get("words") or not isinstance(answer["words"][0], dict):
        return empty(title, columns, language)
    frame = pd.DataFrame([(one["word"], one["titles"], one["idf"]) for one in answer["words"]], columns=columns)
    labels = [plotly_text(f"“{word}”") for word in frame["word"]]
    counts = [text("word_match.in_titles", language, titles=titles) for titles in frame["titles"]]

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        data: list[Plot] = [
            {
                "type": "bar", "orientation": "h", "x": frame["idf"].tolist(), "y": labels, "text": counts,
                "textposition": "auto", "marker": {"color": DEPARTMENTS[0].colour(page)},
                "hovertemplate": "%{y}: %{x:.2f}<extra>%{text}</extra>",
            }
        ]  # fmt: skip
        return data, {
            "xaxis": axis(page, text("word_match.axis_idf", language), rangemode="tozero", fixedrange=True),
            "yaxis": axis(page, autorange="reversed", automargin=True, fixedrange=True),
            "margin": {"t": 14},
        }

    said = text("figures.list_comma", language).join(
        f"{row.word} {row.idf:.2f} ({count})" for row, count in zip(frame.itertuples(), counts, strict=True)
    )
    alt = text("word_match.rarity_alt", language, words=said)
    return Figure(frame, title, alt, draw, height=130 + 34 * len(frame), revision="word-rarity")


def _label(row: Any, language: str, narrow: bool) -> str:
    """A product as its emoji and its title, on a phone in two lines; a star before what was asked for."""
    room = (18, 2) if narrow else (34, 1)
    star = "★ " if row["grade"] == 3 else ""
    return f"{star}{plotly_text(row['emoji'])} {name_lines(row[f'title_{language}'], *room)}"
