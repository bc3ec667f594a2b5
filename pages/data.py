"""Data: each dataset's card, how it looks, some histories, and for the simulated shop its truth."""

from __future__ import annotations

import streamlit as st

from course_lib.ui import dataset_figures as parts
from course_lib.ui import datasets, shell, shop_truth
from course_lib.ui.dataset_card import dataset_card
from course_lib.ui.dataset_table import dataset_table
from course_lib.ui.shell import t

shell.title(t("datasets.title"), t("datasets.lead"))
choice = datasets.choose()
if (mine := shell.page_file("my_data")).is_file():
    st.page_link(mine, label=t("datasets.my_data"))

st.header(datasets.called(choice.name).replace("*", ""), anchor=False)
place = st.container()  # the facts, which take longer than the card
with shell.boundary():
    dataset_card(choice)

if choice.source.load is None:
    with shell.boundary():
        parts.only_tables(choice)
else:
    seen = None
    with shell.boundary():
        seen = parts.read(choice)
    if seen is not None:
        with place:
            parts.facts(seen)
        st.header(t("datasets.looks"), anchor=False)
        with shell.boundary():
            parts.figures(choice, seen)
        st.header(t("datasets.histories"), anchor=False)
        with shell.boundary():
            parts.histories(choice, seen)
    if seen is not None and choice.name == "shop":
        st.header(t("datasets.truth"), anchor=False)
        st.markdown(t("datasets.truth_lead"))
        with shell.boundary():
            shop_truth.shopper(choice)
        st.header(t("datasets.parts"), anchor=False)
        st.markdown(t("datasets.parts_lead"))
        with shell.boundary():
            shop_truth.other_parts(choice)

st.header(t("datasets.all"), anchor=False)
st.markdown(t("datasets.all_lead"))
with shell.boundary():
    dataset_table()
