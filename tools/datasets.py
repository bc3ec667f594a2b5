"""Writes the table in data/README.md from data/datasets.toml: python tools/datasets.py.

A test compares the two, so the table is never an old one.
"""

from __future__ import annotations

import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT))

from course_lib.course.course_map import read_map  # noqa: E402
from course_lib.data.listing import markdown  # noqa: E402

PAGE = PROJECT / "data" / "README.md"
START = "<!-- datasets: made by tools/datasets.py -->\n"
END = "<!-- /datasets -->\n"


def table() -> str:
    """The table as it stands on the page."""
    lessons = {entry.id: entry.titles["en"] for entry in read_map(PROJECT / "data" / "course.toml").entries}
    return markdown("en", lessons)


def place(page: str, made: str) -> str:
    """``page`` with ``made`` between the two marks."""
    before, rest = page.split(START)
    return before + START + made + END + rest.split(END)[1]


if __name__ == "__main__":
    PAGE.write_text(place(PAGE.read_text(encoding="utf-8"), table()), encoding="utf-8")
