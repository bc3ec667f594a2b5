"""My data: the learner's own files become datasets that the labs offer, and go again when the learner says so."""

from __future__ import annotations

import streamlit as st

from course_lib.ui import notices, own_datasets, shell, upload_panel
from course_lib.ui.shell import t

shell.title(t("my_data.title"), t("my_data.lead"))
notices.show()
own = own_datasets.own(shell.learner())

st.header(t("my_data.add"), anchor=False)
with shell.boundary():
    upload_panel.panel()

st.header(t("my_data.yours"), anchor=False)
if own:
    own_datasets.listed(own, [lesson for lesson in shell.lessons() if shell.lesson_ready(lesson)])
else:
    st.caption(t("my_data.none"))
