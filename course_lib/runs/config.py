"""The configuration of a run. Its hash is the run's name: equal configurations are the same run."""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from course_lib.data.dataset import Address
from course_lib.data.registry import need_histories, resolve
from course_lib.errors import CourseError
from course_lib.models.catalogue import Setting, Value, check_settings, model_card
from course_lib.settings import source_digest
from course_lib.training.settings import loop_settings

SEED = Setting("seed", 1, 0, 2**31 - 1)
# A run's result depends on these rooms, so a change in one of them makes a new run.
CODE = ("data", "shop", "models", "training", "evaluation", "explain")


@functools.cache
def code_version() -> str:
    """12 hexadecimal digits over the source files that a run's result depends on, and torch's version."""
    try:
        torch = importlib.metadata.version("torch")  # read from the package's metadata, not imported
    except importlib.metadata.PackageNotFoundError:
        torch = "no torch"
    return hashlib.sha256(f"{source_digest(*CODE)} {torch}".encode()).hexdigest()[:12]


@dataclass(frozen=True)
class RunConfig:
    """Everything that decides a run's result. Make it with :meth:`make`, which checks every value."""

    dataset: Address
    model: str
    settings: Mapping[str, Value]  # the model's settings, complete
    training: Mapping[str, Value]  # the loop's settings, complete; none where the model is counted
    seed: int
    code: str

    @classmethod
    def make(
        cls,
        dataset: str = "shop",
        size: str | None = None,
        model: str = "sasrec",
        seed: Any = 1,
        settings: Mapping[str, Any] | None = None,
        training: Mapping[str, Any] | None = None,
    ) -> RunConfig:
        """A checked configuration; raises CourseError naming what is wrong. For page, link and command line alike."""
        need_histories(dataset)
        address = resolve(dataset, size)
        card = model_card(model)
        checked = check_settings(model, card.settings, settings or {})
        if checked.get("heads") and int(checked["width"]) % int(checked["heads"]):
            raise CourseError("width_heads", width=checked["width"], heads=checked["heads"])
        if not card.neural and training:  # counted in one pass: there is no loop to set
            known = ", ".join(card.settings) or "–"
            raise CourseError("unknown_setting", model=model, name=next(iter(training)), known=known)
        loop = check_settings("training", loop_settings(model), training or {}) if card.neural else {}
        return cls(address, model, checked, loop, int(SEED.check(seed)), code_version())

    def checked(self) -> RunConfig:
        """This configuration as :meth:`make` makes it from the same values.

        Raises CourseError for a bad value, and ``config_outdated`` where anything differs from what :meth:`make` gives
        (a missing setting, data or code of another version): whoever holds a RunConfig need not have made it properly.
        """
        try:
            size = self.dataset.size
            fresh = RunConfig.make(self.dataset.name, size, self.model, self.seed, self.settings, self.training)
            same = fresh.to_json() == self.to_json()
        except (AttributeError, TypeError, ValueError):  # not even the right shapes
            same = False
        if not same:
            raise CourseError("config_outdated")
        return fresh

    @property
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
        config = cls(**{**record, "dataset": Address(**record["dataset"])})
        for name, kind in (("model", str), ("settings", dict), ("training", dict), ("seed", int), ("code", str)):
            if not isinstance(getattr(config, name), kind):
                raise TypeError(f"{name} is {getattr(config, name)!r}, not {kind.__name__}")
        return config

    @classmethod
    def read(cls, folder: Path) -> RunConfig:
        """From ``config.json`` in a run folder."""
        return cls.from_json((folder / "config.json").read_text(encoding="utf-8"))
