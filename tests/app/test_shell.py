"""The frame of every page, home and my progress, under AppTest: both languages, progress, troubles, deletion."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from lab_page import tiny
from lab_stage import Stage
from sqlalchemy import event
from streamlit.testing.v1 import AppTest

from course_lib.course.lessons import Lesson, load_course
from course_lib.course.problems import Problem
from course_lib.course.store import Learner
from course_lib.errors import CourseError
from course_lib.settings import PROJECT, load_settings
from course_lib.text import LANGUAGES, text
from course_lib.ui import services, shell


@pytest.fixture(autouse=True)
def stage(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Stage]:
    """A home of its own, and runs that are told, not trained."""
    monkeypatch.setenv("LIVEREC_HOME", str(tmp_path / "home"))
    stage = Stage()
    monkeypatch.setitem(services._runs, load_settings(), stage)
    yield stage
    store = services._stores.pop(load_settings().database_url, None)
    if store is not None:
        store.close()


@pytest.fixture
def lesson() -> Lesson:
    return load_course().lesson("user_understanding")


@pytest.fixture
def learner() -> Learner:
    return services.store().learner()


def open_app(page: str = "", locale: str | None = None, **query: str) -> AppTest:
    app = AppTest.from_file(str(shell.FRONT), default_timeout=30)
    if locale:
        app.context = {"locale": locale}
    for name, value in query.items():
        app.query_params[name] = value
    app.run()
    if page:
        go(app, page)
    assert not app.exception
    return app


def go(app: AppTest, page: str) -> None:
    """As a click on a link does; the path is seen from the script that draws the frame."""
    app.switch_page(f"../../../pages/{page}.py").run()
    assert not app.exception
    assert app.segmented_control(key=shell.SWITCH).value


def words(app: AppTest) -> str:
    kinds = (app.title, app.header, app.subheader, app.markdown, app.caption, app.info, app.warning, app.error)
    return "\n".join(str(element.value) for kind in (*kinds, app.success) for element in kind)


def links(app: AppTest) -> set[str]:
    return {link.proto.page for link in app.get("page_link")}


def switch(app: AppTest, language: str) -> AppTest:
    app.segmented_control(key=shell.SWITCH).set_value(language).run()
    assert not app.exception
    return app


@pytest.mark.parametrize(("locale", "language"), [("zh-CN", "zh"), ("zh-TW", "zh"), ("en-GB", "en"), ("de-DE", "en")])
def test_a_first_visit_speaks_the_browsers_language(locale: str, language: str) -> None:
    app = open_app(locale=locale)
    assert app.title[0].value == text("home.title", language)
    assert not app.error


def test_the_switch_is_kept_across_pages_and_for_the_next_browser() -> None:
    app = switch(open_app(locale="en-US"), "zh")
    assert app.title[0].value == text("home.title", "zh")
    go(app, "my_progress")
    assert app.title[0].value == text("progress.title", "zh")
    assert open_app(locale="en-US").title[0].value == text("home.title", "zh")


def test_the_link_wins_over_the_remembered_choice_and_follows_the_switch() -> None:
    switch(open_app(locale="en-US"), "zh")
    app = open_app(locale="zh-CN", lang="en", dataset="shop")
    assert app.title[0].value == text("home.title", "en")
    switch(app, "zh")
    assert app.title[0].value == text("home.title", "zh")
    assert app.query_params["lang"] == "zh"
    assert app.query_params["dataset"] == "shop"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("page", ["home", "my_progress"])
def test_a_page_speaks_one_language_and_every_widget_has_a_key(page: str, language: str) -> None:
    app = open_app(page, lang=language)
    assert not app.error
    assert app.title
    other = "en" if language == "zh" else "zh"
    assert text(f"{'home' if page == 'home' else 'progress'}.title", other) not in words(app)
    for kind in ("button", "segmented_control", "selectbox"):
        assert all(widget.key for widget in app.get(kind)), kind


def test_home_links_exactly_the_lessons_that_can_be_opened() -> None:
    app = open_app(lang="en")
    ready = {lesson.id for lesson in shell.lessons() if shell.lesson_ready(lesson)}
    assert ready
    own = {"home", "my_progress", "data", "my_data", "make_shop", "capstone", "placement", "classroom", "teach"}
    assert links(app) - {"", *own} == ready
    for lesson in shell.lessons():
        if lesson.id not in ready:
            assert f"{lesson.summary('en')} · {text('shell.in_preparation', 'en')}" in words(app)


def test_a_lesson_without_its_page_is_in_preparation(monkeypatch: pytest.MonkeyPatch, lesson: Lesson) -> None:
    course = load_course()
    ready = tuple(replace(one, ready=True) for one in course.lessons)
    monkeypatch.setattr(shell, "course", lambda: replace(course, lessons=ready))
    app = open_app(lang="en")
    assert not app.error
    assert {one.id for one in ready if one.id in links(app)} == {
        one.id for one in ready if (PROJECT / "pages" / f"{one.id}.py").is_file()
    }


def test_home_offers_the_first_lesson_then_the_way_back(lesson: Lesson, learner: Learner) -> None:
    first = next(one for one in shell.lessons() if shell.lesson_ready(one))
    assert open_app(lang="en").button(key="home_start").label == text("home.start", "en", lesson=first.title("en"))
    learner.record_step(lesson.id, "idea")
    app = open_app(lang="zh")
    assert app.button(key="home_resume").label == text("home.continue", "zh", lesson=lesson.title("zh"))
    assert lesson.heading("idea", "zh") in words(app)


def test_a_broken_lesson_says_why_on_home_and_on_its_page(monkeypatch: pytest.MonkeyPatch, lesson: Lesson) -> None:
    trouble = Problem(lesson.id, CourseError("unknown_dataset", name="nothing", known="shop"))
    course = load_course()
    broken = replace(lesson, ready=False, problems=(trouble,))
    lessons = tuple(broken if one.id == lesson.id else one for one in course.lessons)
    monkeypatch.setattr(shell, "course", lambda: replace(course, lessons=lessons))
    app = open_app(lang="zh")
    assert lesson.id not in links(app)
    assert [warning.value for warning in app.warning] == [trouble.text("zh")]
    go(app, lesson.id)
    assert app.title[0].value == lesson.title("zh")
    assert [warning.value for warning in app.warning] == [trouble.text("zh")]


def test_home_names_the_page_that_was_asked_for_in_vain() -> None:
    app = open_app(lang="en", missing="no_such_lesson")
    assert app.info[0].value == text("home.missing", "en", name="no_such_lesson")
    hidden = open_app(lang="en", missing="![x](https://example.com/x.png)").info[0].value
    assert "![x]" not in hidden


def test_a_broken_map_leaves_the_header_and_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> Any:
        raise CourseError("unknown_dataset", name="nothing", known="shop")

    monkeypatch.setattr(shell, "lessons", broken)
    app = open_app(lang="zh")
    assert [error.value for error in app.error] == [text("errors.unknown_dataset", "zh", name="nothing", known="shop")]
    assert app.segmented_control(key=shell.SWITCH).value == "zh"


def test_an_unforeseen_failure_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken() -> Any:
        raise ZeroDivisionError("a detail for the log")

    monkeypatch.setattr(shell, "course", broken)
    app = open_app(lang="en")
    assert [error.value for error in app.error] == [text("shell.broken", "en")]
    assert "a detail for the log" not in words(app)
    assert "a detail for the log" in caplog.text


def test_a_database_that_cannot_be_read_leaves_the_course(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    wrong = tmp_path / "course.sqlite"
    wrong.write_bytes(b"this is no database at all, and long enough to be read as one" * 50)
    monkeypatch.setenv("LIVEREC_DATABASE", f"sqlite:///{wrong}")
    monkeypatch.setitem(services._runs, load_settings(), Stage())
    app = open_app(locale="en-US")
    assert app.title[0].value == text("home.title", "en")
    assert len(app.error) == 1
    assert wrong.read_bytes().startswith(b"this is no database")


# ---- my progress


@pytest.fixture
def busy(lesson: Lesson, learner: Learner, stage: Stage) -> Learner:
    """A learner with one wrong answer, one guess, one finished run."""
    question = lesson.quiz.questions[0]
    wrong = next(place for place, option in enumerate(question.options) if not option.correct)
    learner.record_answer(lesson.id, question.id, [wrong], False, question.version)
    guess = next(guess for guess in lesson.guesses if guess.kind == "choice")
    learner.record_guess(lesson.id, guess.id, guess.options[0].id)
    config = tiny()
    stage.put(config, "finished", frames=2)
    folder = load_settings().runs / config.run_id
    (folder / "config.json").write_text(config.to_json(), encoding="utf-8")
    (folder / "events.jsonl").write_text('{"t": 1.0, "kind": "finished", "seconds": 1.0}\n', encoding="utf-8")
    learner.record_run(lesson.id, config.run_id, "dataset=shop&size=tiny")
    learner.set_preference("language", "zh")
    return learner


def test_my_progress_is_empty_at_first() -> None:
    app = open_app("my_progress", lang="en")
    assert app.info[0].value == text("progress.nothing", "en")
    assert not [button for button in app.button if button.key and button.key.startswith("progress_")]


@pytest.mark.parametrize("language", LANGUAGES)
def test_my_progress_shows_answers_guesses_and_runs(busy: Learner, lesson: Lesson, language: str) -> None:
    app = open_app("my_progress", lang=language)
    said = words(app)
    question = lesson.quiz.questions[0]
    assert question.prompt(language) in said
    for option in question.options:
        assert (option.why(language) in said) == (
            option.correct or option is next(o for o in question.options if not o.correct)
        )
    guess = next(guess for guess in lesson.guesses if guess.kind == "choice")
    assert text("progress.guess_yours", language, guess=guess.options[0].text(language)) in said
    assert text("progress.run_state_finished", language) in said
    assert not app.error


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_run_whose_dataset_is_gone_is_not_promised_back(busy: Learner, lesson: Lesson, language: str) -> None:
    """Pressing Train again would bring back any other run, but not this one."""
    for run, dataset in (("a" * 16, "mugs~0123abcd"), ("b" * 16, "shop")):
        busy.record_run(lesson.id, run, f"dataset={dataset}&size=full")
    app = open_app("my_progress", lang=language)
    said = words(app)
    assert text("progress.run_of_gone_data", language, dataset="mugs") in said
    assert text("progress.run_gone", language) in said
    keys = {button.key for button in app.button}
    assert f"progress_open_{'a' * 16}" not in keys
    assert f"progress_open_{'b' * 16}" in keys


def test_an_answer_to_an_older_wording_is_not_explained(busy: Learner, lesson: Lesson) -> None:
    question = lesson.quiz.questions[0]
    busy.record_answer(lesson.id, question.id, [0], True, "older")
    said = words(open_app("my_progress", lang="en"))
    assert text("progress.old_wording", "en") in said
    assert question.options[0].why("en") not in said


def test_a_lesson_starts_over_after_confirmation(busy: Learner, lesson: Lesson) -> None:
    app = open_app("my_progress", lang="en")
    assert busy.activity().answers
    app.button(key="progress_restart_sure").click().run()
    assert not app.exception
    assert not busy.activity().answers
    assert not busy.activity().runs
    assert text("progress.restart_done", "en", lesson=lesson.title("en")) in words(app)
    assert busy.preference("language") == "zh"


def test_everything_can_be_deleted(busy: Learner) -> None:
    app = open_app("my_progress", lang="en")
    app.button(key="progress_erase_sure").click().run()
    assert not app.exception
    assert busy.activity() == replace(busy.activity(), answers=(), guesses=(), steps=(), runs=(), challenges=())
    assert busy.preference("language") is None
    assert text("progress.nothing", "en") in words(app)


def test_a_run_is_kept_and_deleted(busy: Learner, stage: Stage) -> None:
    run_id = busy.activity().runs[0].run_id
    folder = load_settings().runs / run_id
    app = open_app("my_progress", lang="en")
    app.button(key=f"progress_keep_{run_id}").click().run()
    assert (folder / "pinned").exists()
    assert text("progress.run_kept", "en") in words(app)
    app.button(key=f"progress_keep_{run_id}").click().run()
    assert not (folder / "pinned").exists()
    app.button(key=f"progress_delete_sure_{run_id}").click().run()
    assert not app.exception
    assert not app.error
    assert not folder.exists()
    assert run_id not in {run.run_id for run in busy.activity().runs}


@pytest.mark.parametrize("why", ["another has it", "it is kept"])
def test_a_run_that_is_wanted_leaves_only_the_list(busy: Learner, stage: Stage, why: str) -> None:
    """Removing it is no deletion for everybody."""
    run = busy.activity().runs[0]
    folder = load_settings().runs / run.run_id
    other = busy.store.learner("other")
    if why == "another has it":
        other.record_run(run.lesson, run.run_id, run.link)
    app = open_app("my_progress", lang="en")
    if why == "it is kept":
        app.button(key=f"progress_keep_{run.run_id}").click().run()
    app.button(key=f"progress_delete_sure_{run.run_id}").click().run()
    assert not app.exception
    assert not app.error
    assert run.run_id not in {one.run_id for one in busy.activity().runs}
    assert any(folder.iterdir())
    assert len(other.runs()) == (why == "another has it")


def test_the_web_process_never_loads_torch() -> None:
    program = f"""
import sys
from sqlalchemy import event
from streamlit.testing.v1 import AppTest
app = AppTest.from_file({str(shell.FRONT)!r}, default_timeout=60)
app.query_params["lang"] = "en"
app.run()
assert app.title and not app.exception, app
for page in {sorted(path.name for path in shell.PAGES.glob("*.py"))!r}:
    app.switch_page("../../../pages/" + page).run()
    assert app.title and not app.exception, app
import course_lib.ui.server, course_lib.runs.local
print([name for name in ("torch", "transformers") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=PROJECT, capture_output=True, text=True, timeout=120)
    assert done.stdout.strip() == "[]", done.stderr[-2000:]


def test_a_lesson_asks_the_database_once_for_all_that_it_shows(learner: Learner) -> None:
    app = open_app("user_understanding", lang="en")
    asked: list[str] = []
    listen = ("before_cursor_execute", lambda *about: asked.append(about[2]))
    event.listen(learner.store.engine, *listen)
    app.run()
    event.remove(learner.store.engine, *listen)
    assert not app.exception
    tables = [one.split("FROM ")[1].split()[0] for one in asked if one.startswith("SELECT")]
    own = sorted(one for one in tables if one not in ("instructors", "members", "classes", "revealed"))
    assert own == ["answers", "challenges", "guesses", "preferences", "runs", "steps"]
    assert len(tables) - len(own) <= 3  # whether they are in a class, or teach
