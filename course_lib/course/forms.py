"""How the prose writes a number: one form for each kind of number, and ranges, in both languages."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from course_lib.course.measures import Estimate
from course_lib.text import LANGUAGES, text

Form = Callable[[float, str], str]  # a number and a language
UNITS = {"zh": 1e8, "en": 1e9}  # what numbers.large_count counts in: 亿 and billions


def _as(pattern: str) -> Form:
    return lambda number, _: pattern.format(number)


def rounded(number: float, digits: int) -> float:
    """To so many significant digits.

    >>> rounded(123.4, 2)
    120.0
    """
    return round(number, digits - 1 - math.floor(math.log10(abs(number)))) if number else 0.0


def _seconds(number: float, _: str) -> str:
    """Whole ones; hundredths where there is less than one."""
    return f"{number:.0f}" if number >= 1 else f"{number:.2f}"


def _large_count(number: float, language: str) -> str:
    """Three digits, in the large unit of the language."""
    count = rounded(number / UNITS[language], 3)
    return text("numbers.large_count", language, count=f"{count:,.0f}" if count >= 100 else f"{count:.3g}")


FORMS: Mapping[str, Form] = {
    "score": lambda number, _: f"{round(number, 3) + 0.0:.3f}",  # + 0.0: none is written -0.000
    "share": lambda number, _: f"{round(number, 2) + 0.0:.0%}",
    "per_thousand": lambda number, _: f"{1000 * number:,.0f}",  # of shares so small that percent say nothing
    "count": _as("{:,.0f}"),
    "large_count": _large_count,
    "seconds": _seconds,
    "milliseconds": lambda number, _: f"{rounded(1000 * number, 2):g}",  # of a measure in seconds
    "joules": lambda number, _: f"{rounded(number, 2):,.0f}",  # two digits: the power is a guess
    "nats": _as("{:.2f}"),
    "exponent": _as("{:.2f}"),
    "ratio": _as("{:.2f}"),
}
OF_THE_MACHINE = ("seconds", "milliseconds", "joules")  # differ from one machine to the next


def written(number: Estimate, form: str, ends: bool = False) -> dict[str, str]:
    """The number as each language writes it or, with ``ends``, the range from its low to its high."""
    write = FORMS[form]
    if not ends:
        return {language: write(number.value, language) for language in LANGUAGES}
    return {
        language: text("numbers.range", language, low=write(number.low, language), high=write(number.high, language))
        for language in LANGUAGES
    }
