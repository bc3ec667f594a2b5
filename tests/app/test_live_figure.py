"""The live figure's Python side: what the browser is told. What it draws is seen in the browser tests."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest


def script() -> None:
    from types import SimpleNamespace

    import streamlit as st

    from course_lib.ui.live_figure import live_figure

    figure = SimpleNamespace(
        alt="what the picture shows",
        height=200,
        plot=lambda dark: {"data": [{"y": [1, 2], "name": "dark" if dark else "light"}], "layout": {"height": 999}},
    )
    narrow = SimpleNamespace(alt="", height=500, plot=lambda dark: {"data": [], "layout": {}})
    live_figure(figure, key="one")
    live_figure(figure, key="two", height=300, alt="said here", on_click=st.write, narrow=narrow)
    live_figure({"data": [], "layout": {"height": 120}}, key="three")


def told(app: AppTest) -> list[dict[str, Any]]:
    return [json.loads(gzip.decompress(element.proto.bytes)) for element in app.get("bidi_component")]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_browser_is_told_what_to_draw(theme: str) -> None:
    app = AppTest.from_function(script)
    app.context = {"theme": theme}
    app.run()
    assert not app.exception
    one, two, three = told(app)
    assert one["wide"]["data"] == [{"y": [1, 2], "name": theme}]
    assert (one["wide"]["height"], one["narrow"], one["clickable"]) == (200, None, False)
    assert one["alt"] == "what the picture shows"
    assert (two["wide"]["height"], two["narrow"]["height"], two["clickable"]) == (300, 500, True)
    assert two["alt"] == "said here"
    assert three["wide"]["height"] == 120
    assert one["plotly"].startswith("./assets/vendor/plotly-cartesian-")


def test_the_same_data_is_the_same_message() -> None:
    app = AppTest.from_function(script).run()
    before = told(app)
    assert told(app.run()) == before
