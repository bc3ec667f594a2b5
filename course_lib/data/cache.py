"""Prepared frames on disk: written whole or not at all, checked when read, made anew when damaged.

A home that cannot be written only costs the time of preparing again.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pandas as pd

SUMS = "sha256.json"


def cached(folder: Path, names: Sequence[str], prepare: Callable[[], Mapping[str, pd.DataFrame]]) -> list[pd.DataFrame]:
    """The frames ``names`` in ``folder``, prepared and written there first where that has not been done."""
    found = read(folder, names)
    if found is None:
        frames = prepare()
        write(folder, frames)
        found = [frames[name] for name in names]
    return found


def read(folder: Path, names: Sequence[str]) -> list[pd.DataFrame] | None:
    """The frames, or None where they are not there or not as they were written."""
    try:
        sums = json.loads((folder / SUMS).read_text(encoding="utf-8"))
        if any(_digest(folder / f"{name}.parquet") != sums[name] for name in names):
            return None
        return [pd.read_parquet(folder / f"{name}.parquet") for name in names]
    except (OSError, ValueError, KeyError, TypeError):  # no cache, or a damaged one: the caller makes it anew
        return None


def write(folder: Path, frames: Mapping[str, pd.DataFrame]) -> None:
    """Writes the frames as ``folder``; silently without effect where the disk says no."""
    draft = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
        for name, frame in frames.items():
            frame.to_parquet(draft / f"{name}.parquet", index=False)
        sums = {name: _digest(draft / f"{name}.parquet") for name in frames}
        (draft / SUMS).write_text(json.dumps(sums), encoding="utf-8")
        if folder.exists():  # damaged, or another process was quicker; what it wrote equals ours
            shutil.rmtree(folder, ignore_errors=True)
        os.replace(draft, folder)
    except OSError:
        return
    finally:
        if draft is not None:
            shutil.rmtree(draft, ignore_errors=True)


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
