"""The panel of the lab that completes baskets: a half basket to edit, and what each method says is missing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from course_lib.figures.products import product
from course_lib.figures.shown import Shown
from course_lib.runs.view import RunView
from course_lib.ui import one_basket, shell
from course_lib.ui.lab import Lab
from course_lib.ui.one_basket import below, controls
from course_lib.ui.shell import t

__all__ = ["VIEWS", "below", "controls", "shown"]
LISTED = 10
NAMED = 8  # hidden products that are named where they were not found


def shown(lab: Lab, view: RunView, at: int) -> Shown:
    """The basket and its completion."""
    return one_basket.ask(lab, view, at, LISTED)


def cards(lab: Lab, now: Shown, before: Mapping[str, Any] | None) -> None:
    """What is missing, what of it was really there, and what was not found."""
    who = now.answer or {}
    facts = [_fact(entry) for entry in who["top"]]
    found = sum(entry["hidden"] for entry in who["top"])
    st.caption(t("basket_completion.found", found=found, hidden=len(who["hidden"])))
    one_basket.offers(lab, now, before, facts, t("lab.empty_list"))
    if who["missed"] and now.items is not None:
        titles = [product(now.items, item, lab.language).title for item in who["missed"][:NAMED]]
        comma = t("figures.list_comma")
        st.caption(shell.plain(t("basket_completion.missed", titles=comma.join(titles))))


def basket(lab: Lab, now: Shown, before: Mapping[str, Any] | None) -> None:
    """The half that is shown, to edit."""
    name = (now.answer or {}).get("name", "")
    one_basket.basket(lab, now, t("basket_completion.basket", name=name), t("basket_completion.basket_help"))


def _fact(entry: Mapping[str, Any]) -> str:
    share = t("basket_completion.share", share=f"{entry['share']:.0%}")
    habit = share if entry["share"] else t("basket_completion.first_time")
    return " · ".join([*([t("basket_completion.hidden")] if entry["hidden"] else []), habit])


VIEWS = {"cards": cards, "basket": basket}
