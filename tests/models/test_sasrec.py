"""SASRec: what a place may see, what padding may do, and what is saved."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from course_lib.data.histories import Histories
from course_lib.models.sasrec import SASRecConfig, SASRecModel

PRODUCTS = 40


def sasrec(**settings: float) -> SASRecModel:
    """A small model with weights large enough for every part to matter, recency included."""
    torch.manual_seed(0)
    given = {"width": 16, "layers": 2, "heads": 2, "history_length": 9, **settings}
    model = SASRecModel(SASRecConfig(num_items=PRODUCTS, **given)).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name != "item.weight":
                parameter.add_(torch.randn_like(parameter) * 0.3)
    return model


@pytest.fixture(scope="module")
def model() -> SASRecModel:
    return sasrec()


def places(model: SASRecModel, *history: int) -> torch.Tensor:
    with torch.inference_mode():
        wanted, _ = model(torch.tensor([history]))
    return wanted[0]


def test_a_later_product_does_not_change_earlier_places(model: SASRecModel) -> None:
    before, after = places(model, 3, 7, 1, 9, 4), places(model, 3, 7, 1, 22, 35)
    assert torch.equal(before[:3], after[:3])
    assert not torch.allclose(before[3], after[3], atol=1e-3)


def test_an_earlier_product_does_change_later_places(model: SASRecModel) -> None:
    """The other half of causality: a model that looked at nothing would pass the test above."""
    before, after = places(model, 3, 7, 1, 9, 4), places(model, 30, 7, 1, 9, 4)
    assert not torch.allclose(before[-1], after[-1], atol=1e-3)


def test_the_order_of_the_history_matters(model: SASRecModel) -> None:
    assert not torch.allclose(places(model, 3, 7, 1, 9)[-1], places(model, 7, 1, 3, 9)[-1], atol=1e-3)


def test_left_padding_does_not_change_the_output(model: SASRecModel) -> None:
    bare, padded = places(model, 3, 7, 1), places(model, 0, 0, 0, 0, 3, 7, 1)
    torch.testing.assert_close(bare, padded[-3:], rtol=1e-5, atol=1e-6)


def test_attention_is_a_distribution_over_the_past(model: SASRecModel) -> None:
    with torch.inference_mode():
        _, layers = model(torch.tensor([[0, 0, 3, 7, 1], [5, 6, 7, 8, 9]]))
    assert len(layers) == 2
    for weights in layers:  # (B, H, L, L)
        assert weights.shape == (2, 2, 5, 5)
        torch.testing.assert_close(weights.sum(-1), torch.ones(2, 2, 5))
        assert (weights.triu(1) == 0).all(), "a place looked at the future"
        assert (weights[0, :, 2:, :2] == 0).all(), "a product looked at padding"
        assert (weights[1].tril() > 0).any()


def test_recency_is_what_tells_order() -> None:
    """Without its learned weight for "how long ago", the newest place sees a set: order among the others is lost."""
    model = sasrec(layers=1)
    with torch.no_grad():
        model.blocks[0].attention.recency.zero_()
    torch.testing.assert_close(places(model, 3, 7, 1, 9)[-1], places(model, 1, 3, 7, 9)[-1], rtol=1e-5, atol=1e-6)


def test_only_the_window_counts(model: SASRecModel) -> None:
    """Products further back than ``history_length`` are not read."""
    window = [3, 7, 1, 9, 4, 22, 35, 8, 2]
    long, short = (
        model.score(Histories.from_lists([[11, 12, 13, *window]])),
        model.score(Histories.from_lists([window])),
    )
    np.testing.assert_array_equal(long, short)


def test_scores_are_log_probabilities(model: SASRecModel) -> None:
    scores = model.score(Histories.from_lists([[3, 7], []]))
    np.testing.assert_allclose(np.exp(scores).sum(1), 1, rtol=1e-5)


def test_many_histories_are_scored_like_few(model: SASRecModel) -> None:
    """More than one slice of 256."""
    lists = [[1 + n % PRODUCTS, 1 + n * 7 % PRODUCTS] for n in range(600)]
    many = model.score(Histories.from_lists(lists))
    few = model.score(Histories.from_lists(lists[590:]))
    np.testing.assert_allclose(many[590:, 1:], few[:, 1:], rtol=1e-5, atol=1e-5)


def test_before_training_every_product_is_about_equally_likely() -> None:
    torch.manual_seed(0)
    fresh = SASRecModel(SASRecConfig(num_items=PRODUCTS, width=64, heads=2))
    chances = np.exp(fresh.score(Histories.from_lists([[3, 7, 1]])))[0, 1:]
    assert 0.2 / PRODUCTS < chances.min() <= chances.max() < 5 / PRODUCTS


def test_padding_has_no_vector_and_gets_no_gradient() -> None:
    model = sasrec()
    assert (model.item.weight[0] == 0).all()
    wanted, _ = model(torch.tensor([[0, 0, 3, 7]]))
    wanted.sum().backward()
    assert model.item.weight.grad is not None
    assert (model.item.weight.grad[0] == 0).all()
    assert (model.item.weight.grad[3] != 0).any()


@pytest.mark.parametrize(
    ("width", "layers", "heads", "history_length"), [(16, 2, 2, 9), (8, 1, 1, 2), (64, 2, 2, 20), (24, 3, 4, 5)]
)
def test_number_of_parameters(width: int, layers: int, heads: int, history_length: int) -> None:
    """A vector and a bias for each product and padding; 12 D^2 + 13 D + H L a layer; a last norm."""
    config = SASRecConfig(PRODUCTS, width, layers, heads, history_length)
    expected = (PRODUCTS + 1) * (width + 1) + layers * (12 * width**2 + 13 * width + heads * history_length) + 2 * width
    assert sum(parameter.numel() for parameter in SASRecModel(config).parameters()) == expected


def test_saved_as_hugging_face_saves(model: SASRecModel, tmp_path: Path) -> None:
    """``save_pretrained`` and ``from_pretrained``, in two files that any tool of that world reads."""
    model.save(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["config.json", "model.safetensors"]
    config = json.loads((tmp_path / "config.json").read_text(encoding="utf-8"))
    assert config["model_type"] == "sasrec"
    expected = {"num_items": PRODUCTS, "width": 16, "layers": 2, "heads": 2, "history_length": 9, "dropout": 0.0}
    assert {key: config[key] for key in expected} == expected
    loaded = SASRecModel.from_pretrained(tmp_path)
    for key, value in model.state_dict().items():
        assert torch.equal(loaded.state_dict()[key], value), key


def test_dropout_is_off_when_scoring() -> None:
    model = sasrec(dropout=0.5).train()
    histories = Histories.from_lists([[3, 7, 1]])
    np.testing.assert_array_equal(model.score(histories), model.score(histories))
    model.train()
    inputs = torch.tensor([[3, 7, 1]])
    assert not torch.equal(model(inputs)[0], model(inputs)[0])
