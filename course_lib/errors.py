"""Errors that a person can act on: what is wrong, why, and the next step, in the reader's language.

Raise ``CourseError("unknown_dataset", name="foo", known="shop")``; the sentence is ``errors.unknown_dataset``
in ``text/en.toml`` and ``text/zh.toml``. Pages show ``error.text(language)``, the command line prints it on stderr.
"""

from __future__ import annotations

from typing import Any

from course_lib.text import text


class CourseError(Exception):
    """An error with a sentence for the reader. ``key`` names the sentence, ``params`` fill its gaps."""

    def __init__(self, key: str, **params: Any) -> None:
        self.key = key
        self.params = params
        super().__init__(self.text("en"))

    def text(self, language: str) -> str:
        """The sentence in ``language`` ("zh" or "en")."""
        return text(f"errors.{self.key}", language, **self.params)

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready form, so that a worker process can hand its error to the page."""
        return {"key": self.key, "params": {name: str(value) for name, value in self.params.items()}}

    @classmethod
    def from_dict(cls, record: dict[str, Any]) -> CourseError:
        """The inverse of :meth:`to_dict`."""
        return cls(record["key"], **record.get("params", {}))

    def __reduce__(self) -> tuple[Any, ...]:
        return (CourseError.from_dict, (self.to_dict(),))
