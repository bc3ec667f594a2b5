"""The source of what just ran, on the page: the experiment's file and its models', read from the checkout."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import streamlit as st

from course_lib.settings import PROJECT
from course_lib.ui.lab import Lab
from course_lib.ui.shell import t

ANCHOR = "model-source"
PARAMETER = "source"  # ``?source=open`` in a link opens the source with the page


def source_view(labs: Iterable[Lab]) -> None:
    """One expander a file, with line numbers: those of each lab's experiment and of the models that it has chosen."""
    files: dict[Path, Lab] = {}
    for lab in labs:
        card = lab.plan.card
        for path in (*(one.source for one in card.chosen(lab.state.settings).values()), card.source):
            files.setdefault(path, lab)
    st.subheader(t("look.source"), anchor=ANCHOR)
    st.markdown(t("look.source_help", parameter=PARAMETER))
    for number, (path, lab) in enumerate(files.items()):
        name = path.relative_to(PROJECT).as_posix()
        opened = PARAMETER in st.query_params and number == 0
        fold = st.expander(name, expanded=opened, key=lab.key(f"source.{path.stem}"), on_change="rerun")
        if fold.open:  # what colours the code is half a megabyte: only for those who read it
            fold.code(path.read_text(encoding="utf-8"), language="python", line_numbers=True, height=420)
