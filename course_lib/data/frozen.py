"""Frozen splits: a split as a file with its SHA-256, so that two people know that they answer the same questions.

    digest = freeze(leave_one_out(dataset), path)   # path, and beside it path.sha256, as sha256sum writes it
    split = thaw(path)                              # refuses a file that was changed
    split = thaw(path, digest)                      # refuses every file but that one, whatever lies beside it

Equal splits give equal files, byte for byte. The file is safetensors: numbers only, nothing that could run. Splits of
data that may not be passed on are personal data like the data themselves; the digest may be published.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import numpy as np
from safetensors.numpy import load, save

from course_lib.data.histories import Histories, Holdout, Split
from course_lib.errors import CourseError

PARTS = ("validation", "test")
SUFFIX = ".sha256"


def freeze(split: Split, path: Path) -> str:
    """Writes ``split`` to ``path`` and its SHA-256 beside it; returns the 64 hexadecimal digits. Raises OSError."""
    arrays = {"train.items": split.train.items, "train.offsets": split.train.offsets}
    for part in PARTS:
        holdout: Holdout = getattr(split, part)
        arrays |= {
            f"{part}.users": holdout.users,
            f"{part}.items": holdout.histories.items,
            f"{part}.offsets": holdout.histories.offsets,
            f"{part}.targets": holdout.targets,
        }
    content = save({name: np.ascontiguousarray(array) for name, array in arrays.items()}, {"split": split.name})
    digest = hashlib.sha256(content).hexdigest()
    path.parent.mkdir(parents=True, exist_ok=True)
    for target, data in ((path, content), (beside(path), f"{digest}  {path.name}\n".encode())):
        draft = target.with_name(f".{target.name}.{os.getpid()}")
        draft.write_bytes(data)
        os.replace(draft, target)
    return digest


def thaw(path: Path, expected: str | None = None) -> Split:
    """The split in ``path``, whose SHA-256 must be ``expected``, by default the one written beside it.

    Raises CourseError ``split_missing`` where there is none, ``split_changed`` where it is another one.
    """
    try:
        content = path.read_bytes()
        wanted = expected or beside(path).read_text(encoding="ascii").split()[0]
    except (FileNotFoundError, IndexError, UnicodeDecodeError):
        raise CourseError("split_missing", file=path.name) from None
    found = hashlib.sha256(content).hexdigest()
    if found != wanted:
        raise CourseError("split_changed", file=path.name, found=found[:16], expected=wanted[:16])
    arrays = load(content)
    length = int.from_bytes(content[:8], "little")  # safetensors: the header's length, then the header, JSON
    name = json.loads(content[8 : 8 + length])["__metadata__"]["split"]
    validation, test = (
        Holdout(
            arrays[f"{part}.users"],
            Histories(arrays[f"{part}.items"], arrays[f"{part}.offsets"]),
            arrays[f"{part}.targets"],
        )
        for part in PARTS
    )
    return Split(name, Histories(arrays["train.items"], arrays["train.offsets"]), validation, test)


def beside(path: Path) -> Path:
    """Where the checksum of the split in ``path`` stands."""
    return path.with_name(path.name + SUFFIX)
