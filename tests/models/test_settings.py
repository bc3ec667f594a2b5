"""Settings are read without importing the model, and a bad one is refused by its name and range."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from course_lib.errors import CourseError
from course_lib.models.catalogue import Setting, check_settings, model_card, model_cards, parse_settings
from course_lib.training.settings import SETTINGS as TRAINING

PROJECT = Path(__file__).resolve().parents[2]
OWNERS = {**{name: card.settings for name, card in model_cards().items()}, "training": parse_settings(TRAINING)}
NUMBERS = [
    pytest.param(owner, setting, id=f"{owner}-{setting.name}")
    for owner, settings in OWNERS.items()
    for setting in settings.values()
    if not setting.choices
]


def bad_values(setting: Setting) -> dict[str, Any]:
    """Below, above, not a number in three ways, and a fraction where a whole number is asked."""
    assert setting.low is not None
    assert setting.high is not None
    bad = {
        "below": setting.low - 1,
        "above": setting.high + 1,
        "nan": math.nan,
        "infinite": math.inf,
        "text": "much",
        "empty": "",
        "nothing": None,
    }
    return bad | ({"fraction": setting.low + 0.5} if isinstance(setting.default, int) else {})


@pytest.mark.parametrize(("owner", "setting"), NUMBERS)
def test_refuses_a_bad_number_by_name_and_range(owner: str, setting: Setting) -> None:
    for case, value in bad_values(setting).items():
        with pytest.raises(CourseError) as caught:
            check_settings(owner, OWNERS[owner], {setting.name: value})
        whole = isinstance(setting.default, int)
        no_number = "setting_not_whole" if whole else "setting_not_a_number"
        assert caught.value.key in ("setting_out_of_range", no_number), case
        for language in ("en", "zh"):
            sentence = caught.value.text(language)
            for part in (setting.name, setting.low, setting.high):
                assert str(part) in sentence, (case, sentence)
        if caught.value.key != "setting_out_of_range":
            assert ("whole number" in caught.value.text("en")) is whole
            assert ("整数" in caught.value.text("zh")) is whole


@pytest.mark.parametrize(("owner", "setting"), NUMBERS)
def test_takes_the_ends_of_the_range(owner: str, setting: Setting) -> None:
    """As numbers and as the text of a form, in the setting's own type."""
    for value in (setting.low, setting.high, setting.default):
        for given in (value, str(value)):
            checked = check_settings(owner, OWNERS[owner], {setting.name: given})[setting.name]
            assert checked == value
            assert type(checked) is type(setting.default)


def test_refuses_an_unknown_setting(name: str) -> None:
    with pytest.raises(CourseError) as caught:
        check_settings(name, model_card(name).settings, {"no_such_setting": 1})
    assert caught.value.key == "unknown_setting"
    assert name in str(caught.value)
    assert "no_such_setting" in str(caught.value)


def test_defaults_are_in_range(name: str) -> None:
    settings = model_card(name).settings
    assert check_settings(name, settings, {}) == {key: setting.default for key, setting in settings.items()}


def test_refuses_another_choice() -> None:
    """A setting that is a word, as in the catalogue's docstring, and every such setting that a model has."""
    example = parse_settings({"loss": ("softmax", "softmax", "bce")})
    for owner, settings in {"example": example, **OWNERS}.items():
        for setting in settings.values():
            if setting.choices:
                for choice in setting.choices:
                    assert check_settings(owner, settings, {setting.name: choice})[setting.name] == choice
                with pytest.raises(CourseError) as caught:
                    check_settings(owner, settings, {setting.name: "no such choice"})
                assert caught.value.key == "setting_not_a_choice"
                assert all(part in str(caught.value) for part in (setting.name, *setting.choices))


def test_an_unknown_model_is_refused_with_the_known_ones() -> None:
    with pytest.raises(CourseError) as caught:
        model_card("no-such-model")
    assert caught.value.key == "unknown_model"
    assert all(name in str(caught.value) for name in model_cards())


def test_settings_are_read_without_torch() -> None:
    """The web process asks for every model's settings and must not load torch for it."""
    code = (
        "import json, sys\n"
        "from course_lib.models.catalogue import model_cards\n"
        "cards = {name: list(card.settings) for name, card in model_cards().items()}\n"
        "print(json.dumps([cards, sorted({'torch', 'transformers'} & set(sys.modules))]))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True)
    cards, loaded = json.loads(done.stdout)
    assert loaded == []
    assert cards == {name: list(card.settings) for name, card in model_cards().items()}
    assert model_card("sasrec").neural
    assert not model_card("markov").neural
