"""The database is locked, full, damaged, gone or of another version while a lesson is open, and then is back.

Nothing is patched: the file itself has the fault. Prose and labs stay readable, what cannot be saved says so beside the
question and can be tried again with what was given, and the page is whole again when the database is.
"""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from lab_page import LESSON, guess_key, key, lesson_of, quiz_key, tiny
from lab_stage import Stage
from my_data_page import staged
from streamlit.testing.v1 import AppTest

from course_lib.course import tables
from course_lib.course.store import open_store
from course_lib.errors import CourseError
from course_lib.settings import load_settings
from course_lib.text import LANGUAGES, text
from course_lib.ui import services, shell

FINISH = f"lesson.{LESSON}.finish"


PATIENCE = 1.0  # seconds; the course's own five would only make the same tests longer


@pytest.fixture(autouse=True)
def stage(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Stage]:
    for one in staged(monkeypatch, tmp_path):
        address = load_settings().database_url
        services._stores[address] = open_store(address, PATIENCE)
        yield one


@pytest.fixture
def file() -> Path:
    """The database's file, which is there once something has been saved."""
    return load_settings().home / "course.sqlite"


def opened(language: str = "en", page: str = LESSON, link: str = "tiny") -> AppTest:
    front = AppTest.from_file(str(shell.FRONT), default_timeout=60)
    front.query_params["lang"] = language
    front.run()
    there = front.switch_page(f"../../../pages/{page}.py")
    if link:
        there.query_params["size"] = link
    return there.run()


def settled_in() -> None:
    """A learner who was here before: one guess and one answer are kept."""
    lesson = lesson_of()
    learner = services.store().learner()
    learner.record_guess(LESSON, lesson.guesses[0].id, lesson.guesses[0].options[0].id)
    question = lesson.quiz.questions[1]
    learner.record_answer(LESSON, question.id, [0], False, question.version)


def readable(page: AppTest, language: str = "en") -> None:
    """Header, prose of all steps and the lab are there, and no traceback."""
    assert not page.exception
    assert page.segmented_control(key=shell.SWITCH)
    lesson = lesson_of()
    assert page.title[0].value == lesson.title(language)
    assert len(page.header) >= 8, "every step has its heading"
    assert page.button(key=key("train"))
    assert page.number_input(key=key("widget.seed"))
    assert text("shell.broken", language) not in [one.value for one in page.error]


def chosen(page: AppTest) -> tuple[str, str]:
    """The first question with an option chosen, and its button."""
    question = lesson_of().quiz.questions[0]
    if question.several:
        page.checkbox(key=quiz_key(f"{question.id}.0")).check().run()
    else:
        page.radio(key=quiz_key(question.id)).set_value(0).run()
    return question.id, quiz_key(f"{question.id}.answer")


def again(name: str) -> str:
    return f"trouble.{name}.again"


def keys(page: AppTest) -> list[str]:
    return [str(one.key) for one in page.button]


def in_order(page: AppTest) -> list[str]:
    """Keys of buttons, and the beginnings of errors, as they follow each other on the page."""
    found: list[str] = []

    def walk(block: object) -> None:
        for child in getattr(block, "children", {}).values():
            if hasattr(child, "children"):
                walk(child)
            elif child.type == "error":
                found.append("error")
            elif getattr(child, "key", None):
                found.append(str(child.key))

    walk(page.main)
    return found


@contextlib.contextmanager
def locked(file: Path) -> Iterator[None]:
    """Another program holds the lock for writing."""
    with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


@contextlib.contextmanager
def shut(file: Path) -> Iterator[None]:
    """Another program keeps the database for itself, so that nobody may even read."""
    services.store().engine.dispose()
    with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        yield
        other.execute("ROLLBACK")


@contextlib.contextmanager
def full(file: Path) -> Iterator[None]:
    """The disk takes no further page, and those that are there have no room for another row."""
    store = services.store()

    def limit(connection: sqlite3.Connection, _: object) -> None:
        connection.execute("PRAGMA max_page_count = 1")  # as many as there are

    store.engine.dispose()
    sa.event.listen(store.engine, "connect", limit)
    somebody = store.learner("somebody else")
    for fills in (
        lambda n: somebody.record_answer(f"x{n}", "q", [], True),
        lambda n: somebody.record_guess(f"x{n}", "g", 1),
        lambda n: somebody.record_run(f"x{n}", "r"),
        lambda n: somebody.record_step(f"x{n}", "why"),
    ):
        assert refusal(fills) == "database_full"
    yield
    sa.event.remove(store.engine, "connect", limit)
    store.engine.dispose()


def refusal(fills: Callable[[int], None]) -> str:
    """The key of the error with which it ends."""
    try:
        for n in range(1000):
            fills(n)
    except CourseError as error:
        return error.key
    return ""


@contextlib.contextmanager
def gone(file: Path) -> Iterator[None]:
    """Somebody has moved it."""
    kept = file.rename(file.with_name("kept.sqlite"))
    yield
    kept.rename(file)


@contextlib.contextmanager
def damaged(file: Path) -> Iterator[None]:
    """The page of each table that a learner's rows are in is overwritten, and put right later in its place."""
    services.store().engine.dispose()
    whole = file.read_bytes()
    with contextlib.closing(sqlite3.connect(file)) as connection:
        (size,) = connection.execute("PRAGMA page_size").fetchone()
        names = "('answers', 'guesses', 'steps', 'runs', 'learners', 'preferences')"
        roots = connection.execute(f"SELECT rootpage FROM sqlite_master WHERE name IN {names}").fetchall()
    content = bytearray(whole)
    for (root,) in roots:
        content[(root - 1) * size : root * size] = b"\xaa" * size
    file.write_bytes(content)
    yield
    file.write_bytes(whole)


@contextlib.contextmanager
def of_another_version(file: Path) -> Iterator[None]:
    """A newer course has taken it over, and this one is started again."""
    set_version(file, str(int(tables.SCHEMA) + 1))
    services._stores.pop(load_settings().database_url).close()
    yield
    set_version(file, tables.SCHEMA)
    services._unopened.clear()


def set_version(file: Path, version: str) -> None:
    with contextlib.closing(sqlite3.connect(file)) as connection:
        connection.execute("UPDATE meta SET value = ? WHERE key = 'schema'", [version])
        connection.commit()


# Each fault, whether what was given before can still be read, and the sentence
FAULTS = {
    "locked": (locked, True, "busy"),
    "shut": (shut, False, "busy"),
    "full": (full, True, "full"),
    "gone": (gone, True, "deleted, moved or replaced"),
    "damaged": (damaged, False, "damaged"),
    "newer": (of_another_version, False, "newer course"),
}


def pause() -> None:
    """As long as a page does not ask again; a learner needs longer to press."""
    time.sleep(services.PAUSE_S + 0.1)


@pytest.mark.parametrize("fault", FAULTS)
def test_an_answer_is_tried_again_with_what_was_given(fault: str, file: Path) -> None:
    settled_in()
    strikes, reads, said = FAULTS[fault]
    page = opened()
    readable(page)
    question, button = chosen(page)
    slot = quiz_key(question)
    with strikes(file):
        begun = time.monotonic()
        page.button(key=button).click().run()
        assert time.monotonic() - begun < 4 * PATIENCE + 5, "nobody waits for a minute"
        readable(page)
        order = in_order(page)
        place = order.index(button)
        assert order[place + 1 : place + 3] == ["error", again(slot)], "right below the question"
        beside = [one.value for one in page.error if text("shell.not_saved", "en") in one.value]
        assert len(beside) == 1
        assert said in beside[0]
        assert any(text("shell.not_read", "en") in one.value for one in page.error) == (not reads)
        pause()
        page.button(key=again(slot)).click().run()  # still the same
        readable(page)
        assert again(slot) in keys(page)
    pause()
    page.button(key=again(slot)).click().run()
    readable(page)
    assert not page.error, "the page is whole again"
    assert again(slot) not in keys(page)
    assert services.store().learner().answers(LESSON)[question].chosen == (0,)
    lesson = lesson_of()
    kept = services.store().learner()
    assert list(kept.guesses(LESSON)) == [lesson.guesses[0].id], "what was acknowledged before is there"
    assert set(kept.answers(LESSON)) == {question, lesson.quiz.questions[1].id}
    assert quiz_key(f"{lesson.quiz.questions[1].id}.retry") in keys(page), "and is shown"


@pytest.mark.parametrize(("fault", "language"), list(zip(FAULTS, LANGUAGES * 3, strict=True)))
def test_a_page_opened_in_the_fault_can_be_read_and_trained_on(
    fault: str, language: str, file: Path, stage: Stage
) -> None:
    settled_in()
    services.store().learner().record_run(LESSON, tiny(epochs=7).run_id, tiny_link(7), {"lab": "train"})
    strikes, reads, _ = FAULTS[fault]
    with strikes(file):
        begun = time.monotonic()
        page = opened(language, link="")
        assert time.monotonic() - begun < 4 * PATIENCE + 5
        readable(page, language)
        notes = [one.value for one in page.error]
        assert len(notes) == (0 if reads else 1), notes
        assert all(text("shell.not_read", language) in one for one in notes)
        if not reads:  # nobody knows whether the guesses are made
            pause()
            page.button(key=key("train")).click().run()
            readable(page, language)
            assert stage.started, "the run trains all the same"
            assert again(key("callback.train")) in keys(page)
            progress = opened(language, "my_progress")
            assert not progress.exception
            assert text("shell.not_read", language) in progress.error[0].value
            assert text("progress.nothing", language) not in [one.value for one in progress.info], "that would be wrong"
            home = opened(language, "home")
            assert len(home.error) == 1
            assert home.title[0].value == text("home.title", language)
    pause()
    page.run()
    readable(page, language)
    assert not [one for one in page.error if text("shell.not_read", language) in one.value]
    if reads:
        assert page.number_input(key=key("widget.epochs")).value == 7, "the last run's choices"


def tiny_link(epochs: int) -> str:
    return f"dataset=shop&size=tiny&model=sasrec&epochs={epochs}"


def test_a_lab_opened_in_the_fault_goes_on_where_it_was(file: Path) -> None:
    settled_in()
    services.store().learner().record_run(LESSON, tiny(epochs=7).run_id, tiny_link(7), {"lab": "train"})
    front = AppTest.from_file(str(shell.FRONT), default_timeout=60)
    with damaged(file):
        page = front.run().switch_page(f"../../../pages/{LESSON}.py").run()
        assert page.number_input(key=key("widget.epochs")).value != 7
    pause()
    page.run()
    assert page.number_input(key=key("widget.epochs")).value == 7
    assert not page.error


def test_a_guess_and_the_end_of_a_lesson_in_a_lock_of_a_minute(file: Path) -> None:
    settled_in()
    page = opened()
    guess = lesson_of().guesses[1]
    value = guess.options[0].id if guess.kind == "choice" else guess.low
    widget = page.radio(key=guess_key(guess.id)) if guess.kind == "choice" else None
    (widget or page.select_slider(key=guess_key(guess.id))).set_value(value).run()
    with locked(file):
        for name, slot in ((guess_key(f"{guess.id}.commit"), f"guess.{LESSON}"), (FINISH, FINISH)):
            begun = time.monotonic()
            page.button(key=name).click().run()
            assert PATIENCE - 0.5 < time.monotonic() - begun < PATIENCE + 10, "a press waits a little, and no minute"
            readable(page)
            assert again(slot) in keys(page)
        begun = time.monotonic()
        page.run()
        assert time.monotonic() - begun < PATIENCE, "drawing the page waits for nothing"
    for slot in (f"guess.{LESSON}", FINISH):
        page.button(key=again(slot)).click().run()
    assert not page.error
    kept = services.store().learner()
    assert kept.guesses(LESSON)[guess.id].value == value
    assert any(step.anchor == "so-what" and step.completed for step in kept.steps(LESSON))


def test_a_backup_put_in_its_place_is_opened(file: Path, tmp_path: Path) -> None:
    settled_in()
    services.store().engine.dispose()
    shutil.copy(file, tmp_path / "backup.sqlite")
    services.store().learner().record_guess(LESSON, "later", 0.5)
    services.store().engine.dispose()
    for beside in file.parent.glob("course.sqlite-*"):
        beside.unlink()
    (tmp_path / "backup.sqlite").replace(file)
    page = opened()
    readable(page)
    assert not page.error
    assert "later" not in services.store().learner().guesses(LESSON)
    question, button = chosen(page)
    page.button(key=button).click().run()
    assert not page.error
    with contextlib.closing(sqlite3.connect(file)) as connection:
        assert connection.execute("SELECT count(*) FROM answers WHERE question = ?", [question]).fetchone() == (1,)
