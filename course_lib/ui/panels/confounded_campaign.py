"""A confounded campaign: how much of the shop's log is looked at, or which mailing the households got."""

from __future__ import annotations

from course_lib.runs.view import RunView
from course_lib.ui.asked_settings import choice, questions, shown
from course_lib.ui.lab import Lab

__all__ = ["below", "shown"]


def below(lab: Lab, view: RunView, place: str) -> None:
    """The one choice that means something for this log."""
    log = view.config.settings["log"] if view.config is not None else lab.state.settings["log"]
    name = "mailing" if log == "households" else "shoppers"
    choice(lab, view, name, questions(lab)[name], place)
