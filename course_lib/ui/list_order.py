"""A list whose products the learner puts in order: by dragging, by buttons, or by the arrow keys.

The browser shows a move at once and sends the whole new order; Python keeps it in the lab's settings (and so in the
link), and draws what follows from it. Titles travel as data and are written with ``textContent``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st

from course_lib.ui.component import component
from course_lib.ui.lab import Lab
from course_lib.ui.shell import guarded, t, told

WORDS = ("list", "up", "down", "moved", "cut")


def list_order(
    lab: Lab, name: str, rows: Sequence[Mapping[str, Any]], k: int, moved: Callable[[list[int]], None]
) -> None:
    """Draws the list; a move calls ``moved`` before the next run of the surrounding fragment.

    Args:
        lab: whose state the order goes into.
        name: which of the lab's lists; another one begins anew.
        rows: best first: ``id``, ``title``, ``detail``, ``emoji``, ``colour``, ``hit`` (words where it is one, else
            nothing) and ``was``, its place in the order that counts as unchanged, from 0.
        k: a line stands after place k.
        moved: takes the new order, each product by its ``was``.
    """
    key = lab.key("order")
    known = sorted(int(row["was"]) for row in rows)

    def changed() -> None:
        sent = st.session_state.get(key)
        order = sent.get("order") if isinstance(sent, Mapping) else None
        if not isinstance(order, Mapping) or order.get("name") != name:
            return  # a move in a list that is no longer on show
        places = [int(place) for place in order.get("places", ())]
        if sorted(places) == known:
            st.session_state[f"{key}.turn"] = int(order.get("turn", 0))
            moved(places)

    component("list_order")(
        key=key,
        data={
            "name": name,
            "rows": [dict(row) for row in rows],
            "k": k,
            "turn": int(st.session_state.get(f"{key}.turn", 0)),
            "words": {word: t(f"list_metrics.order_{word}") for word in WORDS}
            | {"k": t("list_metrics.order_cut", k=k)},
        },
        on_order_change=guarded(changed, key),
    )
    told(key)
