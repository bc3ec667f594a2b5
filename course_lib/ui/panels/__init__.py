"""What a lab shows beyond pictures, one file an experiment, found by its name.

Experiments that are asked about products share one (ui/one_product.py), and so do those that are asked about a history
(ui/one_history.py) or about numbers and choices alone (ui/asked_settings.py), unless they have a file of their own.

A panel may have ``controls(lab, view, place)`` (choices that need no new run, beside the slider), ``below(lab, view,
place)`` (more of them, in a row below it), ``shown(lab, view, at)`` (what its pictures look at), ``VIEWS`` and
``COMPARED`` (drawings that are no picture, by name, of one run and of a list of runs), ``views(lab)`` (which of VIEWS
this lab has, all unless it is there), ``look(lab)`` (the step Look inside), and ``after(lab)`` (below the lab). A lab
that compares names those it wants among its pictures.

The panel of a light experiment has ``above(lab, answered)``, drawn between the settings and the measures, and
``DRAWS``: the names of settings that it lets the learner change itself, so that they get no slider.
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
from types import ModuleType

from course_lib.errors import CourseError
from course_lib.experiments.catalogue import experiment_card
from course_lib.ui import asked_settings, one_history, one_product


@functools.cache
def own_panel(experiment: str) -> ModuleType | None:
    """The panel in a file of the experiment's own; None where there is no such file."""
    name = f"course_lib.ui.panels.{experiment}"
    return importlib.import_module(name) if importlib.util.find_spec(name) else None


def panel_of(experiment: str) -> ModuleType | None:
    """The panel of an experiment; None where its pictures are all there is."""
    if (own := own_panel(experiment)) is not None:
        return own
    try:
        asks = experiment_card(experiment).asks
    except CourseError:  # no such experiment, which the lab has said already
        return None
    if "items" in asks:
        return one_product
    if "history" in asks:
        return one_history
    return asked_settings if set(asks) - {"k"} else None
