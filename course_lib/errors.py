"""Errors that a person can act on: what is wrong, why, and the next step, in the reader's language.

Raise ``CourseError("unknown_dataset", name="foo", known="shop")``; the sentence is ``errors.unknown_dataset``
in ``text/en.toml`` and ``text/zh.toml``. Pages show ``error.text(language)``, the command line prints it on stderr.
"""

from __future__ import annotations

import re
from pathlib import PurePath
from typing import Any

from course_lib.text import text

OWN = re.compile(r"~[0-9a-f]{8}$")  # what tells one learner's dataset from another's of the same name
LONGEST = 1000  # characters of what was given that a sentence repeats


class CourseError(Exception):
    """An error with a sentence for the reader. ``key`` names the sentence, ``params`` fill its gaps."""

    def __init__(self, key: str, **params: Any) -> None:
        self.key = key
        self.params = params
        try:
            sentence = self.text("en")
        except OSError:  # no descriptor left to read the sentences with: the error itself must not become another
            sentence = f"{key} {params}"
        super().__init__(sentence)

    @property
    def of_the_database(self) -> bool:
        """Whether it is the database that fails, and not what was given to it: the same may work later."""
        return self.key.startswith("database_")

    def text(self, language: str) -> str:
        """The sentence in ``language`` ("zh" or "en"); a learner's own dataset is called as its owner has named it."""
        return text(f"errors.{self.key}", language, **self.gaps())

    def gaps(self) -> dict[str, Any]:
        """What fills the gaps of the sentence, or of one that is said in its place. What is endless is cut."""
        params = {name: _short(value) if name != "known" else value for name, value in self.params.items()}
        if isinstance(params.get("name"), str):
            params["name"] = OWN.sub("", params["name"])
        if isinstance(params.get("reason"), str):  # another's words, within a sentence that has a full stop of its own
            params["reason"] = params["reason"].rstrip(" .。")
        return params

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready form, so that a worker process can hand its error to the page."""
        return {"key": self.key, "params": {name: str(value) for name, value in self.params.items()}}

    @classmethod
    def from_dict(cls, record: dict[str, Any]) -> CourseError:
        """The inverse of :meth:`to_dict`."""
        return cls(record["key"], **record.get("params", {}))

    def __reduce__(self) -> tuple[Any, ...]:
        return (CourseError.from_dict, (self.to_dict(),))


def _short(value: Any) -> Any:
    """A text that fits into a sentence and can be printed; anything else as it is."""
    if not isinstance(value, str | PurePath):
        return value
    value = str(value)
    value = value[:LONGEST] + "…" if len(value) > LONGEST else value
    return value.encode(errors="backslashreplace").decode()  # a file's name need not be text
