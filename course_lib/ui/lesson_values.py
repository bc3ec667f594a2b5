"""The numbers in a lesson's prose, ``{{value:name}}``: computed by a command from real runs, never typed by hand.

``data/measured.toml`` has one table a lesson: ``[user_understanding]``, ``products = "1,260"``. A value that differs
between the languages has two keys, ``name_zh`` and ``name_en``.
"""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping
from typing import Any

from course_lib.settings import PROJECT
from course_lib.text import text

FILE = PROJECT / "data" / "measured.toml"


def measured_values(lesson: str, language: str) -> Mapping[str, str]:
    """Values by name; one that nobody has measured yet says so in the text instead of closing the lesson."""
    measured = _file().get(lesson, {})
    return _Lenient(
        {name.removesuffix(f"_{language}"): str(value) for name, value in measured.items()},
        text("lesson.not_measured", language),
    )


def every_value(language: str) -> Mapping[str, str]:
    """All lessons' values by ``lesson.name``, for texts that belong to no lesson."""
    found = {f"{lesson}.{name}": one for lesson in _file() for name, one in measured_values(lesson, language).items()}
    return _Lenient(found, text("lesson.not_measured", language))


class _Lenient(dict[str, str]):
    """Has every name."""

    def __init__(self, values: Mapping[str, str], otherwise: str) -> None:
        super().__init__(values)
        self.otherwise = otherwise

    def __contains__(self, name: object) -> bool:
        return True

    def __missing__(self, name: str) -> str:
        return self.otherwise


@functools.cache
def _file() -> dict[str, dict[str, Any]]:
    return tomllib.loads(FILE.read_text(encoding="utf-8")) if FILE.is_file() else {}
