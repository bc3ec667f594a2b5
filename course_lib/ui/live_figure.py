"""A Plotly figure that is updated in place: one DOM node for as long as the page shows it.

``st.plotly_chart`` makes a new node at every change of data, so a chart that moves once a second blinks and loses
its zoom. Here the browser calls ``Plotly.react`` on the same node. The figure arrives as compressed JSON: Streamlit
sends bytes as they are, while it would write a dict as text twice at each poll of each watcher. Plotly's JavaScript
is served by the app itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import streamlit as st

from course_lib.ui.component import component
from course_lib.ui.drawn import Drawn, packed
from course_lib.ui.server import plotly_url


class Plottable(Protocol):
    """Whatever can draw itself in both themes: ``course_lib.figures`` makes these."""

    @property
    def alt(self) -> str:
        """What the picture shows, in words."""
        ...

    @property
    def height(self) -> int:
        """Pixels."""
        ...

    def plot(self, dark: bool) -> dict[str, Any]:
        """The Plotly figure as a plain dict."""
        ...


def dark() -> bool:
    """Whether the learner sees the dark theme now."""
    return st.context.theme.type == "dark"


def live_figure(
    figure: Plottable | dict[str, Any],
    key: str,
    height: int | None = None,
    alt: str | None = None,
    on_click: Callable[[Any], None] | None = None,
    narrow: Plottable | None = None,
) -> None:
    """Shows ``figure`` and updates it in place at the next call with the same ``key``.

    Args:
        figure: a figure of ``course_lib.figures``, or a Plotly figure as a dict with "data" and "layout".
        key: names the picture on its page; the same key is the same DOM node, with its zoom.
        height: pixels, the figure's own by default; the width follows the page.
        alt: what the picture shows, for those who do not see it; a ``Plottable`` brings its own.
        on_click: called in the script run after a click, with the clicked point's ``customdata``. It may switch pages.
        narrow: shown instead of ``figure`` where the column is narrower than 560 pixels, as on a phone.
    """
    night, clickable = dark(), on_click is not None
    if isinstance(figure, dict):
        described, tall = alt or "", height or int(figure.get("layout", {}).get("height", 360))
    else:
        described, tall = figure.alt if alt is None else alt, height or figure.height

    def told() -> dict[str, Any]:
        drawn = figure if isinstance(figure, dict) else figure.plot(night)
        return {
            "wide": {**drawn, "height": tall},
            "narrow": None if narrow is None else {**narrow.plot(night), "height": narrow.height},
            "alt": described,
            "plotly": plotly_url(),
            "clickable": clickable,
        }

    if isinstance(figure, Drawn) and (narrow is None or isinstance(narrow, Drawn)):
        data = figure.packed((night, tall, described, clickable, narrow), told)
    else:
        data = packed(told())
    # With one height the place is held from the start, and nothing below jumps when the picture arrives.
    place = tall if narrow is None or narrow.height == tall else "content"
    # Not isolated: Plotly puts its style sheet into the document, and a shadow root would not see it.
    result = component("live_figure", isolated=False)(key=key, data=data, on_clicked_change=_nothing, height=place)
    if on_click is not None and result.clicked is not None:
        on_click(result.clicked)


def _nothing() -> None:
    """Streamlit makes a click available to the script only where a callback is given."""
