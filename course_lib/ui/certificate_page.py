"""The Certificate page: the one that an address or a typed code names, one's own, and the field for a code.

Checking needs no identity: a visitor who has never been here sees whether the certificate is this installation's.
"""

from __future__ import annotations

from functools import partial
from urllib.parse import urlencode, urlsplit

import streamlit as st

from course_lib.course import certificates
from course_lib.course.certificates import Certificate, spoken_code
from course_lib.ui import shell
from course_lib.ui.certificate_pdf import certificate_pdf, unprintable
from course_lib.ui.certificate_words import words
from course_lib.ui.identity_cookie import loopback
from course_lib.ui.plain_page import address_of
from course_lib.ui.shell import plain, t

CODE = "code"  # in the address
MINE, CHECK = "certificate", "certificate_check"
LOOKED_UP = "certificate_looked_up"  # session state: the code that this tab has asked for, and what it was then
LONGEST_INPUT = 200  # characters of a field; the rules are checked on the server


def page() -> None:
    """The whole page."""
    shell.title(t("certificate.title"), t("certificate.lead"))
    asked = st.query_params.get(CODE, "")[:LONGEST_INPUT]
    if asked:
        with shell.boundary():
            _checked(asked)
    with shell.boundary():
        _mine()
    with shell.boundary():
        _check_form()


def link_to(code: str) -> str:
    """The address that checks a certificate: this page's own in the browser, which knows it best."""
    here = (st.context.url or "").split("?")[0].split("#")[0].rstrip("/")
    return f"{here.rpartition('/')[0]}/certificate?{urlencode({CODE: spoken_code(code)})}"


# ---- checking


def _checked(asked: str) -> None:
    """What the code in the address leads to; to draw the page anew is no new try of the same code."""
    address = address_of(st.context.ip_address)
    again = st.session_state.get(LOOKED_UP) == asked
    found = certificates.verify(shell.store(), asked, address, again)
    st.session_state[LOOKED_UP] = asked
    st.success(t("certificate.valid"))
    draw(found)


def _check_form() -> None:
    st.header(t("certificate.check"), anchor=False)
    st.markdown(t("certificate.check_lead"))
    with st.form(CHECK, enter_to_submit=True, width=420):
        st.text_input(t("certificate.code"), max_chars=LONGEST_INPUT, key=f"{CHECK}_code")
        act = shell.guarded(_check, CHECK)
        st.form_submit_button(t("certificate.check_do"), type="primary", key=f"{CHECK}_do", on_click=act)
    shell.told(CHECK)


def _check() -> None:
    given = str(st.session_state.get(f"{CHECK}_code") or "")
    st.query_params[CODE] = spoken_code(certificates.read_code(given))
    st.session_state.pop(LOOKED_UP, None)  # a press is a try


# ---- one's own


def _mine() -> None:
    st.header(t("certificate.yours"), anchor=False)
    notes = shell.notebook()
    done = certificates.achievements(shell.lessons(), notes.activity())
    if shell.tell_memory():
        return
    have = certificates.own(notes)
    if any(done.values()):
        counts = {kind: len(rows) for kind, rows in done.items()}
        st.markdown(t("certificate.could", **counts))
        with st.form(MINE, enter_to_submit=True, width=420):
            help = t("certificate.name_help")
            st.text_input(t("certificate.name"), max_chars=LONGEST_INPUT, key=f"{MINE}_name", help=help)
            act = shell.guarded(_make, MINE)
            st.form_submit_button(t("certificate.make"), type="primary", key=f"{MINE}_make", on_click=act)
        shell.told(MINE)
    elif not have:
        st.info(t("certificate.nothing"))
    for number, one in enumerate(have):
        date, code = one.content["date"], spoken_code(one.code)
        label = plain(t("certificate.one", name=one.name, date=date, code=code))
        with st.expander(label, expanded=number == 0, key=f"{MINE}_{one.code}"), shell.boundary():
            _one(one)


def _one(one: Certificate) -> None:
    """One of the learner's own: the page, the PDF, the address, and its end."""
    lost = unprintable(one.name)
    if lost:
        st.warning(plain(t("certificate.unprintable", characters=" ".join(lost))))
    draw(one)
    link = link_to(one.code)
    st.caption(t("certificate.address"))
    st.code(link, language=None, wrap_lines=True)
    if loopback(urlsplit(link).hostname):
        st.caption(t("certificate.only_here"))
    with st.container(horizontal=True, key=f"{MINE}_do_{one.code}"):
        st.download_button(
            t("certificate.download"),
            partial(certificate_pdf, one, link, shell.language()),  # made when it is asked for
            file_name=t("certificate.file"),
            mime="application/pdf",
            key=f"{MINE}_pdf_{one.code}",
            on_click="ignore",
        )
        with st.popover(t("certificate.withdraw"), key=f"{MINE}_withdraw_{one.code}"):
            st.markdown(t("certificate.withdraw_ask"))
            act = shell.guarded(_withdraw, f"{MINE}_{one.code}")
            st.button(t("certificate.withdraw_sure"), key=f"{MINE}_sure_{one.code}", on_click=act, args=(one.code,))
    shell.told(f"{MINE}_{one.code}")


def _make() -> None:
    name = str(st.session_state.get(f"{MINE}_name") or "")
    certificates.issue(shell.notebook(), shell.lessons(), name)


def _withdraw(code: str) -> None:
    certificates.withdraw(shell.notebook(), code)


# ---- drawn


def draw(certificate: Certificate) -> None:
    """The certificate as a page; a name is words, whatever it is made of."""
    said = words(certificate, shell.language())
    with st.container(border=True):
        st.caption(said.above_name)
        st.subheader(plain(said.name), anchor=False)
        st.markdown(said.made)
        st.markdown(said.unsupervised)
        st.markdown(f"**{said.lessons_head}**")
        st.markdown("\n".join(f"- {plain(lesson)}" for lesson in said.lessons))
        st.caption(said.rule)
        if said.challenges:
            st.markdown(f"**{said.challenges_head}**")
        for challenge in said.challenges:
            st.markdown(f"{plain(challenge.task)}  \n{plain(challenge.figures)}")
        st.markdown(f"**{said.code_head}** `{said.code}`")
