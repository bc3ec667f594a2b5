"""Times in whatever way files write them: which formats a column has, and seconds since 1970 UTC, many at once.

12/1/2010 is a day in December or in January. Which one stands in the data only if some row has a number above 12; where
none has, nobody guesses, somebody is asked.
"""

from __future__ import annotations

import zoneinfo
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from course_lib.errors import CourseError

FIRST_YEAR, LAST_YEAR = 1971, 2099  # years 0, 1970 and 9999 stand for "unknown" in most files
OK, UNREADABLE, OUT_OF_RANGE = 0, 1, 2
_CLOCK = (
    r"(?:[Tt ]\s*(?P<q>上午|下午)?\s*(?P<H>\d{1,2})[:时](?P<M>\d{1,2})(?:[:分](?:(?P<S>\d{1,2})秒?)?)?(?:[.,]\d+)?"
    r"\s*(?P<p>[AaPp]\.?[Mm]\.?)?)?"
    r"\s*(?P<z>[Zz]|UTC|GMT|[+-]\d{2}(?::?\d{2})?)?"
)
PATTERNS = {
    "iso": r"^(?P<y>\d{4})[-/.年](?P<m>\d{1,2})[-/.月](?P<d>\d{1,2})日?" + _CLOCK + "$",
    "dmy": r"^(?P<d>\d{1,2})[-/.](?P<m>\d{1,2})[-/.](?P<y>\d{4}|\d{2})" + _CLOCK + "$",
    "mdy": r"^(?P<m>\d{1,2})[-/.](?P<d>\d{1,2})[-/.](?P<y>\d{4}|\d{2})" + _CLOCK + "$",
    "compact": r"^(?P<y>\d{4})(?P<m>\d{2})(?P<d>\d{2})(?:(?P<H>\d{2})(?P<M>\d{2})(?P<S>\d{2}))?$",
}
# Digits before the point, and how many of the unit make a second. Eight digits are a date, not 1970.
UNIX = {"unix_s": (9, 10, 1), "unix_ms": (12, 13, 10**3), "unix_us": (15, 16, 10**6), "unix_ns": (18, 19, 10**9)}
FORMATS = (*PATTERNS, *UNIX)
SLASHES = ("dmy", "mdy")
DAY = 86_400


@dataclass(frozen=True)
class Times:
    """``n`` parsed values."""

    seconds: NDArray[np.int64]  # (n,) since 1970-01-01 UTC; 0 where status is not OK
    status: NDArray[np.int8]  # (n,) OK, UNREADABLE or OUT_OF_RANGE
    zoned: NDArray[np.bool_]  # (n,) the value names its time zone
    clocked: NDArray[np.bool_]  # (n,) the value has a time of day
    way: NDArray[np.int8]  # (n,) which of FORMATS read it, -1 for none


@dataclass(frozen=True)
class Found:
    """What formats a column of times has."""

    formats: tuple[str, ...]  # most frequent first; empty where these are no times
    share: float  # of the filled values that one of the formats reads
    ambiguous: bool = False  # day/month or month/day: no value tells
    contradiction: bool = False  # some values can only be day/month, others only month/day


def find_formats(values: Sequence[str]) -> Found:
    """The formats of a column's filled values: each that reads at least one in a hundred that no other read."""
    array = pa.array([value.strip() for value in values], pa.string())
    if not len(array):
        return Found((), 0.0)
    read = {name: parse(array, (name,)).status != UNREADABLE for name in FORMATS}
    day_first, month_first = read["dmy"] & ~read["mdy"], read["mdy"] & ~read["dmy"]
    both = read["dmy"] & read["mdy"]
    contradiction = bool(day_first.any() and month_first.any())
    ambiguous = bool(both.any() and not day_first.any() and not month_first.any())
    left_out = "dmy" if month_first.sum() > day_first.sum() else "mdy"
    counts = {name: int(read[name].sum()) for name in FORMATS if name != left_out}
    enough = max(1, len(array) // 100)
    formats = tuple(sorted((name for name in counts if counts[name] >= enough), key=lambda name: -counts[name]))
    share = float(np.logical_or.reduce([read[name] for name in formats]).mean()) if formats else 0.0
    slashes = set(SLASHES) & set(formats)
    return Found(formats, share, ambiguous and bool(slashes), contradiction and bool(slashes))


def check_zone(zone: str) -> str:
    """``zone`` itself; raises CourseError where it is no name like Asia/Shanghai."""
    try:
        zoneinfo.ZoneInfo(zone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise CourseError("intake_unknown_zone", zone=zone) from None
    return zone


def parse(values: pa.Array, formats: Sequence[str], zone: str = "UTC") -> Times:
    """Reads trimmed strings, each by the first of ``formats`` that fits; ``zone`` holds where a value names none."""
    size = len(values)
    out = _none(size)
    values = pc.fill_null(values, "")
    for name in formats:
        rows = np.flatnonzero(out.status == UNREADABLE)
        if not len(rows):
            break
        rest = values if len(rows) == size else values.take(pa.array(rows))
        part = _unix(rest, *UNIX[name]) if name in UNIX else _calendar(rest, name, zone)
        part.way[part.status != UNREADABLE] = FORMATS.index(name)
        for target, source in zip(vars(out).values(), vars(part).values(), strict=True):
            target[rows] = source
    return out


def _none(size: int) -> Times:
    unreadable, way = np.full(size, UNREADABLE, np.int8), np.full(size, -1, np.int8)
    return Times(np.zeros(size, np.int64), unreadable, np.zeros(size, bool), np.ones(size, bool), way)


def _unix(values: pa.Array, low: int, high: int, unit: int) -> Times:
    fits = pc.match_substring_regex(values, rf"^\d{{{low},{high}}}(?:\.\d+)?$")
    digits = pc.if_else(fits, pc.replace_substring_regex(values, r"\..*$", ""), "0")
    seconds = pc.cast(digits, pa.int64(), safe=False).to_numpy(zero_copy_only=False) // unit
    readable = fits.to_numpy(zero_copy_only=False)
    return _ranged(seconds, readable, np.zeros(len(values), bool), np.ones(len(values), bool))


def _ranged(seconds: NDArray[np.int64], readable: Any, zoned: Any, clocked: Any) -> Times:
    low, high = (int(np.datetime64(f"{year}-01-01", "s").astype(np.int64)) for year in (FIRST_YEAR, LAST_YEAR + 1))
    inside = (seconds >= low) & (seconds < high)
    status = np.where(readable, np.where(inside, OK, OUT_OF_RANGE), UNREADABLE).astype(np.int8)
    return Times(np.where(status == OK, seconds, 0), status, zoned, clocked, np.full(len(status), -1, np.int8))


def _calendar(values: pa.Array, name: str, zone: str) -> Times:
    fields = pc.extract_regex(values, PATTERNS[name])
    known = fields.is_valid().to_numpy(zero_copy_only=False)
    groups = [fields.type.field(n).name for n in range(fields.type.num_fields)]

    def number(group: str) -> NDArray[np.int64]:
        if group not in groups:
            return np.zeros(len(values), np.int64)
        text = pc.fill_null(fields.field(groups.index(group)), "0")
        return np.asarray(pc.cast(pc.if_else(pc.equal(text, ""), "0", text), pa.int64()))

    def words(group: str) -> pa.Array:
        if group not in groups:
            return pa.array([""] * len(values), pa.string())
        return pc.utf8_upper(pc.fill_null(fields.field(groups.index(group)), ""))

    year, month, day, hour, minute, second = (number(name) for name in "ymdHMS")
    if name in SLASHES:  # these may have years of two digits
        year = np.where(year < 70, year + 2000, np.where(year < 100, year + 1900, year))
    half, before = pc.utf8_slice_codeunits(words("p"), 0, 1), words("q")
    noon, midnight = (
        np.asarray(pc.or_(pc.equal(half, letter), pc.equal(before, word)))
        for letter, word in (("P", "下午"), ("A", "上午"))
    )
    bad_half = (noon | midnight) & ((hour < 1) | (hour > 12))
    hour = np.where(noon & (hour < 12), hour + 12, np.where(midnight & (hour == 12), 0, hour))
    shape = (
        known & ~bad_half & (month >= 1) & (month <= 12) & (day >= 1) & (hour <= 23) & (minute <= 59) & (second <= 60)
    )
    safe_year = np.clip(year, FIRST_YEAR - 2, LAST_YEAR + 2)  # out of range either way
    first = (safe_year - 1970).astype("M8[Y]").astype("M8[M]") + (np.where(shape, month, 1) - 1)
    length = ((first + 1).astype("M8[D]") - first.astype("M8[D]")).astype(np.int64)
    readable = shape & (day <= length)
    days = first.astype("M8[D]").astype(np.int64) + day - 1
    seconds = days * DAY + hour * 3600 + minute * 60 + second
    mark = words("z")
    zoned = np.asarray(pc.greater(pc.utf8_length(mark), 0)) & readable
    if zoned.any():
        seconds = seconds - np.where(zoned, _offsets(mark), 0)
    if zone != "UTC" and (plain := readable & ~zoned).any():
        seconds = np.where(plain, _local(np.where(plain, seconds, DAY * 400), zone), seconds)
    colon = pc.or_(pc.match_substring(values, ":"), pc.match_substring(values, "时"))
    clocked = np.asarray(pc.equal(pc.utf8_length(values), 14) if name == "compact" else colon)
    return _ranged(seconds, readable, zoned, clocked)


def _offsets(marks: pa.Array) -> NDArray[np.int64]:
    """Seconds east of Greenwich of "+08:00", "Z", ...; (n,)."""
    encoded = marks.dictionary_encode()
    seconds = []
    for mark in encoded.dictionary.to_pylist():
        digits = mark[1:].replace(":", "").ljust(4, "0") if mark[:1] in ("+", "-") else "0000"
        seconds.append((int(digits[:2]) * 3600 + int(digits[2:]) * 60) * (-1 if mark[:1] == "-" else 1))
    offsets: NDArray[np.int64] = np.array(seconds, np.int64)[encoded.indices.to_numpy()]
    return offsets


def _local(seconds: NDArray[np.int64], zone: str) -> NDArray[np.int64]:
    """Wall-clock seconds in ``zone`` as UTC; a skipped hour moves on, of a repeated one the first is meant."""
    clock = pd.DatetimeIndex(seconds.astype("M8[s]"))
    known = clock.tz_localize(zone, ambiguous=np.ones(len(clock), bool), nonexistent="shift_forward")
    utc: NDArray[np.int64] = known.tz_convert("UTC").tz_localize(None).to_numpy().astype("M8[s]").astype(np.int64)
    return utc
