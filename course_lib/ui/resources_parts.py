"""What the page of sources draws: search, review, glossary, sources by lesson, answers, licences of the libraries."""

from __future__ import annotations

import functools
import importlib.metadata
import re
import time
from collections.abc import Sequence

import streamlit as st

from course_lib.course.answers import load_answers
from course_lib.course.course_search import LONGEST, CourseSearch, Found, passages
from course_lib.course.glossary import load_glossary
from course_lib.course.lessons import Course, Lesson
from course_lib.course.markdown import ANCHORS, fill_values
from course_lib.course.review import Due, due_now, to_review
from course_lib.settings import PROJECT
from course_lib.ui import quiz, shell
from course_lib.ui.glossary_terms import tell_terms
from course_lib.ui.lesson_values import every_value, measured_values
from course_lib.ui.shell import plain, t

QUERY, TERM = "resources.query", "resources.term"
TODAY = "resources_review"  # session: the questions that were due when the page was first opened today
READING_WIDTH = 780  # pixels, as of a lesson's prose


# ---- search


def search() -> None:
    """A field for a query, and what answers it."""
    with st.container(width=READING_WIDTH):
        st.fragment(_search)()


def _search() -> None:
    query = st.text_input(
        t("resources.query"),
        key=QUERY,
        max_chars=LONGEST,
        placeholder=t("resources.query_hint"),
        persist_state="session",
    )
    if not query.strip():
        return
    with shell.boundary():
        found = _index(shell.course()).find(query, shell.language())
        if not found:
            st.info(t("resources.nothing", query=plain(query)))
        for place, one in enumerate(found):
            _hit(one, place)


def _index(course: Course) -> CourseSearch:
    """The index over a course; made again when one of its files changes."""
    if not _made or _made[0][0] is not course:  # a course is one object until a file changes
        _made[:] = [(course, CourseSearch(passages(course.lessons, load_glossary(), load_answers(), _filled)))]
    return _made[0][1]


_made: list[tuple[Course, CourseSearch]] = []  # the newest index, for all learners


def _filled(lesson: str, section: str, language: str) -> str:
    return fill_values(section, measured_values(lesson, language) if lesson else every_value(language))


def _hit(found: Found, place: int) -> None:
    one, language = found.passage, shell.language()
    with st.container(border=True, key=f"resources_hit_{place}"):
        st.markdown(f"**{plain(one.titles[language])}** · {t(f'resources.kind_{one.kind}')}")
        st.caption(plain(found.excerpt))
        lesson = next((lesson for lesson in shell.lessons() if lesson.id == one.lesson), None)
        if lesson is not None and one.kind != "answer":
            step = f"{ANCHORS.index(one.anchor) + 1} {lesson.heading(one.anchor, language)}"
            shell.lesson_link(lesson, f"{lesson.title(language)} · {step}")


# ---- review


def review() -> None:
    """The questions that are due today; where none is, when the next comes back."""
    with st.container(width=READING_WIDTH):
        waiting = to_review(shell.lessons(), shell.notebook().attempts())
        today = _todays(waiting)
        if not today:
            st.info(_until(waiting))
            return
        for number, due in enumerate(today, 1):
            st.caption(due.lesson.title(shell.language()))
            quiz.draw_question(due.lesson, number, due.question)


def _todays(waiting: Sequence[Due]) -> list[Due]:
    """What was due when the page was first opened today, each asked anew once; answered ones stay to be read."""
    day = time.strftime("%Y-%m-%d", time.gmtime())
    if st.session_state.get(TODAY, ("",))[0] != day:
        due = due_now(waiting, time.time())
        st.session_state[TODAY] = (day, [(one.lesson.id, one.question.id) for one in due])
        for one in due:
            quiz.ask_again(one.lesson, one.question)
    chosen = st.session_state[TODAY][1]
    lessons = {lesson.id: lesson for lesson in shell.lessons() if lesson.ready}
    known = {
        (lesson.id, question.id): Due(lesson, question, 0.0)
        for lesson in lessons.values()
        for question in lesson.quiz.questions
    }
    return [known[one] for one in chosen if one in known]


def _until(waiting: Sequence[Due]) -> str:
    if not waiting:
        return t("resources.review_none")
    hours = max(1, round((waiting[0].at - time.time()) / 3600))
    return t("resources.review_later", count=len(waiting), hours=hours)


# ---- glossary and sources


def glossary() -> None:
    """All terms in both languages, with a field that narrows them."""
    with st.container(width=READING_WIDTH):
        st.fragment(_glossary)()


def _glossary() -> None:
    wanted = st.text_input(t("resources.term"), key=TERM, max_chars=LONGEST, persist_state="session").strip().casefold()
    found = [
        term
        for term in load_glossary()
        if not wanted or any(wanted in f"{term.name(lang)} {term.meaning(lang)}".casefold() for lang in ("zh", "en"))
    ]
    found.sort(key=lambda term: term.name("en").casefold())
    if not found:
        st.info(t("resources.nothing", query=plain(wanted)))
    elif wanted:
        tell_terms(found)
    else:
        with st.expander(t("resources.terms", count=len(found))):
            tell_terms(found)


def sources() -> None:
    """Every reference of the course once, with the lessons that cite it."""
    language = shell.language()
    cited: dict[tuple[str, str], list[Lesson]] = {}
    for lesson in shell.lessons():
        for one in lesson.references:
            cited.setdefault((one.text, one.url), []).append(lesson)
    rows = [
        f"- {f'[{text}]({url})' if url else text} · {t('datasets.join').join(one.title(language) for one in lessons)}"
        for (text, url), lessons in sorted(cited.items(), key=lambda entry: entry[0][0].casefold())
    ]
    with st.container(width=READING_WIDTH), st.expander(t("resources.sources", count=len(rows))):
        st.markdown("\n".join(rows))


# ---- answers and licences


def answers() -> None:
    """What learners ask, each question folded over its answer and the lessons that show it."""
    language = shell.language()
    values = every_value(language)
    lessons = {lesson.id: lesson for lesson in shell.lessons()}
    with st.container(width=READING_WIDTH):
        for one in load_answers():
            with st.expander(one.question(language), key=f"resources_answer_{one.id}"):
                st.markdown(fill_values(one.text(language), values))
                for id in one.lessons:
                    shell.lesson_link(lessons[id])


def licences() -> None:
    """The libraries that the course needs, as they are installed here, with the licence that each states."""
    columns = [t(f"resources.column_{name}") for name in ("library", "version", "licence")]
    with st.container(width=READING_WIDTH), st.expander(t("resources.libraries", count=len(installed()))):
        st.table([dict(zip(columns, row, strict=True)) for row in installed()])


@functools.cache
def installed() -> tuple[tuple[str, str, str], ...]:
    """Name, version and licence of each requirement that is installed, by name."""
    text = (PROJECT / "requirements.txt").read_text(encoding="utf-8")
    names = [match[0] for line in text.splitlines() if (match := re.match(r"[A-Za-z0-9_.-]+", line))]
    found = []
    for name in sorted(names, key=str.casefold):
        try:
            about = importlib.metadata.metadata(name)
        except importlib.metadata.PackageNotFoundError:
            continue  # a requirement of another system
        found.append((name, about["Version"], _licence(about)))
    return tuple(found)


def _licence(about: importlib.metadata.PackageMetadata) -> str:
    """What a package says of its licence: the SPDX expression, else the classifier, else the first line of the text."""
    if "License-Expression" in about:
        return str(about["License-Expression"])
    classes = [one for one in about.get_all("Classifier") or [] if one.startswith("License ::")]
    if classes:
        return ", ".join(one.rpartition(" :: ")[2] for one in classes)
    return str(about["License"]).splitlines()[0] if "License" in about else "–"
