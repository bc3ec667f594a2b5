"""A planted pattern that every sensible model must find, and the models trained on it, found by walking the folder."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from course_lib.data.histories import Histories, Holdout
from course_lib.models.base import model_class
from course_lib.models.catalogue import Value, check_settings, model_card, model_cards

PRODUCTS = 60  # V
CYCLE = 6  # products 1..6 are bought round and round: popular, together, and in a fixed order
TRAINING = {"epochs": 24, "batch_size": 16, "learning_rate": 0.02, "weight_decay": 0.0}
SMALL = {"width": 16, "layers": 1, "heads": 2, "history_length": 8}  # for models that have such settings


@dataclass(frozen=True)
class Planted:
    """Histories to learn from, and questions whose answer is the next product of the cycle."""

    train: Histories
    holdout: Holdout


def walk(rng: np.random.Generator, length: int) -> list[int]:
    """Round the cycle from a random start; about every eighth product is a random one of the shop instead."""
    start = int(rng.integers(CYCLE))
    steps = [1 + (start + n) % CYCLE for n in range(length)]
    return [int(rng.integers(1, PRODUCTS + 1)) if rng.random() < 0.125 else step for step in steps]


@functools.cache
def plant() -> Planted:
    """240 walks to learn from; 120 walks of which the last product, always one of the cycle, is asked."""
    rng = np.random.default_rng(5)
    train = Histories.from_lists([walk(rng, int(rng.integers(5, 13))) for _ in range(240)])
    asked, targets = [], []
    for _ in range(120):
        start, length = int(rng.integers(CYCLE)), int(rng.integers(2, 9))
        steps = [1 + (start + n) % CYCLE for n in range(length + 1)]
        asked.append(steps[:-1])
        targets.append(steps[-1])
    holdout = Holdout(np.arange(120, dtype=np.int32), Histories.from_lists(asked), np.array(targets, np.int32))
    return Planted(train, holdout)


def settings_of(name: str) -> dict[str, Value]:
    """A model's settings, small where the model can be made small, else the defaults."""
    known = model_card(name).settings
    return check_settings(name, known, {key: value for key, value in SMALL.items() if key in known})


def learn(name: str, train: Histories, num_items: int, seed: int = 1, **training: Any) -> Any:
    """A model that has learned from ``train``, by counting or by the training loop."""
    if not model_card(name).neural:
        return model_class(name).fit(train, num_items, settings_of(name), seed)
    from course_lib.models.base import untrained
    from course_lib.training.loop import Trainer

    model = untrained(name, num_items, settings_of(name), seed)
    trainer = Trainer(model, train, {**TRAINING, **training}, seed)
    for _ in range(int(trainer.settings["epochs"])):
        for _ in trainer.epoch():
            pass
    return model


@functools.cache
def learned(name: str) -> Any:
    """The model trained on the planted pattern, once for all tests."""
    return learn(name, plant().train, PRODUCTS)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that asks for ``name`` runs for every model file, for ``neural`` for those that the loop trains: a new
    file is covered by being there."""
    if "name" in metafunc.fixturenames:
        metafunc.parametrize("name", list(model_cards()))
    if "neural" in metafunc.fixturenames:
        metafunc.parametrize("neural", [name for name, card in model_cards().items() if card.neural])


@pytest.fixture(autouse=True)
def one_thread() -> None:
    """As in the workers; sums in another order would change last digits."""
    import torch

    torch.set_num_threads(1)


@pytest.fixture
def planted() -> Planted:
    """The planted pattern."""
    return plant()


@pytest.fixture
def model(name: str) -> Any:
    """The model of that name, trained on the planted pattern."""
    return learned(name)


@pytest.fixture
def train_model() -> Any:
    """The function that trains a model by name: ``train_model(name, train, num_items, seed=1, epochs=...)``."""
    return learn
