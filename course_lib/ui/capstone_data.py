"""The first steps of the capstone's page: which dataset, what is in it, what it lacks; intake is that of My data."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

import streamlit as st

from course_lib.course import capstone_report as words
from course_lib.course.audit import Audit, audit
from course_lib.course.capstone import BUDGET_S, BUDGETS
from course_lib.data.intake.store import Card
from course_lib.data.registry import resolve
from course_lib.errors import CourseError
from course_lib.figures.names import dataset_name
from course_lib.ui import datasets, services, shell, upload_panel
from course_lib.ui.address import keep_address
from course_lib.ui.language import keep_choice
from course_lib.ui.shell import t

REMEMBERED = "capstone"  # the learner's preference: {"dataset", "budget"}
DATASET, BUDGET = "capstone_dataset", "capstone_budget"  # keys of the widgets
KNOWN = "capstone_known"  # session: the learner's own datasets as last seen
TROUBLE = "capstone_trouble"  # session: what was wrong with the link, until something is chosen


@dataclass(frozen=True)
class Choice:
    """The dataset that is worked on, and the seconds for each transformer."""

    card: Card
    budget: int

    def check(self) -> None:
        """Raises CourseError where the dataset went in another tab: it is not this learner's any more."""
        if self.card.key not in {card.key for card in _offered().values()}:
            raise CourseError("dataset_not_yours", name=self.card.name)


def choose() -> Choice | None:
    """Draws the choice of a dataset, the upload, and the budget; None where there is no dataset yet."""
    known, lang = _offered(), shell.language()
    _enter(known)
    for key in (DATASET, BUDGET):
        keep_choice(key)
    if trouble := st.session_state.get(TROUBLE):
        st.warning(shell.plain(trouble.text(lang)))
    if known:
        left, right = st.columns([3, 1])
        left.selectbox(
            t("datasets.choose"),
            list(known),
            format_func=lambda key: dataset_name(key, lang),
            key=DATASET,
            on_change=shell.guarded(_changed, DATASET),
        )
        right.selectbox(
            t("verdict.budget"),
            BUDGETS,
            help=t("capstone.budget_help"),
            key=BUDGET,
            on_change=shell.guarded(_changed, DATASET),
        )
        shell.told(DATASET)
    with st.expander(t("my_data.add"), expanded=not known or _uploading(), key="capstone_upload"):
        with shell.boundary():
            upload_panel.panel()
        st.page_link(shell.page_file("my_data"), label=t("capstone.manage"))
    if not known:
        return None
    chosen = Choice(known[st.session_state[DATASET]], int(st.session_state[BUDGET]))
    query = urlencode({"dataset": chosen.card.key, "lang": lang})
    keep_address(query, ("dataset", "lang"), "capstone_address")
    return chosen


def _offered() -> dict[str, Card]:
    """The added datasets that this learner may see, the own ones first, the newest first."""
    found = sorted(datasets.cards().values(), key=lambda card: card.made, reverse=True)
    return {card.key: card for card in sorted(found, key=lambda card: card.owner != shell.learner())}


def _enter(known: dict[str, Card]) -> None:
    """The link's dataset, else one that has just been added, else the one of the last visit, else the newest."""
    own = {key for key, card in known.items() if card.owner == shell.learner()}
    kept = shell.notebook().preference(REMEMBERED, {})
    kept = kept if isinstance(kept, dict) else {}
    if BUDGET not in st.session_state:
        budget = kept.get("budget")
        st.session_state[BUDGET] = budget if budget in BUDGETS else BUDGET_S
    before, asked = st.session_state.get(KNOWN), st.query_params.get("dataset")
    st.session_state[KNOWN] = own
    if not known:
        st.session_state.pop(DATASET, None)
        return
    if before is not None and (fresh := own - before):
        st.session_state[DATASET] = next(key for key in known if key in fresh)
    if st.session_state.get(DATASET) in known:
        return
    if before is None and asked is not None and asked not in known:
        st.session_state[TROUBLE] = CourseError("link_dataset_gone", name=asked[:60])
    places = (asked, kept.get("dataset"), next(iter(known)))
    st.session_state[DATASET] = next(one for one in places if one in known)


def _changed() -> None:
    st.session_state[TROUBLE] = None
    remember()


def remember() -> None:
    """What is chosen is found again after a reload, in another tab and on another day."""
    kept = {"dataset": st.session_state[DATASET], "budget": st.session_state[BUDGET]}
    shell.notebook().set_preference(REMEMBERED, kept)


def _uploading() -> bool:
    return services.uploads().view(shell.learner()).state != "none"


def audited(chosen: Choice) -> Audit:
    """Draws what is there, what is needed and what is missing. Raises CourseError where nothing can be trained."""
    chosen.check()
    with st.spinner(t("datasets.preparing")):
        found = audit(resolve(chosen.card.key))
    lang = shell.language()
    left, right = st.columns([1, 1])
    with left:
        table(words.heads("audit", lang), words.audit_rows(found, lang))
        if found.roles:
            roles = ", ".join(f"{t(f'my_data.role_{role}')} = {column}" for role, column in found.roles.items())
            st.caption(shell.plain(t("capstone.columns", roles=roles)))
    with right:
        titles = {lesson.id: lesson.title(lang) for lesson in shell.lessons()}
        table(words.heads("use", lang), words.use_rows(found, titles, lang))
    if missing := words.missing_words(found, lang):
        with st.expander(t("capstone.missing", count=len(missing)), key="capstone_missing"):
            st.markdown(words.listed(missing))
    found.check()
    return found


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A plain table; every cell is escaped."""
    top = "".join(f'<th scope="col">{html.escape(cell)}</th>' for cell in head)
    body = "".join("<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    st.html(f'<div class="lab-table lab-wraps"><table><tr>{top}</tr>{body}</table></div>')
