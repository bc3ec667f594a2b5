"""Which formats a column of times has, told by all of its values together; where they do not tell, somebody is asked.

12/1/2010 is a day in December or in January, and 240310 is a day in 2024 or in 2010: the data says so only if some
value can be read in one way alone. Digits fit many counts, so a reading of digits must put the values between 1995 and
next year; any customer's phone number is a moment in some count of seconds.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from course_lib.data.intake.times import (
    COUNTS,
    DAY,
    DIGITS,
    EXCEL,
    OK,
    SLASHES,
    UNREADABLE,
    WRITTEN,
    Times,
    parse,
)  # fmt: skip

Mask = NDArray[np.bool_]
EARLIEST = int(np.datetime64("1995-01-01", "s").astype(np.int64))  # before it, shops kept no such data
AHEAD = 366 * DAY  # orders are dated ahead now and then
# What a value must have to be a day with signs between its parts, or one with its month in words
BY_SIGNS, SIGNED = ("iso", "dmy", "mdy", "ymd"), r"^[0-9]{1,4}[-/.年][0-9]{1,2}[-/.月][0-9]{1,4}"
BY_WORDS, WORDED = ("day_month", "month_day", "year_last"), r"[A-Za-zÀ-ÿ]{3}.*[0-9]|[0-9].*[A-Za-zÀ-ÿ]{3}"
FEW_DATES = 3
MOST_MONTHS = 12
NUMBER = re.compile(r"([0-9]+)(?:[.,][0-9]+)?")
MOST = 0.95  # of some digits' values, from which a reading of theirs counts
# Readings of digits by how many there are before the point; a count of seconds and a date may have as many.
BY_LENGTH = {
    5: (EXCEL,), 6: ("yymmdd", "ddmmyy", "mmddyy"), 8: ("compact", "ddmmyyyy", "mmddyyyy"), 9: ("unix_s",),
    10: ("unix_s", "yyyymmddhh"), 12: ("unix_ms", "yyyymmddhhmm", "yymmddhhmmss"), 13: ("unix_ms",), 14: ("compact",),
    15: ("unix_us",), 16: ("unix_us",), 17: ("compact",), 18: ("unix_ns", "dotnet_ticks", "filetime"), 19: ("unix_ns",),
}  # fmt: skip


@dataclass(frozen=True)
class Found:
    """What formats a column of times has."""

    formats: tuple[str, ...]  # most frequent first; empty where these are no times
    share: float  # of the filled values that one of the formats reads
    ambiguous: tuple[str, ...] = ()  # the readings among which no value decides
    contradiction: bool = False  # some values can only be day/month, others only month/day
    half_converted: bool = False  # day and month turned where a spreadsheet could, the other days left as text


def latest() -> int:
    """The last moment that a plausible time may have, unix seconds."""
    return int(time.time()) + AHEAD


def find_formats(values: Sequence[str]) -> Found:
    """The formats of a column's filled values: each that reads at least one in a hundred that no other read."""
    array = pa.array([value.strip() for value in values], pa.string())
    if not len(array):
        return Found((), 0.0)
    until = latest()
    read = _written(array, until)
    slashes, ambiguous, contradiction = _slashes(read)
    for name in set(SLASHES) - set(slashes):
        read[name] = np.zeros(len(array), bool)
    numbers, among, lengths = _digits(array, until)
    with_signs = np.asarray(parse(array, ("compact",)).status != UNREADABLE) & (lengths == 0)  # 20240131T083000
    read |= {**numbers, "compact": numbers.get("compact", with_signs) | with_signs}
    enough = max(1, len(array) // 100)
    counts = {name: int(mask.sum()) for name, mask in read.items()}
    formats = tuple(sorted((name for name in counts if counts[name] >= enough), key=lambda name: -counts[name]))
    share = float(np.logical_or.reduce([read[name] for name in formats]).mean()) if formats else 0.0
    open_slashes = ambiguous if set(SLASHES) & set(formats) else ()
    open_digits = among if set(among) & set(formats) else ()
    return Found(
        formats, share, open_slashes or open_digits, contradiction and bool(set(SLASHES) & set(formats)),
        half_converted=_half_converted(array, read),
    )  # fmt: skip


def _written(array: pa.Array, until: int) -> dict[str, Mask]:
    """Which values each of WRITTEN reads. A value that cannot be any of them is not tried: patterns cost time."""
    read = {name: np.zeros(len(array), bool) for name in WRITTEN}
    for names, shape in ((BY_SIGNS, SIGNED), (BY_WORDS, WORDED)):
        rows = np.flatnonzero(np.asarray(pc.match_substring_regex(array, shape)))
        if not len(rows):
            continue
        values = array.take(pa.array(rows))
        for name in names:
            read[name][rows] = _readable(parse(values, (name,)), name, until)
    return read


def _half_converted(array: pa.Array, read: Mapping[str, Mask]) -> bool:
    """Whether all days above 12 are text with day and month, and all written as dates are days up to 12.

    A spreadsheet of another country opens 05/03/2024 as the date May 3 and cannot read 13/03/2024 as a date at all.
    """
    dates, texts = read["iso"], np.logical_or.reduce([read[name] for name in ("dmy", "mdy")])
    if dates.sum() < FEW_DATES or texts.sum() < FEW_DATES:
        return False
    both = parse(array, ("dmy",)).status == OK
    both &= parse(array, ("mdy",)).status == OK
    seconds = parse(array, ("iso",)).seconds[dates]
    days = [int(str(day)[8:10]) for day in np.unique(seconds // DAY * DAY).astype("M8[s]")]
    return not bool((both & texts).any()) and max(days) <= MOST_MONTHS


def _readable(times: Times, name: str, until: int) -> Mask:
    """Which values a written format reads; a year of two digits first may be a day as well, so it must be plausible."""
    if name == "ymd":
        return np.asarray((times.status == OK) & (times.seconds >= EARLIEST) & (times.seconds < until))
    return np.asarray(times.status != UNREADABLE)


def _slashes(read: Mapping[str, Mask]) -> tuple[tuple[str, ...], tuple[str, ...], bool]:
    """Of day/month/year and its kin: those that are kept, those among which nothing decides, and a contradiction."""
    either = np.logical_or.reduce([read[name] for name in SLASHES])
    if not either.any():
        return (), (), False
    whole = [name for name in SLASHES if bool(read[name][either].all())]
    if len(whole) == 1:
        return tuple(whole), (), False
    if whole:
        return (whole[0],), tuple(whole), False
    best = max(SLASHES, key=lambda name: int(read[name].sum()))
    return (best,), (), True


def _digits(array: pa.Array, until: int) -> tuple[dict[str, Mask], tuple[str, ...], NDArray[np.int64]]:
    """How digits are read: by format, the readings among which nothing decides, and each value's digits (0: no number).

    Values of one length are judged together. A reading counts where it puts nearly all of them between 1995 and next
    year, or, for a count of seconds where none does, before that.
    """
    texts = array.to_pylist()
    numbers = [NUMBER.fullmatch(text) for text in texts]
    lengths = np.array([len(number[1]) if number else 0 for number in numbers], np.int64)
    read: dict[str, Mask] = {}
    among: tuple[str, ...] = ()
    for length, names in BY_LENGTH.items():
        rows = np.flatnonzero(lengths == length)
        if len(rows) < max(1, len(texts) // 100):
            continue
        times = {name: parse(array.take(pa.array(rows)), (name,)) for name in names}
        readings = _plausible(times, until)
        if len(readings) > 1:
            among = readings
        for name in readings[:1]:
            mask = read.setdefault(name, np.zeros(len(texts), bool))
            mask[rows] |= times[name].status != UNREADABLE
    return read, among, lengths


def _plausible(times: Mapping[str, Times], until: int) -> tuple[str, ...]:
    """The readings that fit nearly all values."""
    inside = {
        name: float(((one.status == OK) & (one.seconds >= EARLIEST) & (one.seconds < until)).mean())
        for name, one in times.items()
    }
    found = tuple(name for name in times if inside[name] >= MOST)
    past = {name: float(((one.status == OK) & (one.seconds < until)).mean()) for name, one in times.items()}
    return found or tuple(name for name in COUNTS if past.get(name, 0.0) >= MOST)


def written(found: Found) -> bool:
    """Whether these are days as people write them, which no other kind of number looks like."""
    return bool(found.formats) and found.formats[0] not in DIGITS


def deciding(values: Sequence[str]) -> list[str]:
    """Those of some values that one reading alone can read, where others of their shape can be read in several ways."""
    array = pa.array([value.strip() for value in values], pa.string())
    if not len(array):
        return []
    found: Mask = np.zeros(len(array), bool)
    for names in (SLASHES, BY_LENGTH[6], BY_LENGTH[8]):
        read = np.sum([parse(array, (name,)).status == OK for name in names], axis=0)
        found |= read == 1
    return [value for value, one in zip(values, found, strict=True) if one]


def day_of(value: str, name: str) -> str:
    """The day that a format reads in a value, as 2024-01-31; empty where it reads none."""
    times = parse(pa.array([value.strip()], pa.string()), (name,))
    return str(np.datetime64(int(times.seconds[0]), "s"))[:10] if times.status[0] == OK else ""
