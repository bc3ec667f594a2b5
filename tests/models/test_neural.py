"""What ``NeuralModel`` in course_lib/models/base.py promises, asked of every model file that imports torch."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import PretrainedConfig, PreTrainedModel

from course_lib.data.histories import Histories
from course_lib.models.base import NeuralModel, model_class, untrained
from course_lib.models.catalogue import check_settings, model_card, parse_settings
from course_lib.training.batches import masking_of
from course_lib.training.loop import Trainer
from course_lib.training.settings import SETTINGS, loop_settings

FEW_PRODUCTS = 60
# Of a model that has such settings; with as many places as the history is long, an MLP reads all of it.
SMALL = {"width": 16, "layers": 2, "heads": 2, "places": 8, "history_length": 8}
LONGEST = SMALL["history_length"]
TRAINING = {"epochs": 1, "batch_size": 16, "learning_rate": 0.02, "weight_decay": 0.0}
SOME = Histories.from_lists([[1 + (n + m * m) % FEW_PRODUCTS for m in range(3 + n % 9)] for n in range(50)])


def settings_of(name: str) -> dict[str, Any]:
    """A model's settings, small where it can be made small."""
    known = model_card(name).settings
    return check_settings(name, known, {key: value for key, value in SMALL.items() if key in known})


def fresh(name: str, seed: int = 0, **settings: float) -> Any:
    """A small model whose weights are large enough for every part to matter."""
    model = untrained(name, FEW_PRODUCTS, {**settings_of(name), **settings}, seed).eval()
    torch.manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter is not model.item.weight:
                parameter.add_(torch.randn_like(parameter) * 0.2)
        model.item.weight[1:] = torch.randn_like(model.item.weight[1:]) * 0.3
    return model


def places(model: Any, *history: int) -> torch.Tensor:
    """(L, D) what is wanted at each place."""
    with torch.no_grad():
        wanted, _ = model(torch.tensor([history]))
    return wanted[0]


def answer(model: Any, *history: int) -> torch.Tensor:
    """(V,) scores of one history as a batch of ids, padding included, gives them."""
    with torch.no_grad():
        return model.logits(model.wanted_next(torch.tensor([history])))[0, 1:]


def test_has_what_the_loop_and_the_pages_need(neural: str) -> None:
    model: NeuralModel = fresh(neural)
    assert isinstance(model, PreTrainedModel)
    assert issubclass(model.config_class, PretrainedConfig)
    assert model.config.model_type == neural.replace("-", "_"), "a run's snapshots find the class by it"
    assert model.num_items == model.config.num_items == FEW_PRODUCTS
    assert model.config.history_length == LONGEST
    assert model.objective in ("next", "masked")
    width = model.item.weight.shape[1]
    assert model.item.weight.shape == (FEW_PRODUCTS + 1, width)
    assert model.bias.shape == (FEW_PRODUCTS + 1,)
    named = dict(model.named_parameters())
    assert named["item.weight"] is model.item.weight
    assert named["bias"] is model.bias


def test_its_configuration_is_its_settings(neural: str) -> None:
    """Every setting of the file reaches the configuration and comes back from it."""
    settings = {name: setting.default for name, setting in model_card(neural).settings.items()}
    made = model_class(neural).config_class(num_items=7, **settings)
    record = made.to_dict()
    assert {name: record[name] for name in settings} == settings
    assert model_class(neural).config_class().to_dict() == {**record, "num_items": 1}, "the same defaults in both"


@pytest.mark.parametrize("length", [1, 2, LONGEST])
def test_shapes_at_any_length(neural: str, length: int) -> None:
    model = fresh(neural)
    wanted, layers = model(torch.ones(3, length, dtype=torch.long))
    assert wanted.shape == (3, length, model.item.weight.shape[1])
    assert isinstance(layers, list)


def test_left_padding_changes_no_answer(neural: str) -> None:
    """Nor does who else is in the batch: half of it is padding here."""
    model = fresh(neural)
    bare, padded = answer(model, 3, 7, 1), answer(model, 0, 0, 0, 0, 3, 7, 1)
    torch.testing.assert_close(bare, padded, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(places(model, 3, 7, 1), places(model, 0, 0, 3, 7, 1)[-3:], rtol=1e-4, atol=1e-5)
    assert not torch.allclose(bare, answer(model, 5, 3, 7, 1), atol=1e-3), "a product in that place does change it"


def test_each_product_of_the_history_counts(neural: str) -> None:
    model = fresh(neural)
    before = answer(model, 3, 7, 1, 9)
    for place in range(4):
        history = [3, 7, 1, 9]
        history[place] = 30
        assert not torch.allclose(before, answer(model, *history), atol=1e-4), place


def test_only_the_window_counts(neural: str) -> None:
    model = fresh(neural)
    window = [3, 7, 1, 9, 4, 22, 35, 8][-LONGEST:]
    long, short = (
        model.score(Histories.from_lists([[11, 12, 13, *window]])),
        model.score(Histories.from_lists([window])),
    )
    np.testing.assert_array_equal(long, short)


def test_who_predicts_the_next_sees_no_later_product(neural: str) -> None:
    """And who fills gaps sees both sides: else there would be no need to hide anything."""
    model = fresh(neural)
    before, after = places(model, 3, 7, 1, 9, 4), places(model, 3, 7, 1, 22, 35)
    if model.objective == "next":
        torch.testing.assert_close(before[:3], after[:3], rtol=1e-5, atol=1e-6)
    else:
        assert not torch.allclose(before[2], after[2], atol=1e-3)
    assert not torch.allclose(before[3], after[3], atol=1e-3)


def test_what_is_hidden_is_not_seen(neural: str) -> None:
    """The mask is no product: it has an id after the last one, and no score."""
    model = fresh(neural)
    if model.objective != "masked":
        assert masking_of(model) is None
        pytest.skip("hides nothing")
    masking = masking_of(model)
    assert masking is not None
    assert masking.mask_id == FEW_PRODUCTS + 1
    assert 0 < masking.share < 1
    gap = masking.mask_id
    torch.testing.assert_close(answer(model, 3, 7), model.logits(places(model, 3, 7, gap)[-1])[1:].detach())
    assert model.score(Histories.from_lists([[3, 7]])).shape == (1, FEW_PRODUCTS + 1)
    assert not torch.allclose(places(model, 3, gap, 1)[1], places(model, 3, 7, 1)[1], atol=1e-3)


def test_attention_is_shares_of_products(neural: str) -> None:
    """Layers of (B, H, places that ask, L); nothing on padding; an empty list where there is none."""
    model = fresh(neural)
    with torch.no_grad():
        layers = model.attention(torch.tensor([[0, 0, 3, 7, 1], [5, 6, 7, 8, 9]]))
    if "heads" not in model_card(neural).settings:
        assert layers == []
        return
    assert len(layers) == SMALL["layers"]
    for weights in layers:
        assert weights.shape[:2] == (2, SMALL["heads"])
        assert weights.shape[3] == 5
        assert (weights >= 0).all()
        assert (weights[:, :, -1].sum(-1) <= 1 + 1e-5).all()
        assert (weights[:, :, -1].sum(-1) > 0.1).all()
        assert (weights[0, :, -1, :2] < 1e-6).all(), "padding was looked at"


def test_scores_are_log_probabilities(neural: str) -> None:
    scores = fresh(neural).score(Histories.from_lists([[3, 7], []]))
    np.testing.assert_allclose(np.exp(scores).sum(1), 1, rtol=1e-5)


def test_before_the_first_purchase_only_the_biases_speak(neural: str) -> None:
    model = fresh(neural)
    expected = torch.log_softmax(model.bias.detach()[1:], 0)
    np.testing.assert_allclose(model.score(Histories.from_lists([[]]))[0, 1:], expected, rtol=1e-5)


def test_many_histories_are_scored_like_few(neural: str) -> None:
    """More than one slice of 256."""
    model = fresh(neural)
    lists = [[1 + n % FEW_PRODUCTS, 1 + n * 7 % FEW_PRODUCTS] for n in range(600)]
    many, few = model.score(Histories.from_lists(lists)), model.score(Histories.from_lists(lists[590:]))
    np.testing.assert_allclose(many[590:, 1:], few[:, 1:], rtol=1e-4, atol=1e-5)


def test_before_training_no_product_is_far_ahead(neural: str) -> None:
    """Untrained, each product has about the same chance: the loss begins near ln V."""
    model = untrained(neural, FEW_PRODUCTS, settings_of(neural), 1)
    chances = np.exp(model.score(Histories.from_lists([[3, 7, 1]])))[0, 1:]
    assert 0.1 / FEW_PRODUCTS < chances.min() <= chances.max() < 10 / FEW_PRODUCTS


def test_padding_has_no_vector_and_never_gets_one(neural: str) -> None:
    model = untrained(neural, FEW_PRODUCTS, settings_of(neural), 1)
    assert (model.item.weight[0] == 0).all()
    trainer = Trainer(model, SOME, {**loop_defaults(neural), **TRAINING}, 1)
    list(trainer.epoch())
    assert (model.item.weight[0] == 0).all()
    assert (model.item.weight[1:] != 0).any(1).all()


def test_learns_from_a_sampled_loss_too(neural: str) -> None:
    """As in a large catalogue, where the gradient of the product vectors is a list of rows."""
    settings = {**loop_defaults(neural), **TRAINING, "epochs": 6, "loss": "sampled", "negatives": 32}
    trainer = Trainer(untrained(neural, FEW_PRODUCTS, settings_of(neural), 1), SOME, settings, 1)
    for _ in range(6):
        list(trainer.epoch())
    assert trainer.progress.losses[-1] < trainer.progress.losses[0]
    assert (trainer.model.item.weight[0] == 0).all()


def test_every_weight_learns(neural: str) -> None:
    """One epoch moves all of them: none is left out of the loss."""
    model = untrained(neural, FEW_PRODUCTS, settings_of(neural), 1)
    before = {name: value.clone() for name, value in model.named_parameters()}
    list(Trainer(model, SOME, {**loop_defaults(neural), **TRAINING}, 1).epoch())
    still = [name for name, value in model.named_parameters() if torch.equal(value, before[name])]
    assert still == []


def test_dropout_is_off_when_scoring_and_on_when_training(neural: str) -> None:
    model = untrained(neural, FEW_PRODUCTS, {**settings_of(neural), "dropout": 0.5}, 1).train()
    histories, inputs = Histories.from_lists([[3, 7, 1]]), torch.tensor([[3, 7, 1]])
    np.testing.assert_array_equal(model.score(histories), model.score(histories))
    model.train()
    assert not torch.equal(model(inputs)[0], model(inputs)[0])


def test_saved_as_hugging_face_saves(neural: str, tmp_path: Path) -> None:
    """``save_pretrained`` and ``from_pretrained``, in two files that any tool of that world reads."""
    model = fresh(neural)
    model.save(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text(encoding="utf-8"))
    expected = {"num_items": FEW_PRODUCTS, **settings_of(neural)}
    assert {key: config[key] for key in expected} == expected
    loaded = model_class(neural).from_pretrained(tmp_path)
    assert loaded.state_dict().keys() == model.state_dict().keys()
    for key, value in model.state_dict().items():
        assert torch.equal(loaded.state_dict()[key], value), key


def test_its_own_training_defaults_are_in_range(neural: str) -> None:
    """A model may bring defaults of the loop that suit it; all others are the loop's."""
    loop, own = parse_settings(SETTINGS), model_card(neural).training
    assert set(own) <= set(loop)
    defaults = check_settings("training", loop_settings(neural), {})
    assert defaults == {name: own.get(name, setting.default) for name, setting in loop.items()}
    assert check_settings("training", loop, own) == {**check_settings("training", loop, {}), **own}


def loop_defaults(name: str) -> dict[str, Any]:
    """The loop's settings, complete."""
    return check_settings("training", loop_settings(name), {})
