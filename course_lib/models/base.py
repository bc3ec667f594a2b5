"""What every model can do, and how a model is found by name. A model is one file in this folder.

model = PopularityModel.fit(train, num_items, settings, seed)   # counted models; neural ones are trained by the loop
model.score(histories)        # (N, V + 1), column i is item i, column 0 (padding) is -inf
model.save(folder);  PopularityModel.load(folder)
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol, Self

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from course_lib.data.histories import Histories
from course_lib.models.catalogue import model_card

if TYPE_CHECKING:
    from torch import Tensor, nn

Scores = NDArray[np.float32]
Objective = Literal["next", "masked"]  # predict what follows each place, or what is behind a mask


class Recommender(Protocol):
    """The interface of all models, counted or neural."""

    num_items: int

    def score(self, histories: Histories) -> Scores:
        """(N, V + 1) a higher score for a likelier next item; column 0 is -inf."""

    def save(self, folder: Path) -> None:
        """Writes the model to ``folder``: JSON and safetensors, never a pickle."""

    @classmethod
    def load(cls, folder: Path) -> Self:
        """The inverse of :meth:`save`."""


class NeuralModel(Recommender, Protocol):
    """What the training loop and the pages need of a model that learns by gradient; course_lib/models/neural.py has
    all of it but ``item``, ``bias`` and ``forward``.

    B histories padded with 0 on the left, L places (any number up to ``history_length``, and one more for a mask), D
    width, V products. Padding changes no answer. With the objective "next" no place sees what comes after it.
    """

    config_class: ClassVar[Any]  # a Hugging Face configuration: num_items and the file's SETTINGS, as keywords
    config: Any  # num_items (V), history_length; for "masked" also mask_share and mask_id, the input id of the mask
    objective: ClassVar[Objective]  # what training/batches.py asks of it
    item: nn.Embedding  # (V + 1, D) a product's vector, going in and coming out; row 0 is zero
    bias: nn.Parameter  # (V + 1,)

    def forward(self, input_ids: Tensor) -> tuple[Tensor, list[Tensor]]:
        """(B, L) to (B, L, D), what is wanted at each place; and the attention (B, H, L, L) of each layer, if any."""

    def wanted_next(self, input_ids: Tensor) -> Tensor:
        """(B, L) to (B, D), what is wanted after the whole history."""

    def logits(self, wanted: Tensor) -> Tensor:
        """(..., D) to (..., V + 1), ``wanted`` times each product's vector, plus its bias."""

    def attention(self, input_ids: Tensor) -> list[Tensor]:
        """Each layer's (B, H, places that ask, L), the last place that asks is the one that answers; [] if none."""


def untrained(name: str, num_items: int, settings: Mapping[str, Any], seed: int) -> Any:
    """A neural model before its training; its weights depend on the seed alone.

    Args:
        name: of a model that is trained.
        num_items: V products.
        settings: those of the model's file; what they leave out is its default.
        seed: of the weights.
    """
    import torch

    torch.manual_seed(seed)
    kind = model_class(name)
    return kind(kind.config_class(num_items=num_items, **settings))


class CountedModel:
    """A model that is a few arrays computed in one pass over the training histories."""

    name: ClassVar[str]

    def __init__(self, num_items: int, settings: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> None:
        self.num_items = num_items
        self.settings = settings
        self.arrays = arrays

    @property
    def parameters(self) -> int:
        """How many numbers the model keeps."""
        return sum(array.size for array in self.arrays.values())

    def save(self, folder: Path) -> None:
        """Writes ``config.json`` and ``model.safetensors``."""
        folder.mkdir(parents=True, exist_ok=True)
        config = {"model_type": self.name, "num_items": self.num_items, "settings": self.settings}
        (folder / "config.json").write_text(json.dumps(config, indent=1), encoding="utf-8")
        save_file(
            {key: np.ascontiguousarray(array) for key, array in self.arrays.items()}, folder / "model.safetensors"
        )

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Reads what :meth:`save` wrote."""
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        return cls(config["num_items"], config["settings"], load_file(folder / "model.safetensors"))


def model_class(name: str) -> Any:
    """The class of a model by name; raises CourseError with the known names."""
    module = importlib.import_module(f"course_lib.models.{model_card(name).source.stem}")
    return next(
        value
        for key, value in vars(module).items()
        if key.endswith("Model") and getattr(value, "__module__", "") == module.__name__
    )
