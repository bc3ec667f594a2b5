"""Every lesson of the course as a page: both languages, nothing broken, and what holds for each of its labs."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from lab_page import an_answer, guess, key, nothing_broke, open_guesses, open_page, set_stage, skip, told, words
from lab_stage import Stage

from course_lib.course import lessons, recorded
from course_lib.course.labs import LabPlan
from course_lib.course.lessons import Course, Lesson, load_course
from course_lib.course.markdown import ANCHORS
from course_lib.errors import CourseError
from course_lib.experiments import catalogue
from course_lib.text import text
from course_lib.ui import shell

LESSONS = [lesson for lesson in load_course().lessons if shell.lesson_ready(lesson)]
BOTH = pytest.mark.parametrize("language", ["zh", "en"])
EVERY = pytest.mark.parametrize("lesson", LESSONS, ids=lambda one: one.id)
RACE = "orientation"


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Stage:
    return set_stage(monkeypatch, tmp_path)


def lesson_called(id: str) -> Lesson:
    return load_course().lesson(id)


@BOTH
@EVERY
def test_first_open_has_eight_steps_and_nothing_is_broken(stage: Stage, lesson: Lesson, language: str) -> None:
    page = open_page(language, lesson.id)
    nothing_broke(page)
    assert page.title[0].value == lesson.title(language)
    assert [head.value for head in page.header] == [
        f"{n} {lesson.heading(anchor, language)}" for n, anchor in enumerate(ANCHORS, 1)
    ]
    assert not page.warning
    assert "{{" not in words(page)
    assert stage.started == []
    widgets = [*page.radio, *page.selectbox, *page.select_slider, *page.slider, *page.number_input, *page.button]
    assert all(widget.label.strip() for widget in widgets)


@BOTH
@EVERY
def test_guesses_one_at_a_time_then_what_it_means(stage: Stage, lesson: Lesson, language: str) -> None:
    hidden = text("lesson.hidden_until_guessed", language)
    page = open_page(language, lesson.id)
    for one in lesson.guesses:
        assert hidden in words(page)
        assert open_guesses(page, lesson.id) == [one.id]
        guess(page, one, an_answer(one), lesson.id)
    nothing_broke(page)
    assert open_guesses(page, lesson.id) == []
    assert hidden not in words(page)


@BOTH
def test_a_light_lab_answers_at_once_and_grades(stage: Stage, language: str) -> None:
    lesson = lesson_called("mathematics")
    page = open_page(language, lesson.id)
    skip(page, lesson.id)
    before = told(page, key("figure.circular.orbit.light", lesson.id, "circular"))
    page.button(key=key("case.eights", lesson.id, "circular")).click().run()
    nothing_broke(page)
    after = told(page, key("figure.circular.orbit.light", lesson.id, "circular"))
    assert after["wide"]["data"] != before["wide"]["data"]
    slider = page.slider(key=key("widget.w2_11", lesson.id, "circular"))
    assert slider.value == 8.0, "the case has set it"
    slider.set_value(-8.0).run()
    nothing_broke(page)
    assert told(page, key("figure.circular.orbit.light", lesson.id, "circular"))["alt"] != after["alt"]
    done = {step.anchor for step in shell.notebook().steps(lesson.id) if step.completed}
    assert {"train", "look"} <= done


@BOTH
def test_walking_through_stages_that_have_names(stage: Stage, language: str) -> None:
    lesson = lesson_called("mathematics")
    page = open_page(language, lesson.id)
    walk = key("widget.stage", lesson.id, "slow_motion")
    first = page.select_slider(key=walk).value
    assert page.button(key=key("walk.stage.-1", lesson.id, "slow_motion")).disabled
    page.button(key=key("walk.stage.1", lesson.id, "slow_motion")).click().run()
    nothing_broke(page)
    assert page.select_slider(key=walk).value != first
    page.button(key=key("walk.stage.-1", lesson.id, "slow_motion")).click().run()
    assert page.select_slider(key=walk).value == first


@BOTH
def test_the_link_of_a_light_lab_opens_it_again(stage: Stage, language: str) -> None:
    """``history`` and ``shopper`` are settings of these labs, elsewhere places in a run."""
    labs = {"slow_motion": ("history", "shoes_ball"), "basketball": ("shopper", "zhou")}
    for lab, (name, value) in labs.items():
        page = open_page(language, "mathematics", lab=lab, **{name: value})
        nothing_broke(page)
        assert page.session_state[key("troubles", "mathematics", lab)] == []
        assert page.selectbox(key=key(f"widget.{name}", "mathematics", lab)).value == value
    page = open_page(language, "mathematics", history="1-2-3", shopper="2", frame="7", run="0" * 16)
    nothing_broke(page)


@BOTH
def test_a_list_of_runs_starts_with_one_press(stage: Stage, language: str) -> None:
    lesson = lesson_called(RACE)
    lab = lesson.lab("race")
    page = skip(open_page(language, RACE), RACE)
    page.button(key=key("train", RACE, "race")).click().run()
    nothing_broke(page)
    assert [run for run, _ in stage.started] == [config.run_id for config in lab.configs().values()]
    assert all(run.name(language) in table_of(page) for run in lab.runs)
    assert page.button(key=key("train", RACE, "race")).disabled
    page.button(key=key("stop", RACE, "race")).click().run()
    assert {run for run, _ in stage.stopped} == {run for run, _ in stage.started}


@BOTH
def test_one_run_of_a_list_that_fails_leaves_the_others_rows(stage: Stage, language: str) -> None:
    lab = lesson_called(RACE).lab("race")
    configs = lab.configs()
    problem = CourseError("disk_full", path="/disk")
    for id, config in configs.items():
        if id == "gru4rec":
            stage.put(config, "failed", frames=1, error=problem.to_dict())
        else:
            stage.put(config, "finished")
    page = open_page(language, RACE)
    nothing_broke(page)
    said = table_of(page)
    assert said.count("0.300") >= len(configs) - 1
    assert problem.text(language) in said.replace("&#x27;", "'")
    for name in lab.pictures[1:]:
        page.segmented_control(key=key("tab", RACE, "race")).set_value(name).run()
        nothing_broke(page)


@BOTH
def test_a_run_that_cannot_be_started_does_not_keep_the_others_from_it(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, language: str
) -> None:
    configs = lesson_called(RACE).lab("race").configs()
    refused, start = configs["ease"].run_id, stage.start

    def refuse_one(config: Any, learner: str) -> str:
        if config.run_id == refused:
            raise CourseError("disk_full", path="/disk")
        return start(config, learner)

    monkeypatch.setattr(stage, "start", refuse_one)
    page = skip(open_page(language, RACE), RACE)
    page.button(key=key("train", RACE, "race")).click().run()
    nothing_broke(page)
    assert [one.value for one in page.warning] == [CourseError("disk_full", path="/disk").text(language)]
    assert [run for run, _ in stage.started] == [one.run_id for one in configs.values() if one.run_id != refused]


def table_of(page: Any) -> str:
    return "\n".join(one.proto.body for one in page.get("html") if "lab-table" in one.proto.body)


def changed_course(monkeypatch: pytest.MonkeyPatch, lesson: Lesson) -> None:
    """The course with this lesson in the place of its own."""
    known = load_course()
    lessons = tuple(lesson if one.id == lesson.id else one for one in known.lessons)
    course: Course = replace(known, lessons=lessons)
    monkeypatch.setattr(shell, "course", lambda: course)


@BOTH
@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_lab_that_names_an_unknown_experiment_closes_only_itself(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, language: str, place: int
) -> None:
    lesson = lesson_called("mathematics")
    trouble = CourseError("unknown_experiment", name="perpetual_motion", known="circular")
    labs = list(lesson.labs)
    labs[place] = LabPlan(labs[place].id, "perpetual_motion", trouble=trouble)
    changed_course(monkeypatch, replace(lesson, labs=tuple(labs)))
    page = open_page(language, lesson.id)
    nothing_broke(page)
    assert [one.value for one in page.warning] == [trouble.text(language)]
    assert len(page.header) == len(ANCHORS)
    for lab in [one for one in labs if one.trouble is None]:
        assert any(str(one.key).startswith(key("", lesson.id, lab.id)) for one in [*page.slider, *page.selectbox])


@BOTH
def test_a_broken_experiment_file_is_a_sentence_in_its_lab(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, language: str
) -> None:
    """From the file to the page: the other labs of the lesson, and the other lessons, go on."""
    broken = tmp_path / "slow_motion.py"
    broken.write_text('"""Broken."""\nSETTINGS = {"steps": (1, 2\n', encoding="utf-8")
    files = tuple(
        (str(broken) if Path(path).name == broken.name else path, changed) for path, changed in catalogue._files()
    )
    monkeypatch.setattr(catalogue, "_files", lambda: files)
    fresh = lessons._load.__wrapped__(lessons.FOLDER, ())  # read anew, beside the cache
    monkeypatch.setattr(shell, "course", lambda: fresh)
    lesson = fresh.lesson("mathematics")
    assert lesson.ready
    page = open_page(language, "mathematics")
    nothing_broke(page)
    (said,) = [one.value for one in page.warning]
    assert "slow" in said
    assert "Traceback" not in said
    assert page.slider(key=key("widget.w1_11", "mathematics", "circular"))
    nothing_broke(open_page(language, "user_understanding"))


@BOTH
def test_a_missing_recorded_run_is_one_sentence(stage: Stage, monkeypatch: pytest.MonkeyPatch, language: str) -> None:
    monkeypatch.setattr(recorded, "FILE", "nothing.json")
    page = open_page(language)
    nothing_broke(page)
    missing = CourseError("recorded_missing", lesson="user_understanding").text(language)
    assert [one.value for one in page.info].count(missing) == 1


@BOTH
def test_the_recorded_run_plays_with_both_histories(stage: Stage, language: str) -> None:
    page = open_page(language)
    played = told(page, "recorded.user_understanding.try")
    assert played["question"] == lesson_called("user_understanding").recorded.questions[language]  # type: ignore[union-attr]
    assert len(played["histories"]) == 2
    assert all(len(one["lists"]) == len(played["frames"]) for one in played["histories"])
    assert all(json.dumps(one["items"]) for one in played["histories"])
