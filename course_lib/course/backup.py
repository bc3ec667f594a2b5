"""One file with all that the course has to keep, written while it runs: a zip archive that says what is in it.

    backup.json           what follows, each file with its bytes and SHA-256; the course's and the tables' version
    course.sqlite         the database at one moment, from PostgreSQL too
    home/identity.key     and the other small files of the home: who is who, and the instructor's secret
    home/data/...         what learners have added of their own
    home/runs/...         the run folders, where they are asked for; they can be trained again

Whoever can read it can be anybody in the course, so it is readable by its owner alone.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

import sqlalchemy as sa

from course_lib import __version__
from course_lib.course import database_address
from course_lib.course.database import connect, version_of
from course_lib.course.row_copy import copy_to_file
from course_lib.errors import CourseError
from course_lib.settings import Settings, sqlite_address

FORMAT = 1
MANIFEST, DATABASE, HOME = "backup.json", "course.sqlite", "home/"
SMALL = 2**20  # bytes: files of the home itself; what is larger is none of those that tell who is who
PASSING = (".lock", ".part", ".log", ".zip", ".sqlite", "-wal", "-shm", "-journal")  # endings of what is made anew
CHUNK = 2**20


@dataclass(frozen=True)
class Backed:
    """What a backup holds."""

    path: Path
    bytes: int
    database: bool
    datasets: int
    runs: int


def back_up(settings: Settings, target: Path, runs: bool = False) -> Backed:
    """Writes the archive, whole or not at all. Raises CourseError.

    Args:
        settings: whose home and database.
        target: the file to write; it must not be there yet.
        runs: take the run folders too.
    """
    if target.exists():
        raise CourseError("backup_exists", path=target)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}.") as folder:
            part = Path(folder) / "part.zip"
            with _private(part) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
                made = _fill(archive, settings, Path(folder) / DATABASE, runs)
            with part.open("rb+") as file:
                os.fsync(file.fileno())
            part.rename(target)
    except OSError as problem:
        raise CourseError("backup_not_written", path=target, reason=problem.strerror or str(problem)) from problem
    return Backed(target, target.stat().st_size, **made)


def _private(path: Path) -> IO[bytes]:
    return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "w+b")


def _fill(archive: zipfile.ZipFile, settings: Settings, copy: Path, runs: bool) -> dict[str, Any]:
    files: dict[str, dict[str, Any]] = {}
    schema = copy_of(settings, copy)
    if schema is not None:
        files[DATABASE] = _put(archive, DATABASE, copy)
        copy.unlink()
    counts = {"datasets": 0, "runs": 0}
    for path in small_files(settings.home):
        files |= _whole(archive, settings.home, [path])
    for kind, folders in (("datasets", "data/*/*"), ("runs", "runs/*" if runs else "")):
        for folder in sorted(settings.home.glob(folders)) if folders else ():
            inside = [one for one in sorted(folder.rglob("*")) if one.is_file() and not _passing(one)]
            found = _whole(archive, settings.home, inside)
            files |= found
            counts[kind] += bool(found)
    now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
    manifest = {"format": FORMAT, "course": __version__, "schema": schema, "made": now, "files": files}
    archive.writestr(MANIFEST, json.dumps(manifest, indent=1))
    return {"database": schema is not None, **counts}


def copy_of(settings: Settings, target: Path) -> str | None:
    """The database as an SQLite file, checked; its version, None where there is no database. Raises CourseError."""
    url = settings.database_url
    if url.startswith("sqlite:///") and not url.startswith("sqlite:///file:"):
        path = Path(database_address.parse(url).database or "")
        if not path.exists() or not path.stat().st_size:
            return None
    engine = connect(url, as_it_is=url.startswith("sqlite"))  # a copied file may be of any version, rows may not
    try:
        copy_to_file(engine, target)
    finally:
        engine.dispose()
    return checked_version(target)


def checked_version(path: Path) -> str | None:
    """The version of an SQLite file's tables, after SQLite has looked through all of it. Raises CourseError."""
    engine = connect(sqlite_address(path), as_it_is=True)
    try:
        with engine.connect() as connection:
            try:
                said = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar()
            except sa.exc.DBAPIError:
                said = None
        if said != "ok":
            raise CourseError("database_corrupt", address=path)
        return version_of(engine, str(path))
    finally:
        engine.dispose()


def small_files(home: Path) -> list[Path]:
    """The files of the home itself that are worth keeping: keys and secrets."""
    return [
        path
        for path in sorted(home.glob("*"))
        if path.is_file() and not path.is_symlink() and not _passing(path) and path.stat().st_size <= SMALL
    ]


def _passing(path: Path) -> bool:
    return path.name.startswith(".") or path.name.endswith(PASSING) or ".sqlite." in path.name


def _whole(archive: zipfile.ZipFile, home: Path, paths: list[Path]) -> dict[str, dict[str, Any]]:
    """Puts the files of one folder into the archive; none counts where one has gone meanwhile, with its folder."""
    found = {}
    for path in paths:
        name = HOME + path.relative_to(home).as_posix()
        try:
            found[name] = _put(archive, name, path)
        except FileNotFoundError:
            return {}  # what is in the archive already stays there, and is not listed
    return found


def _put(archive: zipfile.ZipFile, name: str, path: Path) -> dict[str, Any]:
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as file, archive.open(zipfile.ZipInfo(name), "w", force_zip64=True) as there:
        for chunk in chunks(file):
            there.write(chunk)
            digest.update(chunk)
            size += len(chunk)
    return {"bytes": size, "sha256": digest.hexdigest()}


def chunks(file: IO[bytes]) -> Iterator[bytes]:
    """A file's content piece by piece."""
    with contextlib.suppress(EOFError):
        while chunk := file.read(CHUNK):
            yield chunk
