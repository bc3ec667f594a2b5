"""The source of what just ran, on the page: the experiment's file and its models', read from the checkout."""

from __future__ import annotations

import streamlit as st

from course_lib.settings import PROJECT
from course_lib.ui.lab import Lab
from course_lib.ui.shell import t

ANCHOR = "model-source"
PARAMETER = "source"  # ``?source=open`` in a link opens the source with the page


def source_view(lab: Lab) -> None:
    """An expander for the file of the experiment and one for each model that the lab has chosen, with line numbers."""
    card = lab.plan.card
    files = [*(one.source for one in card.chosen(lab.state.settings).values()), card.source]
    st.subheader(t("look.source"), anchor=ANCHOR if lab.first else False)
    st.markdown(t("look.source_help", parameter=PARAMETER))
    for path in files:
        name = path.relative_to(PROJECT).as_posix()
        opened = PARAMETER in st.query_params and path == files[0]
        fold = st.expander(name, expanded=opened, key=lab.key(f"source.{path.stem}"), on_change="rerun")
        if fold.open:  # what colours the code is half a megabyte: only for those who read it
            fold.code(path.read_text(encoding="utf-8"), language="python", line_numbers=True, height=420)
