"""A lesson's page from top to bottom: title, the eight steps with their prose, figures and labs, references.

page = lesson.open_lesson("user_understanding")
lesson.why(page)
...
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import streamlit as st

from course_lib.course.labs import LabPlan
from course_lib.course.lessons import Lesson
from course_lib.course.markdown import ANCHORS, Part, fill_values, split_parts
from course_lib.course.progress import lesson_progress
from course_lib.errors import CourseError
from course_lib.experiments.light import answer_light
from course_lib.figures.shown import Shown
from course_lib.ui import canvas, class_now, recorded, shell
from course_lib.ui.class_strip import strip
from course_lib.ui.compare_step import compare_step, watched
from course_lib.ui.frame_slider import chosen_frame
from course_lib.ui.glossary_terms import terms_used
from course_lib.ui.guess_step import guess_step, settled
from course_lib.ui.lab import Lab
from course_lib.ui.lesson_values import measured_values
from course_lib.ui.light_step import light_step, shown_light
from course_lib.ui.panels import panel_of
from course_lib.ui.picture import draw_picture
from course_lib.ui.quiz import challenges, questions
from course_lib.ui.shell import boundary, t
from course_lib.ui.source_view import source_view
from course_lib.ui.take_home import take_home
from course_lib.ui.teach.here import here
from course_lib.ui.this_run import one_run
from course_lib.ui.train_step import train_step

READING_WIDTH = 780  # pixels of a column of prose


@dataclass
class Page:
    """One drawing of a lesson's page."""

    lesson: Lesson
    language: str
    labs: Mapping[str, Lab]  # those that can be opened, by id
    drawn: list[str]  # labs that are on the page already, and pictures in its prose
    ready: bool = True  # whether Train may be pressed
    reading: bool = False  # this step's prose alone, without its labs

    @property
    def lab(self) -> Lab | None:
        """The first lab, which a link means unless it names another."""
        return next(iter(self.labs.values()), None)


def open_lesson(id: str) -> Page:
    """The page's title and its list of steps; raises CourseError for a lesson that is not there or not ready."""
    known = {lesson.id: lesson for lesson in shell.lessons()}
    if id not in known:
        raise CourseError("unknown_lesson", name=id, known=", ".join(known))
    lesson, language = known[id], shell.language()
    shell.title(lesson.title(language), lesson.summary(language))
    done = lesson_progress(lesson, shell.notebook().activity()).steps
    shell.tell_memory()
    links = [
        f"[{number} {lesson.heading(anchor, language)}{' ✓' if anchor in done else ''}](#{anchor})"
        for number, anchor in enumerate(ANCHORS, 1)
    ]
    st.caption(" · ".join(links))
    with boundary():
        here(lesson)
    strip(lesson)
    if not class_now.is_open(id):  # and yet it is drawn: the class may read it
        st.info(t("classroom.lesson_held_readable"))
    labs = {plan.id: Lab(lesson, plan) for plan in lesson.labs if plan.trouble is None}
    return Page(lesson, language, labs, [])


def paced(anchor: str) -> Callable[[Callable[[Page], None]], Callable[[Page], None]]:
    """A step that is drawn in full only when the learner's class has come to it; for who is in none, always."""

    def wrap(step: Callable[[Page], None]) -> Callable[[Page], None]:
        @functools.wraps(step)
        def draw(page: Page) -> None:
            if class_now.is_open(page.lesson.id, anchor):
                step(page)
                return
            if class_now.is_readable(page.lesson.id):
                page.reading = True
                prose(page, anchor)
                page.reading = False
            else:
                _heading(page, anchor)
            if class_now.is_open(page.lesson.id):  # else the top of the page says it of all steps
                st.info(t("classroom.step_held"))

        return draw

    return wrap


def show(id: str) -> None:
    """The whole lesson, step by step."""
    page = open_lesson(id)
    for step in (why, try_it, predict, train, look, idea, check, so_what):
        step(page)


@paced("why")
def why(page: Page) -> None:
    """A shop's problem and one picture."""
    prose(page, "why")


@paced("try")
def try_it(page: Page) -> None:
    """Something already trained answers at once."""
    prose(page, "try")
    with boundary():
        recorded.swap(page.lesson.id)


@paced("predict")
def predict(page: Page) -> None:
    """The guesses, one at a time."""
    prose(page, "predict")
    with boundary(), st.container(width=READING_WIDTH):
        page.ready = guess_step(page.lesson)


@paced("train")
def train(page: Page) -> None:
    """The labs of the step; the first one even where the text does not name it."""
    prose(page, "train")
    for plan in page.lesson.labs:
        if plan.id not in page.drawn and not _named_elsewhere(page, plan.id):
            draw_lab(page, plan.id)


@paced("look")
def look(page: Page) -> None:
    """The run from inside, its source, and the run to take home."""
    prose(page, "look")
    lab = page.lab
    if lab is None:
        return
    panel = panel_of(lab.plan.experiment)
    if panel is not None and hasattr(panel, "look") and not lab.plan.runs:
        with boundary():
            st.fragment(one_run()(panel.look), key=lab.part("look"))(lab)
    with boundary():
        source_view(page.labs.values())
    with boundary():
        take_home(lab)


@paced("idea")
def idea(page: Page) -> None:
    """The concept, one sentence and one picture a step."""
    prose(page, "idea")


@paced("check")
def check(page: Page) -> None:
    """Questions, then challenges."""
    prose(page, "check")
    with st.container(width=READING_WIDTH):
        with boundary():
            questions(page.lesson)
        with boundary():
            challenges(page.lesson, page.labs)


@paced("so-what")
def so_what(page: Page) -> None:
    """What a business does with it, references, the mark that the lesson is done, and the lesson that follows."""
    lesson, language, anchor = page.lesson, page.language, ANCHORS[-1]
    if not lesson.guesses or settled(lesson):
        prose(page, anchor)
    else:
        _heading(page, anchor)
        st.info(t("lesson.hidden_until_guessed"))
        with st.expander(t("lesson.show_anyway")):
            _draw(page, split_parts(lesson.sections(language)[anchor]), measured_values(lesson.id, language))
    with st.container(width=READING_WIDTH):
        if lesson.references:
            st.subheader(t("lesson.references"), anchor="references")
            rows = [f"- [{one.text}]({one.url})" if one.url else f"- {one.text}" for one in lesson.references]
            st.markdown("\n".join(rows))
        with boundary():
            terms_used(lesson)
        with boundary():
            canvas.box(lesson)
        notebook = shell.notebook()
        if any(step.anchor == anchor and step.completed for step in notebook.steps(lesson.id)):
            st.success(t("lesson.finished"))
        else:
            finish = f"lesson.{lesson.id}.finish"
            done = shell.guarded(lambda: shell.notebook().record_step(lesson.id, anchor, completed=True), finish)
            st.button(t("lesson.finish"), key=finish, on_click=done)
            shell.told(finish)
        following = next((one for one in shell.lessons() if one.id == lesson.next), None)
        if following is not None:
            st.subheader(t("lesson.next"), anchor=False)
            shell.lesson_link(following)
            st.caption(following.summary(language))
    if page.lab is not None:
        page.lab.show_link_in_address()


# ---- prose, and what stands in it


def _heading(page: Page, anchor: str) -> None:
    st.header(f"{ANCHORS.index(anchor) + 1} {page.lesson.heading(anchor, page.language)}", anchor=anchor)


def prose(page: Page, anchor: str) -> None:
    """The heading of one step and its text, with the figures, labs and folding blocks that the text asks for."""
    _heading(page, anchor)
    values = measured_values(page.lesson.id, page.language)
    _draw(page, split_parts(page.lesson.sections(page.language)[anchor]), values)


def _draw(page: Page, parts: Iterable[Part], values: Mapping[str, str]) -> None:
    for part in parts:
        if part.kind == "prose":
            with st.container(width=READING_WIDTH):
                st.markdown(fill_values(part.text, values))
        elif part.kind == "details":
            title = t("lesson.details", title=part.text, minutes=part.minutes)
            with st.container(width=READING_WIDTH), st.expander(title):
                _draw(page, part.parts, values)
        elif part.kind == "lab":
            draw_lab(page, part.text)
        else:
            with boundary(), st.container(width=READING_WIDTH):
                figure(page, part.text)


def figure(page: Page, name: str) -> None:
    """A picture in the prose, of the lab that it belongs to; raises CourseError for a name that no picture has.

    One whose lab cannot be opened is drawn as before any run: another lab's answer would not fit.
    """
    own = _lab_of(page, name)
    lab = own or page.lab
    if lab is None:
        raise CourseError("unknown_figure", name=name, known="")
    place = f"prose{page.drawn.count(name)}"  # the same picture may stand in two steps
    page.drawn.append(name)
    draw_picture(lab, name, Shown() if own is None else shown_by(own), place)


def _lab_of(page: Page, name: str) -> Lab | None:
    """The lab whose pictures hold this one, else the one whose experiment it is named after."""
    labs = page.labs.values()
    prefix = name.partition(".")[0]
    listed = [lab for lab in labs if name in lab.plan.pictures]
    named = [lab for lab in labs if lab.plan.experiment == prefix and not lab.plan.runs]
    return next(iter([*listed, *named]), None)


def shown_by(lab: Lab) -> Shown:
    """What a picture outside the lab may look at: the lab's run at its newest frame, its runs, or its answer."""
    if lab.plan.card.light:
        return shown_light(lab, answer_light(lab.plan.experiment, lab.state.settings))
    if lab.plan.runs:
        views = watched(lab)
        names = tuple(run.name(lab.language) for run in lab.plan.runs)
        return Shown(tuple(views[run.id] for run in lab.plan.runs), names)
    view, panel = lab.shown_run(), panel_of(lab.plan.experiment)
    if view is None or not view.frames or panel is None:
        return Shown((view,) if view is not None else ())
    found: Shown = panel.shown(lab, view, chosen_frame(lab, view))
    return found


def _named_elsewhere(page: Page, id: str) -> bool:
    """Whether some step's text draws this lab itself."""
    return any(f"{{{{lab:{id}}}}}" in text for text in page.lesson.sections(page.language).values())


def draw_lab(page: Page, id: str) -> None:
    """One lab, once on the page: at once, with one run, or with a list of runs; its trouble where it has one."""
    plan: LabPlan = page.lesson.lab(id)
    if id in page.drawn or page.reading:
        return
    page.drawn.append(id)
    if plan.trouble is not None:
        st.warning(shell.plain(plan.trouble.text(page.language)))
        return
    lab = page.labs[id]
    with boundary():
        if plan.card.light:
            light_step(lab)
        elif plan.runs:
            compare_step(lab, page.ready)
        else:
            train_step(lab, page.ready)
            view = lab.shown_run()
            if view is not None and view.state == "finished":
                lab.done("train")
    panel = panel_of(plan.experiment)
    if panel is not None and hasattr(panel, "after"):
        with boundary():
            panel.after(lab)
