"""Times in whatever way files write them: which formats a column has, and seconds since 1970 UTC, many at once.

What format a column has is found in :mod:`course_lib.data.intake.time_formats`.
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
_WEEKDAY = r"^(?:\p{L}{2,12}\.?,?\s+)?"
_MONTH = r"(?P<b>\p{L}{3,10})\.?"
PATTERNS = {
    "iso": r"^(?P<y>\d{4})[-/.年](?P<m>\d{1,2})[-/.月](?P<d>\d{1,2})日?" + _CLOCK + "$",
    "dmy": r"^(?P<d>\d{1,2})[-/.](?P<m>\d{1,2})[-/.](?P<y>\d{4}|\d{2})" + _CLOCK + "$",
    "mdy": r"^(?P<m>\d{1,2})[-/.](?P<d>\d{1,2})[-/.](?P<y>\d{4}|\d{2})" + _CLOCK + "$",
    "ymd": r"^(?P<y>\d{2})[-/.](?P<m>\d{1,2})[-/.](?P<d>\d{1,2})" + _CLOCK + "$",
    "compact": r"^(?P<y>\d{4})(?P<m>\d{2})(?P<d>\d{2})(?:[Tt ]?(?P<H>\d{2})(?P<M>\d{2})(?P<S>\d{2})(?:\.?\d{3})?)?$",
    # Months in words: "1 March 2024", "Mar 1, 2024", "Fri Mar 01 10:00:00 +0000 2024"
    "day_month": _WEEKDAY + r"(?P<d>\d{1,2})(?:st|nd|rd|th|\.)?[-/\s]+(?:de\s+)?" + _MONTH
    + r",?[-/\s]+(?:de\s+)?(?P<y>\d{4}|\d{2}),?" + _CLOCK + "$",
    "month_day": _WEEKDAY + _MONTH + r"[-/\s]+(?P<d>\d{1,2})(?:st|nd|rd|th)?,?[-/\s]+(?P<y>\d{4}),?" + _CLOCK + "$",
    "year_last": _WEEKDAY + _MONTH + r"\s+(?P<d>\d{1,2})\s+(?P<H>\d{1,2}):(?P<M>\d{2}):(?P<S>\d{2})"
    r"(?:\s+(?P<z>[+-]\d{4}|UTC|GMT))?\s+(?P<y>\d{4})$",
    # Digits that are dates without signs between them; which one is meant is told by all values together
    "yyyymmddhh": r"^(?P<y>\d{4})(?P<m>\d{2})(?P<d>\d{2})(?P<H>\d{2})$",
    "yyyymmddhhmm": r"^(?P<y>\d{4})(?P<m>\d{2})(?P<d>\d{2})(?P<H>\d{2})(?P<M>\d{2})$",
    "yymmddhhmmss": r"^(?P<y>\d{2})(?P<m>\d{2})(?P<d>\d{2})(?P<H>\d{2})(?P<M>\d{2})(?P<S>\d{2})$",
    "yymmdd": r"^(?P<y>\d{2})(?P<m>\d{2})(?P<d>\d{2})$",
    "ddmmyy": r"^(?P<d>\d{2})(?P<m>\d{2})(?P<y>\d{2})$",
    "mmddyy": r"^(?P<m>\d{2})(?P<d>\d{2})(?P<y>\d{2})$",
    "ddmmyyyy": r"^(?P<d>\d{2})(?P<m>\d{2})(?P<y>\d{4})$",
    "mmddyyyy": r"^(?P<m>\d{2})(?P<d>\d{2})(?P<y>\d{4})$",
}  # fmt: skip
# How months begin in English, German, French, Spanish, Italian, Portuguese and Dutch
MONTHS = (
    "jan ene gen", "feb fév fev", "mar mär mrz mrt maa", "apr avr abr", "may mai mei mag", "jun juin giu",
    "jul juil lug", "aug août aou ago", "sep set", "oct okt out ott", "nov", "dec dez déc dic",
)  # fmt: skip
# Digits before the point, units in a second, and seconds from the count's first moment to 1970
COUNTS = {
    "unix_s": (9, 10, 1, 0),
    "unix_ms": (12, 13, 10**3, 0),
    "unix_us": (15, 16, 10**6, 0),
    "unix_ns": (18, 19, 10**9, 0),
    "dotnet_ticks": (18, 18, 10**7, 62_135_596_800),  # 100 ns since the year 1
    "filetime": (18, 18, 10**7, 11_644_473_600),  # 100 ns since 1601, as Windows counts
}
EXCEL = "excel_days"  # since 1899-12-30, as a spreadsheet keeps dates
EXCEL_EPOCH = 25_569  # 1970-01-01
FORMATS = (*PATTERNS, *COUNTS, EXCEL)
WRITTEN = ("iso", "dmy", "mdy", "ymd", "day_month", "month_day", "year_last")  # a day with signs between its parts
DIGITS = tuple(name for name in FORMATS if name not in WRITTEN)  # what a number of another kind may look like, too
SLASHES = ("dmy", "mdy", "ymd")
SHORT_YEARS = ("dmy", "mdy", "ymd", "day_month", "yymmddhhmmss", "yymmdd", "ddmmyy", "mmddyy")
DAYS_ALONE = ("yymmdd", "ddmmyy", "mmddyy", "ddmmyyyy", "mmddyyyy")
CLOCKED = ("yyyymmddhh", "yyyymmddhhmm", "yymmddhhmmss", "year_last")
DAY = 86_400


@dataclass(frozen=True)
class Times:
    """``n`` parsed values."""

    seconds: NDArray[np.int64]  # (n,) since 1970-01-01 UTC; 0 where status is not OK
    status: NDArray[np.int8]  # (n,) OK, UNREADABLE or OUT_OF_RANGE
    zoned: NDArray[np.bool_]  # (n,) the value names its time zone
    clocked: NDArray[np.bool_]  # (n,) the value has a time of day
    way: NDArray[np.int8]  # (n,) which of FORMATS read it, -1 for none


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
        if name in COUNTS:
            part = _counted(rest, *COUNTS[name])
        else:
            part = _spreadsheet(rest) if name == EXCEL else _calendar(rest, name, zone)
        part.way[part.status != UNREADABLE] = FORMATS.index(name)
        for target, source in zip(vars(out).values(), vars(part).values(), strict=True):
            target[rows] = source
    return out


def _none(size: int) -> Times:
    unreadable, way = np.full(size, UNREADABLE, np.int8), np.full(size, -1, np.int8)
    return Times(np.zeros(size, np.int64), unreadable, np.zeros(size, bool), np.ones(size, bool), way)


def _counted(values: pa.Array, low: int, high: int, unit: int, before: int) -> Times:
    """Whole units since some moment, ``before`` seconds before 1970."""
    fits = pc.match_substring_regex(values, rf"^\d{{{low},{high}}}(?:\.\d+)?$")
    digits = pc.if_else(fits, pc.replace_substring_regex(values, r"\..*$", ""), "0")
    seconds = pc.cast(digits, pa.int64(), safe=False).to_numpy(zero_copy_only=False) // unit - before
    readable = fits.to_numpy(zero_copy_only=False)
    return _ranged(seconds, readable, np.zeros(len(values), bool), np.ones(len(values), bool))


def _spreadsheet(values: pa.Array) -> Times:
    """Days since 1899-12-30 with the time of day as a fraction, to the second."""
    fits = pc.match_substring_regex(values, r"^\d{5}(?:[.,]\d+)?$")
    text = pc.if_else(fits, pc.replace_substring(values, ",", "."), "0")
    days = np.asarray(pc.cast(text, pa.float64()))
    seconds = np.round((days - EXCEL_EPOCH) * DAY).astype(np.int64)
    readable = fits.to_numpy(zero_copy_only=False)
    return _ranged(seconds, readable, np.zeros(len(values), bool), days % 1 > 0)


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
    if "b" in groups:
        month = _months(words("b"))
    if name in SHORT_YEARS:
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
    if name == "compact":
        clocked = np.asarray(pc.greater(pc.utf8_length(values), 8))
    elif name in CLOCKED or name in DAYS_ALONE:
        clocked = np.full(len(values), name in CLOCKED)
    else:
        clocked = np.asarray(pc.or_(pc.match_substring(values, ":"), pc.match_substring(values, "时")))
    return _ranged(seconds, readable, zoned, clocked)


def _months(names: pa.Array) -> NDArray[np.int64]:
    """(n,) the month that each name begins like, 0 for none."""
    encoded = names.dictionary_encode()
    known = [
        next((n for n, starts in enumerate(MONTHS, 1) if name.lower().startswith(tuple(starts.split()))), 0)
        for name in encoded.dictionary.to_pylist()
    ]
    months: NDArray[np.int64] = np.array(known, np.int64)[encoded.indices.to_numpy()]
    return months


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
