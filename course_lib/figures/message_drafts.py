"""Pictures of message drafts: how often the check stops each mistake, and who may still get a message."""

from __future__ import annotations

import pandas as pd

from course_lib.figures.base import Figure, Plot, axis, dotted_lines, empty
from course_lib.figures.coupon_series import LEGEND
from course_lib.figures.palette import DEPARTMENTS, Theme
from course_lib.figures.shown import Shown
from course_lib.text import text


def caught(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """Share of the drafts that the check stops, by the mistake in them. Frame columns: mistake, language, share."""
    title, columns = text("message_drafts.caught_title", language), ["mistake", "language", "share"]
    rows = (shown.answer or {}).get("caught") or []
    if not rows:
        return empty(title, columns, language)
    frame = pd.DataFrame([[one[name] for name in columns] for one in rows], columns=columns)

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        data: list[Plot] = []
        for spoken, mark in (("zh", DEPARTMENTS[0]), ("en", DEPARTMENTS[1])):
            part = frame[frame["language"] == spoken]
            data.append(
                {
                    "type": "bar", "orientation": "h", "name": text(f"message_drafts.in_{spoken}", language),
                    "y": [text(f"setting.mistake_{name}", language) for name in part["mistake"]],
                    "x": part["share"].tolist(), "marker": {"color": mark.colour(page)},
                    "hovertemplate": "%{y}: %{x:.0%}<extra>%{fullData.name}</extra>",
                }
            )  # fmt: skip
        return data, {
            "barmode": "group",
            "showlegend": True,
            "legend": LEGEND,
            "xaxis": axis(page, text("message_drafts.axis_stopped", language), tickformat=".0%", range=[0, 1.02]),
            "yaxis": axis(page, automargin=True, autorange="reversed"),
            "margin": {"t": 40, "b": 48},
        }

    said = text("figures.list_comma", language).join(
        f"{text(f'setting.mistake_{name}', language)} " + " / ".join(f"{share:.0%}" for share in part["share"])
        for name, part in frame.groupby("mistake", sort=False)
    )
    alt = text("message_drafts.caught_alt", language, mistakes=said)
    return Figure(frame, title, alt, draw, height=420, revision="message-drafts-caught")


def recipients(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """Who may get one more message, by the weekly cap. Frame columns: cap, left, capped, opted_out."""
    title, columns = text("message_drafts.recipients_title", language), ["cap", "left", "capped", "opted_out"]
    answer = shown.answer or {}
    if not answer.get("caps"):
        return empty(title, columns, language)
    frame = pd.DataFrame(
        [(one["cap"], one["left"], one["capped"], answer["opted_out"]) for one in answer["caps"]], columns=columns
    )
    now = int(shown.settings.get("cap", frame["cap"].iloc[0]))

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        marks = {"left": DEPARTMENTS[2], "capped": DEPARTMENTS[4], "opted_out": DEPARTMENTS[11]}
        data: list[Plot] = [
            {
                "type": "bar", "name": text(f"message_drafts.{name}", language), "x": frame["cap"].tolist(),
                "y": frame[name].tolist(), "marker": {"color": mark.colour(page)},
                "hovertemplate": "%{x}: %{y:.1%}<extra>%{fullData.name}</extra>",
            }
            for name, mark in marks.items()
        ]  # fmt: skip
        return data, {
            "barmode": "stack",
            "showlegend": True,
            "legend": LEGEND,
            "xaxis": axis(page, text("message_drafts.axis_cap", language), dtick=1),
            "yaxis": axis(page, text("message_drafts.axis_shoppers", language), tickformat=".0%", range=[0, 1.01]),
            "shapes": dotted_lines(page, [now]),
            "margin": {"l": 52, "t": 66 if narrow else 44},
        }

    row = frame[frame["cap"] == now].iloc[0]
    alt = text("message_drafts.recipients_alt", language, cap=now, left=f"{row['left']:.0%}",
               capped=f"{row['capped']:.0%}", out=f"{row['opted_out']:.0%}")  # fmt: skip
    return Figure(frame, title, alt, draw, height=360, revision="message-drafts-recipients")
