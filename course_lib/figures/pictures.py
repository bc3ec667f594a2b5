"""Pictures found by their name: ``circular.orbit`` is the function ``orbit`` in figures/circular.py."""

from __future__ import annotations

import functools
import importlib
import inspect
from collections.abc import Callable
from pathlib import Path

from course_lib.errors import CourseError
from course_lib.figures.base import Figure
from course_lib.figures.shown import Shown

FOLDER = Path(__file__).parent
Picture = Callable[..., Figure]  # (shown, language, narrow=False)


@functools.lru_cache(maxsize=512)  # looked up at each poll of each watcher; its module is imported once a process
def picture(name: str) -> Picture:
    """The picture called ``name``; raises CourseError with the known names."""
    found = pictures().get(name)
    if found is None:
        raise CourseError("unknown_figure", name=name, known=", ".join(pictures()))
    return found


def pictures() -> dict[str, Picture]:
    """Every public function of this folder's files that takes a :class:`Shown` first, by name."""
    found: dict[str, Picture] = {}
    for path in sorted(FOLDER.glob("*.py")):
        if "shown: Shown" not in path.read_text(encoding="utf-8"):
            continue
        module = importlib.import_module(f"course_lib.figures.{path.stem}")
        for name, function in vars(module).items():
            if name.startswith("_") or not inspect.isfunction(function) or function.__module__ != module.__name__:
                continue
            first = next(iter(inspect.signature(function).parameters.values()), None)
            if first is not None and first.annotation in (Shown, "Shown"):
                found[f"{path.stem}.{name}"] = function
    return found
