"""How long a run will take: by runs like it that were measured here, else by what its kind costs elsewhere.

``data/costs.toml`` has the seconds of one run of each kind on one core (written by ``python -m benchmarks.costs``).
What has been measured on this machine says how much slower or faster it is, so that the first estimate is of the right
size and every later one better.
"""

from __future__ import annotations

import functools
import statistics
import tomllib
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from course_lib.experiments.config import RunConfig
from course_lib.settings import PROJECT

COSTS = PROJECT / "data" / "costs.toml"
FIRST_GUESS_S = 15.0  # a lesson's default run, for a kind that nobody has measured
MEASURED = 15  # runs of a kind that are remembered
Kind = tuple[str, ...]  # an experiment, its datasets as name/size, the models that it chooses


def like(config: RunConfig) -> Kind:
    """What runs have in common that take about as long, but for their epochs."""
    chosen = [str(config.settings.get(name)) for name in config.card.chooses]
    return config.experiment, *(f"{one.name}/{one.size}" for one in config.data.values()), *chosen


@dataclass(frozen=True)
class Costs:
    """What the file says."""

    runs: Mapping[Kind, tuple[float, float]]  # seconds, and epochs
    rows: Mapping[str, int]  # of each dataset that comes with the course, by name/size

    def of(self, config: RunConfig) -> float | None:
        """Seconds of a run by its kind; by the same on another dataset, in proportion to its rows; None: not known."""
        kind = like(config)
        if kind in self.runs:
            return self._seconds(kind, config)
        data = len(config.data)
        for other in self.runs:
            if (other[0], other[1 + data :]) == (kind[0], kind[1 + data :]) and len(other) == len(kind):
                return self._seconds(other, config) * self._times(other[1 : 1 + data], kind[1 : 1 + data])
        return None

    def _seconds(self, kind: Kind, config: RunConfig) -> float:
        seconds, epochs = self.runs[kind]
        return seconds * (epochs_of(config) + 1) / (epochs + 1)

    def _times(self, known: Kind, asked: Kind) -> float:
        """How many times as many rows the datasets have; 1 where that is not known."""
        pairs = [(self.rows.get(old), self.rows.get(new)) for old, new in zip(known, asked, strict=True)]
        return max((new / old for old, new in pairs if old and new), default=1.0)


@functools.cache
def costs() -> Costs:
    """The file, read once; empty where it is missing."""
    record: dict[str, Any] = tomllib.loads(COSTS.read_text(encoding="utf-8")) if COSTS.exists() else {}
    runs = {tuple(one["like"]): (float(one["seconds"]), float(one.get("epochs", 0))) for one in record.get("run", ())}
    return Costs(runs, record.get("rows", {}))


def epochs_of(config: RunConfig) -> float:
    """0 where nothing is learnt in epochs."""
    return float(config.settings.get("epochs", 0))


class Durations:
    """Estimates of one machine. Seconds grow with the epochs (and one for the rest)."""

    def __init__(self) -> None:
        self._rates: dict[Kind, deque[float]] = {}  # seconds an epoch
        self._paces: deque[float] = deque(maxlen=MEASURED)  # how many times as long as the file says a run took here

    def add(self, config: RunConfig, seconds: float) -> None:
        """A run of ``config`` took ``seconds``."""
        self._rates.setdefault(like(config), deque(maxlen=MEASURED)).append(seconds / (epochs_of(config) + 1))
        cost = costs().of(config)
        if cost:
            self._paces.append(seconds / cost)

    def estimate(self, config: RunConfig) -> float:
        """Seconds that a run of ``config`` will take."""
        if rates := self._rates.get(like(config)):
            return statistics.median(rates) * (epochs_of(config) + 1)
        cost = costs().of(config)
        pace = statistics.median(self._paces) if self._paces else 1.0
        return (cost or FIRST_GUESS_S) * pace
