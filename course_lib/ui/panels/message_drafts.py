"""Message drafts: the drafts with what the check says, a draft of the learner's own, and those of a language model.

The model is asked at an address as in the lab of reasons (course_lib/ui/own_writer.py), and so are its key and address
kept: in the session alone. A draft that the learner types stays there too. Nothing is sent to anybody.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import streamlit as st

from course_lib.errors import CourseError
from course_lib.evaluation.true_reasons import Facts
from course_lib.experiments.message_drafts import facts_of, judged, offers, request
from course_lib.models.writer_address import ask_address
from course_lib.ui import own_writer, shell
from course_lib.ui.lab import Lab
from course_lib.ui.reach import reach
from course_lib.ui.reason_job import LONGEST_TEXT, ReasonJob
from course_lib.ui.shell import t
from course_lib.ui.this_run import one_run

POLL_S = 1.0
LONGEST_DRAFT = 500  # characters that a learner may type


@dataclass(frozen=True)
class Written:
    """A language model's draft, and what the check says of it."""

    text: str
    findings: list[dict[str, Any]]


class DraftJob(ReasonJob):
    """One press of the button: a draft for each of a campaign's products."""

    def __init__(self, language: str, campaign: str) -> None:
        self.campaign = campaign
        super().__init__(language, range(len(offers(campaign))))

    def write(self, known: Facts, item: int, ask: Callable[[str], str]) -> Written:
        """As :meth:`ReasonJob.write`, of the campaign's product number ``item``."""
        offer = offers(self.campaign)[item]
        text = ask(request(offer, self.language))[:LONGEST_TEXT]
        return Written(text, [one.to_dict() for one in judged(text, offer, self.language)])


def above(lab: Lab, answered: Mapping[str, Any]) -> None:
    """The drafts in the reader's language, each with its findings."""
    rows = answered["drafts"][lab.language]
    st.html(table((one["text"], one["findings"]) for one in rows))


def after(lab: Lab) -> None:
    """A draft of the learner's own, and a language model's."""
    live = own_writer.is_live(lab)
    st.fragment(_panels, run_every=POLL_S if live else None)(lab, live)


@one_run()
def _panels(lab: Lab, was_live: bool) -> None:
    job = own_writer.job_of(lab)
    if job is not None:
        job.look()
    if own_writer.is_live(lab) is not was_live:
        st.rerun()  # the page, once: from now on the panel asks every second, or no longer does
    _own_draft(lab)
    with st.expander(t("own_writer.title"), expanded=job is not None, key=lab.key("own.panel")), shell.boundary():
        st.markdown(t("message_drafts.lead"))
        with st.form(lab.key("own.form"), border=False):
            own_writer.address_fields(lab)
            st.form_submit_button(
                t("message_drafts.write"),
                type="primary",
                key=lab.key("own.write"),
                disabled=own_writer.is_live(lab),
                on_click=lab.guarded(_start, lab, place="own"),
            )
        with st.container(horizontal=True):
            st.button(
                t("lab.stop"),
                key=lab.key("own.stop"),
                disabled=not own_writer.is_live(lab),
                on_click=lab.guarded(own_writer.stop, lab, place="own"),
            )
            st.button(
                t("own_writer.forget"),
                key=lab.key("own.forget"),
                on_click=lab.guarded(own_writer.forget, lab, place="own"),
            )
        lab.told("own")
        if job is not None:
            own_writer.progress(job, "message_drafts")
            if job.written:
                st.html(table((one.text, one.findings) for one in job.written))


def _start(lab: Lab) -> None:
    """Has the model write; raises CourseError for what cannot be asked."""
    url, model, key = own_writer.given_address(lab)
    if own_writer.is_live(lab):
        return
    language, allowed = lab.language, reach()
    job = DraftJob(language, str(lab.state.settings["campaign"]))

    def ask(prompt: str) -> str:
        return ask_address(url, key, model, prompt, reach=allowed)

    job.start(lambda: facts_of(language), ask)
    st.session_state[lab.key("own.job")] = job


def _own_draft(lab: Lab) -> None:
    """What the learner types is checked against the first product's offer."""
    offer = offers(str(lab.state.settings["campaign"]))[0]
    with st.expander(t("message_drafts.own_title"), key=lab.key("draft.panel")), shell.boundary():
        st.markdown(
            t(
                "message_drafts.own_lead",
                product=shell.plain(facts_of(lab.language).titles[offer.item - 1]),
                price=f"{offer.price:.0f}",
                now=f"{offer.now:.0f}",
                month=offer.until[0],
                day=offer.until[1],
            )
        )
        text = st.text_area(t("message_drafts.own_label"), key=lab.key("draft.text"), max_chars=LONGEST_DRAFT)
        if text and not text.strip():
            raise CourseError("draft_empty")
        if text:
            st.html(table([(text, [one.to_dict() for one in judged(text, offer, lab.language)])]))


def table(rows: Iterable[tuple[str, list[dict[str, Any]]]]) -> str:
    """HTML: a row a draft: whether it may be sent, the text, each finding in words; what others wrote is escaped."""
    heads = "".join(f'<th scope="col">{html.escape(t(f"message_drafts.column_{one}"))}</th>'
                    for one in ("verdict", "draft", "check"))  # fmt: skip
    body = []
    for text, findings in rows:
        fine = all(one["right"] for one in findings)
        verdict = html.escape(t(f"message_drafts.{'sent' if fine else 'stopped'}"))
        wrong, right = ([one for one in findings if one["right"] is fair] for fair in (False, True))
        marks = "".join(_mark("false", f"✗ {_words(one)}") for one in wrong)
        marks += _mark("true", "✓ " + " · ".join(map(_words, right))) if right else ""
        body.append(f"<tr><td>{verdict}</td><td>{html.escape(text)}</td><td>{marks}</td></tr>")
    return f'<div class="lab-table lab-claims"><table><tr>{heads}</tr>{"".join(body)}</table></div>'


def _words(one: Mapping[str, Any]) -> str:
    kind = str(one["kind"])
    return f"{t(f'message_drafts.kind_{kind}')}: {str(one['said']) or t('message_drafts.missing')}"


def _mark(verdict: str, words: str) -> str:
    return f'<div class="claim-{verdict}">{html.escape(words)}</div>'
