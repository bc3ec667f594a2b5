"""The browser's address as a link to what the page shows."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import streamlit as st


def keep_address(query: str, keys: Sequence[str], key: str) -> None:
    """Writes ``query`` into the address in place of ``keys``, without adding to the browser's history: Back goes back.

    Args:
        query: a query string without "?".
        keys: the parameters that belong to this page; others stay.
        key: names the element on its page.
    """
    _component()(key=key, data={"query": query, "keys": list(keys)}, height=1)


@functools.cache
def _component() -> Any:
    # st.query_params would push a browser history entry at every move of a slider.
    return st.components.v2.component(
        "liverec_address",
        js="""
export default function (component) {
  const url = new URL(window.location.href);
  component.data.keys.forEach((key) => url.searchParams.delete(key));
  new URLSearchParams(component.data.query).forEach((value, key) => url.searchParams.set(key, value));
  if (url.href !== window.location.href) window.history.replaceState(window.history.state, "", url);
}
""",
    )
