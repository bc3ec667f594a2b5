"""Prepared data on disk: written whole or not at all, checked when read, made anew when damaged.

A home that cannot be written only costs the time of preparing again.
"""

from __future__ import annotations

import contextlib
import glob
import hashlib
import json
import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pandas as pd

SUMS = "sha256.json"
ABANDONED_S = 3600  # a draft that nothing was written to for so long is left over from a process that was killed


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
    with contextlib.suppress(OSError), drafted(folder, replace=True) as draft:
        for name, frame in frames.items():
            frame.to_parquet(draft / f"{name}.parquet", index=False)


@contextlib.contextmanager
def drafted(folder: Path, replace: bool = False) -> Iterator[Path]:
    """A hidden folder to write in, which becomes ``folder`` where the block ends well and vanishes where it does not.

    Its Parquet files get their checksums, for :func:`read`. With ``replace`` what is at ``folder`` gives way; without,
    only an empty folder does. Raises OSError. A process that is killed leaves its draft behind, never half of
    ``folder``; the next one to write there clears it away.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    _clear_abandoned(folder)
    draft = folder.with_name(f".{folder.name}-{secrets.token_hex(8)}")
    draft.mkdir()
    try:
        yield draft
        sums = {path.stem: _digest(path) for path in sorted(draft.glob("*.parquet"))}
        (draft / SUMS).write_text(json.dumps(sums), encoding="utf-8")
        if replace:  # damaged, or another process was quicker; what it wrote equals ours
            shutil.rmtree(folder, ignore_errors=True)
        elif folder.exists():
            folder.rmdir()
        os.replace(draft, folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _clear_abandoned(folder: Path) -> None:
    """Removes what killed processes have left of this folder."""
    for draft in folder.parent.glob(f".{glob.escape(folder.name)}-{'[0-9a-f]' * 16}"):
        with contextlib.suppress(OSError):
            if max(path.stat().st_mtime for path in (draft, *draft.iterdir())) < time.time() - ABANDONED_S:
                shutil.rmtree(draft, ignore_errors=True)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
