"""The project of the founding document's section 5, whole and in PyTorch: a log, a network, ten passes, two numbers.

The document announces TensorFlow; this is the same project in PyTorch. ``input_shape``, ``x_train`` and ``y_train`` are
used there and never defined. Here a row is one product on one front page:

    x   how the shopper's purchases divide among the T types · which of the n products · at which of the three places
    y   1 where it was clicked, 0 where it stood there and was not

Every name is meant to be read beside the Keras listing; click_edits.py has the parts that can be put in place of these.
Shapes: R rows, B of them in a batch, U shoppers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

PLACES = 3
Loss = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Log:
    """Who was shown what, where, and whether they clicked."""

    shares: Tensor  # (U, T) how each shopper's purchases divide among the types
    shopper: Tensor  # (R,) row of ``shares``
    product: Tensor  # (R,) one of the n products of the page
    place: Tensor  # (R,) 0, 1, 2 from the top
    clicked: Tensor  # (R,) 1.0 or 0.0


def negatives(log: Log, n: int, random: torch.Generator) -> Log:
    """The rows with y = 0: what stood there and was not clicked, as the log has it."""
    return log


def make_x(log: Log, n: int) -> Tensor:
    """(R, input_shape) what the network sees of each row; ``input_shape`` is T + n + 3."""
    who = log.shares[log.shopper]
    what = F.one_hot(log.product, n)
    where = F.one_hot(log.place, PLACES)
    return torch.cat([who, what, where], dim=1).float()


class Net(nn.Module):
    """Four layers, as in the document; what comes out are log odds, whose sigmoid is the chance of a click."""

    def __init__(self, input_shape: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(input_shape, 256),
            nn.ReLU(),
            nn.Linear(256, 128),
            nn.ReLU(),
            nn.Linear(128, 64),
            nn.ReLU(),
            nn.Linear(64, 1),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B,) log odds of a click."""
        logits: Tensor = self.layers(x)[:, 0]
        return logits


def loss(logits: Tensor, y: Tensor) -> Tensor:
    """Binary cross-entropy; the sigmoid is inside, where it cannot overflow."""
    return F.binary_cross_entropy_with_logits(logits, y)


def fit(
    net: nn.Module, loss: Loss, x_train: Tensor, y_train: Tensor, epochs: int, batch_size: int, rate: float,
    random: torch.Generator,
) -> Iterator[tuple[int, float]]:  # fmt: skip
    """Trains; tells the epoch and the loss of each step."""
    optimizer = torch.optim.Adam(net.parameters(), lr=rate)
    for epoch in range(1, epochs + 1):
        for batch in torch.split(torch.randperm(len(x_train), generator=random), batch_size):
            value = loss(net(x_train[batch]), y_train[batch])
            optimizer.zero_grad()
            value.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            yield epoch, float(value.detach())


@torch.no_grad()
def evaluate(net: nn.Module, x: Tensor, y: Tensor) -> tuple[float, float]:
    """What section 5.4 prints: loss and accuracy, the share of rows where "more than 0.5" is right."""
    logits = net(x)
    accuracy = ((torch.sigmoid(logits) > 0.5) == (y == 1)).double().mean()
    return float(F.binary_cross_entropy_with_logits(logits, y)), float(accuracy)
