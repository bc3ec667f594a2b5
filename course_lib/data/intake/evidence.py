"""What a column's values say against the role that its name suggests: a customer's name is no product's title."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import TYPE_CHECKING

import pyarrow as pa

from course_lib.data.intake.batch import cell_text
from course_lib.data.intake.numbers import numeric
from course_lib.data.intake.time_formats import Found
from course_lib.data.intake.times import OK, parse

if TYPE_CHECKING:
    from course_lib.data.intake.mapping import Guess
    from course_lib.data.intake.reading import Table

LEAST_PAIRS = 3  # rows of a product that has other rows, from which its values are compared
USUAL_AGREEMENT = 0.9  # between two rows of one product, whatever chance gives
AGREEMENT = 0.5  # beyond chance, between two rows of one product
CLOCK = re.compile(r"(?:[01]?\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d+)?)?(?:\s*[AaPp]\.?[Mm]\.?)?")
WHOLE = re.compile(r"[-+]?\d{1,6}(?:[.,]0+)?")


def clock_of(value: str) -> bool:
    """Whether a value is a time of day alone."""
    return CLOCK.fullmatch(value) is not None


def tells_hours(values: list[str], time: Found) -> bool:
    """Whether most of a column's times have a time of day."""
    if not time.formats or not values:
        return False
    read = parse(pa.array(values[:200], pa.string()), time.formats)
    return bool((read.clocked & (read.status == OK)).mean() > 0.5)


def fits(role: str, values: list[str], time: Found) -> bool:
    """May a column with these values have that role? An empty column has none; a number must be one."""
    if not values:
        return False
    if role == "time":
        return time.share >= 0.5
    if role == "quantity":  # an amount of money is none
        return sum(WHOLE.fullmatch(value) is not None for value in values) >= 0.9 * len(values)
    if role in ("price", "rating"):
        return numeric(values) >= 0.5 * len(values)
    return True


def against(table: Table, role: str, column: str, guesses: Mapping[str, Guess]) -> str:
    """The key of the sentence that says why ``column`` cannot have ``role``; empty where nothing speaks against it."""
    if role in ("title", "category", "brand") and "item" in guesses and column != guesses["item"].column:
        same_product = _agreement(table, guesses["item"].column, column)
        if same_product is not None and same_product < AGREEMENT:
            return "varies_within_product"
        plain_name = role == "title" and column.strip().casefold() in ("name", "名称")
        if "user" in guesses and (same_product is None or plain_name):
            same_person = _agreement(table, guesses["user"].column, column)
            if (
                same_person is not None
                and same_person >= AGREEMENT
                and (same_product is None or same_person > same_product)
            ):
                return "follows_the_user"
        if same_product is None and plain_name:
            return "perhaps_a_person"
    if role == "basket" and "time" in guesses and _has_own_times(table, column, guesses["time"].column):
        return "times_within_basket"
    return ""


def _agreement(table: Table, group: str, column: str) -> float | None:
    """How far two rows of one group have the same value, beyond what chance would give (Cohen's kappa).

    1: always; 0: no more than any two rows; None where too few rows share a group.
    """
    groups, values = (cell_text(table.head.columns[name]).to_pylist() for name in (group, column))
    before: dict[str, str] = {}
    pairs = same = 0
    counts: Counter[str] = Counter()
    for key, value in zip(groups, values, strict=True):
        if not key or not value:
            continue
        counts[value] += 1
        if key in before:
            pairs += 1
            same += before[key] == value
        before[key] = value
    total = sum(counts.values())
    if pairs < LEAST_PAIRS:
        return None
    if same / pairs >= USUAL_AGREEMENT:  # a value out of line here and there
        return 1.0
    chance = sum(count * count for count in counts.values()) / (total * total)
    return (same / pairs - chance) / (1 - chance)


def _has_own_times(table: Table, basket: str, time: str) -> bool:
    """Whether most groups of several rows hold several moments, as sessions do and baskets do not."""
    if basket == time:
        return False
    moments: dict[str, list[str]] = defaultdict(list)
    for key, at in zip(*(cell_text(table.head.columns[name]).to_pylist() for name in (basket, time)), strict=True):
        if key and at:
            moments[key].append(at)
    several = [times for times in moments.values() if len(times) > 1]
    return len(several) >= LEAST_PAIRS and sum(len(set(times)) > 1 for times in several) >= 0.5 * len(several)
