"""Sentences that survive the drawing of a page after something was done: left before the rerun, shown after it."""

from __future__ import annotations

from typing import Literal

import streamlit as st

LEFT = "notices"  # session state
Kind = Literal["success", "error"]


def leave(sentence: str, kind: Kind = "success") -> None:
    """A sentence for the page that is drawn next; Markdown."""
    st.session_state.setdefault(LEFT, []).append((kind, sentence))


def show() -> None:
    """What has just been done, or why it was not."""
    for kind, sentence in st.session_state.pop(LEFT, []):
        (st.success if kind == "success" else st.error)(sentence)
