"""What a benchmark finds: rows of figure, goal and whether it is met; printed, and written as JSON and Markdown."""

from __future__ import annotations

import json
import math
import os
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

COLUMNS = ("part", "what", "figure", "goal", "met")


@dataclass(frozen=True)
class Row:
    """One line of the table. Nothing here is asserted: a goal that is missed is a finding, not an error."""

    part: str  # lesson, start, pages, watchers, edit, simulator
    what: str
    figure: str  # with its unit
    goal: str = ""  # "" where there is none
    met: bool | None = None  # None: no goal, or it could not be judged
    note: str = ""  # how it was measured, where that is not obvious
    raw: Mapping[str, Any] = field(default_factory=dict)  # the numbers behind the figure

    @property
    def mark(self) -> str:
        """``met`` in a word."""
        return "" if self.met is None else "yes" if self.met else "NO"


def below(part: str, what: str, value: float, goal: float, unit: str = "s", **more: Any) -> Row:
    """A row that is met when ``value`` is at most ``goal``."""
    figure, wanted = (f"{number(one)} {unit}".strip() for one in (value, goal))
    return Row(part, what, figure, f"<= {wanted}", value <= goal, **more)


def above(part: str, what: str, value: float, goal: float, unit: str = "", **more: Any) -> Row:
    """A row that is met when ``value`` is at least ``goal``."""
    figure, wanted = (f"{number(one)} {unit}".strip() for one in (value, goal))
    return Row(part, what, figure, f">= {wanted}", value >= goal, **more)


def number(value: float) -> str:
    """Three significant digits, more where the whole part has more."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    text = f"{value:,.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least ``share`` (0 to 1) of ``values`` do not exceed; raises ValueError for none."""
    if not values:
        raise ValueError("a percentile of nothing")
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def text_table(rows: Sequence[Row]) -> str:
    """The rows in aligned columns, each note under its row."""
    cells = [COLUMNS, *((row.part, row.what, row.figure, row.goal, row.mark) for row in rows)]
    widths = [max(width_of(line[column]) for line in cells) for column in range(len(COLUMNS))]
    lines = []
    for index, line in enumerate(cells):
        lines.append("  ".join(pad(cell, width) for cell, width in zip(line, widths, strict=True)).rstrip())
        if index == 0:
            lines.append("  ".join("-" * width for width in widths))
        elif note := rows[index - 1].note:
            lines.append(" " * (widths[0] + 2) + f"  ({note})")
    return "\n".join(lines)


def markdown_table(rows: Sequence[Row]) -> str:
    """The rows as a Markdown table with the notes in a column of their own."""
    lines = [f"| {' | '.join([*COLUMNS, 'note'])} |", "|" + " --- |" * (len(COLUMNS) + 1)]
    for row in rows:
        cells = (row.part, row.what, row.figure, row.goal, row.mark, row.note)
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines)


def write(folder: Path, rows: Sequence[Row], machine: Mapping[str, Any]) -> list[Path]:
    """Writes ``bench.json`` and ``bench.md`` into ``folder``, each whole or not at all; returns their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    record = {"machine": dict(machine), "rows": [asdict(row) for row in rows]}
    facts = "\n".join(f"- {name}: {value}" for name, value in machine.items())
    contents = {
        "bench.json": json.dumps(record, indent=1, ensure_ascii=False) + "\n",
        "bench.md": f"# Speed and size\n\n{facts}\n\n{markdown_table(rows)}\n",
    }
    paths = []
    for name, content in contents.items():
        paths.append(folder / name)
        replace_text(folder / name, content)
    return paths


def replace_text(path: Path, content: str) -> None:
    """Writes a file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text(content, encoding="utf-8")
    os.replace(draft, path)


def width_of(text: str) -> int:
    """Columns of a terminal that ``text`` takes; Chinese characters take two."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def pad(text: str, width: int) -> str:
    """``text`` with blanks up to ``width`` columns."""
    return text + " " * (width - width_of(text))
