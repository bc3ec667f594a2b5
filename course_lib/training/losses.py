"""Softmax cross-entropy over the whole catalogue, a slice of targets at a time; and over a sample of a large one.

    loss = -log( exp(h . e_target + b_target) / sum over all items i of exp(h . e_i + b_i) )

The obvious code writes out a table of targets x products (4,000 x 1,261 numbers here), reads it for the softmax, and
writes it again for the gradient. Memory traffic, not arithmetic, is what it waits for. This function makes a slice of
the table, takes from it the loss and, since the gradient is just (softmax - one-hot), both gradients as well, and then
forgets the slice. Value and gradient are those of torch.nn.functional.cross_entropy to rounding (a test says so).

Of a catalogue of a million products nobody computes the whole sum. :func:`sampled_softmax_loss` adds up a few hundred
of its terms, each made larger by as much as it was unlikely to be drawn.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, embedding

SLICE = 512  # targets at a time: the slice stays in the processor's cache


class _SoftmaxLoss(torch.autograd.Function):
    """Mean cross-entropy with its gradients computed on the way forward."""

    @staticmethod
    def forward(ctx: Any, hidden: Tensor, items: Tensor, bias: Tensor, targets: Tensor) -> Tensor:
        """``hidden`` (T, D), ``items`` (V + 1, D), ``bias`` (V + 1,), ``targets`` (T,) to a scalar."""
        T = len(targets)
        hidden_grad = torch.empty_like(hidden)
        items_grad, bias_grad = torch.zeros_like(items), torch.zeros_like(bias)
        total = hidden.new_zeros(())
        size = math.ceil(T / math.ceil(T / SLICE))  # slices of about equal size
        for start in range(0, T, size):
            rows = slice(start, start + size)
            h, target = hidden[rows], targets[rows, None]
            table = torch.addmm(bias, h, items.T)  # (slice, V + 1) logits
            table[:, 0] = float("-inf")  # padding is never the answer
            own, top = table.gather(1, target), table.amax(1, keepdim=True)
            table.sub_(top).exp_()  # now the probabilities, each row still to be divided by its sum
            sums = table.sum(1, keepdim=True)
            total += (sums.log() + top - own).sum()
            torch.mm(table, items, out=hidden_grad[rows])
            hidden_grad[rows] /= sums
            items_grad.addmm_(table.T, h / sums)
            bias_grad.addmv_(table.T, 1 / sums[:, 0])
        hidden_grad -= items[targets]  # minus the one-hot
        items_grad.index_add_(0, targets, hidden, alpha=-1)
        bias_grad -= torch.bincount(targets, minlength=len(bias))
        for gradient in (hidden_grad, items_grad, bias_grad):
            gradient /= T
        ctx.save_for_backward(hidden_grad, items_grad, bias_grad)
        return total / T

    @staticmethod
    def backward(ctx: Any, *upstream: Tensor) -> tuple[Tensor | None, ...]:
        """Scales the stored gradients."""
        scale = upstream[0]
        return (*(gradient * scale for gradient in ctx.saved_tensors), None)


def softmax_loss(hidden: Tensor, items: Tensor, bias: Tensor, targets: Tensor) -> Tensor:
    """Mean over targets of the cross-entropy against all items but padding.

    ``hidden`` (T, D) what is wanted, ``items`` (V + 1, D) embeddings, ``bias`` (V + 1,), ``targets`` (T,) ids 1..V.
    """
    loss: Tensor = _SoftmaxLoss.apply(hidden, items, bias, targets)  # type: ignore[no-untyped-call]
    return loss


def sampled_softmax_loss(
    hidden: Tensor, items: Tensor, bias: Tensor, targets: Tensor, negatives: Tensor, expected: Tensor
) -> Tensor:
    """Mean cross-entropy of each target against K ``negatives``, the same ones for the whole batch.

    ``hidden`` (T, D), ``items`` (V + 1, D), ``bias`` (V + 1,), ``targets`` (T,) as in :func:`softmax_loss`;
    ``negatives`` (K,) ids drawn at random and ``expected`` (K,) how often each is expected among the K draws.

    A product that turns up twice as often as another would count twice as much: dividing exp(score) by ``expected``
    (subtracting its logarithm from the score, "logQ") makes the sum right on average. The target is in the sum anyway,
    so where it was drawn as a negative too, that draw does not count. The gradient of ``items`` is a list of rows.

    Source: Bengio & Senecal, Adaptive Importance Sampling to Accelerate Training of a Neural Probabilistic Language
    Model, IEEE Transactions on Neural Networks 2008; in recommendation Yi et al., Sampling-Bias-Corrected Neural
    Modeling for Large Corpus Item Recommendations, RecSys 2019.
    """
    own = (hidden * embedding(targets, items, sparse=True)).sum(1) + bias[targets]  # (T,)
    others = hidden @ embedding(negatives, items, sparse=True).T + (bias[negatives] - expected.log())  # (T, K)
    others = others.masked_fill(targets[:, None] == negatives, float("-inf"))
    return cross_entropy(torch.cat([own[:, None], others], 1), torch.zeros_like(targets))
