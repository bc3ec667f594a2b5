"""Data cards: what a dataset is, where it comes from, and what to keep in mind, in both languages.

    python -m course_lib.data.cards     # writes data/<name>/card.md from card.toml and measured.toml

A card is ``data/<name>/card.toml``: a title, sections of Markdown, and [rows], counts that a test compares with the
data. Numbers that a command measures lie beside it in ``measured.toml``. Both fill the {gaps} of the sections.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from course_lib.errors import CourseError
from course_lib.settings import PROJECT
from course_lib.text import LANGUAGES


@dataclass(frozen=True)
class Card:
    """One dataset's card, its numbers filled in."""

    name: str
    url: str
    titles: dict[str, str]  # by language
    sections: tuple[dict[str, str], ...]  # title_zh, title_en, zh, en
    rows: dict[str, int | str]

    def markdown(self, language: str, level: int = 1) -> str:
        """The card as Markdown, its title a heading of ``level``."""
        parts = [f"{'#' * level} {self.titles[language]}"]
        for section in self.sections:
            parts += [f"{'#' * (level + 1)} {section[f'title_{language}']}", section[language].strip()]
        return "\n\n".join([*parts, f"<{self.url}>", ""])


def _shown(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)


def _gaps(rows: dict[str, Any], measured: dict[str, Any]) -> dict[str, str]:
    """Counts as they are; a measured {"value", "low", "high"} of table "types", row "file_order" as {types_file}."""
    gaps = {name: _shown(value) for name, value in rows.items()}
    for table, entries in measured.items():
        for name, entry in entries.items():
            shown = entry if isinstance(entry, str) else f"{entry['value']:.3f}"
            gaps[f"{table}_{name.removesuffix('_order')}"] = shown
    return gaps


def load_card(name: str, folder: Path | None = None) -> Card:
    """The card of dataset ``name``; raises CourseError naming the file and what is wrong in it."""
    place = folder or PROJECT / "data" / name.replace("-", "_")
    path, measured = place / "card.toml", place / "measured.toml"
    try:
        record = tomllib.loads(path.read_text(encoding="utf-8"))
        numbers = tomllib.loads(measured.read_text(encoding="utf-8")) if measured.exists() else {}
        gaps = _gaps(record["rows"], numbers)
        sections = tuple(
            {key: section[key].format(**gaps) for key in ("title_zh", "title_en", *LANGUAGES)}
            for section in record["section"]
        )
        titles = {language: record["title"][language] for language in LANGUAGES}
        return Card(record["name"], record["url"], titles, sections, record["rows"])
    except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
        shown = path.relative_to(PROJECT).as_posix() if path.is_relative_to(PROJECT) else path.name
        raise CourseError("dataset_card_broken", file=shown, reason=f"{type(error).__name__}: {error}") from error


def page(card: Card) -> str:
    """The text of ``card.md``: Chinese, then English."""
    note = "<!-- Made of card.toml and measured.toml by: python -m course_lib.data.cards -->"
    return "\n".join([note, "", card.markdown("zh"), card.markdown("en")])


def main() -> None:
    """Writes every dataset's ``card.md`` that has a ``card.toml``."""
    for path in sorted((PROJECT / "data").glob("*/card.toml")):
        card = load_card(path.parent.name)
        (path.parent / "card.md").write_text(page(card), encoding="utf-8")


if __name__ == "__main__":
    main()
