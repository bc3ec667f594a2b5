"""The components of our own: what the browser runs for ``component("NAME")`` is NAME.js and NAME.css in this folder."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import streamlit as st


@functools.cache
def component(name: str, isolated: bool = True) -> Any:
    """The mounting function of a component, registered once a process.

    Args:
        name: the stem of its two files.
        isolated: whether a shadow root keeps the page's styles out of it, and its own in.
    """
    js, css = ((Path(__file__).parent / f"{name}.{kind}").read_text(encoding="utf-8") for kind in ("js", "css"))
    return st.components.v2.component(f"liverec_{name}", js=js, css=css, isolate_styles=isolated)
