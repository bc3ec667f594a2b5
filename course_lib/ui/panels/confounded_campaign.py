"""A confounded campaign: how much of the shop's log is looked at; of households a mailing is a run."""

from __future__ import annotations

from course_lib.runs.view import RunView
from course_lib.ui.asked_settings import choice, questions, shown
from course_lib.ui.lab import Lab

__all__ = ["below", "shown"]


def below(lab: Lab, view: RunView, place: str) -> None:
    """The log's length, where there is a log to cut."""
    log = view.config.settings["log"] if view.config is not None else lab.state.settings["log"]
    if log != "households":
        choice(lab, view, "shoppers", questions(lab)["shoppers"], place)
