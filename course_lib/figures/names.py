"""What datasets, settings, choices and measures are called, and how a number is written in its unit."""

from __future__ import annotations

from typing import Any

from course_lib.figures.base import model_name
from course_lib.text import strings, text


def dataset_name(name: str, language: str) -> str:
    """A dataset as the learner knows it; one that was added later has the name it was given."""
    known = strings(language).get(f"lab.dataset_{name}")
    given, mark, _ = name.partition("~")
    return known or (text("lab.dataset_own", language, name=given) if mark else name)


def size_name(dataset: str, size: str, language: str) -> str:
    """A dataset's size as the learner knows it."""
    names = strings(language)
    return names.get(f"lab.size_{dataset}_{size}") or names.get(f"lab.size_{size}", size)


def setting_name(name: str, language: str) -> str:
    """A setting as the learner knows it; one without an entry keeps the name that the code has."""
    return strings(language).get(f"setting.{name}", name.replace("_", " "))


def choice_name(setting: str, value: Any, language: str) -> str:
    """One of a setting's choices in the learner's words."""
    if setting == "model":
        return model_name(str(value), language)
    return strings(language).get(f"setting.{setting}_{value}", str(value))


def measure_name(name: str, language: str) -> str:
    """A measure as the learner knows it."""
    return strings(language).get(f"measure.{name.replace('@', '_at_')}", name)


def in_unit(value: float, unit: str, whole: bool = False) -> str:
    """A number as its unit is written everywhere: shares in %, scores with three decimals, counts in whole numbers.

    Times below a tenth of a second are in milliseconds.
    """
    if unit == "share":
        return f"{value:.0%}" if whole else f"{value:.1%}"
    if unit == "count":
        return f"{value:,.0f}"
    if unit == "seconds":
        return f"{value:,.1f} s" if value == 0 or value >= 0.1 else f"{1000 * value:.3g} ms"
    return f"{value:.3f}" if unit in ("score", "difference") else f"{value:.2f}"
