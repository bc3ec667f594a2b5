"""The lesson on equations asks only what its labs can answer, and what its comments claim of them is so."""

from __future__ import annotations

import math
import tomllib
from typing import Any

import pytest

from course_lib.experiments.catalogue import experiment_card
from course_lib.experiments.light import answer_light
from course_lib.settings import PROJECT

LESSON = tomllib.loads((PROJECT / "lessons" / "mathematics" / "lesson.toml").read_text(encoding="utf-8"))
LABS = {lab["id"]: lab for lab in LESSON["lab"]}
RIGHT = {
    "bound_above_one": "half",
    "endings": "four",
    "best_damping": "much",
    "numbers_that_move": "all",
    "ten_times": "rises",
}
# What meets each challenge, and what people try first.
MET: dict[str, tuple[dict[str, Any], list[dict[str, Any]]]] = {
    "period_eight": (
        {"w1_11": 5.0, "w1_12": -5.0, "w1_21": 5.0, "w1_22": 5.0, "w2_11": 7.0, "w2_22": 7.0},
        [
            {"w1_11": 12.0, "w1_22": 12.0, "w2_11": -12.0, "w2_22": -12.0},
            {"w1_11": 0.0, "w1_12": -7.0, "w1_21": 7.0, "w1_22": 0.0, "w2_11": 7.0, "w2_22": 7.0},
        ],
    ),
    "come_to_rest": ({"damping": 0.8}, [{"damping": 0.5}, {"damping": 0.9}, {"w1_11": 0.0, "w1_22": 0.0}]),
    "one_good_step": ({"learning_rate": 1.9}, [{"learning_rate": 1.0}, {"learning_rate": 5.0}]),
    "only_balls": ({"width": 28}, [{"width": 16}, {"width": 24}]),
}


def ask(lab: str, **more: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """The settings of a lab with ``more``, and what it answers."""
    name = LABS[lab]["experiment"]
    settings = experiment_card(name).check(LABS[lab].get("settings", {}) | more)
    return dict(settings), answer_light(name, settings)["measures"]


def meets(challenge: dict[str, Any], **more: Any) -> bool:
    settings, measures = ask(challenge["lab"], **more)
    value = measures[challenge["measure"]]["value"]
    low, high = challenge.get("at_least", -math.inf), challenge.get("at_most", math.inf)
    kept = all(settings[name] <= most for name, most in challenge.get("limits", {}).items())
    kept = kept and all(settings[name] >= least for name, least in challenge.get("floors", {}).items())
    return low <= value <= high and kept


def test_labs_show_settings_that_their_experiments_have() -> None:
    for lab in LABS.values():
        assert set(lab["shows"]) <= set(experiment_card(lab["experiment"]).own_settings)


@pytest.mark.parametrize("guess", LESSON["guess"], ids=lambda guess: guess["id"])
def test_one_option_of_each_guess_is_right(guess: dict[str, Any]) -> None:
    cases = {case["id"]: case["settings"] for case in LABS[guess["lab"]].get("run", [])}
    _, measures = ask(guess["lab"], **cases.get(guess.get("run", ""), {}))
    truth = measures[guess["truth"]]["value"]
    right = [one["id"] for one in guess["option"] if one.get("low", -math.inf) <= truth < one.get("high", math.inf)]
    assert right == [RIGHT[guess["id"]]]


@pytest.mark.parametrize("challenge", LESSON["challenge"], ids=lambda challenge: challenge["id"])
def test_challenges_can_be_met_and_first_attempts_miss(challenge: dict[str, Any]) -> None:
    solution, attempts = MET[challenge["id"]]
    assert meets(challenge, **solution)
    assert not meets(challenge)
    for attempt in attempts:
        assert not meets(challenge, **attempt)
