"""Where to begin: a path through the lessons, eight questions on what is known already, and the way that follows."""

from __future__ import annotations

import streamlit as st

from course_lib.course.placement import (
    Placement,
    Route,
    Taken,
    known_lessons,
    load_placement,
    minutes_left,
    next_lesson,
    on_route,
    taken,
)
from course_lib.course.progress import lesson_progress
from course_lib.course.quiz import Question
from course_lib.ui import shell
from course_lib.ui.language import keep_choice
from course_lib.ui.shell import t

READING_WIDTH = 780  # pixels, as of a lesson's prose
ROUTE, TAKE = "placement_route", "placement_take"
lang = shell.language()


def choose_route(placement: Placement, before: Taken | None) -> Route | None:
    """One of the paths, each with what it leads through and how long it takes."""
    routes = {route.id: route for route in placement.routes}
    keep_choice(ROUTE)
    ids = list(routes)
    return routes.get(
        st.radio(
            t("placement.who"),
            ids,
            format_func=lambda id: routes[id].name(lang),
            captions=[_caption(routes[id]) for id in ids],
            index=ids.index(before.route.id) if before is not None else None,
            key=ROUTE,
            persist_state="session",
        )
        or ""
    )


def _caption(route: Route) -> str:
    steps = on_route(route, lessons)
    left = minutes_left(steps, {})
    return t("placement.size", summary=route.summary(lang), lessons=len(steps), minutes=left)


def ask(number: int, question: Question) -> int | None:
    """One question; the place of what was chosen, with why it is right or wrong as soon as it is."""
    key = f"placement_{question.id}"
    keep_choice(key)
    with st.container(border=True):
        place = st.radio(
            f"**{number}.** {question.prompt(lang)}",
            list(range(len(question.options))),
            format_func=lambda place: question.options[place].text(lang),
            index=None,
            key=key,
            persist_state="session",
        )
        if place is not None:
            option = question.options[place]
            (st.success if option.correct else st.warning)(option.why(lang))
    return place


def take(route: Route, known: frozenset[str]) -> None:
    """Keeps the path; the first page and its map show it from now on."""
    shell.notebook().set_preference("route", Taken(route, known).to_store())


def show(mine: Taken) -> None:
    """The path as links: what is known may be left out, and how long the rest takes."""
    steps = on_route(mine.route, lessons)
    st.header(t("placement.yours", name=mine.route.name(lang)), anchor=False)
    st.markdown(t("placement.left", minutes=minutes_left(steps, shares, mine.known)))
    for number, lesson in enumerate(steps, 1):
        known = f" · {t('placement.known')}" if lesson.id in mine.known else ""
        minutes = t("home.minutes", minutes=lesson.minutes)
        shell.lesson_link(lesson, f"{number}\\. {lesson.title(lang)} · {minutes}{known}")
    coming = next_lesson(steps, shares, mine.known)
    if coming is not None and st.button(
        t("home.start", lesson=coming.title(lang)), type="primary", key="placement_start"
    ):
        shell.open_lesson(coming.id)


lessons = [lesson for lesson in shell.lessons() if shell.lesson_ready(lesson)]
activity = shell.notebook().activity()
shares = {lesson.id: lesson_progress(lesson, activity).share for lesson in lessons}

shell.title(t("placement.title"), t("placement.lead"))
shell.tell_memory()
with shell.boundary(), st.container(width=READING_WIDTH):
    placement = load_placement()
    before = taken(shell.notebook().preference("route"), placement.routes)
    route = choose_route(placement, before)
    st.subheader(t("placement.questions"), anchor=False)
    st.caption(t("placement.optional"))
    chosen = {question.id: ask(number, question) for number, question in enumerate(placement.questions, 1)}
    known = known_lessons(placement.questions, chosen)
    st.button(
        t("placement.take"),
        key=TAKE,
        type="secondary" if before is not None else "primary",
        disabled=route is None,
        help=t("placement.choose_first") if route is None else None,
        on_click=shell.guarded(take, TAKE),
        args=(route, known if any(one is not None for one in chosen.values()) or before is None else before.known),
    )
    shell.told(TAKE)
    if before is not None:
        show(before)
