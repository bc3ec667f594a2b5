"""What a deletion took away, in words, and moments on the learner's own clock."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st

from course_lib.course.own_data import Gone
from course_lib.ui import shell
from course_lib.ui.shell import t


def local_time(at: float) -> str:
    """Unix seconds as date and time on the learner's own clock."""
    try:
        zone = ZoneInfo(st.context.timezone or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        zone = ZoneInfo("UTC")
    return datetime.fromtimestamp(at, zone).strftime("%Y-%m-%d %H:%M")


def local_clock(moment: str) -> str:
    """The same of an ISO time."""
    return local_time(datetime.fromisoformat(moment).timestamp())


def receipt(gone: Gone) -> str:
    """What went with a dataset; safe for Markdown."""
    done = gone.receipt
    words = t(
        "my_data.receipt",
        when=local_clock(done.when),
        name=done.name,
        version=done.version or "–",
        files=len(done.files),
        bytes=f"{done.bytes:,}",
        runs=gone.runs,
    )
    return shell.plain(f"{words} {t('my_data.receipt_left', left=gone.left)}" if gone.left else words)


def stop(run_id: str) -> None:
    """The learner no longer wants a run, because its data goes."""
    shell.runs().stop(run_id, shell.learner())
