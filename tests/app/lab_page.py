"""Opens a lesson's page under AppTest with a :class:`lab_stage.Stage` in place of the workers."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from lab_stage import Stage
from streamlit.proto.WidgetStates_pb2 import WidgetState
from streamlit.testing.v1 import AppTest

from course_lib.course.guesses import Guess
from course_lib.course.lessons import Lesson
from course_lib.experiments.config import RunConfig
from course_lib.settings import load_settings
from course_lib.ui import services, shell

LESSON, LAB = "user_understanding", "train"


def set_stage(monkeypatch: pytest.MonkeyPatch, home: Path) -> Stage:
    """A stage in a home of its own; the database starts empty."""
    monkeypatch.setenv("LIVEREC_HOME", str(home))
    stage = Stage()
    monkeypatch.setitem(services._runs, load_settings(), stage)
    return stage


def lesson_of(id: str = LESSON) -> Lesson:
    """A lesson of the course."""
    return next(one for one in shell.lessons() if one.id == id)


def open_page(language: str, lesson: str = LESSON, **query: str) -> AppTest:
    """The page as a browser with this link draws it first; the tiny shop unless the link says otherwise."""
    if lesson == LESSON:
        query = {"size": "tiny", **query}
    return open_plain(lesson, lang=language, **query)


def open_plain(lesson: str = LESSON, **query: str) -> AppTest:
    """The page by its plain address, as a reload without a link or a second browser opens it."""
    page = AppTest.from_file(str(shell.FRONT), default_timeout=60).switch_page(f"../../../pages/{lesson}.py")
    for name, value in query.items():
        page.query_params[name] = value
    return page.run()


def tiny(**settings: object) -> RunConfig:
    """The run of the page's choices when nothing but the size has been changed."""
    return RunConfig.make("next_item", {"dataset": ("shop", "tiny")}, {"model": "sasrec", **settings})


def key(name: str, lesson: str = LESSON, lab: str = LAB) -> str:
    """The key of a lab's widget."""
    return f"lab.{lesson}.{lab}.{name}"


def guess_key(name: str, lesson: str = LESSON) -> str:
    """The key of a guess's widget."""
    return f"guess.{lesson}.{name}"


def quiz_key(name: str, lesson: str = LESSON) -> str:
    """The key of a question's widget."""
    return f"lesson.{lesson}.quiz.{name}"


def button(page: AppTest, name: str) -> Any:
    """A button of the lab by the last part of its key."""
    return page.button(key=key(name))


def skip(page: AppTest, lesson: str = LESSON) -> AppTest:
    """The learner does not want to guess."""
    return page.button(key=guess_key("skip", lesson)).click().run()


def guess(page: AppTest, one: Guess, value: Any, lesson: str = LESSON) -> AppTest:
    """The learner gives a guess: an option's id, or a number on the slider."""
    name = guess_key(one.id, lesson)
    (page.radio(key=name) if one.kind == "choice" else page.select_slider(key=name)).set_value(value).run()
    return page.button(key=f"{name}.commit").click().run()


def an_answer(one: Guess) -> Any:
    """Something that may be said to a guess."""
    return one.options[0].id if one.kind == "choice" else one.low


def open_guesses(page: AppTest, lesson: str = LESSON) -> list[str]:
    """The guesses that the page asks for now."""
    ids = {guess_key(one.id, lesson): one.id for one in lesson_of(lesson).guesses}
    return [ids[str(one.key)] for one in (*page.radio, *page.select_slider) if str(one.key) in ids]


def tab(page: AppTest, name: str) -> AppTest:
    """Looks at another tab of the run: a picture's name, "cards", "guesses" or "runs"."""
    return page.segmented_control(key=key("tab")).set_value(name).run()


def _part(page: AppTest, name: str) -> Any:
    """A component of the course's own by its key; the lab's by the last part of it."""
    ends = (f"-{name}", f"-{key(name)}")
    return next(one.proto for one in page.get("bidi_component") if one.proto.id.endswith(ends))


def drawn(page: AppTest, name: str) -> bool:
    """Whether a component is on the page."""
    return any(one.proto.id.endswith(f"-{key(name)}") for one in page.get("bidi_component"))


def told(page: AppTest, name: str) -> dict[str, Any]:
    """What the browser is told to draw there."""
    part = _part(page, name)
    data: dict[str, Any] = json.loads(part.json or gzip.decompress(part.bytes))  # a figure comes compressed
    return data


def scrub(page: AppTest, place: str, frame: Any) -> AppTest:
    """The learner lets go of the frame slider of the step "train" or "look"; AppTest has no hand for it."""
    slider = f"widget.frame.{place}"
    drawn = told(page, slider)
    move = {"frame": frame, "newest": frame == drawn["newest"], "turn": drawn["turn"] + 1}
    states = page._tree.get_widget_states()
    states.widgets.append(WidgetState(id=_part(page, slider).id, json_value=json.dumps({"move": move})))
    return page._run(states)


def link(page: AppTest) -> str:
    """The address that the page offers for sharing, from the code box in Look inside."""
    return next(code.value for code in page.code if "shopper=" in code.value)


def words(page: AppTest) -> str:
    """All that the page says in prose, notes and messages."""
    kinds = (page.markdown, page.caption, page.info, page.warning, page.error, page.success, page.header, page.title)
    said = [str(element.value) for kind in (*kinds, page.subheader) for element in kind]
    return "\n".join([*said, *(bar.proto.text for bar in page.get("progress"))])


def helps(page: AppTest) -> str:
    """What the question marks beside headings say."""
    return "\n".join(str(element.proto.help) for element in page.markdown)


def lists(page: AppTest) -> str:
    """The product cards of every list on the page."""
    return "\n".join(one.proto.body for one in page.get("html") if "lab-list" in one.proto.body)


def nothing_broke(page: AppTest) -> None:
    """No traceback and no unforeseen error."""
    assert not page.exception
    assert not page.error
