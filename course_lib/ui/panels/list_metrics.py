"""Metrics by hand: the list of one shopper to be put in order, beside the sums that follow from it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from course_lib.data.registry import resolve
from course_lib.evaluation.orders import number_of
from course_lib.figures.list_metrics import ROWS, WHOLE, label_of, name_of
from course_lib.figures.products import product
from course_lib.shop import personas
from course_lib.ui.guess_step import settled
from course_lib.ui.history_editor import card
from course_lib.ui.lab import Lab
from course_lib.ui.list_order import list_order
from course_lib.ui.product_search import items_of
from course_lib.ui.shell import t

DRAWS = tuple(f"list_{one.id}" for one in personas())
SHOP = "shop"


def above(lab: Lab, answered: Mapping[str, Any]) -> None:
    """The list in hand and its sums, beside each other; the means over the five fold away below."""
    one = next(one for one in answered["shoppers"] if one["who"] == lab.state.settings["shopper"])
    name = name_of(one["who"], lab.language)
    left, right = st.columns(2)
    with left:
        st.markdown(t("list_metrics.drag", name=name))
        _buttons(lab, one)
        _list(lab, one, answered["k"])
    with right:
        _sums(lab, one, answered["k"], name)
    unsaid = set() if settled(lab.lesson) else {guess.truth for guess in lab.lesson.guesses}
    with st.expander(t("list_metrics.means")):
        for metric in (one for one in (*ROWS, "gauc") if one not in unsaid):
            st.markdown(f"{label_of(metric, answered['k'])}: ${answered['written'][metric]}$")


def _list(lab: Lab, one: Mapping[str, Any], k: int) -> None:
    items = items_of(resolve(SHOP))
    rows = []
    for row in one["list"]:
        facts = [t("list_metrics.order_was", place=row["was"])]
        rows.append(
            {
                **card(items, row["item"], SHOP, lab.language),
                "detail": " · ".join(facts),
                "hit": t("list_metrics.order_hit") if row["hit"] else "",
                "was": row["was"] - 1,
            }
        )
    list_order(lab, f"list_{one['who']}", rows, k, lambda order: set_order(lab, str(one["who"]), order))


def set_order(lab: Lab, who: str, order: list[int]) -> None:
    """Puts the products of a shopper's list into this order of the model's places, from 0; raises ValueError."""
    lab.troubles.clear()
    lab.update(settings=lab.state.with_setting(f"list_{who}", number_of(order)).settings)
    lab.done("train", "look")


def _buttons(lab: Lab, one: Mapping[str, Any]) -> None:
    """The model's order again, and the best and the worst there are."""
    who = str(one["who"])
    bought = {row["was"] - 1: bool(row["hit"]) for row in one["list"]}
    orders = {
        "model": sorted(bought),
        "top": sorted(bought, key=lambda place: (not bought[place], place)),
        "bottom": sorted(bought, key=lambda place: (bought[place], place)),
    }
    with st.container(horizontal=True):
        for name, order in orders.items():
            st.button(
                t(f"list_metrics.{name}"),
                key=lab.key(f"order.{name}"),
                on_click=lab.guarded(set_order, lab, who, order),
            )


def _sums(lab: Lab, one: Mapping[str, Any], k: int, name: str) -> None:
    """Each metric of the list in hand as a line: what it is, its fractions, its value."""
    items = items_of(resolve(SHOP))
    shown = sum(row["hit"] for row in one["list"])
    st.markdown(t("list_metrics.sums", name=name, relevant=one["relevant"], shown=shown))
    lines = []
    for metric in ROWS:
        if metric == "ndcg":
            lines += [f"DCG@{k} $= {one['written']['dcg']}$", f"IDCG@{k} $= {one['written']['idcg']}$"]
        written = one["written"][metric]
        label = "AUC" if metric in WHOLE else label_of(metric, k)
        lines.append(f"**{label}** $= {written}$" if written else f"**{label}**: {t('list_metrics.auc_none')}")
    st.markdown("\n\n".join(lines))
    if one["missing"]:
        titles = t("figures.list_comma").join(product(items, item, lab.language).title for item in one["missing"])
        st.caption(t("list_metrics.unseen", titles=titles))
