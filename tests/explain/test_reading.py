"""What a model says of one history: its list in the order of its scores, and attention on the products."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from course_lib.data.histories import Histories
from course_lib.errors import CourseError
from course_lib.explain.reading import PLACES, read_history, read_matrix


@pytest.mark.parametrize("history", [[3, 1, 2], [5], [], [9, 9, 9], list(range(1, 20))], ids=len)
@pytest.mark.parametrize("k", [1, 10, 30])
def test_the_list_is_the_order_of_the_scores(model: Any, history: list[int], k: int) -> None:
    answer = read_history(model, history, k)
    scores = model.score(Histories.from_lists([history]))[0]
    expected = np.argsort(-scores, kind="stable")[:k]
    assert [entry["item"] for entry in answer["top"]] == expected.tolist()
    for entry in answer["top"]:
        assert set(entry) == {"item", "score", "p"}
        assert entry["score"] == pytest.approx(scores[entry["item"]], abs=1e-5)
        assert entry["p"] == pytest.approx(np.exp(scores[entry["item"]]), rel=1e-3)
    assert 0 not in [entry["item"] for entry in answer["top"]]


def test_a_list_is_no_longer_than_the_catalogue(model: Any) -> None:
    """A learner's own shop may have fewer products than a list has places."""
    assert sorted(entry["item"] for entry in read_history(model, [3, 1, 2], k=50)["top"]) == list(range(1, 31))


def test_chances_of_all_products_sum_to_one(model: Any) -> None:
    answer = read_history(model, [3, 1, 2], k=30)
    assert sum(entry["p"] for entry in answer["top"]) == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("length", [1, 2, 5, 6, 7, 40])
def test_attention_has_a_weight_for_every_product_of_the_window(model: Any, length: int) -> None:
    """Layer by layer, head by head, oldest product first; at most ``history_length`` of them."""
    attention = read_history(model, [1 + n % 30 for n in range(length)])["attention"]
    assert len(attention) == 2
    for layer in attention:
        assert len(layer) == 2
        for head in layer:
            assert len(head) == min(length, 6)
            assert all(0 <= weight <= 1 for weight in head)
            assert sum(head) == pytest.approx(1, abs=1e-3)


def test_attention_is_that_of_the_newest_place(model: Any) -> None:
    import torch

    with torch.inference_mode():
        _, layers = model.eval()(torch.tensor([[3, 1, 2, 8]]))
    for found, layer in zip(read_history(model, [3, 1, 2, 8])["attention"], layers, strict=True):
        np.testing.assert_allclose(found, layer[0, :, -1], atol=1e-4)


def test_an_empty_history_has_a_list_and_no_attention(model: Any) -> None:
    answer = read_history(model, [])
    assert len(answer["top"]) == 10
    assert answer["attention"] == []


def test_plain_json(model: Any) -> None:
    answer = read_history(model, [np.int32(3), np.int32(1)])
    assert json.loads(json.dumps(answer)) == answer


@pytest.mark.parametrize("bad", [[0], [31], [-1], [3, 99, 1]], ids=str)
def test_unknown_products_are_named(model: Any, bad: list[int]) -> None:
    with pytest.raises(CourseError) as caught:
        read_history(model, [1, 2, *bad])
    assert caught.value.key == "unknown_items"
    unknown = [item for item in bad if not 1 <= item <= 30]
    for language in ("zh", "en"):
        assert ", ".join(map(str, unknown)) in caught.value.text(language)


def test_a_training_model_answers_without_dropout(model: Any) -> None:
    model.train()
    first = read_history(model, [3, 1, 2])
    model.train()
    assert read_history(model, [3, 1, 2]) == first


@pytest.mark.parametrize("length", [1, 3, 6, 9])
def test_the_matrix_is_the_first_head_over_the_window(model: Any, length: int) -> None:
    import torch

    history = [1 + n % 30 for n in range(length)]
    rows = read_matrix(model, history)
    assert [len(row) for row in rows] == list(range(1, min(length, 6) + 1)), "no weight on what is bought later"
    assert all(sum(row) == pytest.approx(1, abs=0.01) for row in rows)
    with torch.inference_mode():
        _, layers = model.eval()(torch.tensor([history[-6:]]))
    for place, row in enumerate(rows):
        np.testing.assert_allclose(row, layers[0][0, 0, place, : place + 1], atol=6e-4)
    np.testing.assert_allclose(rows[-1], read_history(model, history)["attention"][0][0], atol=6e-4)


def test_the_matrix_of_a_long_window_is_bounded() -> None:
    import torch

    from course_lib.models.base import untrained

    long = untrained("sasrec", 30, {"width": 8, "layers": 1, "heads": 1, "history_length": 200}, 1)
    history = [1 + n % 30 for n in range(200)]
    rows = read_matrix(long, history)
    assert [len(row) for row in rows] == list(range(1, PLACES + 1))
    with torch.inference_mode():
        _, layers = long(torch.tensor([history]))
    np.testing.assert_allclose(rows[-1], layers[0][0, 0, -1, -PLACES:], atol=6e-4)
    assert sum(rows[-1]) < 0.5, "the rest of the row is on older products"


def test_an_empty_history_has_no_matrix(model: Any) -> None:
    assert read_matrix(model, []) == []
