"""SASRec and GRU4Rec as a textbook writes them: torch's own layers, every batch padded to L, all logits at once, Adam.

Run by the benchmark as a worker (see protocol.py). Padding is on the left and a product's place is counted from the
newest one, so that what is learned at a place is used at that place.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset

from benchmarks.peers.protocol import Settings, Work, begin, left_padded


class Textbook(nn.Module):
    """Item embeddings, used going in and coming out: scores are inner products. Subclasses read the history."""

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self.item = nn.Embedding(settings.num_items + 1, settings.width, padding_idx=0)
        self.dropout = nn.Dropout(settings.dropout)
        nn.init.normal_(self.item.weight, std=0.02)

    @torch.inference_mode()
    def score(self, inputs: Tensor) -> NDArray[np.float32]:
        """(N, L) histories to (N, V) scores of the items 1..V."""
        self.eval()
        parts = [self(some)[:, -1] @ self.item.weight[1:].T for some in inputs.split(256)]
        self.train()
        scores: NDArray[np.float32] = torch.cat(parts).numpy()
        return scores


class TextbookGRU4Rec(Textbook):
    """torch's ``GRU`` without biases, so that padding leaves its memory empty, and a way back to the items."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.gru = nn.GRU(settings.width, settings.memory, settings.layers, bias=False, batch_first=True)
        self.output = nn.Linear(settings.memory, settings.width)

    def forward(self, inputs: Tensor) -> Tensor:
        """(B, L) item ids to (B, L, D)."""
        wanted: Tensor = self.output(self.gru(self.dropout(self.item(inputs)))[0])
        return wanted


class TextbookSASRec(Textbook):
    """Place embeddings and torch's ``TransformerEncoder`` with a causal mask."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        D = settings.width
        self.heads = settings.heads
        self.place = nn.Embedding(settings.length, D)
        layer = nn.TransformerEncoderLayer(
            D, settings.heads, 4 * D, settings.dropout, "gelu", batch_first=True, norm_first=True
        )
        self.encoder = nn.TransformerEncoder(layer, settings.layers, nn.LayerNorm(D), enable_nested_tensor=False)
        nn.init.normal_(self.place.weight, std=0.02)

    def forward(self, inputs: Tensor) -> Tensor:
        """(B, L) item ids to (B, L, D)."""
        L = inputs.shape[1]
        past = torch.ones(L, L, dtype=torch.bool).tril()
        mask = (past & (inputs != 0)[:, None, :]) | torch.eye(L, dtype=torch.bool)  # (B, L, L) what a place may see
        x = self.dropout(self.item(inputs) + self.place(torch.arange(L)))
        hidden: Tensor = self.encoder(x, mask=~mask.repeat_interleave(self.heads, 0))
        return hidden


MODELS: dict[str, type[Textbook]] = {"sasrec": TextbookSASRec, "gru4rec": TextbookGRU4Rec}


def train_epoch(
    model: Textbook, loader: DataLoader[Any], optimizer: torch.optim.Optimizer, step: Callable[[int], None]
) -> float:
    """One epoch; calls ``step`` with the number of real targets after each batch. The last batch's loss."""
    loss = torch.zeros(())
    for inputs, targets in loader:
        logits = model(inputs) @ model.item.weight.T  # (B, L, V + 1)
        loss = functional.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=0)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        step(int((targets != 0).sum()))
    return float(loss.detach())


def loader_of(work: Work) -> DataLoader[Any]:
    """Inputs and targets (B, L), shuffled."""
    L = work.settings.length
    inputs = torch.from_numpy(left_padded([history[:-1] for history in work.train], L))
    targets = torch.from_numpy(left_padded([history[1:] for history in work.train], L))
    return DataLoader(TensorDataset(inputs, targets), batch_size=work.settings.batch, shuffle=True)


def main() -> None:
    """The worker."""
    work, channel = begin()
    model = MODELS[work.settings.model](work.settings)
    loader = loader_of(work)
    optimizer = torch.optim.Adam(model.parameters(), lr=work.settings.learning_rate)
    asked = torch.from_numpy(left_padded(work.asked, work.settings.length))
    channel.ready(
        targets=work.targets,
        parameters=sum(p.numel() for p in model.parameters()),
        torch=torch.__version__,
        version=torch.__version__,
    )
    while True:
        train_epoch(model, loader, optimizer, channel.step)
        channel.epoch(lambda: work.scores(model.score(asked)))


if __name__ == "__main__":
    main()
