"""The lesson's page from first open to the last question, in both languages, with runs that are told."""

from __future__ import annotations

from dataclasses import replace

import pytest
from lab_page import (
    LESSON,
    an_answer,
    button,
    drawn,
    guess,
    guess_key,
    key,
    lesson_of,
    link,
    nothing_broke,
    open_guesses,
    open_page,
    open_plain,
    quiz_key,
    set_stage,
    skip,
    tab,
    tiny,
    told,
    words,
)
from lab_stage import Stage

from course_lib.course.markdown import ANCHORS
from course_lib.course.measures import measure
from course_lib.errors import CourseError
from course_lib.experiments.config import RunConfig
from course_lib.text import text
from course_lib.ui import shell
from course_lib.ui.guess_step import measured

BOTH = pytest.mark.parametrize("language", ["zh", "en"])
LAB_RUN = next(iter(lesson_of().lab().configs().values()))  # the run that grades guesses


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch, tmp_path) -> Stage:
    return set_stage(monkeypatch, tmp_path)


@BOTH
def test_first_open_has_eight_steps_and_waits_for_a_guess(stage, language) -> None:
    page = open_page(language)
    nothing_broke(page)
    assert [head.value for head in page.header] == [
        f"{n} {lesson_of().heading(anchor, language)}" for n, anchor in enumerate(ANCHORS, 1)
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
    widgets = [*page.radio, *page.selectbox, *page.select_slider, *page.number_input, *page.button]
    assert len(widgets) > 15
    assert all(widget.label.strip() for widget in widgets)


@BOTH
def test_guesses_are_asked_one_at_a_time_stored_and_open_training(stage, language) -> None:
    page = open_page(language)
    guesses = lesson_of().guesses
    assert {one.kind for one in guesses} == {"choice", "number"}
    for place, one in enumerate(guesses):
        assert open_guesses(page) == [one.id], "one at a time"
        assert button(page, "train").disabled
        commit = page.button(key=f"{guess_key(one.id)}.commit")
        assert commit.disabled, "nothing is chosen before the learner chooses"
        widget = (page.radio if one.kind == "choice" else page.select_slider)(key=guess_key(one.id))
        assert widget.value is None, "a default would be an answer already"
        assert widget.label.startswith(f"**{place + 1}/{len(guesses)}** ")
        guess(page, one, an_answer(one))
        assert shell.notebook().guesses(LESSON)[one.id].value == an_answer(one)
    nothing_broke(page)
    assert open_guesses(page) == []
    assert not button(page, "train").disabled
    stage.put(tiny(), "running", frames=1)
    page = tab(page.run(), "guesses")
    nothing_broke(page)
    assert words(page).count(text("predict.saved", language)) == len(guesses)


@BOTH
def test_skipping_opens_training_and_stays_after_a_reload(stage, language) -> None:
    page = open_page(language)
    skip(page)
    assert not button(page, "train").disabled
    again = open_page(language)
    assert not button(again, "train").disabled
    assert open_guesses(again) == [lesson_of().guesses[0].id], "a guess may still be made"
    assert text("predict.skipped", language) in words(again)
    assert guess_key("skip") not in {one.key for one in again.button}


@BOTH
def test_what_it_means_is_hidden_until_guessed_or_skipped(stage, language) -> None:
    """The lesson's own numbers would be the answers."""
    hidden, show = (text(f"lesson.{name}", language) for name in ("hidden_until_guessed", "show_anyway"))
    page = open_page(language)
    assert hidden in words(page)
    assert show in [one.label for one in page.expander]
    guesses = lesson_of().guesses
    for one in guesses[:-1]:
        guess(page, one, an_answer(one))
    assert hidden in words(page), "one is open still"
    guess(page, guesses[-1], an_answer(guesses[-1]))
    assert hidden not in words(page)
    assert show not in [one.label for one in page.expander]
    assert hidden not in words(open_page(language))


@BOTH
def test_skipping_shows_what_it_means(stage, language) -> None:
    page = skip(open_page(language))
    assert text("lesson.hidden_until_guessed", language) not in words(page)
    nothing_broke(page)


@BOTH
def test_train_starts_the_run_once_and_shows_it(stage, language) -> None:
    page = open_page(language)
    skip(page)
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
    skip(page)
    page.selectbox(key=key("widget.layers")).set_value(1).run()
    button(page, "train").click().run()
    fresh = open_plain()
    nothing_broke(fresh)
    assert fresh.selectbox(key=key("widget.layers")).value == 1
    assert not button(fresh, "stop").disabled


@BOTH
def test_stop(stage, language) -> None:
    stage.put(tiny(), "running", frames=3)
    page = open_page(language)
    assert button(page, "stop").disabled, "somebody else trains it"
    shell.notebook().record_run(LESSON, tiny().run_id)
    page.run()
    button(page, "stop").click().run()
    nothing_broke(page)
    assert stage.stopped == [(tiny().run_id, "local")]
    assert text("lab.state_stopped", language) in words(page)
    assert told(page, "widget.frame.look")["frame"] == 3  # what was learned can be looked at


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
    view = stage.put(tiny(), "running", frames=0)
    stage.views[view.run_id] = replace(view, **{"events": {}, "plan": {}, **changes})
    page = open_page(language)
    nothing_broke(page)
    bar = page.get("progress")[0].proto.text
    seconds = text("lab.seconds", language, n=31)
    assert bar == text(f"lab.{sentence}", language, place=2, seconds=seconds)


@BOTH
def test_a_finished_run_of_the_lab_opens_at_once_and_grades_the_guesses(stage, language) -> None:
    guess = lesson_of().guesses[0]
    shell.notebook().record_guess(LESSON, guess.id, guess.options[0].id)
    stage.put(LAB_RUN, "finished", recorded=True)
    page = tab(open_page(language, size="small"), "guesses")
    nothing_broke(page)
    assert stage.started == []
    assert text("lab.note_recorded", language) in words(page)
    truth = measured(guess, measure(guess.truth, stage.watch(LAB_RUN.run_id).result), language)
    assert text("predict.wrong", language, truth=truth) in words(page)  # Markov ahead or level: it is 0.1 behind
    assert drawn(page, f"figure.guess.{guess.id}")
    assert "train" in {step.anchor for step in shell.notebook().steps(LESSON) if step.completed}


@BOTH
def test_a_failed_run_is_one_sentence(stage, language) -> None:
    problem = CourseError("unknown_items", items="7")
    stage.put(tiny(), "failed", frames=0, error=problem.to_dict())
    page = open_page(language)
    assert not page.exception
    assert [error.value for error in page.error] == [problem.text(language)]


@BOTH
def test_a_refused_start_is_one_sentence_and_loses_nothing(stage, language) -> None:
    page = open_page(language)
    skip(page)
    page.selectbox(key=key("widget.layers")).set_value(3).run()
    stage.refuses = CourseError("unknown_model", name="x", known="y")
    button(page, "train").click().run()
    assert not page.exception
    assert [error.value for error in page.error] == [stage.refuses.text(language)]
    assert page.selectbox(key=key("widget.layers")).value == 3


@BOTH
def test_answers_are_stored_and_every_option_is_explained(stage, language) -> None:
    question = next(one for one in lesson_of().quiz.questions if not one.several)
    wrong = next(place for place, option in enumerate(question.options) if not option.correct)
    page = open_page(language)
    assert page.button(key=quiz_key(f"{question.id}.answer")).disabled
    page.radio(key=quiz_key(question.id)).set_value(wrong).run()
    page.button(key=quiz_key(f"{question.id}.answer")).click().run()
    assert not page.exception
    assert text("quiz.wrong", language) in words(page)
    assert all(option.why(language) in words(page) for option in question.options)
    assert text("quiz.saved", language, attempts=1) in words(page)

    page.button(key=quiz_key(f"{question.id}.retry")).click().run()
    right = next(place for place, option in enumerate(question.options) if option.correct)
    page.radio(key=quiz_key(question.id)).set_value(right).run()
    page.button(key=quiz_key(f"{question.id}.answer")).click().run()
    assert [answer.correct for answer in shell.notebook().attempts(LESSON)] == [False, True]
    reloaded = open_page(language)
    assert text("quiz.saved", language, attempts=2) in words(reloaded)


def test_an_answer_to_an_older_wording_is_not_shown_and_does_not_count(stage) -> None:
    first, *others = lesson_of().quiz.questions
    assert not first.several
    notebook = shell.notebook()
    for question in (first, *others):
        notebook.record_answer(LESSON, question.id, [0], question.options[0].correct, "older")
    page = open_page("en")
    nothing_broke(page)
    assert page.button(key=quiz_key(f"{first.id}.answer")).disabled, "asked anew, with nothing chosen"
    assert not any(option.why("en") in words(page) for option in first.options)

    page.radio(key=quiz_key(first.id)).set_value(0).run()
    page.button(key=quiz_key(f"{first.id}.answer")).click().run()
    assert text("quiz.saved", "en", attempts=1) in words(page)
    assert not [step for step in shell.notebook().steps(LESSON) if step.anchor == "check" and step.completed]
    for question in others:
        shell.notebook().record_answer(LESSON, question.id, [0], False, question.version)
    page.button(key=quiz_key(f"{first.id}.retry")).click().run()
    page.radio(key=quiz_key(first.id)).set_value(0).run()
    page.button(key=quiz_key(f"{first.id}.answer")).click().run()
    assert [step for step in shell.notebook().steps(LESSON) if step.anchor == "check" and step.completed]


@BOTH
def test_hints_come_one_at_a_time(stage, language) -> None:
    challenge = lesson_of().challenges[0]
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
    assert sorted(one.challenge for one in tried) == sorted(one.id for one in lesson_of().challenges)
    assert not any(one.passed for one in tried)  # 176,000 parameters are too many


@BOTH
def test_a_run_on_other_data_misses_a_challenge_for_that_alone(stage, language) -> None:
    config = RunConfig.make("next_item", {"dataset": "complete-journey"})
    stage.put(config, "finished")
    page = open_page(language, dataset="complete-journey", size="small", run=config.run_id)
    assert not page.exception
    wanted = text("quiz.missed_dataset", language, wanted=text("lab.dataset_shop", language))
    assert [one.value for one in page.warning].count(wanted) == len(lesson_of().challenges)


def test_switching_the_language_keeps_run_guesses_and_place(stage) -> None:
    stage.put(tiny(), "finished")
    first, second = lesson_of().guesses[:2]
    page = open_page("zh", shopper="3", frame="2", history="5-6-7")
    guess(page, first, an_answer(first))
    page.query_params["lang"] = "en"
    page.run()
    nothing_broke(page)
    assert page.header[0].value == f"1 {lesson_of().heading('why', 'en')}"
    assert told(page, "widget.frame.look")["frame"] == 2
    assert page.selectbox(key=key("widget.shopper.look")).value == 3
    assert open_guesses(page) == [second.id]
    assert "history=5-6-7" in link(page)
    assert "lang=en" in link(page)
