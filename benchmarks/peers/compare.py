"""Contenders against each other: training by turns in one run, targets a second and seconds to a fixed NDCG@10."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.peers.data import ndcg
from benchmarks.peers.environments import MissingError
from benchmarks.peers.protocol import Settings, write_work
from benchmarks.peers.workers import Contender, Worker
from course_lib.data.histories import Split

Say = Callable[[str], None]


@dataclass
class Finding:
    """What was seen of one contender in one case."""

    contender: Contender
    facts: dict[str, Any] = field(default_factory=dict)
    rates: list[float] = field(default_factory=list)  # targets a second, one a round
    cpu_rates: list[float] = field(default_factory=list)  # the same a second of processor time
    peak_mib: float = 0.0
    missing: str = ""  # why there is nothing
    curve: list[tuple[float, float]] = field(default_factory=list)  # (seconds trained, NDCG@10) after each epoch
    reached: float | None = None  # seconds trained when the goal was passed

    @property
    def rate(self) -> float:
        """The median."""
        return statistics.median(self.rates)

    @property
    def epoch_s(self) -> float:
        """Seconds of an epoch at that rate."""
        return float(self.facts["targets"]) / self.rate

    def record(self) -> dict[str, Any]:
        """For the JSON."""
        names = ("facts", "rates", "cpu_rates", "peak_mib", "missing", "curve", "reached")
        return {"name": self.contender.name, **{name: getattr(self, name) for name in names}}


def start(
    stack: ExitStack, contenders: Sequence[Contender], split: Split, settings: dict[str, Settings], scratch: Path
) -> dict[str, tuple[Finding, Worker | None]]:
    """One process each, by name; those that do not start carry the reason. ``settings`` by name, "" for the rest."""
    found: dict[str, tuple[Finding, Worker | None]] = {}
    for contender in contenders:
        finding, worker = Finding(contender), None
        wanted = settings.get(contender.name, settings[""])
        folder = scratch / f"{len(found)}-{contender.module}"
        try:
            work = write_work(folder, wanted, list(split.train), list(split.validation.histories))
            worker = Worker(contender.module, contender.environment, work, wanted.threads)
            stack.callback(worker.close)
            finding.facts = worker.facts
        except MissingError as error:
            finding.missing = str(error)
        found[contender.name] = finding, worker
    return found


def throughput(
    contenders: Sequence[Contender],
    split: Split,
    settings: dict[str, Settings],
    scratch: Path,
    seconds: float,
    rounds: int,
    say: Say,
) -> list[Finding]:
    """Targets a second in steady state: all are started and warmed first, then they train by turns, round by round.

    Raises ValueError where a contender learns from another number of targets an epoch than the rest; not for BERT4Rec,
    whose items read are counted (see protocol.py).
    """
    with ExitStack() as stack:
        pairs = start(stack, contenders, split, settings, scratch)
        if not settings[""].masked:
            same_targets([finding for finding, _ in pairs.values()])
        for number in range(rounds + 1):
            for finding, worker in pairs.values():
                if worker is None or finding.missing:
                    continue
                try:
                    seen = worker.steps(seconds if number else seconds / 2)  # the first warms
                except MissingError as error:
                    finding.missing = str(error)
                    continue
                finding.peak_mib = seen["peak_mib"]
                if number:
                    finding.rates.append(seen["targets"] / seen["seconds"])
                    finding.cpu_rates.append(seen["targets"] / seen["cpu"])
                    clocks = (
                        f"{finding.rates[-1]:,.0f} targets/s, {finding.cpu_rates[-1]:,.0f} by the processor's clock"
                    )
                    say(f"  {finding.contender.name}: {clocks}")
    return [finding for finding, _ in pairs.values()]


def same_targets(findings: Sequence[Finding]) -> int:
    """How many targets an epoch has; raises ValueError where contenders disagree."""
    counts = {finding.contender.name: finding.facts["targets"] for finding in findings if not finding.missing}
    if len(set(counts.values())) > 1:
        raise ValueError(f"contenders learn from different targets: {counts}")
    return int(next(iter(counts.values()), 0))


def to_quality(
    contenders: Sequence[Contender],
    split: Split,
    settings: dict[str, Settings],
    scratch: Path,
    goal: float,
    seen: bool,
    limit_s: float,
    say: Say,
) -> list[Finding]:
    """Seconds of training until the validation NDCG@10, by our evaluator, passes ``goal``; epochs by turns.

    Each pauses while its scores are judged, and ends when it has passed or has trained ``limit_s``.
    """
    with ExitStack() as stack:
        pairs = start(stack, contenders, split, settings, scratch)
        running = {name: pair for name, pair in pairs.items() if pair[1] is not None}
        trained = dict.fromkeys(running, 0.0)
        while running:
            for name, (finding, worker) in list(running.items()):
                assert worker is not None
                try:
                    answer = worker.epoch(limit_s + 600)
                except MissingError as error:
                    finding.missing = str(error)
                    del running[name]
                    continue
                trained[name] += answer["seconds"]
                value = ndcg(Path(answer["scores"]), split.validation, seen)
                finding.curve.append((trained[name], value))
                finding.peak_mib = answer["peak_mib"]
                say(f"  {name}: NDCG@10 {value:.4f} after {trained[name]:.1f} s, {len(finding.curve)} epochs")
                if value >= goal:
                    finding.reached = trained[name]
                if value >= goal or trained[name] > limit_s:
                    worker.close()
                    del running[name]
    return [finding for finding, _ in pairs.values()]
