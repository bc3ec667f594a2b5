"""The lab's state in a link: it comes back whole, and whatever is wrong becomes one sentence and a default."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_lib.models.catalogue import Setting
from course_lib.ui.lab_state import LINK_KEYS, choices, form_settings, preset_state, state_from_link

START = preset_state({"dataset": "shop", "model": "sasrec", "seed": 1})


def opened(link: str):
    return state_from_link(dict(parse_qsl(link, keep_blank_values=True)), START)


def test_the_preset_is_the_models_own() -> None:
    assert START.settings == {
        name: form_settings("sasrec")[short].default
        for short, name in {"width": "width", "layers": "layers", "heads": "heads", "length": "history_length"}.items()
    }
    assert START.size == "small"
    assert opened("") == (START, [])


def test_a_link_brings_everything_back() -> None:
    state = replace(
        START,
        dataset="complete-journey",
        size="full",
        settings={"width": 48, "layers": 1, "heads": 4, "history_length": 20},
        training={"epochs": 3},
        seed=7,
        shopper=4,
        epoch=2,
        history=(12, 45, 12, 7),
        run="0123456789abcdef",
    )
    assert opened(state.link()) == (state, [])
    assert set(state.query()) == set(LINK_KEYS)


def test_an_emptied_history_is_not_an_unedited_one() -> None:
    assert opened(replace(START, history=()).link())[0].history == ()
    assert opened(START.link())[0].history is None


@pytest.mark.parametrize(
    ("link", "key"),
    [
        ("dataset=books", "unknown_dataset"),
        ("size=huge", "unknown_size"),
        ("width=9999", "setting_out_of_range"),
        ("width=wide", "setting_not_whole"),
        ("layers=0", "setting_out_of_range"),
        ("heads=2.5", "setting_not_whole"),
        ("length=1", "setting_out_of_range"),
        ("epochs=100000", "setting_out_of_range"),
        ("seed=-1", "setting_out_of_range"),
        ("shopper=5", "setting_out_of_range"),
        ("epoch=-3", "setting_out_of_range"),
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
    assert state == START
    assert all(errors[0].text(language) for language in ("zh", "en"))


def test_one_bad_value_does_not_spoil_the_others() -> None:
    state, errors = opened("width=9999&layers=1&shopper=2")
    assert (state.settings["layers"], state.shopper, len(errors)) == (1, 2, 1)


@given(st.dictionaries(st.sampled_from(LINK_KEYS), st.text(max_size=30)))
def test_no_link_whatever_breaks_the_page(query: dict[str, str]) -> None:
    state, errors = state_from_link(query, START)
    assert state.config().run_id
    assert all(error.text("zh") for error in errors)


def test_choices_lie_in_range_and_hold_the_current_value() -> None:
    width = choices(Setting("width", 64, 8, 256), 50)
    assert width == [8, 12, 16, 24, 32, 48, 50, 64, 96, 128, 192, 256]
    assert choices(Setting("layers", 2, 1, 6), 2) == [1, 2, 3, 4, 5, 6]
