"""The learner's side of a class: joining, the strip on lessons, what is open, pooled answers, the board."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browsers import sit_down
from lab_stage import Stage
from streamlit.testing.v1 import AppTest
from test_shell import go, links, open_app, words

from course_lib.course import class_watch, classes
from course_lib.course.classes import Classroom
from course_lib.course.lessons import load_course
from course_lib.course.store import Store
from course_lib.experiments.config import RunConfig
from course_lib.settings import load_settings
from course_lib.text import text
from course_lib.ui import services, shell
from course_lib.ui.identity_cookie import known_as

ANNA, BERT = "a" * 32, "b" * 32
LESSON = "user_understanding"


@pytest.fixture(autouse=True)
def stage(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Stage]:
    monkeypatch.setenv("LIVEREC_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(class_watch, "KEPT_S", 0.0)  # a test presses faster than a person
    stage = Stage()
    monkeypatch.setitem(services._runs, load_settings(), stage)
    yield stage
    store = services._stores.pop(load_settings().database_url, None)
    if store is not None:
        store.close()


@pytest.fixture
def store() -> Store:
    return services.store()


@pytest.fixture
def room(store: Store) -> Classroom:
    return classes.open_class(store, "teacher", "<b>Tuesday</b> [x](http://y)")


def join(app: AppTest, code: str, nickname: str) -> AppTest:
    app.text_input(key="class_join_code").set_value(code)
    app.text_input(key="class_join_nickname").set_value(nickname)
    app.button(key="class_join_do").click().run()
    assert not app.exception
    return app


def joined(monkeypatch: pytest.MonkeyPatch, room: Classroom, name: str, nickname: str) -> AppTest:
    sit_down(monkeypatch, name)
    return join(open_app("classroom", locale="en-GB"), room.code or "", nickname)


def buttons(app: AppTest) -> set[str]:
    return {str(button.key) for button in app.button}


def test_who_learns_alone_hears_of_classes_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    app = open_app("", locale="en-GB")
    header = [link.proto.label for link in app.get("page_link")]
    assert text("classroom.header", "en") not in header
    assert text("classroom.link", "en") in header
    go(app, LESSON)
    assert "class_help" not in buttons(app)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_joining_by_code(monkeypatch: pytest.MonkeyPatch, store: Store, room: Classroom, language: str) -> None:
    sit_down(monkeypatch, ANNA)
    app = open_app("classroom", locale={"en": "en-GB", "zh": "zh-CN"}[language])
    for code, nickname, key in (
        ("wrong", "Lin", "class_code_unknown"),
        ("", "", "nickname_empty"),
        (room.code or "", "\u200b", "nickname_empty"),
    ):
        join(app, code, nickname)
        assert [text(f"errors.{key}", language, most=40)] == [str(error.value) for error in app.error]
    assert [error.value for error in app.error] != []
    join(app, f" {(room.code or '').lower()} ", "*Lin*")
    assert not app.error
    assert app.title[0].value == shell.plain(room.name)
    assert "\\*Lin\\*" in words(app)
    found = classes.class_of(store, known_as(ANNA))
    assert found is not None
    assert found[1].nickname == "*Lin*"
    header = {link.proto.label for link in app.get("page_link")}
    assert text("classroom.header", language) in header


def test_a_long_nickname_is_refused_in_a_sentence(monkeypatch: pytest.MonkeyPatch, room: Classroom) -> None:
    sit_down(monkeypatch, ANNA)
    app = join(open_app("classroom", locale="en-GB"), room.code or "", "x" * 1000)
    assert [str(one.value) for one in app.error] == [text("errors.nickname_long", "en", length=200, most=40)]


def test_a_twin_is_offered_another_nickname(monkeypatch: pytest.MonkeyPatch, room: Classroom) -> None:
    joined(monkeypatch, room, ANNA, "Lin")
    app = joined(monkeypatch, room, BERT, "ｌｉｎ")
    assert "“lin 2” is free" in str(app.error[0].value)
    join(app, room.code or "", "lin 2")
    assert not app.error
    assert text("classroom.people", "en", people=2) in words(app)


def test_a_link_brings_the_code(monkeypatch: pytest.MonkeyPatch, room: Classroom) -> None:
    sit_down(monkeypatch, ANNA)
    app = open_app(locale="en-GB", **{"class": room.code or ""})
    go(app, "classroom")
    app.query_params["class"] = room.code or ""
    app.run()
    assert app.text_input(key="class_join_code").value == room.code


def test_too_many_codes_are_not_looked_at(monkeypatch: pytest.MonkeyPatch, store: Store, room: Classroom) -> None:
    sit_down(monkeypatch, ANNA)
    app = open_app("classroom", locale="en-GB")
    for number in range(20):
        join(app, f"222222{number % 8 + 2}", "Lin")
    join(app, room.code or "", "Lin")
    assert "Too many tries" in str(app.error[0].value)
    assert classes.class_of(store, known_as(ANNA)) is None


def test_help_is_asked_for_and_withdrawn(monkeypatch: pytest.MonkeyPatch, store: Store, room: Classroom) -> None:
    app = joined(monkeypatch, room, ANNA, "Lin")
    go(app, LESSON)
    assert "Lin" in words(app)
    app.button(key="class_help").click().run()
    assert classes.members(store, room.key)[0].help_since is not None
    assert app.button(key="class_help").label == text("classroom.help_asked", "en")
    app.button(key="class_help").click().run()
    assert classes.members(store, room.key)[0].help_since is None


def test_the_instructor_sees_lesson_and_step(monkeypatch: pytest.MonkeyPatch, store: Store, room: Classroom) -> None:
    app = joined(monkeypatch, room, ANNA, "Lin")
    go(app, LESSON)
    assert (classes.members(store, room.key)[0].lesson, classes.members(store, room.key)[0].anchor) == (LESSON, "")
    question = load_course().lesson(LESSON).quiz.questions[0]
    key = f"lesson.{LESSON}.quiz.{question.id}"
    app.radio(key=key).set_value(0).run()
    app.button(key=f"{key}.answer").click().run()
    assert classes.members(store, room.key)[0].anchor == "check"
    go(app, "my_data")
    assert classes.members(store, room.key)[0].lesson == ""


def test_everybody_is_called(monkeypatch: pytest.MonkeyPatch, store: Store, room: Classroom) -> None:
    app = joined(monkeypatch, room, ANNA, "Lin")
    go(app, LESSON)
    classes.call_everyone(store, room.key, "evaluation", "train")
    app.run()
    place = f"{load_course().lesson('evaluation').title('en')} · "
    assert text("classroom.called", "en", place=place)[:-1] in words(app)
    app.button(key="class_go").click().run()
    assert app.title[0].value == load_course().lesson("evaluation").title("en")
    assert "(#train)" in words(app)  # there: the way to the step
    classes.call_everyone(store, room.key, "no such lesson")
    app.run()
    assert "class_go" not in buttons(app)
    assert not app.error


def test_what_is_not_open_says_so(monkeypatch: pytest.MonkeyPatch, store: Store, room: Classroom) -> None:
    app = joined(monkeypatch, room, ANNA, "Lin")
    classes.open_to_all(store, room.key, [f"{LESSON}#why", "orientation"])
    go(app, "evaluation")
    assert text("classroom.lesson_held", "en") in words(app)
    assert not app.header
    assert "class_help" in buttons(app)
    classes.open_to_all(store, room.key, [f"{LESSON}#why", "orientation"], readable=True)
    app.run()
    assert text("classroom.lesson_held_readable", "en") in words(app)
    assert text("classroom.step_held", "en") not in words(app)
    assert len(app.header) == 8
    assert not [key for key in buttons(app) if key.startswith(("lab.", "lesson.", "guess."))]
    go(app, LESSON)
    assert words(app).count(text("classroom.step_held", "en")) == 7
    classes.open_to_all(store, room.key, [LESSON])
    app.run()
    assert text("classroom.step_held", "en") not in words(app)
    assert [key for key in buttons(app) if key.startswith("lesson.")]
    sit_down(monkeypatch, BERT)  # who is in no class is not paced
    app = open_app("evaluation", locale="en-GB")
    assert text("classroom.lesson_held", "en") not in words(app)


def test_answers_stand_beside_ones_own_once_revealed(
    monkeypatch: pytest.MonkeyPatch, store: Store, room: Classroom
) -> None:
    lesson = load_course().lesson(LESSON)
    question, guess = lesson.quiz.questions[0], lesson.guesses[0]
    value = guess.options[0].id if guess.kind == "choice" else guess.low
    for number in range(8):
        classes.join_class(store, room.code or "", f"l{number}", f"Lin {number}")
        store.learner(f"l{number}").record_answer(LESSON, question.id, [number // 4], False, question.version)
        store.learner(f"l{number}").record_guess(LESSON, guess.id, value)
    app = joined(monkeypatch, room, ANNA, "Me")
    go(app, LESSON)

    drawn: list[str] = []
    monkeypatch.setattr(
        "course_lib.ui.class_answers.live_figure", lambda figure, key: drawn.append(f"{key} {figure.alt}")
    )
    for name in (question.id, guess.id):
        classes.reveal(store, room.key, LESSON, name)
    app.run()
    assert drawn == []  # not before one's own
    me = store.learner(known_as(ANNA))
    me.record_answer(LESSON, question.id, [0], True, question.version)
    me.record_guess(LESSON, guess.id, value)
    app.run()
    assert sorted(one.split()[0] for one in drawn) == sorted(
        f"class_answers.{LESSON}.{name}" for name in (question.id, guess.id)
    )
    assert all("8 people" in one for one in drawn)
    drawn.clear()
    classes.reveal(store, room.key, LESSON, question.id, shown=False)
    app.run()
    assert [one.split()[0] for one in drawn] == [f"class_answers.{LESSON}.{guess.id}"]


def test_leaving_and_being_taken_out(monkeypatch: pytest.MonkeyPatch, store: Store, room: Classroom) -> None:
    app = joined(monkeypatch, room, ANNA, "Lin")
    app.button(key="class_leave_sure").click().run()
    assert app.title[0].value == text("classroom.title", "en")
    assert classes.members(store, room.key) == ()
    app = joined(monkeypatch, room, ANNA, "Lin")
    classes.remove_member(store, room.key, known_as(ANNA))
    app.run()
    assert "has taken you out" in str(app.warning[0].value)
    join(app, room.code or "", "Other")
    assert "has taken you out" in str(app.error[0].value)
    go(app, LESSON)
    assert "class_help" not in buttons(app)


def test_a_closed_class_lets_everybody_go_on(monkeypatch: pytest.MonkeyPatch, store: Store, room: Classroom) -> None:
    app = joined(monkeypatch, room, ANNA, "Lin")
    classes.open_to_all(store, room.key, [])
    go(app, LESSON)
    assert text("classroom.lesson_held", "en") in words(app)
    classes.close_class(store, room.key)
    app.run()
    assert text("classroom.lesson_held", "en") not in words(app)
    assert not app.error


def test_a_database_that_fails_hides_the_class_and_no_lesson(
    monkeypatch: pytest.MonkeyPatch, store: Store, room: Classroom, tmp_path: Path
) -> None:
    app = joined(monkeypatch, room, ANNA, "Lin")
    go(app, LESSON)
    (file,) = Path(str(store.engine.url.database)).parent.glob("*.sqlite")
    store.close()
    file.write_bytes(b"no database at all" * 100)
    app.run()
    assert not app.exception
    assert app.title[0].value == load_course().lesson(LESSON).title("en")


def put_run(stage: Stage, store: Store, learner: str, **settings: Any) -> RunConfig:
    lab = load_course().lesson(LESSON).labs[0]
    config = RunConfig.make(lab.experiment, lab.data, {**lab.settings, **settings}, lab.seed)
    stage.put(config, "finished", frames=1)
    store.learner(learner).record_run(LESSON, config.run_id, "", {"lab": lab.id})
    return config


def test_the_board_shows_the_runs_of_the_class(
    monkeypatch: pytest.MonkeyPatch, stage: Stage, store: Store, room: Classroom
) -> None:
    app = joined(monkeypatch, room, ANNA, "Lin")
    classes.join_class(store, room.code or "", "bert", "Bert")
    mine = put_run(stage, store, known_as(ANNA), width=16)
    theirs = put_run(stage, store, "bert", width=24)
    store.learner("bert").record_run(LESSON, mine.run_id, "", {})
    put_run(stage, store, "stranger", width=40)
    other = RunConfig.make("next_item", {"dataset": ("shop", "tiny")}, {"width": 8})
    stage.put(other, "finished", frames=1)
    store.learner("bert").record_run(LESSON, other.run_id, "", {})
    drawn: list[Any] = []
    monkeypatch.setattr("course_lib.ui.class_page.live_figure", lambda figure, key: drawn.append(figure))
    app.selectbox(key="class_board_lab").set_value(f"{LESSON}/{load_course().lesson(LESSON).labs[0].id}").run()
    assert not app.exception
    figure = drawn[-1]
    lesson = load_course().lesson(LESSON)
    seen = class_watch.look_board(store, room, lesson, lesson.labs[0], stage.watch)
    assert {point.run_id: len(point.learners) for point in seen.points} == {mine.run_id: 2, theirs.run_id: 1}
    assert seen.varied == ("width",)
    assert "2" in figure.alt
    for dark in (False, True):
        plot = figure.plot(dark)
        assert sum(len(trace["x"]) for trace in plot["data"]) == 2
        assert [trace["marker"]["symbol"] for trace in plot["data"]].count("diamond") == 1
    assert links(app)
