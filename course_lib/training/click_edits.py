"""Parts that can be put in place of those in click_main.py: each is one edit of the project, and a run to compare.

NET, LOSS and NEGATIVES say which setting puts which part in the place of which: the page reads them, and shows the
difference between the two sources. Shapes as in click_main.py.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course_lib.training.click_main import PLACES, Log

NET = {"of": "Net", "no_layer": "NoLayer", "logistic": "Logistic", "attention": "Attention"}
LOSS = {"of": "loss", "pairwise": "pairwise"}
NEGATIVES = {"of": "negatives", "random": "random_negatives"}


def random_negatives(log: Log, n: int, random: torch.Generator) -> Log:
    """The rows with y = 0: four products drawn at random for each click, whether they were ever shown or not."""
    click = (log.clicked == 1).nonzero()[:, 0]
    rows = torch.cat([click, click.repeat(4)])
    drawn = torch.randint(n, (4 * len(click),), generator=random)
    product = torch.cat([log.product[click], drawn])
    clicked = torch.cat([torch.ones(len(click)), torch.zeros(4 * len(click))])
    return Log(log.shares, log.shopper[rows], product, log.place[rows], clicked)


class NoLayer(nn.Module):
    """Three layers: the one with 128 units is gone; what comes out are log odds, whose sigmoid is the chance."""

    def __init__(self, input_shape: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(input_shape, 256),
            nn.ReLU(),
            nn.Linear(256, 64),
            nn.ReLU(),
            nn.Linear(64, 1),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B,) log odds of a click."""
        logits: Tensor = self.layers(x)[:, 0]
        return logits


class Logistic(nn.Module):
    """No hidden layer at all: logistic regression; what comes out are log odds, whose sigmoid is the chance."""

    def __init__(self, input_shape: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(input_shape, 1),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B,) log odds of a click."""
        logits: Tensor = self.layers(x)[:, 0]
        return logits


class Attention(nn.Module):
    """The product looks at what the shopper buys, instead of the four layers; what comes out are log odds."""

    def __init__(self, input_shape: int, width: int = 32) -> None:
        super().__init__()
        self.n = (input_shape - PLACES) // 2  # the page has one product of each type, so that T = n
        self.query = nn.Linear(self.n, width, bias=False)  # of each product
        self.key = nn.Parameter(torch.randn(self.n, width) / math.sqrt(width))  # of each type
        self.value = nn.Parameter(torch.randn(self.n, width) / math.sqrt(width))
        self.own = nn.Linear(self.n + PLACES, 1)  # what product and place say without the shopper

    def forward(self, x: Tensor) -> Tensor:
        """(B,) log odds of a click."""
        who, what_and_where = x[:, : self.n], x[:, self.n :]
        asks = self.query(what_and_where[:, : self.n])
        fits = asks @ self.key.T + torch.log(who + 1e-6)  # what was never bought has next to no weight
        wanted = torch.softmax(fits, dim=1) @ self.value
        logits: Tensor = (asks * wanted).sum(1) + self.own(what_and_where)[:, 0]
        return logits


def pairwise(logits: Tensor, y: Tensor) -> Tensor:
    """Each clicked row above each row of the batch that was not (BPR; Rendle et al., UAI 2009)."""
    gap = logits[y == 1][:, None] - logits[y == 0]
    return F.softplus(-gap).sum() / max(gap.numel(), 1)
