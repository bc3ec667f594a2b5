"""Clipping, and the optimiser that moves only some rows of a table."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from course_lib.training.rows import RowAdam, clip


def parameters() -> list[nn.Parameter]:
    """A table, a matrix and a vector, each with a gradient; one parameter has none."""
    torch.manual_seed(0)
    found = [nn.Parameter(torch.randn(size)) for size in ((9, 4), (4, 4), (4,), (3,))]
    for parameter in found[:3]:
        parameter.grad = torch.randn_like(parameter)
    return found


@pytest.mark.parametrize("longest", [0.1, 0.5, 100.0])
def test_clip_is_torchs_to_the_bit(longest: float) -> None:
    ours, theirs = parameters(), parameters()
    length = clip(ours, longest)
    assert length == float(nn.utils.clip_grad_norm_(theirs, longest))
    for one, other in zip(ours, theirs, strict=True):
        assert (one.grad is None and other.grad is None) or torch.equal(one.grad, other.grad)
    whole = math.sqrt(sum(float((one.grad**2).sum()) for one in ours if one.grad is not None))
    assert whole == pytest.approx(min(length, longest), rel=1e-4)


def test_clip_takes_a_gradient_made_of_rows() -> None:
    """Rows in any order and twice are as good as the table that they stand for."""
    dense, sparse = parameters(), parameters()
    rows, values = torch.tensor([5, 2, 5]), torch.randn(3, 4)
    table = torch.zeros(9, 4).index_add_(0, rows, values)
    dense[0].grad = table
    sparse[0].grad = torch.sparse_coo_tensor(rows[None], values, (9, 4), check_invariants=True)
    assert clip(sparse, 0.5) == pytest.approx(clip(dense, 0.5))
    assert sparse[0].grad is not None
    assert sparse[0].grad.is_coalesced()
    torch.testing.assert_close(sparse[0].grad.to_dense(), table)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_clip_tells_of_what_is_no_number(bad: float) -> None:
    given = parameters()
    assert given[1].grad is not None
    given[1].grad[0, 0] = bad
    assert not math.isfinite(clip(given, 0.5))


def test_row_adam_is_adamw_where_every_row_takes_part() -> None:
    torch.manual_seed(0)
    start = torch.randn(6, 4)
    lazy, dense = nn.Parameter(start.clone()), nn.Parameter(start.clone())
    rows = RowAdam(lazy, 0.1, (0.9, 0.98), 0.3)
    adamw = torch.optim.AdamW([dense], lr=0.1, betas=(0.9, 0.98), weight_decay=0.3)
    for _ in range(5):
        gradient = torch.randn(6, 4)
        dense.grad = gradient
        lazy.grad = gradient.to_sparse(1).coalesce()
        rows.step()
        adamw.step()
    torch.testing.assert_close(lazy, dense, rtol=1e-5, atol=1e-6)
