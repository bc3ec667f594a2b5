"""The model's own source on the page: the file that just ran, read from the checkout, under a link that stays."""

from __future__ import annotations

import streamlit as st

from course_lib.models.catalogue import model_card
from course_lib.settings import PROJECT
from course_lib.ui.shell import t

ANCHOR = "model-source"
PARAMETER = "source"  # ``?source=open`` in a link opens the source with the page


def source_view(model: str, key: str) -> None:
    """An expander with the file of ``model``, line numbers included."""
    card = model_card(model)
    name = card.source.relative_to(PROJECT).as_posix()
    st.subheader(t("look.source"), anchor=ANCHOR)
    st.markdown(t("look.source_help", file=name, parameter=PARAMETER))
    with st.expander(name, expanded=PARAMETER in st.query_params, key=key):
        st.code(card.source.read_text(encoding="utf-8"), language="python", line_numbers=True)
