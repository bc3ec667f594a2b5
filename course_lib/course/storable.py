"""What every database takes: names, texts and JSON values, checked before they are written."""

from __future__ import annotations

import json
from typing import Any

from course_lib.errors import CourseError

LONGEST_NAME = 200  # characters in an id
LONGEST = 100_000  # characters in anything else


def checked_text(name: str, value: str, longest: int = LONGEST) -> str:
    """A text that every database takes; raises CourseError for one that is too long or no text."""
    if not isinstance(value, str) or "\x00" in value or any("\ud800" <= letter <= "\udfff" for letter in value):
        raise CourseError("value_not_storable", name=name)
    if len(value) > longest:
        raise CourseError("value_too_long", name=name, length=len(value), most=longest)
    return value


def checked_name(name: str, value: str, empty: bool = False) -> str:
    """An id: short, and not empty."""
    if not checked_text(name, value, LONGEST_NAME) and not empty:
        raise CourseError("value_not_storable", name=name)
    return value


def checked_json(name: str, value: Any) -> Any:
    """A value that JSON can hold; raises CourseError for any other."""
    try:
        length = len(json.dumps(value, allow_nan=False))
    except (TypeError, ValueError, RecursionError):
        raise CourseError("value_not_storable", name=name) from None
    if value is None or "\\u0000" in json.dumps(value):
        raise CourseError("value_not_storable", name=name)
    if length > LONGEST:
        raise CourseError("value_too_long", name=name, length=length, most=LONGEST)
    return value
