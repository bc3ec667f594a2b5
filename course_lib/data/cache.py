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
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

SUMS = "sha256.json"
CATEGORIES = b"course_categories"  # key in a file's metadata: JSON, the names by column
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
        return [_read(folder / f"{name}.parquet") for name in names] if sound(folder, names) else None
    except (OSError, ValueError):  # no cache, or a damaged one: the caller makes it anew
        return None


def _read(path: Path) -> pd.DataFrame:
    """One frame, with the categories that it was written with: Parquet keeps those that occur, in their order there."""
    frame = pd.read_parquet(path)
    for column, names in json.loads((pq.read_metadata(path).metadata or {}).get(CATEGORIES, "{}")).items():
        frame[column] = frame[column].cat.set_categories(names)
    return frame


def sound(folder: Path, names: Sequence[str]) -> bool:
    """Whether the frames lie there as they were written."""
    try:
        sums = json.loads((folder / SUMS).read_text(encoding="utf-8"))
        return all(_digest(folder / f"{name}.parquet") == sums[name] for name in names)
    except (OSError, ValueError, KeyError, TypeError):
        return False


def write(folder: Path, frames: Mapping[str, pd.DataFrame]) -> None:
    """Writes the frames as ``folder``; silently without effect where the disk says no."""
    with contextlib.suppress(OSError), drafted(folder, replace=True) as draft:
        for name, frame in frames.items():
            frame.to_parquet(draft / f"{name}.parquet", index=False)


def stream(folder: Path, name: str, pieces: Iterable[pd.DataFrame]) -> None:
    """Writes a frame as ``folder`` a piece at a time; silently without effect where the disk says no."""
    with contextlib.suppress(OSError), drafted(folder, replace=True) as draft, contextlib.closing(Pieces(draft)) as out:
        for piece in pieces:
            out.add(name, piece)


class Pieces:
    """Parquet files in a folder that grow by a row group at a time. Close it before their checksums are taken."""

    def __init__(self, folder: Path) -> None:
        self.rows: dict[str, int] = {}  # by table, those written so far
        self._folder = folder
        self._writers: dict[str, pq.ParquetWriter] = {}
        self._categories: dict[str, dict[str, dict[str, None]]] = {}  # by table and column, in the order of the pieces

    def add(self, name: str, piece: pd.DataFrame) -> None:
        """Adds rows to ``<name>.parquet``; every piece has the columns and types of the first."""
        rows = pa.Table.from_pandas(piece, preserve_index=False)
        if name not in self._writers:
            path = self._folder / f"{name}.parquet"
            repeats = [column for column in piece if _repeats(piece[column])]
            self._writers[name] = pq.ParquetWriter(path, rows.schema, compression="zstd", use_dictionary=repeats)
        self._writers[name].write_table(rows)
        for column in piece.select_dtypes("category"):
            known = self._categories.setdefault(name, {}).setdefault(str(column), {})
            known.update(dict.fromkeys(piece[column].cat.categories))
        self.rows[name] = self.rows.get(name, 0) + len(piece)

    def close(self) -> None:
        """Ends the files."""
        for name, writer in self._writers.items():
            kinds = {column: list(known) for column, known in self._categories.get(name, {}).items()}
            writer.add_key_value_metadata({CATEGORIES: json.dumps(kinds)})
            writer.close()


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


def _repeats(column: pd.Series[Any]) -> bool:
    """Whether a dictionary of its values makes a file smaller; where they differ or lie together, it doubles it."""
    return column.nunique() * 8 < len(column) and not column.is_monotonic_increasing


def _clear_abandoned(folder: Path) -> None:
    """Removes what killed processes have left of this folder."""
    for draft in folder.parent.glob(f".{glob.escape(folder.name)}-{'[0-9a-f]' * 16}"):
        with contextlib.suppress(OSError):
            if max(path.stat().st_mtime for path in (draft, *draft.iterdir())) < time.time() - ABANDONED_S:
                shutil.rmtree(draft, ignore_errors=True)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
