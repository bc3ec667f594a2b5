"""Opens the lesson's page under AppTest with a :class:`lab_stage.Stage` in place of the workers."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from lab_stage import Stage
from streamlit.proto.WidgetStates_pb2 import WidgetState
from streamlit.testing.v1 import AppTest

from course_lib.runs.config import RunConfig
from course_lib.settings import PROJECT, load_settings
from course_lib.ui import services

PAGE = PROJECT / "pages" / "user_understanding.py"
LESSON = "user_understanding"


def set_stage(monkeypatch: pytest.MonkeyPatch, home: Path) -> Stage:
    """A stage in a home of its own; the database starts empty."""
    monkeypatch.setenv("LIVEREC_HOME", str(home))
    stage = Stage()
    monkeypatch.setitem(services._runs, load_settings(), stage)
    return stage


def open_page(language: str, **query: str) -> AppTest:
    """The page as a browser with this link draws it first; the tiny shop unless the link says otherwise."""
    page = AppTest.from_file(str(PAGE), default_timeout=30)
    for name, value in {"size": "tiny", "lang": language, **query}.items():
        page.query_params[name] = value
    return page.run()


def open_plain() -> AppTest:
    """The page by its plain address, as a reload without a link or a second browser opens it."""
    return AppTest.from_file(str(PAGE), default_timeout=30).run()


def tiny(**settings: object) -> RunConfig:
    """The run of the page's choices when nothing but the size has been changed."""
    return RunConfig.make("shop", "tiny", settings=settings)


def key(name: str) -> str:
    """A widget's key."""
    return f"lab.{LESSON}.{name}"


def button(page: AppTest, name: str):
    """A button by the last part of its key."""
    return page.button(key=key(name))


def _part(page: AppTest, name: str) -> Any:
    """A component of the course's own by the last part of its key."""
    return next(one.proto for one in page.get("bidi_component") if one.proto.id.endswith(f"-{key(name)}"))


def told(page: AppTest, name: str) -> dict[str, Any]:
    """What the browser is told to draw there."""
    part = _part(page, name)
    data: dict[str, Any] = json.loads(part.json or gzip.decompress(part.bytes))  # a figure comes compressed
    return data


def scrub(page: AppTest, place: str, epoch: int) -> AppTest:
    """The learner lets go of the epoch slider of the step "live" or "look"; AppTest has no hand for it."""
    slider = f"widget.epoch.{place}"
    drawn = told(page, slider)
    move = {"epoch": epoch, "newest": epoch == drawn["newest"], "turn": drawn["turn"] + 1}
    states = page._tree.get_widget_states()
    states.widgets.append(WidgetState(id=_part(page, slider).id, json_value=json.dumps({"move": move})))
    return page._run(states)


def link(page: AppTest) -> str:
    """The address that the page offers for sharing, from the code box in Look inside."""
    return next(code.value for code in page.code if "shopper=" in code.value)


def words(page: AppTest) -> str:
    """All that the page says in prose, notes and messages."""
    kinds = (page.markdown, page.caption, page.info, page.warning, page.error, page.success, page.header, page.title)
    return "\n".join(str(element.value) for kind in kinds for element in kind)


def nothing_broke(page: AppTest) -> None:
    """No traceback and no unforeseen error."""
    assert not page.exception
    assert not page.error
