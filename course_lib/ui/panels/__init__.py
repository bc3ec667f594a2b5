"""What a lab shows beyond pictures, one file an experiment, found by its name.

Experiments that are asked about products share one (ui/one_product.py), and so do those that are asked about a history
(ui/one_history.py), unless they have a file of their own.

A panel may have ``controls(lab, view, place)`` (choices that need no new run, beside the slider), ``below(lab, view,
place)`` (more of them, in a row below it), ``shown(lab, view, at)`` (what its pictures look at), ``VIEWS`` and
``COMPARED`` (drawings that are no picture, by name, of one run and of a list of runs), ``views(lab)`` (which of VIEWS
this lab has, all unless it is there), and ``look(lab)`` (the step Look inside). A lab that compares names those it
wants among its pictures.
"""

from __future__ import annotations

import importlib
import importlib.util
from types import ModuleType

from course_lib.errors import CourseError
from course_lib.experiments.catalogue import experiment_card
from course_lib.ui import one_history, one_product


def panel_of(experiment: str) -> ModuleType | None:
    """The panel of an experiment; None where its pictures are all there is."""
    name = f"course_lib.ui.panels.{experiment}"
    if importlib.util.find_spec(name):
        return importlib.import_module(name)
    try:
        asks = experiment_card(experiment).asks
    except CourseError:  # no such experiment, which the lab has said already
        return None
    return one_product if "items" in asks else one_history if "history" in asks else None
