"""The circular layers do what the lesson says of them, and the judge of an orbit is not fooled."""

from __future__ import annotations

import json
import time
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as how
from hypothesis import strategies as st

from course_lib.experiments import circular
from course_lib.experiments.catalogue import experiment_card

Matrix = list[list[float]]


def eye(weight: float) -> Matrix:
    return [[weight, 0.0], [0.0, weight]]


# W1, W2 and the period that the lesson names (0: does not repeat).
CASES: dict[str, tuple[Matrix, Matrix, int]] = {
    "mild": ([[2, -1], [1, 2]], [[1, 1], [-1, 1]], 1),
    "same sign": (eye(8), eye(8), 1),
    "opposite": (eye(8), eye(-8), 2),
    "quarter turn": ([[0, -7], [7, 0]], eye(7), 4),
    "eighth of a turn": ([[5, -5], [5, 5]], eye(7), 8),
    "odd angle": ([[3, -4], [4, 3]], eye(5), 0),
}


def settings(w1: Matrix, w2: Matrix, **more: Any) -> dict[str, Any]:
    weights = {f"w{n}_{i + 1}{j + 1}": w[i][j] for n, w in ((1, w1), (2, w2)) for i in (0, 1) for j in (0, 1)}
    return dict(experiment_card("circular").check(weights | more))


def ask(w1: Matrix, w2: Matrix, **more: Any) -> dict[str, Any]:
    return circular.answer(settings(w1, w2, **more), {})


def value(answer: dict[str, Any], measure: str) -> float:
    return float(answer["measures"][measure]["value"])


def states(w1: Matrix, w2: Matrix, damping: float = 0.0, steps: int = 400) -> Any:
    """The orbit of g from the lesson's start."""
    layers = circular.Layers.make(np.array(w1, float), np.array(w2, float))
    return circular.iterate(layers, np.array([0.9, 0.2]), steps, damping=damping)[1]


@pytest.mark.parametrize("name", CASES)
def test_periods_of_the_lesson(name: str) -> None:
    w1, w2, period = CASES[name]
    assert value(ask(w1, w2), "period") == period
    assert value(ask(w1, w2, steps=400), "period") == period


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case[2] > 1])
def test_updating_both_at_once_doubles_the_period(name: str) -> None:
    w1, w2, period = CASES[name]
    assert value(ask(w1, w2, order="at_once"), "period") == 2 * period


def test_a_small_bound_settles_in_four_rounds_and_is_a_guarantee() -> None:
    w1, w2, _ = CASES["mild"]
    answer = ask(w1, w2)
    assert value(answer, "steps_to_settle") == 4
    assert value(answer, "bound") == pytest.approx(np.sqrt(5) * np.sqrt(2) / 16)
    assert answer["bound"]["guarantees"]
    assert value(answer, "endings") == 1


def test_equal_signs_have_four_ends_with_a_quarter_of_the_starts_each() -> None:
    answer = ask(*CASES["same sign"][:2])
    assert value(answer, "endings") == 4
    assert [end["share"] for end in answer["starts"]["ends"]] == [0.25] * 4
    corners = {tuple(round(x) for x in end["points"][0]) for end in answer["starts"]["ends"]}
    assert corners == {(0, 0), (0, 1), (1, 0), (1, 1)}
    labels = np.array(answer["starts"]["labels"])
    assert len({labels[0, 0], labels[0, -1], labels[-1, 0], labels[-1, -1]}) == 4  # one end a corner


def test_two_swings_in_and_out_of_step_are_two_ends() -> None:
    answer = ask(*CASES["opposite"][:2])
    assert value(answer, "endings") == 2
    assert [end["period"] for end in answer["starts"]["ends"]] == [2, 2]


def test_the_border_of_weight_four() -> None:
    for weight, period in ((3.9, 1), (4.2, 2)):
        assert value(ask(eye(weight), eye(-weight), steps=400), "period") == period


def test_damping_by_the_weight_of_the_new_value() -> None:
    """With .4 of the new it swings on, with .3 it settles in 18 rounds, with .2 in 5, with .1 it is slower again."""
    w1, w2, _ = CASES["opposite"]
    reached = {}
    for new in (0.4, 0.3, 0.2, 0.1):
        orbit = states(w1, w2, damping=1 - new)
        settled = circular.periods(orbit[:, None])[0] == 1
        moves = np.abs(np.diff(orbit, axis=0)).max(1)
        reached[new] = int(np.argmax(moves < 1e-6)) if settled else None
    assert reached == {0.4: None, 0.3: 18, 0.2: 5, 0.1: 21}


def test_best_damping_is_eighty_per_cent_and_the_challenge_can_be_met_and_missed() -> None:
    w1, w2, _ = CASES["opposite"]
    assert value(ask(w1, w2), "best_damping") == 0.8
    assert value(ask(w1, w2, damping=0.8), "steps_to_settle") <= 6
    for first_attempt in (0.0, 0.5, 0.9):
        assert value(ask(w1, w2, damping=first_attempt), "steps_to_settle") > 6


def test_random_layers_above_the_bound_settle_more_often_than_not() -> None:
    answer = ask(*CASES["opposite"][:2])
    bounds = [one["bound"] for one in answer["draws"]]
    assert len(bounds) == 40
    assert min(bounds) > 1
    assert sum(one["period"] == 1 for one in answer["draws"]) == 23
    assert 0.5 < value(answer, "settling_draws") < 0.7
    assert ask(*CASES["opposite"][:2], draw=3)["draws"] != answer["draws"]


def test_zero_biases_swing_less_often() -> None:
    """What the lesson says of the biases: at zero the circle tends to rest where the slope is small."""
    rng = np.random.default_rng(0)
    weights = rng.normal(0, 4, (2, 300, 2, 2))
    rests = {}
    for bias in ("centred", "zero"):
        layers = circular.Layers.make(weights[0], weights[1], bias)
        _, g = circular.iterate(layers, np.tile([0.9, 0.2], (300, 1)), 200)
        rests[bias] = float((circular.periods(g) == 1).mean())
    assert rests["zero"] > rests["centred"] + 0.1


def test_the_readout_swings_with_the_pair() -> None:
    r = ask(*CASES["opposite"][:2])["orbit"]["r"]
    first = [pair[0] > pair[1] for pair in r[-6:]]
    assert first in ([True, False] * 3, [False, True] * 3)


def test_a_creeping_orbit_is_no_repetition() -> None:
    """Steps below the tolerance are not enough: 1 / n moves ever less and never arrives."""
    creeps = (1 / np.sqrt(np.arange(1, 401)))[:, None, None] * 1e-3
    assert np.abs(np.diff(creeps[-5:], axis=0)).max() < circular.REPEATS
    assert circular.periods(creeps)[0] == 0


@how(deadline=None, max_examples=40)
@given(period=st.integers(1, 32), seed=st.integers(0, 1000), fades=st.floats(0, 0.8))
def test_a_planted_period_is_found(period: int, seed: int, fades: float) -> None:
    """Also where the orbit still spirals into its cycle."""
    rng = np.random.default_rng(seed)
    cycle = rng.permutation(period)[:, None] + rng.random((1, 2))  # all states differ
    orbit = cycle[np.arange(300) % period] + (fades ** np.arange(300))[:, None] * rng.normal(size=2)
    assert circular.periods(orbit[:, None])[0] == period


@how(deadline=None, max_examples=40)
@given(angle=st.floats(0.1, 3.1), fades=st.floats(0.1, 0.93))
def test_a_spiral_into_a_point_settles(angle: float, fades: float) -> None:
    n = np.arange(401)
    orbit = (fades**n)[:, None] * np.stack([np.cos(angle * n), np.sin(angle * n)], 1)
    assert circular.periods(orbit[:, None])[0] == 1


weights = st.floats(-12, 12)


@how(deadline=None, max_examples=40)
@given(entries=st.lists(weights, min_size=8, max_size=8), order=st.sampled_from(["in_turn", "at_once"]))
def test_below_one_the_bound_keeps_its_promise(entries: list[float], order: str) -> None:
    w1, w2 = np.array(entries).reshape(2, 2, 2)
    size = np.linalg.norm(w1, 2) * np.linalg.norm(w2, 2) / 16
    w1 = w1 if size < 0.8 else w1 * 0.8 / size
    answer = ask(w1.tolist(), w2.tolist(), order=order, steps=400)
    assert answer["bound"]["guarantees"]
    assert value(answer, "period") == 1
    assert value(answer, "endings") == 1


def test_what_is_left_of_a_push_is_what_really_is_left() -> None:
    """The multiplier against a push that is made and followed once round the cycle."""
    for name in ("opposite", "quarter turn", "eighth of a turn", "mild"):
        w1, w2, period = CASES[name]
        answer = ask(w1, w2, steps=400)
        layers = circular.Layers.make(np.array(w1, float), np.array(w2, float))
        at = np.array(answer["orbit"]["g"][-1])
        jacobian = np.zeros((2, 2))
        for i in (0, 1):
            push = np.eye(2)[i] * 1e-6
            there = [circular.iterate(layers, at + sign * push, period)[1][-1] for sign in (1, -1)]
            jacobian[:, i] = (there[0] - there[1]) / 2e-6
        left = np.abs(np.linalg.eigvals(jacobian)).max()
        assert answer["end"]["multiplier"] == pytest.approx(left, rel=1e-3, abs=1e-7)


def test_an_answer_is_json_with_every_measure_and_quick() -> None:
    card = experiment_card("circular")
    given_settings = settings(*CASES["eighth of a turn"][:2])
    circular.answer(given_settings, {})
    took = []
    for _ in range(5):
        begin = time.process_time()
        answer = circular.answer(given_settings, {})
        took.append(time.process_time() - begin)
    assert min(took) < 0.1
    assert set(answer["measures"]) == set(card.measures)
    assert all(one["low"] == one["value"] == one["high"] for one in answer["measures"].values())
    assert len(json.dumps(answer, allow_nan=False)) < 60_000
    assert circular.answer(dict(card.check(card.tiny)), {})["measures"]


@how(deadline=None, max_examples=40)
@given(
    entries=st.lists(weights, min_size=12, max_size=12), start=st.tuples(st.floats(0, 1), st.floats(0, 1)),
    damping=st.floats(0, 0.99), order=st.sampled_from(["in_turn", "at_once"]),
    bias=st.sampled_from(["centred", "zero"]),
)  # fmt: skip
def test_every_setting_has_an_answer(
    entries: list[float], start: tuple[float, float], damping: float, order: str, bias: str
) -> None:
    names = [f"w{n}_{i}{j}" for n in (1, 2, 3) for i in (1, 2) for j in (1, 2)]
    asked = dict(zip(names, entries, strict=True)) | {"start_1": start[0], "start_2": start[1], "steps": 40}
    asked |= {"damping": damping, "order": order, "bias": bias}
    answer = circular.answer(dict(experiment_card("circular").check(asked)), {})
    json.dumps(answer, allow_nan=False)
    flat = np.array([answer["orbit"][name] for name in "ugr"])
    assert flat.shape == (3, 41, 2)
    assert ((flat >= 0) & (flat <= 1)).all()
