"""Make your own shop: decide how people buy, see what can be known of them, and train on it in the labs."""

from __future__ import annotations

import streamlit as st

from course_lib.ui import make_shop, make_shop_preview, notices, own_datasets, services, shell
from course_lib.ui.shell import t

shell.title(t("make_shop.title"), t("make_shop.lead"))
notices.show()
with shell.boundary():
    services.shop_desk().open()

left, right = st.columns([5, 4], gap="large")
made = None
with left, shell.boundary():
    made = make_shop.form()
with right, shell.boundary():
    if made is not None:
        make_shop_preview.preview(made)
with shell.boundary():
    make_shop_preview.histories()

st.header(t("make_shop.keep"), anchor=False)
with shell.boundary():
    make_shop.keep(made)
    if made is not None:
        make_shop.address(made)

st.header(t("make_shop.yours"), anchor=False)
mine = [card for card in own_datasets.own(shell.learner()) if card.shop]
if mine:
    own_datasets.listed(mine, [lesson for lesson in shell.lessons() if shell.lesson_ready(lesson)])
else:
    st.caption(t("make_shop.none"))
