"""The configuration of a run. Its hash is the run's name: equal configurations are the same run."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from course_lib.data.dataset import Address
from course_lib.data.registry import need_histories, resolve
from course_lib.errors import CourseError
from course_lib.experiments.catalogue import ExperimentCard, experiment_card
from course_lib.models.catalogue import Setting, Value

SEED = Setting("seed", 1, 0, 2**31 - 1)
CONFIG = "config.json"  # in a run's folder


@dataclass(frozen=True)
class RunConfig:
    """Everything that decides a run's result. Make it with :meth:`make`, which checks every value."""

    experiment: str
    data: Mapping[str, Address]  # by the names in the experiment's DATA
    settings: Mapping[str, Value]  # flat and complete: the experiment's own, the chosen models', the training loop's
    seed: int
    code: str  # the version of the code that decides the result

    @classmethod
    def make(
        cls,
        experiment: str = "next_item",
        data: Mapping[str, str | tuple[str, str | None]] | None = None,
        settings: Mapping[str, Any] | None = None,
        seed: Any = 1,
    ) -> RunConfig:
        """A checked configuration; for page, link and command line alike.

        Args:
            experiment: its name.
            data: a dataset's name, or its name and size, by the names in DATA; the shop where nothing is said.
            settings: those that differ from the defaults.
            seed: decides everything that is drawn at random.

        Raises CourseError naming what is wrong.
        """
        card = experiment_card(experiment)
        if card.light:
            raise CourseError("experiment_light", name=experiment)
        checked = card.check(settings or {})
        return cls(experiment, _addresses(card, data or {}), checked, int(SEED.check(seed)), card.code(checked))

    @classmethod
    def tiny(cls, experiment: str = "next_item", settings: Mapping[str, Any] | None = None) -> RunConfig:
        """The small form of an experiment, on the smallest shop: a second or two, for tests and for trying things."""
        card = experiment_card(experiment)
        data = dict.fromkeys(card.data, ("shop", "tiny"))
        return cls.make(experiment, data, {**card.tiny, **(settings or {})})

    @property
    def card(self) -> ExperimentCard:
        """What its experiment declares; raises CourseError where there is none of that name any more."""
        return experiment_card(self.experiment)

    @property
    def dataset(self) -> Address | None:
        """The first dataset that it reads, where it reads any."""
        return next(iter(self.data.values()), None)

    @property
    def sizes(self) -> dict[str, tuple[str, str]]:
        """Each dataset's name and size without its version, as :meth:`make` takes them."""
        return {name: (one.name, one.size) for name, one in self.data.items()}

    def checked(self) -> RunConfig:
        """This configuration as :meth:`make` makes it from the same values.

        Raises CourseError for a bad value, and ``config_outdated`` where anything differs from what :meth:`make` gives
        (a missing setting, data or code of another version): whoever holds a RunConfig need not have made it properly.
        """
        try:
            fresh = RunConfig.make(self.experiment, self.sizes, self.settings, self.seed)
            same = fresh.to_json() == self.to_json()
        except (AttributeError, TypeError, ValueError):  # not even the right shapes
            same = False
        if not same:
            raise CourseError("config_outdated")
        return fresh

    @functools.cached_property
    def run_id(self) -> str:
        """16 hexadecimal digits, the run folder's name."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()[:16]

    def to_json(self) -> str:
        """Canonical JSON: sorted keys, so that equal configurations have equal text."""
        return json.dumps(asdict(self), sort_keys=True, indent=1, ensure_ascii=False)

    @classmethod
    def from_json(cls, source: str) -> RunConfig:
        """The inverse of :meth:`to_json`; raises ValueError, KeyError or TypeError on anything else."""
        record = json.loads(source)
        for name, kind in (("experiment", str), ("data", dict), ("settings", dict), ("seed", int), ("code", str)):
            if not isinstance(record[name], kind):
                raise TypeError(f"{name} is {record[name]!r}, not {kind.__name__}")
        return cls(**{**record, "data": {name: Address(**one) for name, one in record["data"].items()}})

    @classmethod
    def read(cls, folder: Path) -> RunConfig:
        """From ``config.json`` in a run folder."""
        return cls.from_json((folder / CONFIG).read_text(encoding="utf-8"))


def _addresses(card: ExperimentCard, given: Mapping[str, str | tuple[str, str | None]]) -> dict[str, Address]:
    """The datasets as they are now; raises CourseError for one that is not known or lacks what the experiment reads."""
    for name in given:
        if name not in card.data:
            raise CourseError("unknown_setting", model=card.name, name=name, known=", ".join(card.data) or "–")
    found = {}
    for name, table in card.data.items():
        one = given.get(name, "shop")
        dataset, size = (one, None) if isinstance(one, str) else one
        if table == "histories":
            need_histories(dataset)
        found[name] = resolve(dataset, size)
    return found
