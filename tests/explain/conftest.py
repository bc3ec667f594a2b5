"""A small model to read."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from course_lib.models.base import untrained

PRODUCTS = 30
SETTINGS = {"width": 16, "layers": 2, "heads": 2, "history_length": 6, "dropout": 0.3}


@pytest.fixture(scope="module")
def model() -> Any:
    """SASRec with random weights, the products' biases among them."""
    model = untrained("sasrec", PRODUCTS, SETTINGS, 12)
    with torch.no_grad():
        model.bias.normal_()
    return model
