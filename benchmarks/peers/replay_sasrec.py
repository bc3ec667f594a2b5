"""replay-rec's ``SasRec(loss_type="CE")`` on its own sequences and Lightning; run by the benchmark as a worker.

Its feed-forward layer is as wide as the model. It also learns to predict the first item of a history that is shorter
than L, from padding alone; nobody else does, so those are not counted as targets.
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
from replay.models.nn.sequential import SasRec  # noqa: E402
from replay.models.nn.sequential.sasrec import SasRecPredictionDataset, SasRecTrainingDataset  # noqa: E402
from torch.utils.data import DataLoader  # noqa: E402

from benchmarks.peers.protocol import Channel, Work, begin  # noqa: E402


def schema_of(num_items: int) -> TensorSchema:
    """One feature: the item, 0..V - 1, padded with V."""
    return TensorSchema(
        TensorFeatureInfo(
            name="item_id",
            is_seq=True,
            cardinality=num_items,
            padding_value=num_items,
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

    def on_train_batch_end(self, trainer: Any, module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        """One step."""
        self.channel.step(int((batch["target_padding_mask"] & batch["padding_mask"]).sum()))

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
    schema = schema_of(wanted.num_items)
    train = SasRecTrainingDataset(sequences(schema, work.train), wanted.length)
    asked = DataLoader(SasRecPredictionDataset(sequences(schema, work.asked), wanted.length), batch_size=256)
    loader = DataLoader(train, batch_size=wanted.batch, shuffle=True)
    model = SasRec(
        schema,
        block_count=wanted.layers,
        head_count=wanted.heads,
        hidden_size=wanted.width,
        max_seq_len=wanted.length,
        dropout_rate=wanted.dropout,
        loss_type="CE",
        optimizer_factory=FatOptimizerFactory(learning_rate=wanted.learning_rate),
    )
    trainer = lightning.Trainer(
        max_epochs=1_000_000,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        callbacks=[Watch(work, channel, asked)],
    )
    targets = sum(int((row["target_padding_mask"] & row["padding_mask"]).sum()) for row in train)
    channel.ready(
        targets=targets,
        parameters=sum(p.numel() for p in model.parameters()),
        torch=torch.__version__,
        version=version("replay-rec"),
    )
    trainer.fit(model, loader)


if __name__ == "__main__":
    main()
