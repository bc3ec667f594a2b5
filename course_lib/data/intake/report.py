"""What an intake did: sentences in both languages, and rows kept and dropped, counted by reason with first examples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from course_lib.text import text

EXAMPLES = 3  # places that are remembered for each reason
SHOWN = 60  # characters of a value that a sentence shows


def shown(value: Any) -> str:
    """A value as a sentence shows it: one line, cut where it is long, nothing invisible."""
    words = "".join(sign if sign.isprintable() else "�" for sign in str(value)[: SHOWN + 1])
    return words if len(words) <= SHOWN else words[:SHOWN] + "…"


@dataclass(frozen=True)
class Said:
    """One sentence: ``intake.<key>`` in ``text/``, its gaps filled by ``params``."""

    key: str
    params: dict[str, Any] = field(default_factory=dict)

    def text(self, language: str) -> str:
        """The sentence in ``language``."""
        return text(f"intake.{self.key}", language, **self.params)

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready form."""
        return {"key": self.key, "params": self.params}


@dataclass(frozen=True)
class Example:
    """One place in the file, as a spreadsheet would name it: the header is row 1, where there is one."""

    row: int
    column: str
    value: str
    part: str = ""  # the sheet or file, where there are several

    def place(self) -> dict[str, Any]:
        """The gaps of a sentence that names a place."""
        row = f"{self.part}: {self.row:,}" if self.part else f"{self.row:,}"
        return {"row": row, "column": self.column, "value": shown(self.value)}


@dataclass
class Reason:
    """Why rows were dropped, or why one value of a row was left out while the row was kept."""

    key: str
    dropped: bool  # False: the row was kept without this value
    count: int = 0
    examples: list[Example] = field(default_factory=list)
    limit: str = ""  # the number that was passed or not reached, where there is one

    def add(self, count: int, examples: Sequence[Example]) -> None:
        """Counts rows and remembers the first places."""
        self.count += count
        self.examples += examples[: EXAMPLES - len(self.examples)]

    def said(self) -> Said:
        """The sentence: how many, the first place, what to do."""
        place = self.examples[0].place() if self.examples else {"row": "-", "column": "-", "value": "-"}
        return Said(f"reason_{self.key}", {"count": f"{self.count:,}", "limit": self.limit, **place})

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready form."""
        return {
            "key": self.key,
            "dropped": self.dropped,
            "count": self.count,
            "limit": self.limit,
            "examples": [vars(example) for example in self.examples],
        }

    @classmethod
    def from_dict(cls, record: dict[str, Any]) -> Reason:
        """The inverse of :meth:`to_dict`."""
        examples = [Example(**one) for one in record["examples"]]
        return cls(record["key"], record["dropped"], record["count"], examples, record["limit"])


@dataclass
class Report:
    """Rows read and kept, reasons, and notices about the file itself."""

    rows_read: int = 0
    rows_kept: int = 0
    reasons: dict[str, Reason] = field(default_factory=dict)
    notices: list[Said] = field(default_factory=list)

    def count(
        self, key: str, count: int, examples: Sequence[Example] = (), dropped: bool = True, limit: float | None = None
    ) -> None:
        """Counts ``count`` rows under a reason."""
        if count:
            stated = "" if limit is None else f"{limit:,}"
            self.reasons.setdefault(key, Reason(key, dropped, limit=stated)).add(count, examples)

    def notice(self, key: str, **params: Any) -> None:
        """Says something about the file, once."""
        if key not in [said.key for said in self.notices]:
            self.notices.append(Said(key, params))

    @property
    def rows_dropped(self) -> int:
        """Rows read and not kept."""
        return sum(reason.count for reason in self.reasons.values() if reason.dropped)

    def sentences(self, language: str) -> list[str]:
        """Notices, then reasons, most frequent first."""
        ordered = sorted(self.reasons.values(), key=lambda reason: (not reason.dropped, -reason.count))
        return [said.text(language) for said in [*self.notices, *(reason.said() for reason in ordered)]]

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready form."""
        return {
            "rows": {"read": self.rows_read, "kept": self.rows_kept, "dropped": self.rows_dropped},
            "reasons": [reason.to_dict() for reason in self.reasons.values()],
            "notices": [said.to_dict() for said in self.notices],
        }

    @classmethod
    def from_dict(cls, record: dict[str, Any]) -> Report:
        """The inverse of :meth:`to_dict`; raises KeyError or TypeError for anything else."""
        reasons = {one["key"]: Reason.from_dict(one) for one in record["reasons"]}
        notices = [Said(one["key"], one["params"]) for one in record["notices"]]
        return cls(record["rows"]["read"], record["rows"]["kept"], reasons, notices)
