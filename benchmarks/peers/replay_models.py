"""replay-rec's ``SasRec`` and ``Bert4Rec``, loss "CE", on its own sequences and Lightning; run as a worker.

SasRec's feed-forward layer is as wide as the model. It also learns to predict the first item of a history that is
shorter than L, from padding alone; nobody else does, so those are not counted as targets.
"""

from __future__ import annotations

import warnings
from importlib.metadata import version
from typing import Any

warnings.filterwarnings("ignore", category=DeprecationWarning)

import lightning  # noqa: E402
import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
import torch  # noqa: E402
from replay.data import FeatureHint, FeatureSource, FeatureType  # noqa: E402
from replay.data.nn import (  # noqa: E402
    PandasSequentialDataset,
    TensorFeatureInfo,
    TensorFeatureSource,
    TensorSchema,
)
from replay.models.nn.optimizer_utils import FatOptimizerFactory  # noqa: E402
from replay.models.nn.sequential import Bert4Rec, SasRec  # noqa: E402
from replay.models.nn.sequential.bert4rec import Bert4RecPredictionDataset, Bert4RecTrainingDataset  # noqa: E402
from replay.models.nn.sequential.sasrec import SasRecPredictionDataset, SasRecTrainingDataset  # noqa: E402
from torch.utils.data import DataLoader  # noqa: E402

from benchmarks.peers.protocol import LIGHTNING, Channel, Work, begin  # noqa: E402


def schema_of(num_items: int, width: int, padding: int) -> TensorSchema:
    """One feature: the item, 0..V - 1."""
    return TensorSchema(
        TensorFeatureInfo(
            name="item_id",
            is_seq=True,
            cardinality=num_items,
            padding_value=padding,
            embedding_dim=width,
            feature_type=FeatureType.CATEGORICAL,
            feature_hint=FeatureHint.ITEM_ID,
            feature_sources=[TensorFeatureSource(FeatureSource.INTERACTIONS, "item_id")],
        )
    )


def sequences(schema: TensorSchema, histories: list[Any]) -> PandasSequentialDataset:
    """Histories as the library wants them."""
    frame = pd.DataFrame({"user_id": np.arange(len(histories)), "item_id": [history - 1 for history in histories]})
    return PandasSequentialDataset(schema, "user_id", "item_id", frame)


class Watch(lightning.Callback):
    """Tells the channel of every step and epoch."""

    def __init__(self, work: Work, channel: Channel, asked: DataLoader[Any]) -> None:
        self.work, self.channel, self.asked = work, channel, asked
        self.masked = work.settings.masked

    def count(self, batch: Any) -> int:
        """Targets of a batch or row of the library; items read where it hides some."""
        return int((batch["pad_mask"] if self.masked else batch["target_padding_mask"] & batch["padding_mask"]).sum())

    def on_train_batch_end(self, trainer: Any, module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        """One step."""
        self.channel.step(self.count(batch))

    def on_train_epoch_end(self, trainer: Any, module: Any) -> None:
        """One epoch."""
        self.channel.epoch(lambda: self.scores(module))

    def scores(self, module: Any) -> np.ndarray:
        """(N, V + 1)."""
        module.eval()
        with torch.inference_mode():
            table = torch.cat([module.predict(batch) for batch in self.asked])
        module.train()
        return self.work.scores(table.numpy())


def main() -> None:
    """The worker."""
    work, channel = begin()
    wanted = work.settings
    # Bert4Rec has no vector for padding: it pads with an item and looks away from it.
    schema = schema_of(wanted.num_items, wanted.width, 0 if wanted.masked else wanted.num_items)
    known, given = sequences(schema, work.train), sequences(schema, work.asked)
    if wanted.masked:
        train: Any = Bert4RecTrainingDataset(known, wanted.length, mask_prob=wanted.mask_share)
        answers: Any = Bert4RecPredictionDataset(given, wanted.length)
        kind, own = Bert4Rec, {"enable_embedding_tying": True}  # as in the others; its default is a layer of its own
    else:
        train, answers = SasRecTrainingDataset(known, wanted.length), SasRecPredictionDataset(given, wanted.length)
        kind, own = SasRec, {}
    asked = DataLoader(answers, batch_size=256)
    loader = DataLoader(train, batch_size=wanted.batch, shuffle=True)
    model = kind(
        schema,
        block_count=wanted.layers,
        head_count=wanted.heads,
        hidden_size=wanted.width,
        max_seq_len=wanted.length,
        dropout_rate=wanted.dropout,
        loss_type="CE",
        optimizer_factory=FatOptimizerFactory(learning_rate=wanted.learning_rate),
        **own,
    )
    watch = Watch(work, channel, asked)
    trainer = lightning.Trainer(**LIGHTNING, callbacks=[watch])
    channel.ready(
        targets=sum(map(watch.count, train)),
        parameters=sum(p.numel() for p in model.parameters()),
        torch=torch.__version__,
        version=version("replay-rec"),
    )
    trainer.fit(model, loader)


if __name__ == "__main__":
    main()
