"""What the first purchases of a new product teach, everything else being left as it is.

The trunk, the known products' vectors and their biases are frozen, so a context's known part is one number,
Z = log sum over known products exp(h . e_j + b_j). With d_i and a_i what is added to a new product's vector and bias,
over the purchases of a window (data/launch.py):

    s_i  = h . (e_i + d_i) + b_i + a_i
    loss = mean -log p(target),  p(i) = exp(s_i) / (exp(Z) + sum over new products exp(s_j))
           + (sum d^2 / var_e + sum a^2 / var_b) / 2T

The second line holds an addition near zero as long as few purchases speak for it: it is the logarithm of a normal
prior with the known products' variance, so that the minimum is the most probable addition (MAP).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

STEPS, RATE = 40, 0.05  # of Adam, over all contexts at once


@dataclass(frozen=True)
class Context:
    """T purchases as the frozen trunk sees them."""

    wanted: Tensor  # (T, D)
    known: Tensor  # (T,) Z
    target: Tensor  # (T,) which new product was bought, -1 for a known one
    since: Tensor  # (T,) the shortest window that holds it, in purchases of a product
    counts: Tensor  # (T,) for how many purchases it stands

    def until(self, seen: int) -> Context:
        """The window of ``seen`` purchases."""
        inside = self.since <= seen
        parts = (self.wanted, self.known, self.target, self.since, self.counts)
        return Context(*(part[inside] for part in parts))


def late_rows(context: Context, rows: Tensor, bias: Tensor, spread: tuple[float, float]) -> tuple[Tensor, Tensor]:
    """(M, D) vectors and (M,) biases of the new products, moved by the purchases of ``context``.

    ``rows`` and ``bias`` are where they start; ``spread`` is (var_e, var_b).
    """
    more_rows, more_bias = torch.zeros_like(rows, requires_grad=True), torch.zeros_like(bias, requires_grad=True)
    optimizer = torch.optim.Adam([more_rows, more_bias], lr=RATE)
    fresh = torch.nonzero(context.target >= 0)[:, 0]
    chosen, counts, whole = context.target[fresh], context.counts[fresh], context.counts.sum()
    for _ in range(STEPS):
        scores = torch.addmm(bias + more_bias, context.wanted, (rows + more_rows).T)  # (T, M)
        total = torch.logaddexp(scores.logsumexp(1), context.known)
        prior = more_rows.square().sum() / spread[0] + more_bias.square().sum() / spread[1]
        loss = ((context.counts * total).sum() - (counts * scores[fresh, chosen]).sum() + prior / 2) / whole
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    return (rows + more_rows).detach(), (bias + more_bias).detach()
