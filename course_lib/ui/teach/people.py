"""Who is in the class: where each is and how far, when they were last active, and who asks for help, first of all."""

from __future__ import annotations

import html
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

import streamlit as st

from course_lib.course import classes
from course_lib.course.class_people import Person, class_people
from course_lib.course.lessons import Lesson
from course_lib.course.markdown import ANCHORS
from course_lib.ui import shell
from course_lib.ui.language import duration
from course_lib.ui.shell import t
from course_lib.ui.teach import guard
from course_lib.ui.teach.names import Names, names
from course_lib.ui.this_run import one_run

if TYPE_CHECKING:
    from course_lib.course.classes import Classroom

POLL_S = 3.0
MOST_HELP = 6  # buttons for those who ask for help; the table shows everybody


def people(key: str) -> None:
    """The grid, brought up to date every few seconds as long as the class is open."""
    live = guard.room(key).closed is None
    st.fragment(_people, run_every=POLL_S if live else None)(key)


@one_run()
def _people(key: str) -> None:
    with shell.boundary():
        guard.room(key)
        everybody = class_people(shell.store(), key)
        called = names(everybody)
        asking = [person for person in everybody if person.help_since is not None]
        here = sum(person.here() for person in everybody)
        st.markdown(f"**{t('teach.here', here=here, people=len(everybody))}**")
        if not everybody:
            st.caption(t("teach.nobody"))
            return
        _helping(key, asking, called)
        st.html(table(everybody, called, {lesson.id: lesson for lesson in shell.lessons()}))


def _helping(key: str, asking: list[Person], called: Names) -> None:
    """One button for each who asks for help, to be pressed when it was given."""
    if not asking:
        return
    st.caption(t("teach.help_lead"))
    with st.container(horizontal=True, key="teach_helping"):
        for person in asking[:MOST_HELP]:
            st.button(
                shell.plain(called.of(person.learner)),
                key=f"teach_helped_{person.number}",
                on_click=guard.pressed("help", key, _helped, person.learner),
            )
    guard.told("help")


def _helped(classroom: Classroom, learner: str) -> None:
    store = shell.store()
    if any(member.learner == learner for member in classes.members(store, classroom.key)):
        classes.ask_help(store, learner, False)


def table(people: tuple[Person, ...], called: Names, lessons: Mapping[str, Lesson]) -> str:
    """HTML: one row a learner; all that people have written is escaped."""
    numbers = [
        f'<th scope="col" class="teach-step"><abbr title="{html.escape(name, quote=True)}">{number}</abbr></th>'
        for number, name in enumerate(map(_step_name, ANCHORS), 1)
    ]
    head = [_head("learner"), _head("help"), _head("lesson"), *numbers, _head("active"), _head("runs")]
    now = time.time()
    body = "".join(f"<tr>{''.join(_row(person, called, lessons, now))}</tr>" for person in people)
    caption = html.escape(t("teach.table_caption"))
    return (
        f'<div class="lab-table teach-people"><table><caption>{caption}</caption>'
        f"<thead><tr>{''.join(head)}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _head(name: str) -> str:
    return f'<th scope="col">{html.escape(t(f"teach.column_{name}"))}</th>'


def _step_name(anchor: str) -> str:
    return t(f"teach.step_{anchor.replace('-', '_')}")


def _row(person: Person, called: Names, lessons: Mapping[str, Lesson], now: float) -> list[str]:
    lesson = lessons.get(person.lesson)
    cells = [f'<th scope="row">{html.escape(called.of(person.learner))}</th>']
    waiting = "" if person.help_since is None else t("teach.asks", time=duration(max(1.0, now - person.help_since)))
    cells.append(f'<td class="teach-asks">{html.escape(waiting)}</td>')
    cells.append(f"<td>{html.escape(lesson.title(shell.language()) if lesson else '–')}</td>")
    cells += [_step(person, anchor) for anchor in ANCHORS]
    ago = now - person.seen
    cells.append(f"<td>{html.escape(t('teach.now') if ago < 30 else t('teach.ago', time=duration(ago)))}</td>")
    cells.append(f"<td>{person.runs}</td>")
    return cells


def _step(person: Person, anchor: str) -> str:
    """A mark and, for who does not see it, a word."""
    if not person.lesson:
        return '<td class="teach-step"></td>'
    here = person.anchor == anchor
    done = anchor in person.steps
    mark, word = ("◉", "here") if here else ("●", "done") if done else ("○", "open")
    said = html.escape(t(f"teach.mark_{word}"), quote=True)
    return f'<td class="teach-step teach-{word}"><span role="img" aria-label="{said}" title="{said}">{mark}</span></td>'
