"""A dataset's figures on the page: facts in a line, activity, popularity, and histories as product cards."""

from __future__ import annotations

import functools
from datetime import UTC, datetime

import streamlit as st

from course_lib.data.overview import Overview, Sample
from course_lib.data.registry import load_table, tables
from course_lib.figures.datasets import activity_histogram, popularity_curve
from course_lib.figures.products import product, product_card, product_cards, shelf
from course_lib.shop import personas
from course_lib.ui import shell
from course_lib.ui.datasets import Choice, known_overview, overview
from course_lib.ui.drawn import shared
from course_lib.ui.live_figure import live_figure
from course_lib.ui.product_search import items_of
from course_lib.ui.shell import t
from course_lib.ui.this_run import one_run

SHOPPERS = 3  # histories shown at once
PRODUCTS = 6  # newest products of each
ROWS = 5  # of a table of which nothing but rows can be shown
TURN = "datasets_turn"  # session: which shoppers are shown


def read(choice: Choice) -> Overview:
    """The overview; the first who asks for a dataset sees that it is being prepared."""
    address = choice.address
    found = known_overview(address)
    if found is not None:
        return found
    with st.spinner(t("datasets.preparing")):
        return overview(address)


def facts(seen: Overview) -> None:
    """Rows in one line."""
    day = functools.partial(datetime.fromtimestamp, tz=UTC)
    st.markdown(
        t(
            "datasets.facts",
            events=f"{seen.events:,}",
            shoppers=f"{len(seen.per_shopper):,}",
            products=f"{len(seen.per_product):,}",
            baskets=f"{seen.baskets:,}",
            first=day(seen.first).strftime("%Y-%m-%d"),
            last=day(seen.last).strftime("%Y-%m-%d"),
        )
    )


def figures(choice: Choice, seen: Overview) -> None:
    """Activity and popularity side by side."""
    lang, items = shell.language(), items_of(choice.address)
    left, right = st.columns(2)
    with left:
        drawn = shared(("activity", choice.address, lang), seen, lambda: activity_histogram(seen.per_shopper, lang))
        live_figure(drawn, key="datasets_activity")
        st.caption(t("datasets.activity_note"))
    with right:
        titles = shelf(items).titles(lang)
        drawn = shared(
            ("popularity", choice.address, lang), seen, lambda: popularity_curve(seen.per_product, titles, lang)
        )
        live_figure(drawn, key="datasets_popularity")
        st.caption(t("datasets.popularity_note"))


def histories(choice: Choice, seen: Overview) -> None:
    """A few histories; a button brings others."""
    if not seen.samples:
        st.info(t("datasets.no_histories"))
        return
    st.fragment(_histories)(choice, seen)


@one_run()
def _histories(choice: Choice, seen: Overview) -> None:
    turns = -(-len(seen.samples) // SHOPPERS)
    turn = st.session_state.get(TURN, 0) % turns
    for sample in seen.samples[turn * SHOPPERS : (turn + 1) * SHOPPERS]:
        _history(choice, sample)
    if turns > 1:
        st.button(t("datasets.others"), key="datasets_others", on_click=shell.guarded(_next_turn, "datasets_others"))
        shell.told("datasets_others")


def _next_turn() -> None:
    st.session_state[TURN] = st.session_state.get(TURN, 0) + 1


def _history(choice: Choice, sample: Sample) -> None:
    """One shopper's newest products, oldest first, each with its day."""
    lang, items = shell.language(), items_of(choice.address)
    shown = min(PRODUCTS, len(sample.items))
    key = "datasets.history_all" if shown == sample.events else "datasets.history_newest"
    name = shell.plain(shopper_name(choice.name, sample.user))
    st.markdown(f"**{name}** · {t(key, events=f'{sample.events:,}', shown=shown)}")
    days = [datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%d") for time in sample.times[-shown:]]
    found = [
        product_card(product(items, item, lang), lang, day, choice.currency)
        for item, day in zip(sample.items[-shown:], days, strict=True)
    ]
    st.html(product_cards(found))


def shopper_name(dataset: str, user: int) -> str:
    """The five of the shop by face and name; others by number."""
    five = personas() if dataset == "shop" else ()
    if user < len(five):
        return f"{five[user].emoji} {five[user].name(shell.language())}"
    return t("datasets.shopper", number=f"{user + 1:,}")


def only_tables(choice: Choice) -> None:
    """What can be shown of a dataset without histories: the first rows of each of its tables."""
    st.info(t("datasets.only_tables"))
    for table in tables(choice.name):
        with shell.boundary():
            with st.spinner(t("datasets.preparing")):
                rows = load_table(choice.address, table)
            st.markdown(t("datasets.table_rows", table=table, rows=f"{len(rows):,}"))
            st.dataframe(rows.head(ROWS), key=f"datasets_table_{table}", hide_index=True)
