"""RecTools' ``SASRecModel`` and ``BERT4RecModel``, loss "softmax", on its own data and Lightning, as a worker.

SASRec's feed-forward layer is as wide as the model (the paper's), not four times as wide as in the textbook's and ours.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

import numpy as np
import pandas as pd
import pytorch_lightning as lightning
import torch
from rectools import Columns
from rectools.dataset import Dataset
from rectools.models import BERT4RecModel, SASRecModel
from rectools.models.nn.item_net import IdEmbeddingsItemNet

from benchmarks.peers.protocol import LIGHTNING, Channel, Work, begin, left_padded


class Watch(lightning.Callback):
    """Tells the channel of every step and epoch."""

    def __init__(self, work: Work, channel: Channel) -> None:
        self.work, self.channel = work, channel

    def __deepcopy__(self, memo: Any) -> Watch:
        return self  # RecTools copies its trainer; a channel cannot be copied

    def on_train_start(self, trainer: Any, module: Any) -> None:
        """The model is built: ready."""
        net, ids = module.torch_model, module.data_preparator.item_id_map
        inside = ids.external_ids  # ours by the library's id; the first ones are not items
        extra = module.data_preparator.n_item_extra_tokens
        self.items = [int(item) for item in inside[extra:]]
        table = np.zeros(self.work.settings.num_items + 1, np.int64)
        table[self.items] = np.arange(extra, len(inside))
        self.masked = self.work.settings.masked
        mask = [1] if self.masked else []  # the library's id of the mask, behind the history that it is asked about
        histories = [np.concatenate([table[history], mask]).astype(np.int64) for history in self.work.asked]
        self.asked = torch.from_numpy(left_padded(histories, self.work.settings.length))
        self.extra = extra
        self.channel.ready(
            targets=sum(len(session) - (not self.masked) for session in trainer.train_dataloader.dataset.sessions),
            parameters=sum(p.numel() for p in net.parameters()),
            torch=torch.__version__,
            version=version("rectools"),
        )

    def on_train_batch_end(self, trainer: Any, module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        """One step."""
        self.channel.step(int((batch["x" if self.masked else "y"] != 0).sum()))

    def on_train_epoch_end(self, trainer: Any, module: Any) -> None:
        """One epoch."""
        self.channel.epoch(lambda: self.scores(module.torch_model))

    def scores(self, net: Any) -> np.ndarray:
        """(N, V + 1)."""
        net.eval()
        with torch.inference_mode():
            items = net.item_model.get_all_embeddings()
            wanted = torch.cat([net.encode_sessions({"x": some}, items)[:, -1] for some in self.asked.split(256)])
            table = wanted @ items[self.extra :].T
        net.train()
        return self.work.scores(table.numpy(), self.items)


def main() -> None:
    """The worker."""
    work, channel = begin()
    wanted = work.settings
    lengths = [len(history) for history in work.train]
    events = pd.DataFrame(
        {
            Columns.User: np.repeat(np.arange(len(lengths)), lengths),
            Columns.Item: np.concatenate(work.train),
            Columns.Weight: 1.0,
            Columns.Datetime: pd.to_datetime(np.arange(sum(lengths)), unit="s"),
        }
    )

    def trainer() -> lightning.Trainer:
        return lightning.Trainer(**LIGHTNING, callbacks=[Watch(work, channel)])

    model = (BERT4RecModel if wanted.masked else SASRecModel)(
        n_blocks=wanted.layers,
        n_heads=wanted.heads,
        n_factors=wanted.width,
        dropout_rate=wanted.dropout,
        session_max_len=wanted.length,
        loss="softmax",
        lr=wanted.learning_rate,
        batch_size=wanted.batch,
        item_net_block_types=(IdEmbeddingsItemNet,),
        get_trainer_func=trainer,
        **({"mask_prob": wanted.mask_share} if wanted.masked else {}),
    )
    model.fit(Dataset.construct(events))


if __name__ == "__main__":
    main()
