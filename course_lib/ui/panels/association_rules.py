"""The panel of association rules: thresholds that need no new run, and the rules from a product."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from course_lib.figures.shown import Shown
from course_lib.runs.view import RunView, frame_view
from course_lib.ui import asked_settings, one_product, shell
from course_lib.ui.asked_settings import below
from course_lib.ui.lab import Lab
from course_lib.ui.one_product import controls, near
from course_lib.ui.picture import draw_picture

__all__ = ["VIEWS", "below", "controls", "shown"]


def shown(lab: Lab, view: RunView, at: int) -> Shown:
    """The rules above the thresholds, and those from the chosen product."""
    asked = asked_settings.given(lab, view)
    question = {**one_product.asked(lab, view), **asked}
    answer = shell.runs().ask(view.run_id, at, question)
    told = {"history": tuple(question["items"]), **answer}
    return Shown((view,), (), at, frame_view(view.run_id, at), asked, told, lab.items(view))


def graph(lab: Lab, now: Shown, before: Mapping[str, Any] | None) -> None:
    """The best rules above the thresholds as arrows."""
    draw_picture(lab, f"{lab.plan.experiment}.graph", now, "train")


VIEWS = {"graph": graph, "near": near}
