"""A language model of the learner's own, below the lab of reasons: it writes them, and each claim is checked.

It is asked at an address that speaks OpenAI's interface, by this server (course_lib/ui/reach.py). The key stands in the
session, in the field's own entry: Streamlit drops it when the page is left, and a button clears it before. What the
learner types is no part of the lab's state, so it gets into no link and no database.

A model in a folder is left to the command ``reasons``: a visitor must not name folders of the server, and the web
process holds no model.
"""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd
import streamlit as st

from course_lib.data.dataset import Address
from course_lib.data.registry import currency, resolve
from course_lib.errors import CourseError
from course_lib.evaluation.true_reasons import Claim, Facts
from course_lib.figures.products import product
from course_lib.models.writer_address import ask_address
from course_lib.ui import shell
from course_lib.ui.compare_step import watched
from course_lib.ui.lab import Lab
from course_lib.ui.language import duration, keep_choice
from course_lib.ui.one_product import one_of_each_type, title_of
from course_lib.ui.product_search import items_of, search
from course_lib.ui.reach import reach
from course_lib.ui.reason_job import ReasonJob, Written
from course_lib.ui.shell import t
from course_lib.ui.this_run import one_run

POLL_S = 1.0
DRAWN, MOST = 10, 20  # products that are drawn where none is chosen, and that may be chosen
LONGEST = 300  # characters of an address, a model's name and a key


def after(lab: Lab) -> None:
    """Drawn below the lab that compares writers; below another one of this experiment there is nothing."""
    if lab.plan.runs:
        live = is_live(lab)
        st.fragment(_panel, run_every=POLL_S if live else None)(lab, live)


def job_of(lab: Lab) -> ReasonJob | None:
    """What a lab's own model has written and is writing, if anything."""
    job: ReasonJob | None = st.session_state.get(lab.key("own.job"))
    return job


def is_live(lab: Lab) -> bool:
    """Whether it is writing now."""
    job = job_of(lab)
    return job is not None and job.live


@one_run()
def _panel(lab: Lab, was_live: bool) -> None:
    job = job_of(lab)
    if job is not None:
        job.look()
    if is_live(lab) is not was_live:
        st.rerun()  # the page, once: from now on the panel asks every second, or no longer does
    with st.expander(t("own_writer.title"), expanded=job is not None, key=lab.key("own.panel")), shell.boundary():
        address = _data(lab)
        items = items_of(address)
        st.markdown(t("own_writer.lead"))
        _fields(lab, address, items)
        lab.told("own")
        if job is not None:
            progress(job)
            if job.written:
                st.html(reasons_table(job.written, items, lab.language))
                st.html(shares_table(job, shares_of_lab(lab)))
        st.caption(t("own_writer.local"))


def _data(lab: Lab) -> Address:
    return resolve(*next(iter(lab.state.data.values())))


def _fields(lab: Lab, address: Address, items: pd.DataFrame) -> None:
    """What the learner gives, and the buttons.

    A form, because a key typed outside of one does not arrive when the keyboard goes on to the eye in its field.
    """
    live = is_live(lab)
    with st.form(lab.key("own.form"), border=False):
        address_fields(lab)
        keep_choice(lab.key("own.products"))
        st.multiselect(
            t("own_writer.products"),
            one_of_each_type(address),
            key=lab.key("own.products"),
            format_func=lambda one: title_of(items, one, lab.language),
            max_selections=MOST,
            accept_new_options=True,
            placeholder=t("own_writer.products_none", count=DRAWN),
            help=t("one_product.choose_help"),
        )
        st.form_submit_button(
            t("own_writer.write"),
            type="primary",
            key=lab.key("own.write"),
            disabled=live,
            on_click=lab.guarded(_start, lab, place="own"),
        )
    with st.container(horizontal=True):
        st.button(
            t("lab.stop"), key=lab.key("own.stop"), disabled=not live, on_click=lab.guarded(stop, lab, place="own")
        )
        st.button(t("own_writer.forget"), key=lab.key("own.forget"), on_click=lab.guarded(forget, lab, place="own"))


def address_fields(lab: Lab) -> None:
    """Address, model and key beside each other, inside a form."""
    public = "" if reach().anywhere else "_public"
    left, middle, right = st.columns(3)
    with left:
        st.text_input(
            t("own_writer.url"),
            key=lab.key("own.url"),
            placeholder="https://host/v1" if public else "http://localhost:11434/v1",
            max_chars=LONGEST,
            help=t(f"own_writer.url_help{public}"),
        )
    with middle:
        st.text_input(t("own_writer.model"), key=lab.key("own.model"), max_chars=LONGEST)
    with right:
        st.text_input(
            t("own_writer.key"),
            type="password",
            key=_key_field(lab),
            max_chars=LONGEST,
            autocomplete="new-password",  # no browser keeps it or fills in another
            help=t("own_writer.key_help"),
        )


def given_address(lab: Lab) -> tuple[str, str, str]:
    """Address, model and key as typed; raises CourseError where one that is needed is missing."""
    fields = (lab.key("own.url"), lab.key("own.model"), _key_field(lab))
    url, model, key = (str(st.session_state.get(field) or "").strip() for field in fields)
    if not url:
        raise CourseError("address_not_http")
    if not model:
        raise CourseError("writer_no_model")
    return url, model, key


def _key_field(lab: Lab) -> str:
    """Where the session has the key: a new and empty field each time that one is forgotten."""
    return lab.key(f"own.key.{st.session_state.get(lab.key('own.turn'), 0)}")


def _start(lab: Lab) -> None:
    """Has the model write; raises CourseError for what cannot be asked."""
    url, model, key = given_address(lab)
    if is_live(lab):
        return
    address, language, allowed = _data(lab), lab.language, reach()
    chosen = _chosen(address, st.session_state.get(lab.key("own.products")) or [])
    job = ReasonJob(language, chosen)

    def facts() -> Facts:
        return Facts.of(items_of(address), language, currency(address.name))

    def ask(prompt: str) -> str:
        return ask_address(url, key, model, prompt, reach=allowed)

    job.start(facts, ask)
    st.session_state[lab.key("own.job")] = job


def _chosen(address: Address, picked: list[int | str]) -> list[int]:
    """Products by id or by words of a title, each once; ten drawn where none is named, the same for everybody."""
    items = items_of(address)
    found: list[int] = []
    for one in picked:
        hits = [one] if isinstance(one, int) else search(address, one, 1)
        if not hits:
            raise CourseError("no_product_found", words=str(one))
        found += hits
    if not found:
        found = (1 + np.sort(np.random.default_rng(0).permutation(len(items))[:DRAWN])).tolist()
    return list(dict.fromkeys(found))[:MOST]


def stop(lab: Lab) -> None:
    """Ends it."""
    job = job_of(lab)
    if job is not None:
        job.stop()


def forget(lab: Lab) -> None:
    """Ends what still uses the key, and drops it with its field."""
    stop(lab)
    st.session_state.pop(_key_field(lab), None)
    st.session_state[lab.key("own.turn")] = st.session_state.get(lab.key("own.turn"), 0) + 1


def progress(job: ReasonJob, words_of: str = "own_writer") -> None:
    """A bar with the time left, and why it ended early, in the words of one section."""
    done, total, left = len(job.written), len(job.items), job.left_s
    if job.live:
        words = t("own_writer.waiting") if left is None else t(f"{words_of}.progress", done=done, total=total)
        words += "" if left is None else f" · {duration(left)}"
    else:
        words = t(f"{words_of}.{'done' if done == total else 'ended'}", done=done, total=total)
    st.progress(done / total, text=words)
    if job.error is not None:
        st.warning(shell.plain(job.error.text(shell.language())))


def reasons_table(written: tuple[Written, ...], items: pd.DataFrame, language: str) -> str:
    """HTML: a row a reason, each of its claims marked in words; what others wrote is escaped."""
    heads = "".join(
        f'<th scope="col">{html.escape(t(f"own_writer.column_{one}"))}</th>' for one in ("product", "reason", "claims")
    )
    rows = []
    for one in written:
        shown = product(items, one.item, language)
        claims = [_claim(claim) for claim in one.claims] or [_mark("unreadable", t("own_writer.unreadable"))]
        about = html.escape(f"{shown.emoji} {shown.title}")
        rows.append(f"<tr><td>{about}</td><td>{html.escape(one.text)}</td><td>{''.join(claims)}</td></tr>")
    return f'<div class="lab-table lab-claims"><table><tr>{heads}</tr>{"".join(rows)}</table></div>'


def _claim(claim: Claim) -> str:
    kind = t(f"reasons.kind_{claim.kind}")
    verdict = "true" if claim.true else "false"
    return _mark(verdict, f"{t(f'own_writer.{verdict}')} · {kind}: {claim.said}")


def _mark(verdict: str, words: str) -> str:
    return f'<div class="claim-{verdict}">{html.escape(words)}</div>'


def shares_of_lab(lab: Lab) -> Iterator[tuple[str, Mapping[str, float], Mapping[str, float]]]:
    """Name, share true and share without a claim of each writer that the lab has trained, known and new products."""
    views = watched(lab)
    for run in lab.plan.runs:
        measures = (views[run.id].result or {}).get("measures", {})
        for end, key in (("", "own_writer.lab_known"), ("_new", "own_writer.lab_new")):
            if f"true{end}" in measures:
                name = t(key, name=run.name(lab.language))
                yield name, measures[f"true{end}"], measures[f"unreadable{end}"]


def shares_table(job: ReasonJob, others: Iterator[tuple[str, Mapping[str, float], Mapping[str, float]]]) -> str:
    """HTML: how often the learner's model tells the truth, beside the writers of the lab."""
    own = t("own_writer.own", count=len(job.written))
    rows = [(own, job.shares["true"], job.shares["unreadable"]), *others]
    heads = "".join(
        f'<th scope="col">{html.escape(t(f"own_writer.column_{one}"))}</th>' for one in ("writer", "true", "unreadable")
    )
    body = "".join(
        f"<tr><td>{html.escape(name)}</td><td>{_share(true)}</td><td>{_share(unreadable)}</td></tr>"
        for name, true, unreadable in rows
    )
    note = html.escape(t("own_writer.note" if len(rows) > 1 else "own_writer.untrained"))
    return f'<div class="lab-table lab-shares"><table><tr>{heads}</tr>{body}</table><p>{note}</p></div>'


def _share(one: Mapping[str, float]) -> str:
    """``90% (60% to 98%)``."""
    ends = t("numbers.range", low=f"{one['low']:.0%}", high=f"{one['high']:.0%}")
    return html.escape(f"{one['value']:.0%} ({ends})")
