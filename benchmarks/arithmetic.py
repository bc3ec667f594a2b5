"""How much of a training step is arithmetic: its matrix products alone, timed against the whole step.

One step is run under a recorder that notes every matrix product of the forward and the backward pass with its shapes
and memory layouts. The same products, and nothing else, are then repeated on prepared numbers: that is the bound, for
no training can take less. Step and bound take turns in one process on one thread, and the figure is the median of
their ratios. Time is the processor's, so that a busy neighbour counts for neither.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from benchmarks import training
from benchmarks.table import Row, above, below, number
from course_lib.data import registry
from course_lib.data.histories import Histories
from course_lib.data.splits import leave_one_out
from course_lib.runs.files import EventWriter
from course_lib.training import loop
from course_lib.training.batches import epoch_batches
from course_lib.training.checkpoint import one_thread
from course_lib.training.loop import Trainer

PART = "arithmetic"
GOAL, EVENTS_GOAL = 0.70, 0.02
WARM, ROUNDS = 5, 60
PRODUCTS = {"aten::mm": (0, 1), "aten::bmm": (0, 1), "aten::addmm": (1, 2), "aten::addmm_": (1, 2)}


@dataclass(frozen=True)
class Case:
    """A training whose steps are timed."""

    name: str
    train: Callable[[], tuple[Histories, int]]  # the histories and V
    settings: dict[str, Any]
    batch_size: int
    rounds: int = ROUNDS


class Recorder(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Notes the two factors of every matrix product that runs inside: their sizes and strides."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.found: list[tuple[tuple[tuple[int, ...], tuple[int, ...]], ...]] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Runs the operation, noting it if it is a product."""
        factors = PRODUCTS.get(func._schema.name)
        if factors:
            self.found.append(tuple((tuple(args[n].shape), tuple(args[n].stride())) for n in factors))
        return func(*args, **(kwargs or {}))


class Bound:
    """The matrix products of one step, to be repeated alone."""

    def __init__(self, recorder: Recorder) -> None:
        kept: dict[Any, Tensor] = {}  # equal operands share their memory, which stays in the cache: a strict bound

        def made(kind: tuple[tuple[int, ...], tuple[int, ...]]) -> Tensor:
            if kind not in kept:
                shape, stride = kind
                room = 1 + sum((size - 1) * step for size, step in zip(shape, stride, strict=True))
                kept[kind] = torch.randn(room).as_strided(shape, stride)
            return kept[kind]

        def room(left: Tensor, right: Tensor) -> Tensor:
            shape = (*left.shape[:-1], right.shape[-1])
            if ("out", shape) not in kept:
                kept["out", shape] = torch.empty(shape)
            return kept["out", shape]

        pairs = [(made(left), made(right)) for left, right in recorder.found]
        self.products = [(left, right, room(left, right)) for left, right in pairs]

    @property
    def flops(self) -> float:
        """Multiplications and additions."""
        return sum(2.0 * left.numel() * right.shape[-1] for left, right, _ in self.products)

    @torch.inference_mode()
    def run(self) -> None:
        """All of them once."""
        for left, right, out in self.products:
            (torch.mm if left.ndim == 2 else torch.bmm)(left, right, out=out)


def shop() -> tuple[Histories, int]:
    """What the lesson trains on."""
    dataset = registry.load(registry.resolve("shop"))
    return leave_one_out(dataset).train, dataset.num_items


def films() -> tuple[Histories, int]:
    """Histories of ml-100k's sizes: 943 viewers, 20 films or more each, 106 on average, 1,682 films by popularity."""
    rng = np.random.default_rng(0)
    lengths = np.minimum(20 + rng.lognormal(3.8, 1.1, 943), 737).astype(int)
    chance = 1 / np.arange(1, 1683) ** 0.7
    ids = np.arange(1, 1683)
    return Histories.from_lists([rng.choice(ids, n, p=chance / chance.sum()).tolist() for n in lengths]), len(ids)


FILMS = {"width": 64, "layers": 2, "heads": 1, "dropout": 0.0}
CASES = (
    Case("the lesson's run", shop, {}, 64),
    Case("1,682 products, batch 128, length 50", films, FILMS | {"history_length": 50}, 128, 30),
    Case("1,682 products, batch 128, length 200", films, FILMS | {"history_length": 200}, 128, 8),
)


def trainer_of(case: Case) -> Trainer:
    """A fresh training of the case."""
    train, products = case.train()
    return training.trainer_of(
        "sasrec", products, train, case.settings, {"batch_size": case.batch_size, "epochs": 100}, 1
    )


def batches(trainer: Trainer) -> Iterator[tuple[Tensor, Tensor]]:
    """Batches without end, as the loop makes them."""
    rng = np.random.default_rng(0)
    while True:
        for inputs, targets in epoch_batches(trainer.windows, int(trainer.settings["batch_size"]), rng):
            yield torch.from_numpy(inputs), torch.from_numpy(targets)


def timed(work: Callable[[], Any]) -> float:
    """Seconds of processor time."""
    began = time.process_time()
    work()
    return time.process_time() - began


def measure_case(case: Case) -> Row:
    """Steps and bounds in turn; each bound is of the very batch that was trained before it."""
    trainer = trainer_of(case)
    made = batches(trainer)
    steps, bounds, targets, flops = [], [], 0, 0.0
    for n in range(WARM + case.rounds):
        began = time.process_time()
        batch = next(made)
        preparing = time.process_time() - began
        recorder = Recorder()
        with recorder:
            trainer.step(*batch)
        bound = Bound(recorder)
        bound.run()
        bound_s, step_s = timed(bound.run), preparing + timed(lambda batch=batch: trainer.step(*batch))  # type: ignore[misc]
        if n >= WARM:
            steps.append(step_s)
            bounds.append(bound_s)
            targets += int((batch[1] != 0).sum())
            flops += bound.flops
    share = statistics.median(one / other for one, other in zip(bounds, steps, strict=True))
    return above(
        PART,
        f"share of a step that is matrix products, {case.name}",
        share,
        GOAL,
        note=f"median of {case.rounds} steps of {number(statistics.median(steps) * 1e3)} ms; "
        f"{number(flops / sum(bounds) / 1e9)} GFLOP/s in the products; {number(targets / sum(steps))} targets/s",
        raw={"steps_s": steps, "products_s": bounds, "targets": targets, "flops": flops},
    )


def measure_events(rounds: int = 200) -> Row:
    """What telling costs the trainer: a step event made and written to disk, as often as the loop tells one."""
    event = {"kind": "step", "epoch": 1, "step": 100, "loss": 5.12345, "targets": 56351, "seconds": 1.2345}
    with tempfile.TemporaryDirectory() as folder, EventWriter(Path(folder)) as writer:
        costs = []
        for _ in range(rounds):
            began = time.perf_counter()
            writer.append(event)
            costs.append(time.perf_counter() - began)
    return below(
        PART,
        "share of training time that step events take",
        statistics.fmean(costs) / loop.TICK,
        EVENTS_GOAL,
        unit="",
        note=f"{number(statistics.fmean(costs) * 1e6)} µs an event, one every {loop.TICK} s",
        raw={"seconds": costs},
    )


def measure() -> list[Row]:
    """The rows of this part."""
    one_thread()
    return [*(measure_case(case) for case in CASES), measure_events()]
