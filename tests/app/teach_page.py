"""The Teaching page under AppTest, with two instructors, their classes and the people in them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from browsers import sit_down
from lab_stage import Stage
from my_data_page import staged
from streamlit.testing.v1 import AppTest

from course_lib.course import classes, instructor_secret, roles, tables
from course_lib.course.classes import Classroom
from course_lib.course.store import Store
from course_lib.experiments.config import RunConfig
from course_lib.runs.interface import Waiting
from course_lib.settings import PROJECT
from course_lib.ui import services
from course_lib.ui.teach import guard
from course_lib.ui.teach.page import TAB

PAGE = PROJECT / "pages" / "teach.py"
LESSON, GUESS = "user_understanding", "beats_markov"
ANNA, OTHER = "a" * 32, "b" * 32  # instructors
MEMBER, REMOVED, THEIRS, NOBODY = "c" * 32, "d" * 32, "e" * 32, "f" * 32  # THEIRS is in the other's class
PEOPLE = tuple(f"{number:032x}" for number in range(1, 6))  # more members of Anna's
SECRETS = ("Annas Dienstag", "Mina 敏")  # words that would give Anna's class away
KEPT = {"tries", "meta"}  # tables that a refused try may write


@dataclass
class School:
    """What a test finds."""

    stage: Stage
    store: Store
    annas: Classroom
    others: Classroom
    run: RunConfig
    secret: str

    def everything(self) -> dict[str, list[Any]]:
        """All rows that a class is made of, and what was asked of the runs."""
        names = [name for name in tables.metadata.tables if name not in KEPT]
        found = self.store.read_all({name: sa.select(tables.metadata.tables[name]) for name in names})
        rows: dict[str, list[Any]] = {name: sorted(map(repr, found[name])) for name in names}
        return {**rows, "stopped": list(self.stage.stopped), "first": list(self.stage.first)}


def school(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Iterator[School]:
    """Two classes in a home of their own; in Anna's somebody asks for help, and somebody's run waits."""
    for stage in staged(monkeypatch, folder):
        secret = instructor_secret.first_secret()
        store = services.store()
        for one in (ANNA, OTHER):
            roles.become_instructor(store, one, secret or "")
        annas, others = classes.open_class(store, ANNA, SECRETS[0]), classes.open_class(store, OTHER, "Theirs")
        for learner, name in {MEMBER: SECRETS[1], REMOVED: "Rolf", **{one: f"P{one[-1]}" for one in PEOPLE}}.items():
            classes.join_class(store, annas.code or "", learner, name)
        classes.join_class(store, others.code or "", THEIRS, "Theo")
        classes.remove_member(store, annas.key, REMOVED)
        for learner in (MEMBER, *PEOPLE):
            store.learner(learner).record_guess(LESSON, GUESS, "clear")
            classes.note_seen(store, learner, LESSON, "predict")
        classes.ask_help(store, MEMBER, True)
        classes.open_to_all(store, annas.key, [LESSON])
        classes.call_everyone(store, annas.key, LESSON, "train")
        run = RunConfig.make()
        stage.put(run, "queued", frames=0)
        other = RunConfig.make(seed=9)
        stage.waiting = (
            Waiting(other.run_id, other, (THEIRS,), True, None, None, 20.0, 0.0),
            Waiting(run.run_id, run, (THEIRS, MEMBER), False, 2, 20.0, 14.0, 0.0),
        )
        yield School(stage, store, annas, others, run, secret or "")


def open_teach(
    monkeypatch: pytest.MonkeyPatch, who: str, tab: str = "pace", forged: str | None = None, language: str = "en"
) -> AppTest:
    """The page as ``who`` sees it; ``forged`` puts a class into the session that nobody has chosen there."""
    sit_down(monkeypatch, who)
    page = AppTest.from_file(str(PAGE), default_timeout=60)
    page.query_params["lang"] = language
    page.session_state[TAB] = tab
    if forged is not None:
        page.session_state[guard.CHOSEN] = forged
    page.run()
    assert not page.exception
    return page


def words(page: AppTest) -> str:
    """Everything that stands on the page, HTML and choices included."""
    kinds = (page.title, page.header, page.subheader, page.markdown, page.caption, page.info, page.warning, page.error)
    said = [str(element.value) for kind in (*kinds, page.success, page.code) for element in kind]
    said += [element.proto.body for element in page.get("html")]
    said += [option for box in page.selectbox for option in box.options]
    said += [button.label for button in page.button]
    return "\n".join(said)
