"""Puts a backup in the place of what the course has, while it runs: everything is checked before anything is changed.

The database's rows are exchanged in one transaction, so that a running course goes on with the new ones and SQLite's
file stays the same one; files are exchanged by renaming. What was there is kept beside, in ``before-restore-<time>``.
Run folders that are there stay: their names say what is in them.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import tempfile
import time
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

import sqlalchemy as sa

from course_lib.course import database_address, tables
from course_lib.course.backup import DATABASE, FORMAT, HOME, MANIFEST, checked_version, chunks
from course_lib.course.database import connect
from course_lib.course.database_errors import translated
from course_lib.course.row_copy import CONTENT, copy_rows, rows_to_file
from course_lib.course.sqlite_copy import copy_sqlite
from course_lib.errors import CourseError
from course_lib.settings import Settings, sqlite_address

LOCK_S = 30.0  # for others' transactions to end
LARGEST_MANIFEST = 64 * 2**20  # bytes
# What a backup may hold beside the database.
PLACE = re.compile(r"home/(?:data/[^/]+/[^/]+/.+|runs/[^/]+/.+|[^/.][^/]*)")
USELESS = ("database_corrupt", "database_incomplete", "database_foreign", "database_version", "database_newer")


@dataclass(frozen=True)
class Restored:
    """What a restore has done."""

    made: str  # when the backup was, UTC
    kept: Path  # the folder with what was there before
    datasets: int
    runs: int
    new_key: bool  # browsers are known by another key than before


def restore(settings: Settings, source: Path) -> Restored:
    """Puts the backup in the place of what is there. Raises CourseError, and then has changed nothing.

    Refuses what is no backup (``backup_none``), one of a newer course (``backup_newer``), a damaged one
    (``backup_damaged``).
    """
    home = settings.home
    home.mkdir(parents=True, exist_ok=True)
    kept = home / f"before-restore-{datetime.now(UTC):%Y%m%dT%H%M%S%fZ}"
    with tempfile.TemporaryDirectory(dir=home, prefix=".restore-") as folder:
        staged = Path(folder)
        manifest = unpack(source, staged)
        undo: list[Callable[[], Any]] = []
        try:
            datasets, runs, new_key = _exchange_files(home, staged / "home", kept, undo)
            if DATABASE in manifest["files"]:
                _exchange_rows(settings.database_url, staged / DATABASE, kept, undo)
        except BaseException:
            for back in reversed(undo):
                back()
            raise
    return Restored(str(manifest["made"]), kept, datasets, runs, new_key)


def unpack(source: Path, folder: Path) -> dict[str, Any]:
    """The backup's files in ``folder``, each checked; what the backup says of itself. Raises CourseError."""
    try:
        with zipfile.ZipFile(source) as archive:
            manifest = _manifest(archive, source)
            for name, said in manifest["files"].items():
                if name != DATABASE and (not PLACE.fullmatch(name) or ".." in PurePosixPath(name).parts):
                    raise CourseError("backup_damaged", path=source, name=name)
                _extract(archive, name, said, folder / name, source)
    except FileNotFoundError as problem:
        raise CourseError("backup_none", path=source) from problem
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, IsADirectoryError) as problem:
        raise CourseError("backup_none", path=source) from problem
    if DATABASE in manifest["files"]:
        try:
            checked_version(folder / DATABASE)
            connect(sqlite_address(folder / DATABASE)).dispose()  # carried forward where it is older
        except CourseError as error:
            key = "backup_newer" if error.key == "database_newer" else "backup_damaged"
            raise CourseError(key, path=source, name=DATABASE, found=error.params.get("found", "")) from error
    return manifest


def _manifest(archive: zipfile.ZipFile, source: Path) -> dict[str, Any]:
    try:
        if archive.getinfo(MANIFEST).file_size > LARGEST_MANIFEST:
            raise ValueError
        manifest = json.loads(archive.read(MANIFEST))
        form, schema, files = int(manifest["format"]), manifest["schema"], dict(manifest["files"])
        newer = form > FORMAT or (schema is not None and int(schema) > int(tables.SCHEMA))
        if not all({"bytes", "sha256"} <= set(one) for one in files.values()) or not isinstance(manifest["made"], str):
            raise ValueError
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError, zipfile.BadZipFile) as problem:
        raise CourseError("backup_none", path=source) from problem
    if newer:
        raise CourseError("backup_newer", path=source, found=schema if form <= FORMAT else form)
    return dict(manifest)


def _extract(archive: zipfile.ZipFile, name: str, said: dict[str, Any], target: Path, source: Path) -> None:
    digest, size = hashlib.sha256(), 0
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with archive.open(name) as file, target.open("wb") as there:
            for chunk in chunks(file):
                size += len(chunk)
                if size > said["bytes"]:
                    break
                there.write(chunk)
                digest.update(chunk)
    except (KeyError, zipfile.BadZipFile, EOFError, zlib.error) as problem:
        raise CourseError("backup_damaged", path=source, name=name) from problem
    if (size, digest.hexdigest()) != (said["bytes"], said["sha256"]):
        raise CourseError("backup_damaged", path=source, name=name)
    if "/" not in name.removeprefix(HOME):
        target.chmod(0o600)  # keys and secrets


def _exchange_files(home: Path, staged: Path, kept: Path, undo: list[Callable[[], Any]]) -> tuple[int, int, bool]:
    """Datasets and small files of the backup in the place of those that are there; run folders beside those."""
    kept.mkdir()
    undo.append(lambda: shutil.rmtree(kept, ignore_errors=True))
    key = home / "identity.key"
    before = key.read_bytes() if key.exists() else None

    def exchange(name: str) -> None:
        mine, theirs = home / name, staged / name
        if mine.exists():
            mine.rename(kept / name)
            undo.append(lambda: (kept / name).rename(mine))
        if theirs.exists():
            theirs.rename(mine)
            undo.append(lambda: mine.rename(theirs))

    exchange("data")
    for one in sorted(staged.glob("*")):
        if one.is_file():
            exchange(one.name)
    runs = 0
    (home / "runs").mkdir(exist_ok=True)
    for folder in sorted((staged / "runs").glob("*")):
        place = home / "runs" / folder.name
        if not place.exists():
            folder.rename(place)
            undo.append(partial(shutil.rmtree, place, ignore_errors=True))
            runs += 1
    new_key = key.exists() and before is not None and key.read_bytes() != before
    return len(list((home / "data").glob("*/*"))), runs, new_key


def _exchange_rows(url: str, source: Path, kept: Path, undo: list[Callable[[], Any]]) -> None:
    """The backup's rows in the place of the database's, in one transaction; it is made where there is none."""
    engine = _target(url, kept, undo)
    theirs = connect(sqlite_address(source))
    try:
        with (
            translated(str(engine.url.render_as_string())),
            theirs.connect() as there,
            engine.connect().execution_options(writes=True) as mine,
            mine.begin(),
        ):
            if engine.dialect.name == "sqlite":  # nobody else can write since the transaction began
                copy_sqlite(engine, kept / DATABASE)
            else:
                _lock_all(mine)
                rows_to_file(mine, kept / DATABASE)
            copy_rows(there, mine)
    finally:
        theirs.dispose()
        engine.dispose()


def _lock_all(connection: sa.Connection) -> None:
    """Keeps all others from writing, until the transaction ends; nobody is waited for while a table is held but one.

    Nearly every writer looks at ``learners`` first, so whoever holds that table alone has the others soon. One who does
    not would wait for it with another table in hand: all are let go then, and tried again.
    """
    first, *others = (f'"{table.name}"' for table in CONTENT)
    end = time.monotonic() + LOCK_S
    while True:
        attempt = connection.begin_nested()
        try:
            connection.exec_driver_sql(f"LOCK TABLE {first} IN ACCESS EXCLUSIVE MODE")
            connection.exec_driver_sql(f"LOCK TABLE {', '.join(others)} IN EXCLUSIVE MODE NOWAIT")
            attempt.commit()  # the transaction around it keeps the locks
            return
        except sa.exc.OperationalError:
            attempt.rollback()
            if time.monotonic() > end:
                raise
            time.sleep(0.05)


def _target(url: str, kept: Path, undo: list[Callable[[], Any]]) -> sa.Engine:
    """The database to restore into; an SQLite file that is of no use any more is put aside."""
    try:
        return connect(url)
    except CourseError as error:
        if error.key not in USELESS or not url.startswith("sqlite:///") or url.startswith("sqlite:///file:"):
            raise
        path = Path(database_address.parse(url).database or "")
        for beside in (path, *(path.with_name(path.name + end) for end in ("-wal", "-shm", "-journal"))):
            if beside.exists():
                aside = kept / f"useless-{beside.name}"
                shutil.move(beside, aside)
                undo.append(partial(shutil.move, aside, beside))
        return connect(url)
