"""The frame of every page: header, language switch, navigation, and what a page needs from its surroundings.

A page imports this module alone: ``language()``, ``t()``, ``runs()``, ``store()``, ``learner()``, ``lessons()``,
``boundary()``, ``title()`` and ``lesson_link()``.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

from course_lib.errors import CourseError
from course_lib.settings import PROJECT
from course_lib.ui import account, class_now, services
from course_lib.ui.identity import NAMELESS, learner
from course_lib.ui.language import STATE, Language, choose, language, t
from course_lib.ui.live_figure import dark
from course_lib.ui.pace import pace
from course_lib.ui.services import store
from course_lib.ui.this_run import once, one_run, running
from course_lib.ui.trouble import boundary, forget_elsewhere, guarded, plain, show, told

if TYPE_CHECKING:
    from course_lib.course.lessons import Course, Lesson
    from course_lib.course.private_data import LearnersRuns
    from course_lib.course.store import Activity, Learner

__all__ = [
    "boundary",
    "course",
    "dark",
    "forget_session",
    "frame",
    "guarded",
    "language",
    "learner",
    "lesson_link",
    "lesson_ready",
    "lessons",
    "memory_trouble",
    "notebook",
    "open_lesson",
    "page_file",
    "plain",
    "reset_lab",
    "runs",
    "store",
    "t",
    "tell_memory",
    "title",
    "told",
]

PAGES = PROJECT / "pages"
FRONT = Path(__file__).parent / "front" / "page.py"  # the script that the server runs
BRAND = "LiveRec"
HOME = "home"
SWITCH = "shell_language"  # the key of the language switch


def course() -> Course:
    """All lessons and groups; read again only when a file has changed. Raises CourseError."""
    from course_lib.course.lessons import load_course

    return once("course", load_course)


def lessons() -> tuple[Lesson, ...]:
    """All lessons in course order. Raises CourseError."""
    return course().lessons


def notebook() -> Learner:
    """What the course remembers of this learner: answers, guesses, steps, runs, preferences.

    Where the database cannot be read it is empty, and :func:`memory_trouble` says why: a lesson can be read without.
    What writes to it raises CourseError all the same.
    """
    return once("notebook", _notebook)


def _notebook() -> Learner:
    key, troubles = learner(), list[CourseError]()
    try:
        return store().learner(key, for_a_page=running(), troubles=troubles)
    except CourseError as error:
        if not error.of_the_database:
            raise
        from course_lib.course.store import Unopened

        return Unopened(error).learner(key, troubles=troubles)


def memory_trouble() -> CourseError | None:
    """Why what the course remembers could not be read in this drawing; None where it could, or nothing was asked."""
    troubles = notebook().troubles
    return troubles[0] if troubles else None


def tell_memory() -> bool:
    """Says why nothing remembered is shown, with a button that looks again; whether there was anything to say."""
    error = memory_trouble()
    if error is not None:
        st.error(f"**{t('shell.not_read')}** {plain(error.text(language()))}")
        st.button(t("shell.try_again"), key="shell_read_again")  # a press draws the page anew
    return error is not None


def runs() -> LearnersRuns:
    """What starts, watches, stops and asks runs, as far as they are this learner's to read. Raises CourseError."""
    from course_lib.course.private_data import LearnersRuns

    return LearnersRuns(services.runs(), learner())


def page_file(lesson_id: str) -> Path:
    """Where a lesson's page is, whether or not it has been written."""
    return PAGES / f"{lesson_id}.py"


def lesson_ready(lesson: Lesson) -> bool:
    """Whether the lesson can be opened: it has its prose and its page."""
    return lesson.ready and page_file(lesson.id).is_file()


def pages(titles: Mapping[str, str]) -> list[st.Page]:
    """Every page of the course, home first: a file in pages/ is a page. ``titles`` names lessons by id."""
    own = {
        "certificate": t("certificate.title"),
        "classroom": t("classroom.title"),
        "my_progress": t("shell.progress"),
        "data": t("shell.data"),
        "my_data": t("shell.my_data"),
        "placement": t("placement.title"),
        "capstone": t("shell.capstone"),
        "make_shop": t("shell.make_shop"),
        "teach": t("shell.teach"),
    }
    named = {HOME: t("shell.map"), **own, **titles}
    return [
        st.Page(
            path, title=f"{named.get(path.stem, path.stem)} · {BRAND}", url_path=path.stem, default=path.stem == HOME
        )
        for path in sorted(PAGES.glob("*.py"), key=lambda path: (path.stem != HOME, path.stem))
    ]


@one_run()
def frame() -> None:
    """Draws the header and, below it, the page that the learner is on."""
    st.set_page_config(layout="wide", initial_sidebar_state="collapsed")
    trouble: Exception | None = None
    known: dict[str, Lesson] = {}
    try:
        known = {lesson.id: lesson for lesson in lessons()}
    except Exception as error:  # whatever is wrong with the lessons, the header stays
        trouble = error
    current = st.navigation(pages({id: lesson.title(language()) for id, lesson in known.items()}), position="hidden")
    forget_elsewhere(current.url_path)
    header()
    closed = known.get(current.url_path)
    class_now.note(current.url_path if closed is not None else "", activity_for_class())
    if trouble is not None:
        show(trouble)
    elif closed is not None and not closed.ready:
        closed_lesson(closed)
    elif closed is not None and not (class_now.is_open(closed.id) or class_now.is_readable(closed.id)):
        from course_lib.ui import class_strip

        with boundary():
            class_strip.held(closed)
    else:
        with boundary(), pace.measured("page"):
            current.run()


def activity_for_class() -> Activity | None:
    """What the learner has done, where somebody wants to know: for members of a class."""
    from course_lib.errors import CourseError

    try:
        return notebook().activity() if class_now.mine() is not None else None
    except CourseError:
        return None


def closed_lesson(lesson: Lesson) -> None:
    """What stands where a lesson would be that has a page and cannot be opened."""
    title(lesson.title(language()), lesson.summary(language()))
    for problem in lesson.problems:
        st.warning(plain(problem.text(language())))
    if not lesson.problems:
        st.info(t("shell.in_preparation_long"))
    st.page_link(page_file(HOME), label=t("shell.back"))


def header() -> None:
    """Brand, course map, progress, data, the learner's own, capstone, teaching for who does, account, language."""
    lang = language()
    st.session_state[SWITCH] = lang
    with st.container(horizontal=True, vertical_alignment="center", key="shell_header"):
        st.page_link(PAGES / "home.py", label=f"**{BRAND}**")
        st.page_link(PAGES / "home.py", label=t("shell.map"))
        st.page_link(PAGES / "my_progress.py", label=t("shell.progress"))
        st.page_link(PAGES / "data.py", label=t("shell.data"))
        st.page_link(PAGES / "my_data.py", label=t("shell.my_data"))
        st.page_link(PAGES / "capstone.py", label=t("shell.capstone"))
        st.page_link(PAGES / "make_shop.py", label=t("shell.make_shop"))
        if class_now.mine() is not None:  # for who learns alone, or has not joined, the way is on My progress
            st.page_link(PAGES / "classroom.py", label=t("classroom.header"))
        if instructing():
            st.page_link(PAGES / "teach.py", label=t("shell.teach"))
        account.draw()
        st.segmented_control(
            "Language · 语言",
            ["zh", "en"],
            format_func={"zh": "中文", "en": "English"}.__getitem__,
            key=SWITCH,
            required=True,
            label_visibility="collapsed",
            on_change=guarded(_switched, SWITCH),
        )
    told(SWITCH)
    account.tell()
    _document()(
        key="shell_document",
        data={"lang": "zh-CN" if lang == "zh" else "en", "theme": "dark" if dark() else "light"},
        on_theme_change=lambda: None,
    )


def instructing() -> bool:
    """Whether to offer the way to the Teaching page, which asks for itself who may be there."""
    from course_lib.course.roles import is_instructor

    try:
        return once("instructor", lambda: is_instructor(store(), learner()))
    except CourseError:
        return False  # the page below says what is wrong


def _switched() -> None:
    chosen: Language = st.session_state[SWITCH]
    choose(chosen)


@functools.cache
def _document() -> Any:
    source = Path(__file__).with_name("document.js").read_text(encoding="utf-8")
    return st.components.v2.component("liverec_document", html="<i></i>", js=source, isolate_styles=False)


def title(heading: str, lead: str | None = None) -> None:
    """The page's one top heading and, under it, one sentence that says what the page is for."""
    st.title(heading, anchor=False)
    if lead:
        st.markdown(lead)


def lesson_link(lesson: Lesson, label: str | None = None, **query: str) -> None:
    """A link to a lesson's page; ``query`` is put into the address. A lesson in preparation is named, not linked."""
    name = label or lesson.title(language())
    if lesson_ready(lesson):
        st.page_link(page_file(lesson.id), label=name, query_params=query or None)
    else:
        st.markdown(f"{name} · {t('shell.in_preparation')}")


def open_lesson(lesson_id: str, **query: str) -> None:
    """Goes to a lesson's page, with ``query`` in the address."""
    st.switch_page(page_file(lesson_id), query_params=query or None)


def forget_session(lesson_id: str | None = None) -> None:
    """Forgets what this browser tab holds of a lesson, or of all lessons; what the database holds is not touched."""
    kept = {STATE, SWITCH, NAMELESS}
    for key in list(st.session_state):
        name = str(key)
        if name not in kept and (lesson_id is None or f".{lesson_id}." in f".{name}."):
            del st.session_state[key]


def reset_lab(lesson_id: str) -> None:
    """Forgets what this browser tab has open in a lesson's lab, so that the next visit starts from link or database."""
    for key in [key for key in st.session_state if str(key).startswith(f"lab.{lesson_id}.")]:
        del st.session_state[key]
