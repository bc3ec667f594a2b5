"""What the intake says, as a page says it: where the command line names an option, the page points at a widget."""

from __future__ import annotations

from course_lib.data.intake.limits import PAGE
from course_lib.data.intake.report import Report, Said
from course_lib.errors import CourseError
from course_lib.text import strings
from course_lib.ui import shell


def sentence(error: CourseError) -> str:
    """The sentence for an error, safe for Markdown."""
    return _worded(f"error_{error.key}", error.text(shell.language()), error.params)


def sentences(report: Report) -> list[str]:
    """What was noticed and dropped, safe for Markdown."""
    ordered = sorted(report.reasons.values(), key=lambda reason: (not reason.dropped, -reason.count))
    return [_said(one) for one in [*report.notices, *(reason.said() for reason in ordered)]]


def _said(said: Said) -> str:
    lowest = said.key == "reason_few_events" and said.params["limit"] == f"{PAGE.minimum:,}"  # nothing to lower
    return _worded(f"{said.key}_lowest" if lowest else said.key, said.text(shell.language()), said.params)


def _worded(key: str, otherwise: str, params: dict[str, object]) -> str:
    own = strings(shell.language()).get(f"my_data.{key}")
    return shell.plain(otherwise if own is None else own.format(**params))
