"""What the columns of an uploaded file mean: one selectbox a role, filled in by the intake's guess, and the rest."""

from __future__ import annotations

import zoneinfo
from collections.abc import Sequence
from dataclasses import replace

import streamlit as st

from course_lib.data.intake.encodings import KNOWN
from course_lib.data.intake.limits import PAGE
from course_lib.data.intake.mapping import FILLS, GUESTS
from course_lib.data.intake.names import REQUIRED, ROLES
from course_lib.data.intake.report import shown
from course_lib.data.intake.times import FORMATS
from course_lib.data.intake.upload import Asked, Seen
from course_lib.ui.language import keep_choice
from course_lib.ui.shell import t

NONE = ""
EXAMPLES = {
    "iso": "2024-01-31 08:30", "dmy": "31/01/2024 08:30", "mdy": "01/31/2024 08:30", "ymd": "24/01/31 08:30",
    "compact": "20240131083000", "day_month": "31 Jan 2024 08:30", "month_day": "Jan 31, 2024 08:30",
    "year_last": "Wed Jan 31 08:30:00 2024", "yyyymmddhh": "2024013108", "yyyymmddhhmm": "202401310830",
    "yymmddhhmmss": "240131083000", "yymmdd": "240131", "ddmmyy": "310124", "mmddyy": "013124",
    "ddmmyyyy": "31012024", "mmddyyyy": "01312024",
    "unix_s": "1706690000", "unix_ms": "1706690000000", "unix_us": "1706690000000000", "unix_ns": "1706690000000000000",
    "dotnet_ticks": "638422866000000000", "filetime": "133511634000000000", "excel_days": "45322.354",
}  # fmt: skip


def effective(asked: Asked, seen: Seen) -> Asked:
    """What was asked, with the guesses where nothing was."""
    return replace(asked, columns=dict(asked.columns or seen.guesses))


def choose(asked: Asked, seen: Seen) -> Asked:
    """Draws the widgets; returns what they say now."""
    start = effective(asked, seen)
    key = f"my_data_{asked.number}"
    layout = _layout(start, seen, key)
    st.markdown(f"**{t('my_data.columns')}**")
    st.caption(t("my_data.columns_lead"))
    columns = _roles(REQUIRED, start, seen, key)
    others = [role for role in ROLES if role not in REQUIRED]
    filled = sum(role in start.columns for role in others)
    with st.expander(t("my_data.columns_more", filled=filled), key=f"{key}_more"):
        columns |= _roles(others, start, seen, key)
    first, second, third = st.columns(3)
    with first:
        time_format = _time_format(start, f"{key}_format")
    with second:
        zone = _zone(start, f"{key}_zone")
    minimum = third.number_input(
        t("my_data.minimum"),
        PAGE.minimum,
        1000,
        max(PAGE.minimum, asked.minimum),
        help=t("my_data.minimum_help"),
        key=f"{key}_minimum",
    )
    kinds = seen.kinds.get(columns.get("event", NONE), [])
    events: list[str] = []
    if kinds:
        known = [one for one in start.events if one in kinds]
        events = st.multiselect(t("my_data.kinds"), kinds, known, key=f"{key}_kinds_{columns['event']}")
    guests = _choice("guests", GUESTS, start.guests, key)
    fill = _choice("fill", FILLS, start.fill, key)
    moved = (layout["sheet"], layout["encoding"]) != (start.sheet, start.encoding)
    return replace(
        start,
        sheet=layout["sheet"],
        encoding=layout["encoding"],
        columns={} if moved else columns,  # another sheet has other columns: they are guessed anew
        time_format=time_format,
        zone=zone,
        events=events,
        minimum=int(minimum),
        guests=guests,
        fill=fill,
    )


def _choice(name: str, options: Sequence[str], now: str, key: str) -> str:
    """One of ``options``, or none: then it is asked where it matters."""
    chosen = st.segmented_control(
        t(f"my_data.{name}"),
        [NONE, *options],
        default=now,
        format_func=lambda choice: t(f"my_data.{name}_{choice or 'ask'}"),
        help=t(f"my_data.{name}_help"),
        required=True,
        key=f"{key}_{name}",
    )
    return chosen or NONE


def _layout(start: Asked, seen: Seen, key: str) -> dict[str, str]:
    """The sheet of a workbook with several, and the encoding of a text."""
    chosen = {"sheet": start.sheet, "encoding": start.encoding}
    if len(seen.sheets) > 1:
        sheet = st.selectbox(t("my_data.sheet"), seen.sheets, format_func=shown, key=f"{key}_sheet")
        chosen["sheet"] = sheet if sheet != seen.sheets[0] or start.sheet else NONE
    if seen.text:
        options = [NONE, *KNOWN]
        now = options.index(start.encoding) if start.encoding in options else 0
        words = {NONE: t("my_data.encoding_auto")}
        chosen["encoding"] = st.selectbox(
            t("my_data.encoding"), options, now, format_func=lambda one: words.get(one, one), key=f"{key}_encoding"
        )
    return chosen


def _roles(roles: Sequence[str], start: Asked, seen: Seen, key: str) -> dict[str, str]:
    """A selectbox for each role; the columns that were chosen."""
    options, columns = [NONE, *seen.names], {}
    for n, role in enumerate(roles):
        if n % 3 == 0:
            places = st.columns(3)  # a row of its own, so that a phone shows them in this order
        now = start.columns.get(role, NONE)
        chosen = places[n % 3].selectbox(
            t(f"my_data.role_{role}"),
            options,
            index=options.index(now) if now in options else 0,
            format_func=lambda name: shown(name) or "—",
            key=f"{key}_role_{role}",
        )
        if chosen:
            columns[role] = chosen
    return columns


def _time_format(start: Asked, key: str) -> str:
    words = {NONE: t("my_data.time_auto"), **EXAMPLES}
    options = [NONE, *FORMATS]
    keep_choice(key)
    chosen = st.selectbox(
        t("my_data.time_format"),
        options,
        index=options.index(start.time_format) if start.time_format in options else 0,
        format_func=words.__getitem__,
        key=key,
    )
    return chosen or NONE


def _zone(start: Asked, key: str) -> str:
    options = ["UTC", *sorted(zoneinfo.available_timezones() - {"UTC"})]
    return st.selectbox(
        t("my_data.time_zone"), options, index=options.index(start.zone) if start.zone in options else 0, key=key
    )
