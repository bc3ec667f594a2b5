"""The components of our own: the browser runs elements.js and NAME.js for ``component("NAME")``, styled by NAME.css."""

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
    shared, js, css = (
        (Path(__file__).parent / file).read_text(encoding="utf-8")
        for file in ("elements.js", f"{name}.js", f"{name}.css")
    )
    return st.components.v2.component(f"liverec_{name}", js=f"{shared}\n{js}", css=css, isolate_styles=isolated)
