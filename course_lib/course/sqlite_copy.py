"""A copy of an SQLite database at one moment, while others go on writing: SQLite's own online backup."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from pathlib import Path

import sqlalchemy as sa

from course_lib.errors import CourseError

PATIENCE_S = 60.0  # for a database that another holds so that nobody may even read


def sqlite_file(engine: sa.Engine) -> Path:
    """The file that an SQLite engine writes to; its address may be a ``file:`` one with options."""
    connection = engine.raw_connection()
    try:
        driver = connection.driver_connection
        assert isinstance(driver, sqlite3.Connection)
        return Path(next(row[2] for row in driver.execute("PRAGMA database_list") if row[1] == "main"))
    finally:
        connection.close()


def copy_sqlite(engine: sa.Engine, target: Path, patience: float = PATIENCE_S) -> None:
    """Copies the database to the file ``target``, whole or not at all, readable by whom the database is.

    Raises CourseError: ``database_busy`` where nobody may read for ``patience`` seconds, ``database_copy`` where the
    copy cannot be written.
    """
    source = sqlite_file(engine)
    end = time.monotonic() + patience

    def still_patient(status: int, _left: int, _all: int) -> None:
        if status in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED) and time.monotonic() > end:
            raise CourseError("database_busy", address=source)

    part = target.with_name(f".{target.name}.part")
    connection = engine.raw_connection()
    try:
        part.unlink(missing_ok=True)  # of a process that died
        os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, source.stat().st_mode & 0o777))
        driver = connection.driver_connection
        assert isinstance(driver, sqlite3.Connection)
        with contextlib.closing(sqlite3.connect(part)) as copy:
            driver.backup(copy, progress=still_patient)
            copy.execute("PRAGMA journal_mode = DELETE")  # one file, with nothing beside it
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        part.replace(target)
    except (OSError, sqlite3.Error) as problem:
        raise CourseError("database_copy", address=source, path=target, reason=str(problem)) from problem
    finally:
        connection.close()
        part.unlink(missing_ok=True)
