"""The sliced loss is torch's own cross-entropy, value and gradients, at sizes around the slice."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from course_lib.training.losses import SLICE, softmax_loss

PRODUCTS, WIDTH = 50, 8
TOLERANCE = {torch.float64: 1e-6, torch.float32: 1e-5}


def case(targets: int, kind: torch.dtype, spread: float = 1.0) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Hidden states, item vectors, biases and targets drawn at random; the first target is the last product."""
    torch.manual_seed(targets)
    hidden = (torch.randn(targets, WIDTH, dtype=kind) * spread).requires_grad_()
    items = torch.randn(PRODUCTS + 1, WIDTH, dtype=kind, requires_grad=True)
    bias = torch.randn(PRODUCTS + 1, dtype=kind, requires_grad=True)
    wanted = torch.randint(1, PRODUCTS + 1, (targets,))
    wanted[0] = PRODUCTS
    return hidden, items, bias, wanted


def by_torch(hidden: Tensor, items: Tensor, bias: Tensor, targets: Tensor) -> Tensor:
    """The obvious code: the whole table, padding masked."""
    logits = hidden @ items.T + bias
    padding = torch.zeros(PRODUCTS + 1, dtype=torch.bool)
    padding[0] = True
    return cross_entropy(logits.masked_fill(padding, float("-inf")), targets)


@pytest.mark.parametrize("kind", TOLERANCE, ids=str)
@pytest.mark.parametrize("targets", [1, 2, SLICE - 1, SLICE, SLICE + 1, 3 * SLICE])
@pytest.mark.parametrize("spread", [1.0, 30.0], ids=["even", "certain"])
def test_equals_torch(targets: int, kind: torch.dtype, spread: float) -> None:
    """Also where the softmax is all but certain, and where the loss is scaled afterwards."""
    given = case(targets, kind, spread)
    ours, theirs = softmax_loss(*given), by_torch(*given)
    tolerance = {"rtol": TOLERANCE[kind], "atol": TOLERANCE[kind]}
    torch.testing.assert_close(ours, theirs, **tolerance)
    assert ours.dtype == kind
    expected = torch.autograd.grad(3 * theirs, given[:3])
    for gradient, other in zip(torch.autograd.grad(3 * ours, given[:3]), expected, strict=True):
        torch.testing.assert_close(gradient, other, **tolerance)


def test_slices_of_512() -> None:
    """The sizes above are around the slice because they are made of it; this is the size in the lesson's text."""
    assert SLICE == 512


def test_padding_is_never_the_answer() -> None:
    """However large padding's score, loss and gradients are the same, and its own gradient is zero."""
    hidden, items, bias, targets = case(5, torch.float64)
    loss = softmax_loss(hidden, items, bias, targets)
    with torch.no_grad():
        bias[0] += 1000
    changed = softmax_loss(hidden, items, bias, targets)
    assert torch.equal(loss, changed)
    _, item_gradient, bias_gradient = torch.autograd.grad(changed, (hidden, items, bias))
    assert (item_gradient[0] == 0).all()
    assert bias_gradient[0] == 0


def test_does_not_modify_its_arguments() -> None:
    given = case(SLICE + 1, torch.float32)
    kept = [tensor.detach().clone() for tensor in given]
    softmax_loss(*given).backward()  # type: ignore[no-untyped-call]
    for tensor, before in zip(given, kept, strict=True):
        assert torch.equal(tensor.detach(), before)
