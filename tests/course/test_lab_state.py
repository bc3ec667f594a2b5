"""The lab's state in a link: it comes back whole, and whatever is wrong becomes one sentence and a default."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_lib.course.lab_state import (
    OLDER,
    LabState,
    check_history,
    choices,
    link_keys,
    opening_state,
    state_from_link,
)
from course_lib.course.labs import LabPlan
from course_lib.course.lessons import load_course
from course_lib.errors import CourseError
from course_lib.experiments.catalogue import experiment_card
from course_lib.models.catalogue import Setting, model_card
from course_lib.training.settings import loop_settings

LESSON = load_course().lesson("user_understanding")
PLAN = LESSON.lab()
START = opening_state(PLAN)
KEYS = link_keys(PLAN)
LABS = [(lesson.id, lab) for lesson in load_course().lessons for lab in lesson.labs]
EVERY_LAB = pytest.mark.parametrize("plan", [lab for _, lab in LABS], ids=[f"{id}-{lab.id}" for id, lab in LABS])


def opened(link: str, start: LabState = START) -> tuple[LabState, list[CourseError]]:
    return state_from_link(dict(parse_qsl(link, keep_blank_values=True)), start)


def test_the_preset_is_the_models_own() -> None:
    known = {**model_card("sasrec").settings, **loop_settings("sasrec")}
    assert START.settings == {"model": "sasrec", **{n: known[n].default for n in PLAN.shows if n in known}}
    assert START.data == {"dataset": ("shop", "small")}
    assert opened("") == (START, [])


@EVERY_LAB
def test_every_lab_of_the_course_comes_back_from_its_own_link(plan: LabPlan) -> None:
    start = opening_state(plan)
    assert opened(start.link(), start) == (start, [])
    assert set(start.query()) <= set(link_keys(plan))


@EVERY_LAB
def test_every_choice_of_every_lab_comes_back(plan: LabPlan) -> None:
    """Also of a setting that has the name of something else in a link, as ``shopper`` and ``history`` do."""
    start = opening_state(plan)
    for name, setting in start.offered().items():
        for value in setting.choices or (setting.low, setting.high):
            if name in experiment_card(plan.experiment).chooses:
                continue  # tests/app/test_lab_models.py
            one = start.with_setting(name, value)
            back, errors = opened(one.link(), start)
            together = [error for error in errors if error.key != "width_heads"]
            assert together == []
            assert errors or back == one, name


def test_a_link_brings_everything_back() -> None:
    state = replace(
        START,
        data={"dataset": ("complete-journey", "full")},
        settings={"model": "sasrec", "width": 48, "layers": 1, "heads": 4, "history_length": 20, "epochs": 3},
        seed=7,
        shopper=4,
        frame=2,
        history=(12, 45, 12, 7),
        run="0123456789abcdef",
    )
    back, errors = opened(state.link())
    assert errors == []
    assert back.settings.items() >= state.settings.items(), "what the form does not show comes of the recipe"
    assert replace(back, settings=state.settings) == state
    assert opened(back.link()) == (back, [])
    assert set(state.query()) <= set(KEYS)


@pytest.mark.parametrize("old", OLDER)
def test_a_link_of_before_has_other_names(old: str) -> None:
    state, errors = opened(f"dataset=shop&size=tiny&model=sasrec&width=24&{old}=12&epochs=3&shopper=1&epoch=2")
    assert errors == []
    assert (state.settings[OLDER[old]], state.settings["width"], state.shopper) == (12, 24, 1)
    assert state.data == {"dataset": ("shop", "tiny")}
    assert {old, "epoch"} <= set(KEYS), "the page hands them on, and takes them out of the address"


def test_an_emptied_history_is_not_an_unedited_one() -> None:
    assert opened(replace(START, history=()).link())[0].history == ()
    assert opened(START.link())[0].history is None


@pytest.mark.parametrize(
    ("link", "key"),
    [
        ("dataset=books", "unknown_dataset"),
        ("size=huge", "unknown_size"),
        ("dataset=complete-journey&size=tiny", "unknown_size"),
        ("model=transformer", "setting_not_a_choice"),
        ("width=9999", "setting_out_of_range"),
        ("width=wide", "setting_not_whole"),
        ("layers=0", "setting_out_of_range"),
        ("heads=2.5", "setting_not_whole"),
        ("length=1", "setting_out_of_range"),
        ("history_length=1", "setting_out_of_range"),
        ("epochs=100000", "setting_out_of_range"),
        ("seed=-1", "setting_out_of_range"),
        ("shopper=5", "setting_out_of_range"),
        ("frame=-3", "setting_out_of_range"),
        ("history=1-x", "link_history"),
        ("history=0", "link_history"),
        ("history=" + "-".join(["1"] * 401), "link_history"),
        ("run=../../etc/passwd", "link_run"),
        ("width=10&heads=4", "width_heads"),
    ],
)
def test_a_bad_value_is_one_sentence_and_the_default(link: str, key: str) -> None:
    state, errors = opened(link)
    assert [error.key for error in errors] == [key]
    assert state == (START if "complete" not in link else opened("dataset=complete-journey&size=small")[0])
    assert all(errors[0].text(language) for language in ("zh", "en"))


def test_one_bad_value_does_not_spoil_the_others() -> None:
    state, errors = opened("width=9999&layers=1&shopper=2")
    assert (state.settings["layers"], state.shopper, len(errors)) == (1, 2, 1)


@EVERY_LAB
@given(st.data())
def test_no_link_whatever_breaks_the_page(plan: LabPlan, data: st.DataObject) -> None:
    query = data.draw(st.dictionaries(st.sampled_from(link_keys(plan)), st.text(max_size=30), max_size=6))
    state, errors = state_from_link(query, opening_state(plan))
    assert experiment_card(state.experiment).check(state.settings)
    assert experiment_card(state.experiment).light or state.config().run_id
    assert all(error.text("zh") for error in errors)


def test_choices_lie_in_range_and_hold_the_current_value() -> None:
    width = choices(Setting("width", 64, 8, 256), 50)
    assert width == [8, 12, 16, 24, 32, 48, 50, 64, 96, 128, 192, 256]
    assert choices(Setting("layers", 2, 1, 6), 2) == [1, 2, 3, 4, 5, 6]


def test_check_history_refuses_what_is_no_product() -> None:
    assert check_history([1, 2, 2], 5) == (1, 2, 2)
    for bad in ([0], [6], [-1]):
        with pytest.raises(CourseError, match="does not have"):
            check_history(bad, 5)
    for bad in (["1"], [1.0], [True], [1] * 401):
        with pytest.raises(CourseError) as caught:
            check_history(bad, 5)
        assert caught.value.key == "link_history"
