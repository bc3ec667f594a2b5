"""Semantic IDs: a short word of codes for every product, made of what its titles say; like products begin alike.

    python -m course_lib run semantic_ids --method rq-vae --start kmeans --json

The titles become vectors once (data/text_vectors.py); a residual quantiser (models/rq_vae.py), or k-means on what each
level leaves over, turns each vector into ``levels`` codes. Two products with the same codes would be one product to a
model that writes codes, so a last number tells them apart (Rajput et al., TIGER, NeurIPS 2023).

R^2 is the share of the vectors' variance that the codes keep: 1 - sum ||x - x'||^2 / sum ||x - mean||^2.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from course_lib.data import registry
from course_lib.data.text_vectors import text_vectors
from course_lib.errors import CourseError
from course_lib.evaluation.intervals import bootstrap_ratio
from course_lib.experiments.config import RunConfig
from course_lib.experiments.events import Event, Folder, exact, plan, result
from course_lib.experiments.products import product_asked, type_numbers, view_at
from course_lib.models.rq_vae import RQVAE, centres
from course_lib.training.checkpoint import one_thread

DATA = {"dataset": "histories"}
SETTINGS = {  # (default, lowest, highest) or (default, *choices)
    "method": ("rq-vae", "rq-vae", "residual-kmeans"),
    "codes": (64, 2, 512),  # in each level's codebook
    "levels": (3, 1, 4),
    "start": ("kmeans", "kmeans", "normal"),  # codebooks: clusters of the first encoded vectors, or N(0, 1)
    "reset": ("on", "on", "off"),  # after each epoch, codes that no product takes move to a product
    "follow": ("gradient", "gradient", "ema"),  # how codes move: by the loss, or to the mean of those who take them
    "reconstruction": ("sum", "sum", "mean"),  # of the squared errors of a vector's numbers
    "beta": (0.25, 0.0, 4.0),  # weight of the commitment: how strongly vectors are held to their codes
    "rate": (0.002, 0.0001, 0.1),  # of Adam
    "epochs": (60, 1, 500),
}
MEASURES = {
    "r2": "share",  # of the vectors' variance that the codes keep
    "unique": "count",  # different words before the last number
    "shared_most": "count",  # products with the commonest word
    "nmi_type": "share",  # of level 1 with the product types: 0 unrelated, 1 the same division
    "used_1": "count",  # codes that at least one product takes, by level
    "used_2": "count",
    "used_3": "count",
    "used_4": "count",
    "perplexity_1": "count",  # exp of the entropy of how often each code is taken: as many equally used ones
    "perplexity_2": "count",
    "perplexity_3": "count",
    "perplexity_4": "count",
    "seconds": "seconds",
}
ASKS = {"items": "items", "k": (10, 1, 100)}  # the last of the products: its word, and those nearest to it by codes
TINY = {"codes": 8, "levels": 2, "epochs": 3}

HIDDEN, WIDTH, BATCH = 256, 32, 128
FRAMES = (0, 1, 2, 3, 5, 8, 12, 20, 30, 45)  # epochs that are kept, and the last one: dense while most happens


def run(config: RunConfig, folder: Folder) -> Iterator[Event]:
    """Quantises the vectors of the catalogue's titles.

    Raises CourseError where the data cannot be had or has no titles. It takes seconds, so a run that was interrupted
    begins again.
    """
    one_thread()
    began = time.perf_counter()
    by_kmeans = config.settings["method"] == "residual-kmeans"
    yield (
        plan(frame=int(config.settings["levels"]) + 1)
        if by_kmeans
        else plan(epoch=int(config.settings["epochs"]), frame=len(_kept_epochs(config)))
    )
    dataset = registry.load(config.data["dataset"])
    vectors = torch.from_numpy(text_vectors(dataset))
    x = (vectors - vectors.mean(0)) / (vectors - vectors.mean(0)).square().sum(1).mean().sqrt()
    make = _kmeans if by_kmeans else _rq_vae
    yield from make(config, folder, x, type_numbers(dataset.items), began)


def _kept_epochs(config: RunConfig) -> list[int]:
    """The epochs that become frames."""
    epochs = int(config.settings["epochs"])
    return sorted({epoch for epoch in FRAMES if epoch < epochs} | {epochs})


def _rq_vae(
    config: RunConfig, folder: Folder, x: Tensor, kind: NDArray[np.integer] | None, began: float
) -> Iterator[Event]:
    settings = config.settings
    epochs, ema, kept = int(settings["epochs"]), settings["follow"] == "ema", _kept_epochs(config)
    torch.manual_seed(config.seed)
    generator = torch.Generator().manual_seed(config.seed)
    sizes = (int(settings["levels"]), int(settings["codes"]))
    model = RQVAE(x.shape[1], HIDDEN, WIDTH, *sizes, beta=float(settings["beta"]), ema=ema)
    if settings["start"] == "kmeans":
        model.start_by_kmeans(x, config.seed)
    optimizer = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=float(settings["rate"]))
    scale = 1.0 if settings["reconstruction"] == "sum" else 1 / x.shape[1]
    seen = _seen(model, x, kind)
    yield folder.frame(0, seen.view(), model.state_dict(), epoch=0.0, **seen.told())
    for epoch in range(1, epochs + 1):
        losses = []
        order = torch.randperm(len(x), generator=generator)
        for rows in (order[start : start + BATCH] for start in range(0, len(x), BATCH)):
            decoded, found = model(x[rows])
            loss = scale * (x[rows] - decoded).square().sum(1).mean() + found.loss
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if ema:
                model.follow(found)
            losses.append(float(loss.detach()))
        if not np.isfinite(losses).all():
            raise CourseError("codes_diverged", epoch=epoch, rate=settings["rate"])
        moved = model.reset_dead(x, generator) if settings["reset"] == "on" and epoch < epochs else 0
        yield {"kind": "epoch", "at": epoch, "loss": round(float(np.mean(losses)), 5), "reset": moved}
        if epoch in kept:
            seen = _seen(model, x, kind)
            yield folder.frame(kept.index(epoch), seen.view(), model.state_dict(), epoch=float(epoch), **seen.told())
    yield _result(seen, time.perf_counter() - began)


def _kmeans(
    config: RunConfig, folder: Folder, x: Tensor, kind: NDArray[np.integer] | None, began: float
) -> Iterator[Event]:
    """A frame a level: its centres are found on what the levels before it left over."""
    levels, count = int(config.settings["levels"]), int(config.settings["codes"])
    books: list[Tensor] = []
    codes = np.zeros((len(x), 0), np.int64)
    left = x
    seen = Seen(codes, count, left, x, kind)
    yield folder.frame(0, seen.view(), None, level=0, **seen.told())
    for level in range(levels):
        books.append(centres(left, count, config.seed + level))
        chosen = torch.cdist(left, books[-1]).argmin(1)
        left = left - books[-1][chosen]
        codes = np.concatenate([codes, chosen.numpy()[:, None]], axis=1)
        seen = Seen(codes, count, left, x, kind)
        yield folder.frame(level + 1, seen.view(), {"codebooks": torch.stack(books)}, level=level + 1, **seen.told())
    yield _result(seen, time.perf_counter() - began)


@torch.no_grad()
def _seen(model: RQVAE, x: Tensor, kind: NDArray[np.integer] | None) -> Seen:
    decoded, found = model(x)
    return Seen(found.codes.numpy(), model.codebooks.shape[1], x - decoded, x, kind)


@dataclass(frozen=True)
class Seen:
    """The words of all products at one moment, and what they keep of the vectors."""

    codes: NDArray[np.int64]  # (V, L), row ``i - 1`` for item ``i``
    count: int  # codes in a codebook
    error: Tensor  # (V, D) what the codes do not say
    x: Tensor  # (V, D) of mean 0
    kind: NDArray[np.integer] | None  # (V,) product type of each, where there is one

    def measures(self) -> dict[str, dict[str, float]]:
        """Every measure but the seconds."""
        lost = bootstrap_ratio(self.error.square().sum(1)[:, None].numpy(), self.x.square().sum(1)[:, None].numpy())
        found = {"r2": {"value": 1 - lost.value, "low": 1 - lost.high, "high": 1 - lost.low}}
        _, times = np.unique(self.codes, axis=0, return_counts=True)
        found |= {"unique": exact(len(times)), "shared_most": exact(int(times.max()))}
        for level, usage in enumerate(self.usage(), 1):
            found[f"used_{level}"] = exact(int((usage > 0).sum()))
            found[f"perplexity_{level}"] = exact(float(np.exp(_entropy(usage))))
        if self.kind is not None and self.codes.shape[1]:
            found["nmi_type"] = exact(shared_information(self.codes[:, 0], self.kind))
        return found

    def usage(self) -> list[NDArray[np.int64]]:
        """How many products take each code, (count,) a level."""
        return [np.bincount(column, minlength=self.count) for column in self.codes.T]

    def view(self) -> dict[str, Any]:
        """``{"words": [[code, ..., number]], "usage": [[times]]}``; the last number tells equal words apart."""
        return {"words": tell_apart(self.codes).tolist(), "usage": [usage.tolist() for usage in self.usage()]}

    def told(self) -> dict[str, Any]:
        """What the frame's event says, for curves over all frames."""
        kept = 1 - float(self.error.square().sum() / self.x.square().sum())
        used = [int((usage > 0).sum()) for usage in self.usage()]
        unique = len(np.unique(self.codes, axis=0))
        return {"r2": round(kept, 4), "unique": unique, "unique_share": round(unique / len(self.x), 4), "used": used}


def tell_apart(codes: NDArray[np.int64]) -> NDArray[np.int64]:
    """(V, L + 1): the codes and a last number, 0 for the first product with a word, 1 for the second.

    >>> tell_apart(np.array([[4, 7], [1, 1], [4, 7]])).tolist()
    [[4, 7, 0], [1, 1, 0], [4, 7, 1]]
    """
    met: dict[tuple[int, ...], int] = {}
    numbers = []
    for row in codes.tolist():
        numbers.append(met.get(tuple(row), 0))
        met[tuple(row)] = numbers[-1] + 1
    return np.concatenate([codes, np.array(numbers, np.int64)[:, None]], axis=1)


def shared_information(one: NDArray[np.integer], other: NDArray[np.integer]) -> float:
    """Normalised mutual information of two divisions of the same things: I(one; other) / mean of their entropies.

    Source: Strehl & Ghosh, Cluster Ensembles, JMLR 3, 2002, with the arithmetic mean. 0 where both are undivided.

    >>> shared_information(np.array([0, 0, 1, 1]), np.array([5, 5, 3, 3]))
    1.0
    """
    _, table = np.unique(np.stack([one, other]), axis=1, return_counts=True)
    parts = [_entropy(np.unique(side, return_counts=True)[1]) for side in (one, other)]
    mean = sum(parts) / 2
    return float(max(0.0, (sum(parts) - _entropy(table)) / mean)) if mean else 0.0


def _entropy(times: NDArray[np.integer]) -> float:
    """In nats, of how often each thing occurs."""
    shares = times[times > 0] / times.sum()
    return float(-(shares * np.log(shares)).sum())


def _result(seen: Seen, seconds: float) -> Event:
    return result(
        {**seen.measures(), "seconds": exact(round(seconds, 3))},
        seconds={"total": round(seconds, 3)},
        products=len(seen.codes),
    )


def open(folder: Path, at: int | None) -> Words:
    """The products' words at frame ``at``, or at the end."""
    return Words(view_at(folder, at)["words"])


@dataclass(frozen=True)
class Words:
    """What a question is put to."""

    words: Sequence[Sequence[int]]  # of item 1, 2, ...; the last number tells equal codes apart


def answer(artefact: Words, asked: Mapping[str, Any]) -> dict[str, Any]:
    """``{"word": [code, ...], "near": [{"item", "shared", "word"}]}`` for the last of ``asked["items"]``.

    ``shared`` counts the codes that agree from the first on; the more, the nearer. Both are empty without a product.
    Raises CourseError for products that the catalogue does not have.
    """
    item = product_asked(asked, len(artefact.words))
    if item is None:
        return {"word": [], "near": []}
    word = list(artefact.words[item - 1])
    shared = [agreeing(word[:-1], other[:-1]) for other in artefact.words]
    drawn = np.random.default_rng(item).permutation(
        len(shared)
    )  # equals come in no order, least of all the catalogue's
    order = sorted((n for n in range(len(shared)) if n != item - 1), key=lambda n: (-shared[n], drawn[n]))
    near = [{"item": n + 1, "shared": shared[n], "word": list(artefact.words[n])} for n in order[: asked["k"]]]
    return {"word": word, "near": near}


def agreeing(one: Sequence[int], other: Sequence[int]) -> int:
    """How many codes agree before the first that does not.

    >>> agreeing([3, 1, 4], [3, 1, 5])
    2
    """
    return next((n for n, (a, b) in enumerate(zip(one, other, strict=True)) if a != b), len(one))
