"""RecTools' ``FlatSASRecNet`` on its own ``build_sequences`` and batches; run by the benchmark as a worker.

The library ships the net and the batches without a loop: this is the loop of its ``UniSRecLightning`` without
Lightning, softmax over the whole catalogue, Adam.
"""

from __future__ import annotations

from importlib.metadata import version

import numpy as np
import torch
from rectools.fast_transformers import FlatSASRecNet, SequenceBatchDataset, build_sequences
from torch.nn import functional
from torch.utils.data import DataLoader

from benchmarks.peers.protocol import begin, left_padded


def main() -> None:
    """The worker."""
    work, channel = begin()
    wanted = work.settings
    lengths = torch.tensor([len(history) for history in work.train])
    users = torch.repeat_interleave(torch.arange(len(work.train)), lengths)
    items = torch.from_numpy(np.concatenate(work.train))
    x, y, known, _ = build_sequences(users, items, torch.arange(len(items)), wanted.length)
    ids = torch.zeros(wanted.num_items + 1, dtype=torch.long)  # our id to the library's; unknown items become padding
    ids[known] = torch.arange(1, len(known) + 1)
    asked = ids[torch.from_numpy(left_padded(work.asked, wanted.length))]
    net = FlatSASRecNet(len(known), wanted.width, wanted.layers, wanted.heads, wanted.length, wanted.dropout)
    for parameter in net.parameters():
        if parameter.ndim > 1:
            torch.nn.init.xavier_normal_(
                parameter
            )  # as RecTools' Lightning module does; torch's own start learns nothing
    loader = DataLoader(SequenceBatchDataset(x, y), batch_size=wanted.batch, shuffle=True)
    optimizer = torch.optim.Adam(net.parameters(), lr=wanted.learning_rate, betas=(0.9, 0.98))

    def scores() -> np.ndarray:
        net.eval()
        with torch.inference_mode():
            table = torch.cat([net.encode_last(some) @ net.all_item_embeddings().T for some in asked.split(256)])
        net.train()
        return work.scores(table.numpy(), known.tolist())

    channel.ready(
        targets=int((y != 0).sum()),
        parameters=sum(p.numel() for p in net.parameters()),
        torch=torch.__version__,
        version=version("rectools"),
    )
    while True:
        for batch in loader:
            logits = net(batch)  # (B, L, V)
            loss = functional.cross_entropy(logits.flatten(0, 1), batch["y"].flatten() - 1, ignore_index=-1)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            channel.step(int((batch["y"] != 0).sum()))
        channel.epoch(scores)


if __name__ == "__main__":
    main()
