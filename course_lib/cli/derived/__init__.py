"""Numbers of the lessons' prose that are computed from several runs, or from more than a run's result.

    exponent = {lab = "size", derived = "scaling.exponent", as = "exponent"}

is the public function ``exponent`` of ``scaling.py`` in this folder. It gets the finished runs that the value is of, in
the lab's order, and returns a number or an Estimate. Imports stand inside the functions: ``--help`` imports every
module of the command line.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from course_lib.course.measures import Estimate
from course_lib.errors import CourseError

if TYPE_CHECKING:
    from course_lib.runs.view import RunView  # pandas comes with it

Derived = Callable[["Sequence[RunView]"], Estimate | float]


def functions() -> dict[str, Derived]:
    """Every function of this folder by its name, ``scaling.exponent``."""
    found: dict[str, Derived] = {}
    for module in sorted(one.name for one in pkgutil.iter_modules(__path__)):
        loaded = importlib.import_module(f"{__name__}.{module}")
        for name, function in inspect.getmembers(loaded, inspect.isfunction):
            if function.__module__ == loaded.__name__ and not name.startswith("_"):
                found[f"{module}.{name}"] = function
    return found


def derived(name: str, runs: Sequence[RunView]) -> Estimate:
    """What ``name`` says of the runs; raises CourseError with the known names, or where the runs do not hold it."""
    known = functions()
    if name not in known:
        raise CourseError("unknown_measure", name=name, known=", ".join(known))
    number = known[name](runs)
    return number if isinstance(number, Estimate) else Estimate(number, number, number)
