"""The later steps of the capstone's page: both transformers trained and watched, the report, and what is taken home.

Which runs belong to it follows from the dataset and the budget alone, so a reload and another tab find them again.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import streamlit as st

from course_lib.course import canvas, capstone
from course_lib.course import capstone_report as words
from course_lib.course.audit import Audit
from course_lib.course.capstone import Study
from course_lib.course.verdict import model_words
from course_lib.errors import CourseError
from course_lib.experiments.config import RunConfig
from course_lib.figures.shown import Shown
from course_lib.runs.view import RunView
from course_lib.text import LANGUAGES
from course_lib.ui import canvas as canvas_page
from course_lib.ui import capstone_data, limited, shell
from course_lib.ui.capstone_data import Choice, table
from course_lib.ui.compare_step import state_words
from course_lib.ui.language import duration
from course_lib.ui.pace import pace, this_tab
from course_lib.ui.picture import draw_picture
from course_lib.ui.shell import t
from course_lib.ui.this_run import once, one_run

TROUBLES = "capstone_troubles"  # session: why a run could not be started


class Work:
    """One dataset's runs as the page sees them; cheap to make."""

    def __init__(self, chosen: Choice, found: Audit) -> None:
        """Raises CourseError where the data or settings cannot be."""
        self.language, self.chosen, self.audit = shell.language(), chosen, found
        make = partial(capstone.configs, chosen.card.key, chosen.budget)
        self.configs: Mapping[str, RunConfig] = once(("capstone", chosen.card.key, chosen.budget), make)

    @property
    def troubles(self) -> list[CourseError]:
        """Why the last press of Train did not start everything."""
        found: list[CourseError] = st.session_state.setdefault(TROUBLES, [])
        return found

    def key(self, name: str) -> str:
        """The key of one of the page's elements."""
        return f"capstone_{name}"

    def views(self) -> dict[str, RunView]:
        """Both runs as they are now."""
        return {model: shell.runs().watch(config.run_id) for model, config in self.configs.items()}

    def study(self) -> Study | None:
        """What can be said, once both have ended."""
        return Study.of(self.audit, self.configs, self.views())


def train(work: Work) -> None:
    """What is held out, how long it will take, the buttons, and the runs as they go."""
    views, found = work.views(), work.audit
    asked = {name: f"{getattr(found, name):,}" for name in ("train", "asked", "rare_targets")}
    st.markdown(t("capstone.split_lead", **asked))
    live = any(view.live for view in views.values())
    done = all(view.state == "finished" for view in views.values())
    with st.container(horizontal=True, vertical_alignment="center", key="capstone_bar"):
        st.button(
            t("capstone.train"),
            type="primary",
            key="capstone_train",
            disabled=done or all(view.live or view.state == "finished" for view in views.values()),
            on_click=shell.guarded(partial(_train, work), "capstone_train"),
        )
        st.button(
            t("lab.stop"),
            key="capstone_stop",
            disabled=not live,
            on_click=shell.guarded(partial(_stop, work), "capstone_stop"),
        )
        st.caption(_note(work, live, done))
    for error in work.troubles:
        st.warning(shell.plain(error.text(work.language)))
    shell.told("capstone_train", "capstone_stop")
    every = pace.seen(work.key("runs"), this_tab()) if live else None
    st.fragment(_panel, run_every=every)(work, live)


def _note(work: Work, live: bool, done: bool) -> str:
    if done:
        return t("lab.same_finished")
    if live:
        return t("lab.reload_hint")
    seconds = sum(capstone.seconds_of(config) for config in work.configs.values())
    return t("capstone.expected", models=len(work.configs), seconds=duration(seconds))


def _train(work: Work) -> None:
    work.chosen.check()
    work.troubles.clear()
    capstone_data.remember()
    for config in work.configs.values():
        try:
            limited.start(work, config)
        except CourseError as error:
            work.troubles.append(error)


def _stop(work: Work) -> None:
    for view in work.views().values():
        if view.live:
            shell.runs().stop(view.run_id, shell.learner())


@one_run()
def _panel(work: Work, was_live: bool) -> None:
    views = work.views()
    if was_live:
        pace.seen(work.key("runs"), this_tab())
        if not any(view.live for view in views.values()):
            st.rerun()  # the whole page, once: the report is there now
    if all(view.state == "missing" for view in views.values()):
        return
    for place, (model, view) in zip(st.columns(len(views)), views.items(), strict=True):
        with place:
            name = model_words(model, work.language)
            state = state_words(view, work.language)
            st.progress(view.progress, text=shell.plain(t("capstone.state", model=name, state=state)))
            if view.of("score"):
                with shell.boundary():
                    draw_picture(work, "next_item.learning_curve", Shown((view,)), model)


def results(work: Work, study: Study) -> None:
    """The report: findings, table, groups, what could not be said."""
    lang = work.language
    st.markdown(t("capstone.findings_lead", asked=f"{work.audit.asked:,}"))
    st.markdown(words.numbered(one.sentence(lang) for one in study.findings()))
    st.subheader(t("capstone.results"), anchor=False)
    table(words.heads("standing", lang), words.standing_rows(study, lang))
    for one in study.verdicts():
        st.markdown((" " if lang == "en" else "").join(one.sentences(lang)))
    if rows := words.group_rows(study, lang):
        st.subheader(t("capstone.groups"), anchor=False)
        left, right = st.columns(2)
        with left:
            table(words.heads("group", lang, **words.names_of(study, lang)), rows)
        with right, shell.boundary():
            views = tuple(study.runs.values())
            names = tuple(model_words(model, lang) for model in study.runs)
            draw_picture(work, "who_is_served.groups", Shown(views, names), "report")
    st.subheader(t("capstone.unsaid"), anchor=False)
    st.markdown(words.listed(words.unsaid_words(study, lang)))


def home(work: Work, study: Study) -> None:
    """The zip, and the report alone in the language that is chosen."""
    lessons = shell.lessons()
    chosen = st.segmented_control(
        t("capstone.report_language"),
        LANGUAGES,
        default=work.language,
        format_func={"zh": "中文", "en": "English"}.__getitem__,
        key="capstone_report_language",
        required=True,
    )
    plan = canvas.boxes(shell.notebook(), lessons)

    def package() -> bytes:
        more: dict[str, str | bytes] = {}
        if canvas.lines(plan, work.language):
            more = {f"liverec-canvas.{language}.md": canvas.markdown(plan, language) for language in LANGUAGES}
            more["liverec-canvas.pdf"] = canvas_page.as_pdf(plan, work.language)
        return words.as_zip(study, lessons, more)

    name = f"liverec-{work.chosen.card.name}"
    with st.container(horizontal=True, key="capstone_downloads"):
        st.download_button(
            t("capstone.zip"), package, f"{name}.zip", "application/zip", key="capstone_zip", on_click="ignore",
            type="primary",
        )  # fmt: skip
        st.download_button(
            t("capstone.report"), partial(words.report, study, lessons, str(chosen)), f"{name}.{chosen}.md",
            "text/markdown", key="capstone_report", on_click="ignore",
        )  # fmt: skip
    st.caption(t("capstone.zip_note"))
