"""RecBole's models with its own data, trainer and Adam; run by the benchmark as a worker.

It learns one target a sample: a history of 50 becomes 49 samples that are each read from the start. The batch is
``extra["samples"]`` samples. Its BERT4Rec hides items in each of these samples too. Importing it switches on autograd's
anomaly detection, which nobody wants: it is off here.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib.metadata import version
from typing import Any

import numpy as np
import torch
from recbole.config import Config
from recbole.data import create_dataset, data_preparation
from recbole.data.interaction import Interaction
from recbole.model.sequential_recommender import BERT4Rec, GRU4Rec, SASRec
from recbole.trainer import Trainer

from benchmarks.peers.protocol import Channel, Work, begin

torch.autograd.set_detect_anomaly(False)
MODELS = {"sasrec": SASRec, "gru4rec": GRU4Rec, "bert4rec": BERT4Rec}


class Counted:
    """The library's batches, each counted when its step is done."""

    def __init__(self, batches: Any, channel: Channel, masked: bool) -> None:
        self.batches, self.channel, self.masked = batches, channel, masked

    def __iter__(self) -> Iterator[Any]:
        for batch in self.batches:
            yield batch
            self.channel.step(int(batch["item_length"].sum()) if self.masked else len(batch))


def write_events(work: Work) -> None:
    """The histories as an atomic file; each with two more lines, which the library holds out."""
    folder = work.folder / "events"
    folder.mkdir(exist_ok=True)
    lines = ["user_id:token\titem_id:token\ttimestamp:float"]
    for user, history in enumerate(work.train):
        items = [*history.tolist(), *[int(history[-1])] * 2]
        lines += [f"{user}\t{item}\t{time}" for time, item in enumerate(items)]
    (folder / "events.inter").write_text("\n".join(lines) + "\n", encoding="utf-8")


def main() -> None:
    """The worker."""
    work, channel = begin()
    wanted = work.settings
    write_events(work)
    sys.argv = sys.argv[:1]  # the library reads it
    config = Config(
        model=MODELS[wanted.model].__name__,
        dataset="events",
        config_dict={
            "data_path": str(work.folder),
            "checkpoint_dir": str(work.folder / "saved"),
            "load_col": {"inter": ["user_id", "item_id", "timestamp"]},
            "MAX_ITEM_LIST_LENGTH": wanted.length,
            "embedding_size": wanted.width,
            "hidden_size": wanted.memory if wanted.model == "gru4rec" else wanted.width,
            "inner_size": 4 * wanted.width,
            "n_layers": wanted.layers,
            "num_layers": wanted.layers,
            "n_heads": wanted.heads,
            "hidden_dropout_prob": wanted.dropout,
            "attn_dropout_prob": wanted.dropout,
            "dropout_prob": wanted.dropout,
            "mask_ratio": wanted.mask_share,
            "loss_type": "CE",
            "train_neg_sample_args": None,
            "train_batch_size": wanted.extra.get("samples", wanted.batch),
            "learning_rate": wanted.learning_rate,
            "eval_args": {"split": {"LS": "valid_and_test"}, "order": "TO", "mode": "full", "group_by": "user"},
            "use_gpu": False,
            "show_progress": False,
            "state": "WARNING",
            "seed": wanted.seed,
        },
    )
    dataset = create_dataset(config)
    train, _, _ = data_preparation(config, dataset)
    torch.manual_seed(wanted.seed)
    torch.set_num_threads(wanted.threads)
    model = MODELS[wanted.model](config, train.dataset)
    trainer = Trainer(config, model)

    items = [int(token) for token in dataset.id2token("item_id", np.arange(1, dataset.item_num))]
    table = np.zeros(wanted.num_items + 1, np.int64)
    table[items] = np.arange(1, dataset.item_num)
    rows = np.zeros((len(work.asked), wanted.length), np.int64)  # padded on the right, as it was trained
    lengths = np.ones(len(work.asked), np.int64)
    for row, history in enumerate(work.asked):
        known = table[history]
        known = known[known > 0]
        rows[row, : len(known)] = known
        lengths[row] = max(1, len(known))

    def scores() -> np.ndarray:
        model.eval()
        parts = []
        with torch.inference_mode():
            for start in range(0, len(rows), 256):
                some = slice(start, start + 256)
                fields = {model.ITEM_SEQ: torch.from_numpy(rows[some])}
                fields[model.ITEM_SEQ_LEN] = torch.from_numpy(lengths[some])
                parts.append(model.full_sort_predict(Interaction(fields))[:, 1:])
        model.train()
        return work.scores(torch.cat(parts).numpy(), items)

    channel.ready(
        targets=int(train.dataset.inter_feat["item_length"].sum()) if wanted.masked else len(train.dataset),
        parameters=sum(p.numel() for p in model.parameters()),
        torch=torch.__version__,
        version=version("recbole"),
    )
    batches, epoch = Counted(train, channel, wanted.masked), 0
    while True:
        trainer._train_epoch(batches, epoch)
        epoch += 1
        channel.epoch(scores)


if __name__ == "__main__":
    main()
