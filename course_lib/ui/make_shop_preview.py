"""What a shop of one's own would be like, drawn while its parameters are moved: scores, popularity, some histories."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np
import streamlit as st

from course_lib.errors import CourseError
from course_lib.figures.datasets import popularity_curve
from course_lib.figures.made_shop import known_bars
from course_lib.figures.products import product, product_card, product_cards, shelf
from course_lib.shop.made import MadeShop, products_of
from course_lib.ui import services, shell
from course_lib.ui.drawn import shared
from course_lib.ui.live_figure import live_figure
from course_lib.ui.make_shop_words import said
from course_lib.ui.shell import t
from course_lib.ui.this_run import one_run

POLL_S = 0.4
SHOPPERS = 3  # histories shown at once
PRODUCTS = 8  # newest products of each
TURN = "make_shop_turn"  # session: which shoppers are shown
LAST = "make_shop_last"  # session: the shop on show and what it is like, while the next is worked out


def preview(made: MadeShop) -> None:
    """Draws what is known of ``made``, or has it worked out and shows the shop before it meanwhile."""
    st.header(t("make_shop.preview"), anchor=False)
    try:
        found = services.shop_desk().preview(made, shell.learner())
    except CourseError as error:
        st.error(shell.plain(said(error, shell.language())))
        st.button(t("make_shop.again"), key="make_shop_again")  # a press draws the page anew
        return
    if found is not None:
        st.session_state[LAST] = (made, found)
    else:
        st.fragment(_waiting, run_every=POLL_S)(made)
    last = st.session_state.get(LAST)
    if last is not None:
        _draw(*last)


@one_run()
def _waiting(made: MadeShop) -> None:
    """Asks again until it is there; then the page is drawn with it, or with what went wrong."""
    try:
        found = services.shop_desk().preview(made, shell.learner())
    except CourseError as error:
        st.error(shell.plain(said(error, shell.language())))
        st.stop()
    if found is not None:
        st.session_state[LAST] = (made, found)
        st.rerun()
    st.caption(t("make_shop.working"))


def _draw(made: MadeShop, seen: dict[str, Any]) -> None:
    lang, items = shell.language(), products_of(int(made.values["variety"]))
    words = "make_shop.preview_all" if seen["shoppers"] == made.shoppers else "make_shop.preview_of"
    numbers = {"shoppers": seen["shoppers"], "purchases": seen["purchases"], "products": made.products,
               "asked": seen["asked"]}  # fmt: skip
    st.caption(t(words, **{name: f"{value:,}" for name, value in numbers.items()}, seconds=f"{seen['seconds']:.1f}"))
    name = made.key()
    live_figure(
        shared(("made_scores", name, lang), seen["seconds"], lambda: known_bars(seen["scores"], lang)),
        key="make_shop_scores",
    )
    sold = np.array(seen["per_product"], np.int64)
    titles = shelf(items).titles(lang)
    live_figure(
        shared(("made_popularity", name, lang), seen["seconds"], lambda: popularity_curve(sold, titles, lang)),
        key="make_shop_popularity",
    )


def histories() -> None:
    """A few shoppers of the shop on show; a button brings others."""
    if st.session_state.get(LAST) is not None:
        st.header(t("make_shop.histories"), anchor=False)
        st.fragment(_histories)()


@one_run()
def _histories() -> None:
    made, seen = st.session_state[LAST]
    people = seen["people"]
    turns = -(-len(people) // SHOPPERS)
    turn = st.session_state.get(TURN, 0) % turns
    lang, items = shell.language(), products_of(int(made.values["variety"]))
    for one in people[turn * SHOPPERS : (turn + 1) * SHOPPERS]:
        shown = min(PRODUCTS, len(one["items"]))
        facts = t("make_shop.facts", events=f"{one['events']:,}", shown=shown)
        st.markdown(f"**{t('make_shop.shopper', number=one['user'] + 1)}** · {facts}")
        days = [datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%d") for time in one["times"][-shown:]]
        cards = [
            product_card(product(items, item, lang), lang, day, "¥")
            for item, day in zip(one["items"][-shown:], days, strict=True)
        ]
        st.html(product_cards(cards))
    if turns > 1:
        key = "make_shop_others"
        st.button(t("make_shop.others"), key=key, on_click=shell.guarded(_next_turn, key))
        shell.told(key)


def _next_turn() -> None:
    st.session_state[TURN] = st.session_state.get(TURN, 0) + 1
