"""A class's plan: what is open to everybody, where everybody is called to, and how much of answers is shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Call:
    """The place to which the instructor has called everybody."""

    lesson: str
    anchor: str  # "" for the lesson's top
    at: float


@dataclass(frozen=True)
class Plan:
    """How a class is paced. ``open`` names lessons (``evaluation``) and single steps (``evaluation#train``)."""

    open: tuple[str, ...] | None = None  # None: everything
    readable: bool = False  # whether what is not open yet can be read, with a sentence that says so
    called: Call | None = None
    anonymous: bool = True  # small counts of answers are not shown, not even to the instructor

    def is_open(self, lesson: str, anchor: str = "") -> bool:
        """Whether the class may work on a step; without ``anchor``, whether on any step of the lesson."""
        if self.open is None or lesson in self.open:
            return True
        return f"{lesson}#{anchor}" in self.open if anchor else any(one.startswith(f"{lesson}#") for one in self.open)

    def to_dict(self) -> dict[str, Any]:
        """As the table of classes holds it."""
        called = self.called and {"lesson": self.called.lesson, "anchor": self.called.anchor, "at": self.called.at}
        opened = None if self.open is None else list(self.open)
        return {"open": opened, "readable": self.readable, "called": called, "anonymous": self.anonymous}

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Plan:
        """The inverse; what an older version did not know has its default."""
        called, opened = record.get("called"), record.get("open")
        return cls(
            open=None if opened is None else tuple(str(one) for one in opened),
            readable=bool(record.get("readable", False)),
            called=called and Call(str(called["lesson"]), str(called["anchor"]), float(called["at"])),
            anonymous=bool(record.get("anonymous", True)),
        )
