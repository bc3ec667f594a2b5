"""The panel of the lab on what to offer beside a cart: a cart to edit, its bill, and the list that follows."""

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
LISTED = 5


def shown(lab: Lab, view: RunView, at: int) -> Shown:
    """The cart and what is offered beside it."""
    return one_basket.ask(lab, view, at, LISTED)


def cards(lab: Lab, now: Shown, before: Mapping[str, Any] | None) -> None:
    """The bill, then the list: what each product truly is to the cart, and the bill with it."""
    who = now.answer or {}
    total, gap = (f"{who[name]:,.0f}" for name in ("total", "gap"))
    st.caption(t("cart_companions.gap", total=total, gap=gap) if who["gap"] else t("cart_companions.bill", total=total))
    target = who.get("target")
    facts = [
        " · ".join(
            [
                t(f"cart_companions.{entry['role']}"),
                *([t("cart_companions.closes", total=f"{entry['total']:,.0f}")] if who["gap"] else []),
            ]
        )
        for entry in who["top"]
    ]
    one_basket.offers(lab, now, before, facts, t("cart_companions.none"), target)


def basket(lab: Lab, now: Shown, before: Mapping[str, Any] | None) -> None:
    """The cart to edit."""
    name = (now.answer or {}).get("name", "")
    one_basket.basket(lab, now, t("cart_companions.basket", name=name), t("cart_companions.basket_help"))


VIEWS = {"cards": cards, "basket": basket}
