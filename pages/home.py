"""Home: what the course promises, the way back to where the learner stopped, and the map of all lessons."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from course_lib.course.lessons import Lesson
from course_lib.course.placement import Taken, load_placement, minutes_left, next_lesson, on_route, taken
from course_lib.course.progress import LessonProgress, lesson_progress
from course_lib.course.store import Activity
from course_lib.figures.path import course_map
from course_lib.ui import recorded, shell
from course_lib.ui.drawn import Drawn, shared
from course_lib.ui.live_figure import live_figure
from course_lib.ui.server import MISSING
from course_lib.ui.shell import t

FIRST = "user_understanding"  # the lesson whose recorded run opens the course


def last_place(activity: Activity) -> tuple[str, str | None] | None:
    """The lesson, and the section where it is known, in which the learner did something last."""
    steps = [(step.at, step.lesson, step.anchor) for step in activity.steps]
    answers = [(answer.at, answer.lesson, "check") for answer in activity.answers]
    guesses = [(guess.at, guess.lesson, "predict") for guess in activity.guesses]
    runs = [(run.at, run.lesson, "train") for run in activity.runs]
    places = sorted([*steps, *answers, *guesses, *runs])
    return (places[-1][1], places[-1][2]) if places else None


def continue_or_start(lessons: list[Lesson], activity: Activity, progress: dict[str, LessonProgress]) -> None:
    """One button: to where the learner stopped, or to the first lesson that can be opened."""
    ready = {lesson.id: lesson for lesson in lessons if lesson.ready}
    if not ready:
        return
    place = last_place(activity)
    with st.container(key="home_continue"):
        if place is None or place[0] not in ready:
            coming = next_lesson(on_route(mine.route, lessons), {}, mine.known) if mine is not None else None
            first = coming or next(iter(ready.values()))
            if st.button(t("home.start", lesson=first.title(lang)), type="primary", key="home_start"):
                shell.open_lesson(first.id)
            st.caption(first.summary(lang))
            return
        lesson = ready[place[0]]
        if st.button(t("home.continue", lesson=lesson.title(lang)), type="primary", key="home_resume"):
            shell.open_lesson(lesson.id)
        where = lesson.headings.get(lang, {}).get(place[1] or "")
        share = f"{progress[lesson.id].share:.0%}"
        st.caption(t("home.stopped_at", section=where, share=share) if where else t("home.share", share=share))


def path_line(mine: Taken | None) -> None:
    """The path that the learner took and what is left of it, or the way to one."""
    if mine is not None:
        steps = on_route(mine.route, [lesson for lesson in lessons if lesson.ready])
        left = minutes_left(steps, {id: one.share for id, one in progress.items()}, mine.known)
        st.caption(t("placement.on_path", name=mine.route.name(lang), minutes=left))
    label = t("placement.link") if mine is None else t("placement.change")
    st.page_link(shell.page_file("placement"), label=label)


def lesson_list(lessons: list[Lesson], progress: dict[str, LessonProgress]) -> None:
    """The map again as plain links, for keyboards, screen readers and thumbs."""
    group = ""
    for lesson in lessons:
        if lesson.group != group:
            group = lesson.group
            st.subheader(groups.get(group, group), anchor=False)
        with st.container(key=f"home_lesson_{lesson.id}", gap=None):
            label = f"{lesson.order}\\. {lesson.title(lang)}"  # the backslash: no Markdown list
            if lesson.ready:
                shell.lesson_link(lesson, f"**{label}**")
                share = progress[lesson.id].share
                facts = [t("home.minutes", minutes=lesson.minutes)]
                facts += [t("home.share", share=f"{share:.0%}")] if share else []
            else:
                st.markdown(label)
                facts = [t("shell.in_preparation")]
            st.caption(f"{lesson.summary(lang)} · {' · '.join(facts)}")
            for problem in lesson.problems[:1]:
                st.warning(shell.plain(problem.text(lang)))


def the_map(narrow: bool) -> Drawn:
    """The course as a picture; learners who have come equally far share one."""
    shares = {lesson.id: progress[lesson.id].share for lesson in lessons}
    ready = tuple(lesson.ready for lesson in lessons)
    path = mine.route.lessons if mine is not None else ()
    return shared(
        ("course_map", lang, narrow, ready, tuple(shares.values()), path),
        shell.course(),
        lambda: course_map(lessons, shares, lang, groups, narrow, path),
    )


lang = shell.language()
groups = {group.id: group.name(lang) for group in shell.course().groups}
# A lesson whose page has not been written cannot be opened, whatever its folder says.
lessons = [replace(lesson, ready=shell.lesson_ready(lesson)) for lesson in shell.lessons()]
activity = shell.notebook().activity()  # empty where the database cannot be read, which hides no lesson
progress = {lesson.id: lesson_progress(lesson, activity) for lesson in lessons}
mine = taken(shell.notebook().preference("route"), load_placement().routes)

shell.title(t("home.title"), t("home.promise"))
shell.tell_memory()
with shell.boundary():
    recorded.swap(FIRST, "home")
if missing := st.query_params.get(MISSING):
    st.info(shell.plain(t("home.missing", name=missing[:60])))
continue_or_start(lessons, activity, progress)
path_line(mine)
with shell.boundary():
    live_figure(the_map(narrow=False), key="home_map", narrow=the_map(narrow=True), on_click=shell.open_lesson)
st.header(t("home.all_lessons"), anchor=False)
lesson_list(lessons, progress)
st.page_link(shell.page_file("classroom"), label=t("classroom.link"))
st.page_link(shell.page_file("teach"), label=t("home.teach"))
