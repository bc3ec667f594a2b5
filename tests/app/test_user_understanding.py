"""The lesson's page from first open to the last question, in both languages, with runs that are told."""

from __future__ import annotations

from dataclasses import replace

import pytest
from lab_page import LESSON, button, key, link, nothing_broke, open_page, open_plain, set_stage, tiny, told, words
from lab_stage import Stage

from course_lib.course.markdown import ANCHORS
from course_lib.course.measures import measure
from course_lib.errors import CourseError
from course_lib.runs.config import RunConfig
from course_lib.text import text
from course_lib.ui import shell
from course_lib.ui.predict_step import measured

BOTH = pytest.mark.parametrize("language", ["zh", "en"])


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch, tmp_path) -> Stage:
    return set_stage(monkeypatch, tmp_path)


def lesson():
    return next(one for one in shell.lessons() if one.id == LESSON)


@BOTH
def test_first_open_has_seven_steps_and_waits_for_a_guess(stage, language) -> None:
    page = open_page(language)
    nothing_broke(page)
    assert [head.value for head in page.header] == [
        f"{n} {lesson().heading(anchor, language)}" for n, anchor in enumerate(ANCHORS, 1)
    ]
    assert button(page, "train").disabled
    assert button(page, "stop").disabled
    assert text("lab.guess_first", language) in words(page)
    assert text("look.train_first", language) in words(page)
    assert "{{" not in words(page)
    assert stage.started == []


@BOTH
def test_every_widget_has_a_label(stage, language) -> None:
    stage.put(tiny(), "finished")
    page = open_page(language)
    widgets = [*page.radio, *page.selectbox, *page.number_input, *page.button]
    assert len(widgets) > 15
    assert all(widget.label.strip() for widget in widgets)


@BOTH
def test_guesses_are_stored_one_by_one_and_open_training(stage, language) -> None:
    page = open_page(language)
    for guess in lesson().guesses:
        assert button(page, "train").disabled
        if guess.kind == "choice":
            page.radio(key=key(f"guess.{guess.id}")).set_value(guess.options[0].id).run()
        button(page, f"guess.{guess.id}.commit").click().run()
        assert guess.id in shell.notebook().guesses(LESSON)
    nothing_broke(page)
    assert not button(page, "train").disabled
    assert words(page).count(text("predict.saved", language)) == len(lesson().guesses)


@BOTH
def test_skipping_opens_training_and_stays_after_a_reload(stage, language) -> None:
    page = open_page(language)
    button(page, "guess.skip").click().run()
    assert not button(page, "train").disabled
    assert not button(open_page(language), "train").disabled


@BOTH
def test_train_starts_the_run_once_and_shows_it(stage, language) -> None:
    page = open_page(language)
    button(page, "guess.skip").click().run()
    button(page, "train").click().run()
    nothing_broke(page)
    assert stage.started == [(tiny().run_id, "local")]
    assert button(page, "train").disabled
    assert not button(page, "stop").disabled
    assert text("look.wait", language) in words(page)
    assert shell.notebook().last_run(LESSON).run_id == tiny().run_id


@BOTH
def test_a_running_run_is_found_again_without_a_link(stage, language) -> None:
    page = open_page(language)
    button(page, "guess.skip").click().run()
    page.selectbox(key=key("widget.layers")).set_value(1).run()
    button(page, "train").click().run()
    fresh = open_plain()
    nothing_broke(fresh)
    assert fresh.selectbox(key=key("widget.layers")).value == 1
    assert not button(fresh, "stop").disabled


@BOTH
def test_stop(stage, language) -> None:
    stage.put(tiny(), "running", epochs=3)
    page = open_page(language)
    button(page, "stop").click().run()
    nothing_broke(page)
    assert stage.stopped == [(tiny().run_id, "local")]
    assert text("lab.stopped", language) in words(page)
    assert told(page, "widget.epoch.look")["epoch"] == 3  # what was learned can be looked at


@BOTH
@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"state": "queued", "place": 2, "wait_s": 31.0}, "queued_wait"),
        ({"state": "queued", "place": 2}, "queued_place"),
        ({"state": "starting"}, "state_starting"),
    ],
)
def test_waiting_says_where_in_the_queue(stage, language, changes, sentence) -> None:
    view = stage.put(tiny(), "running", epochs=0)
    empty = {"snapshots": (), "epochs": (), "steps": (), "references": None, "prepared": None}
    stage.views[view.run_id] = replace(view, **{**empty, **changes})
    page = open_page(language)
    nothing_broke(page)
    bar = page.get("progress")[0].proto.text
    seconds = text("lab.seconds", language, n=31)
    assert bar == text(f"lab.{sentence}", language, place=2, seconds=seconds)


@BOTH
def test_a_finished_run_opens_at_once_and_scores_the_guesses(stage, language) -> None:
    guess = lesson().guesses[0]
    shell.notebook().record_guess(LESSON, guess.id, guess.options[0].id)
    stage.put(tiny(), "finished", recorded=True)
    page = open_page(language)
    nothing_broke(page)
    assert stage.started == []
    assert text("lab.note_recorded", language) in words(page)
    truth = measured(guess.truth, measure(guess.truth, stage.watch(tiny().run_id).result), language)
    assert text("predict.wrong", language, truth=truth) in words(page)  # Markov ahead or level: it is 0.1 behind
    assert "train" in {step.anchor for step in shell.notebook().steps(LESSON) if step.completed}


@BOTH
def test_a_failed_run_is_one_sentence(stage, language) -> None:
    problem = CourseError("unknown_items", items="7")
    stage.put(tiny(), "failed", epochs=0, error=problem.to_dict())
    page = open_page(language)
    assert not page.exception
    assert [error.value for error in page.error] == [problem.text(language)]


@BOTH
def test_a_refused_start_is_one_sentence_and_loses_nothing(stage, language) -> None:
    page = open_page(language)
    button(page, "guess.skip").click().run()
    page.selectbox(key=key("widget.layers")).set_value(3).run()
    stage.refuses = CourseError("unknown_model", name="x", known="y")
    button(page, "train").click().run()
    assert not page.exception
    assert stage.refuses.text(language) in [warning.value for warning in page.warning]
    assert page.selectbox(key=key("widget.layers")).value == 3


@BOTH
def test_answers_are_stored_and_every_option_is_explained(stage, language) -> None:
    question = next(one for one in lesson().quiz.questions if not one.several)
    wrong = next(place for place, option in enumerate(question.options) if not option.correct)
    page = open_page(language)
    assert button(page, f"quiz.{question.id}.answer").disabled
    page.radio(key=key(f"quiz.{question.id}")).set_value(wrong).run()
    button(page, f"quiz.{question.id}.answer").click().run()
    assert not page.exception
    assert text("quiz.wrong", language) in words(page)
    assert all(option.why(language) in words(page) for option in question.options)
    assert text("quiz.saved", language, attempts=1) in words(page)

    button(page, f"quiz.{question.id}.retry").click().run()
    right = next(place for place, option in enumerate(question.options) if option.correct)
    page.radio(key=key(f"quiz.{question.id}")).set_value(right).run()
    button(page, f"quiz.{question.id}.answer").click().run()
    assert [answer.correct for answer in shell.notebook().attempts(LESSON)] == [False, True]
    reloaded = open_page(language)
    assert text("quiz.saved", language, attempts=2) in words(reloaded)


def test_an_answer_to_an_older_wording_is_not_shown_and_does_not_count(stage) -> None:
    first, *others = lesson().quiz.questions
    assert not first.several
    notebook = shell.notebook()
    for question in (first, *others):
        notebook.record_answer(LESSON, question.id, [0], question.options[0].correct, "older")
    page = open_page("en")
    nothing_broke(page)
    assert button(page, f"quiz.{first.id}.answer").disabled, "asked anew, with nothing chosen"
    assert not any(option.why("en") in words(page) for option in first.options)

    page.radio(key=key(f"quiz.{first.id}")).set_value(0).run()
    button(page, f"quiz.{first.id}.answer").click().run()
    assert text("quiz.saved", "en", attempts=1) in words(page)
    assert not [step for step in shell.notebook().steps(LESSON) if step.anchor == "check" and step.completed]
    for question in others:
        shell.notebook().record_answer(LESSON, question.id, [0], False, question.version)
    button(page, f"quiz.{first.id}.retry").click().run()
    page.radio(key=key(f"quiz.{first.id}")).set_value(0).run()
    button(page, f"quiz.{first.id}.answer").click().run()
    assert [step for step in shell.notebook().steps(LESSON) if step.anchor == "check" and step.completed]


@BOTH
def test_hints_come_one_at_a_time(stage, language) -> None:
    challenge = lesson().challenges[0]
    hints = challenge.hints[language]
    page = open_page(language)
    assert hints[0] not in words(page)
    for shown in range(1, len(hints) + 1):
        button(page, f"hints.{challenge.id}.more").click().run()
        assert [hint in words(page) for hint in hints] == [n < shown for n in range(len(hints))]


@BOTH
def test_challenges_are_graded_once_for_each_run(stage, language) -> None:
    stage.put(tiny(), "finished")
    open_page(language)
    open_page(language)
    tried = shell.notebook().challenges(LESSON)
    assert sorted(one.challenge for one in tried) == sorted(one.id for one in lesson().challenges)
    assert not any(one.passed for one in tried)  # 176,000 parameters are too many


@BOTH
def test_a_run_on_other_data_misses_a_challenge_for_that_alone(stage, language) -> None:
    stage.put(RunConfig.make("complete-journey", "small"), "finished")
    page = open_page(language, dataset="complete-journey", size="small")
    assert not page.exception
    wanted = text("quiz.missed_dataset", language, wanted=text("lab.dataset_shop", language))
    assert [one.value for one in page.warning].count(wanted) == len(lesson().challenges)


def test_switching_the_language_keeps_run_guesses_and_place(stage) -> None:
    stage.put(tiny(), "finished")
    page = open_page("zh", shopper="3", epoch="2", history="5-6-7")
    page.query_params["lang"] = "en"
    page.run()
    nothing_broke(page)
    assert page.header[0].value == f"1 {lesson().heading('why', 'en')}"
    assert told(page, "widget.epoch.look")["epoch"] == 2
    assert page.radio(key=key("widget.shopper.look")).value == 3
    assert "history=5-6-7" in link(page)
    assert "lang=en" in link(page)
