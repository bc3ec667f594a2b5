"""What the columns of an uploaded file mean: one selectbox a role, filled in by the intake's guess, and the rest."""

from __future__ import annotations

import zoneinfo
from collections.abc import Sequence
from dataclasses import replace

import streamlit as st

from course_lib.data.intake.limits import PAGE
from course_lib.data.intake.names import REQUIRED, ROLES
from course_lib.data.intake.report import shown
from course_lib.data.intake.times import FORMATS
from course_lib.data.intake.upload import Asked, Seen
from course_lib.ui.language import keep_choice
from course_lib.ui.shell import t

NONE = ""
EXAMPLES = {
    "iso": "2024-01-31 08:30", "dmy": "31/01/2024 08:30", "mdy": "01/31/2024 08:30", "compact": "20240131083000",
    "unix_s": "1706690000", "unix_ms": "1706690000000", "unix_us": "1706690000000000", "unix_ns": "1706690000000000000",
}  # fmt: skip


def effective(asked: Asked, seen: Seen) -> Asked:
    """What was asked, with the guesses where nothing was."""
    return replace(asked, columns=dict(asked.columns or seen.guesses))


def choose(asked: Asked, seen: Seen) -> Asked:
    """Draws the widgets; returns what they say now."""
    start = effective(asked, seen)
    key = f"my_data_{asked.number}"
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
    return replace(start, columns=columns, time_format=time_format, zone=zone, events=events, minimum=int(minimum))


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
