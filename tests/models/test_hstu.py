"""HSTU against its formula, written once more in NumPy; and what it has that softmax has not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from course_lib.models.base import untrained
from course_lib.models.hstu import Block, HSTUConfig

L, D, H, N = 5, 8, 2, 6


def silu(x: NDArray[Any]) -> NDArray[Any]:
    return np.asarray(x / (1 + np.exp(-x)))


def norm(x: NDArray[Any]) -> NDArray[Any]:
    return np.asarray((x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5))


@pytest.fixture
def block() -> Block:
    torch.manual_seed(3)
    made = Block(HSTUConfig(width=D, heads=H, history_length=N)).double().eval()
    with torch.no_grad():
        made.recency.normal_()
    return made


def past() -> torch.Tensor:
    return torch.ones(L, L, dtype=torch.bool).tril()[None, None]


def test_a_block_is_its_formula(block: Block) -> None:
    x = torch.randn(1, L, D, dtype=torch.double)
    with torch.no_grad():
        y, weights = block(x, past())
    X, (W_1, b_1) = x[0].numpy(), (part.detach().numpy() for part in block.gate_value_query_key.parameters())
    U, V, Q, K = np.split(silu(norm(X) @ W_1.T + b_1), 4, axis=1)
    recency = block.recency.detach().numpy()
    mixed = np.zeros((L, D))
    for head in range(H):
        columns = slice(head * D // H, (head + 1) * D // H)
        for i in range(L):
            for j in range(i + 1):
                a = silu(Q[i, columns] @ K[j, columns] + recency[head, i - j]) / N
                assert weights[0, head, i, j].item() == pytest.approx(a)
                mixed[i, columns] += a * V[j, columns]
    W_2, b_2 = (part.detach().numpy() for part in block.output.parameters())
    np.testing.assert_allclose(y[0].numpy(), X + (U * norm(mixed)) @ W_2.T + b_2, rtol=1e-6)


def test_a_weight_does_not_depend_on_the_other_products(block: Block) -> None:
    """Softmax would take from one what it gives to another."""
    x = torch.randn(1, L, D, dtype=torch.double)
    other = x.clone()
    other[0, 1] = torch.randn(D, dtype=torch.double)
    with torch.no_grad():
        before, after = block(x, past())[1], block(other, past())[1]
    rest = [0, 2, 3, 4]
    torch.testing.assert_close(before[0, :, -1, rest], after[0, :, -1, rest], rtol=0, atol=0)
    assert not torch.allclose(before[0, :, -1, 1], after[0, :, -1, 1])
    assert not torch.allclose(before[0, :, -1].sum(-1), torch.ones(H, dtype=torch.double), atol=0.01)


def test_it_is_smaller_than_sasrec_of_the_same_settings() -> None:
    settings = {"width": 48, "layers": 2, "heads": 2, "history_length": 20, "dropout": 0.0}
    hstu, sasrec = (
        sum(part.numel() for part in untrained(name, 1260, settings, 1).parameters()) for name in ("hstu", "sasrec")
    )
    assert 0.70 < hstu / sasrec < 0.75
