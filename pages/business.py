"""A plan for your business: what a lift is worth, what lists sell, and the canvas of the whole course."""

import streamlit as st

from course_lib.ui import canvas, lesson, shell
from course_lib.ui.shell import t

page = lesson.open_lesson("business")

lesson.why(page)
lesson.try_it(page)
lesson.predict(page)
lesson.train(page)
lesson.look(page)
lesson.idea(page)
lesson.check(page)
lesson.so_what(page)
with shell.boundary():
    canvas.whole()
st.page_link(shell.page_file("capstone"), label=t("capstone.title"))
