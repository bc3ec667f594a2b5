"""The panel of the lab on free delivery: a cart to edit, its bill, and the additions that bring it to the line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from course_lib.figures.shown import Shown
from course_lib.runs.view import RunView
from course_lib.ui import one_basket
from course_lib.ui.lab import Lab
from course_lib.ui.one_basket import below, controls
from course_lib.ui.shell import t

__all__ = ["VIEWS", "below", "controls", "shown"]
LISTED = 5  # additions


def shown(lab: Lab, view: RunView, at: int) -> Shown:
    """The cart and what would bring it to the line."""
    return one_basket.ask(lab, view, at, LISTED)


def cards(lab: Lab, now: Shown, before: Mapping[str, Any] | None) -> None:
    """The bill and the gap, then the additions: products of a pair have the same number."""
    who = now.answer or {}
    total, gap = (f"{who[name]:,.0f}" for name in ("total", "gap"))
    st.caption(t("free_delivery.gap", total=total, gap=gap) if who["gap"] else t("free_delivery.bill", total=total))
    facts = [
        t(
            "free_delivery.offer", number=str(entry["offer"]), total=f"{entry['total']:,.0f}",
            role=t(f"cart_companions.{entry['role']}"),
        )
        for entry in who["top"]
    ]  # fmt: skip
    # A product may be in several additions, so that places gained and lost would say nothing.
    one_basket.offers(lab, now, None, facts, t("free_delivery.none"), who.get("target"))


def basket(lab: Lab, now: Shown, before: Mapping[str, Any] | None) -> None:
    """The cart to edit."""
    name = (now.answer or {}).get("name", "")
    one_basket.basket(lab, now, t("cart_companions.basket", name=name), t("cart_companions.basket_help"))


VIEWS = {"cards": cards, "basket": basket}
