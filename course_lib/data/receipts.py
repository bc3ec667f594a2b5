"""What the removal of an added dataset deleted, and the owner of what belongs to everybody."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

SHARED = "shared"  # the owner of datasets that everybody sees


@dataclass(frozen=True)
class Receipt:
    """What a removal deleted."""

    name: str
    owner: str
    version: str
    files: dict[str, int]  # name to bytes
    bytes: int
    when: str  # UTC


def today() -> str:
    """The moment, as a card and a receipt write it."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
