"""How one gets into the class: the code in large letters, the link, and the link as a QR code, made to be projected."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

import segno
import streamlit as st

from course_lib.course import classes
from course_lib.ui import shell
from course_lib.ui.class_page import CODE
from course_lib.ui.identity_cookie import loopback
from course_lib.ui.shell import t
from course_lib.ui.teach import guard

if TYPE_CHECKING:
    from course_lib.course.classes import Classroom

JOIN_PAGE = "classroom"  # the learners' page, beside this one


def join_link(code: str) -> str:
    """The address that opens the class for a learner: this page's own in the browser, its last part changed.

    The browser knows it best: behind a proxy, or in a network of its own, the server does not.
    """
    here = (st.context.url or "").split("?")[0].split("#")[0].rstrip("/")
    return f"{here.rpartition('/')[0]}/{JOIN_PAGE}?{urlencode({CODE: code})}"


def qr_image(link: str) -> str:
    """HTML: the link as an SVG drawing, black on white with its margin in both themes, as scanners need it."""
    drawing = segno.make(link, micro=False, error="m").svg_data_uri(border=4, light="#fff", dark="#000", omitsize=True)
    alt = html.escape(t("teach.qr_alt", link=link), quote=True)
    return f'<img class="teach-qr" src="{html.escape(drawing, quote=True)}" alt="{alt}">'


def invite(key: str) -> None:
    """Draws code, link and QR code, with the button that changes the code."""
    classroom = guard.room(key)
    if classroom.code is None:
        st.info(t("teach.closed"))
        return
    link = join_link(classroom.code)
    st.html(
        f'<div class="teach-invite">{qr_image(link)}'
        f'<p class="teach-code"><span>{html.escape(t("teach.code"))}</span> '
        f"<strong>{html.escape(classes.spoken_code(classroom.code))}</strong></p></div>"
    )
    st.code(link, language=None, wrap_lines=True)
    if loopback(urlsplit(link).hostname):
        st.caption(t("teach.only_here"))
    with st.popover(t("teach.rotate"), key="teach_rotate"):
        st.markdown(t("teach.rotate_ask"))
        st.button(t("teach.rotate_sure"), key="teach_rotate_sure", on_click=guard.pressed("invite", key, _rotate))
    guard.told("invite")


def _rotate(classroom: Classroom) -> None:
    classes.rotate_code(shell.store(), classroom.key)
