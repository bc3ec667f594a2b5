"""One training step by hand is torch's training step, and what the lesson says of it is so."""

from __future__ import annotations

import json
import math
import time
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import settings as how
from hypothesis import strategies as st

from course_lib.experiments import slow_motion
from course_lib.experiments.catalogue import experiment_card

PARAMETERS = ("E", "W_Q", "W_K", "W_V", "b")


def ask(**given_settings: Any) -> dict[str, Any]:
    return slow_motion.answer(dict(experiment_card("slow_motion").check(given_settings)), {})


def value(answer: dict[str, Any], measure: str) -> float:
    return float(answer["measures"][measure]["value"])


def torch_step(w: dict[str, Any], history: list[int], target: int, rate: float) -> tuple[float, dict, dict]:
    """Loss, gradients and updated weights, by torch's own parts, in float64."""
    p = {name: torch.tensor(np.array(w[name]), dtype=torch.float64, requires_grad=True) for name in PARAMETERS}
    optimiser = torch.optim.SGD(p.values(), lr=rate)
    x = torch.nn.functional.embedding(torch.tensor(history), p["E"])
    q, k, v = x[-1:] @ p["W_Q"], x @ p["W_K"], x @ p["W_V"]
    z = x[-1:] + torch.nn.functional.scaled_dot_product_attention(q[None], k[None], v[None])[0]
    loss = torch.nn.functional.cross_entropy(z @ p["E"].T + p["b"], torch.tensor([target]))
    loss.backward()
    gradients = {name: one.grad.numpy().copy() for name, one in p.items() if one.grad is not None}
    optimiser.step()
    return loss.item(), gradients, {name: one.detach().numpy() for name, one in p.items()}


@how(deadline=None, max_examples=40)
@given(
    numbers=st.lists(st.floats(-2, 2), min_size=24, max_size=24),
    history=st.lists(st.integers(0, 3), min_size=1, max_size=5),
    target=st.integers(0, 3),
    rate=st.floats(0.01, 5),
)
def test_equals_torch(numbers: list[float], history: list[int], target: int, rate: float) -> None:
    w = {"E": np.reshape(numbers[:8], (4, 2)), "b": np.array(numbers[20:])}
    w |= {name: np.reshape(numbers[at : at + 4], (2, 2)) for name, at in (("W_Q", 8), ("W_K", 12), ("W_V", 16))}
    passed = slow_motion.forward(w, history, target)
    gradients, _ = slow_motion.backward(w, history, target, passed)
    updated = slow_motion.update(w, gradients, rate)
    loss, by_torch, after = torch_step(w, history, target, rate)
    assert passed["L"] == pytest.approx(loss, abs=1e-10)
    assert set(by_torch) == set(PARAMETERS)
    for name in PARAMETERS:
        np.testing.assert_allclose(gradients[name], by_torch[name], rtol=0, atol=1e-10)
        np.testing.assert_allclose(updated[name], after[name], rtol=0, atol=1e-10)


def test_five_steps_in_a_row_equal_torch() -> None:
    w: dict[str, Any] = dict(slow_motion.start(1))
    for number in range(1, 6):
        shown = ask(step=number)
        loss, _, w = torch_step(w, [0, 1], 2, 0.5)
        assert value(shown, "loss_before") == pytest.approx(loss, abs=1e-10)
        for name in PARAMETERS:
            np.testing.assert_allclose(shown["updated"][name], w[name], rtol=0, atol=1e-10)


def test_gradients_in_between_are_what_nudging_finds() -> None:
    """dL/dz, dL/dy, dL/da and so on: the later part of the forward pass, recomputed from a nudged number."""
    w, history, target = slow_motion.start(3), [0, 1, 2], 3
    f = slow_motion.forward(w, history, target)
    _, between = slow_motion.backward(w, history, target, f)

    def from_scores(scores: Any) -> float:
        return from_z(f["X"][-1] + slow_motion.softmax(scores) @ f["U"])

    def from_z(z: Any) -> float:
        return from_y(w["E"] @ z + w["b"])

    def from_y(y: Any) -> float:
        return float(-np.log(slow_motion.softmax(y)[target]))

    for name, rest in (("scores", from_scores), ("z", from_z), ("y", from_y)):
        for place in range(len(f[name])):
            push = np.zeros_like(f[name])
            push[place] = 1e-6
            slope = (rest(f[name] + push) - rest(f[name] - push)) / 2e-6
            assert between[name][place] == pytest.approx(slope, abs=1e-8)


def test_all_24_numbers_move_in_the_first_step() -> None:
    answer = ask()
    assert sum(np.size(answer["weights"][name]) for name in PARAMETERS) == 24
    assert value(answer, "moved") == 24
    assert answer["weights"]["E"][3] != answer["updated"]["E"][3]  # the pump is neither read nor bought
    assert answer["nudge_gap"] < 1e-8


def test_what_the_guesses_say_of_the_first_step() -> None:
    answer = ask()
    assert value(answer, "loss_change") == pytest.approx(-0.66, abs=0.01)
    assert value(answer, "tenfold_change") > 2
    ten = ask(learning_rate=5.0)
    assert value(ten, "loss_change") == pytest.approx(value(answer, "tenfold_change"))


def test_one_good_step_can_be_met_and_the_first_attempts_miss() -> None:
    assert value(ask(learning_rate=1.9), "loss_after") <= 0.42
    for first_attempt in (0.5, 1.0, 3.0, 5.0):
        assert value(ask(learning_rate=first_attempt), "loss_after") > 0.42


def test_the_loss_falls_with_every_step_and_nearly_to_zero() -> None:
    answer = ask()
    assert value(answer, "steps_downhill") == 60
    assert len(answer["losses"]) == len(answer["tables"]) == 61
    assert answer["losses"][-1] < 0.01
    assert answer["losses"][0] == value(answer, "loss_before")


def test_steps_follow_one_another() -> None:
    one, two = ask(step=1), ask(step=2)
    assert one["updated"] == two["weights"]
    assert one["after"] == two["forward"]
    assert value(one, "loss_after") == value(two, "loss_before") == one["losses"][1]
    assert one["tables"][1] == one["updated"]["E"]
    assert dict(two["along"])[0.0] == value(two, "loss_before")


def test_the_start_can_be_written_down() -> None:
    for name, numbers in ask()["weights"].items():
        np.testing.assert_array_equal(numbers, np.round(numbers, 2), err_msg=name)


def test_order_enters_through_the_newest_product() -> None:
    there, back = ask(history="ball_shoes"), ask(history="shoes_ball")
    assert there["forward"]["p"] != back["forward"]["p"]


@how(deadline=None, max_examples=40)
@given(
    history=st.sampled_from(["ball_shoes", "shoes_ball", "ball_shoes_jersey", "ball_ball_shoes"]),
    target=st.sampled_from(slow_motion.PRODUCTS), seed=st.integers(0, 9999), step=st.integers(1, 60),
    rate=st.floats(0.01, 5),
)  # fmt: skip
def test_every_setting_has_a_finite_answer(history: str, target: str, seed: int, step: int, rate: float) -> None:
    answer = ask(history=history, target=target, weights=seed, step=step, learning_rate=rate)
    json.dumps(answer, allow_nan=False)
    assert 1 <= answer["step"] <= step
    assert all(math.isfinite(loss) and loss >= 0 for loss in answer["losses"])
    assert set(answer["measures"]) == set(experiment_card("slow_motion").measures)


def test_weights_that_run_away_end_the_training() -> None:
    """With these weights the rate 3 explodes; the steps that are left out are not shown as if they had been made."""
    answer = ask(weights=5, learning_rate=3.0, step=60)
    assert answer["step"] == len(answer["losses"]) - 1 < 60
    assert max(abs(x) for row in answer["tables"][-1] for x in row) > slow_motion.LARGEST


def test_an_answer_is_quick() -> None:
    took = []
    for _ in range(5):
        begin = time.process_time()
        ask(step=60)
        took.append(time.process_time() - begin)
    assert min(took) < 0.1
