"""Opens the course's database, creates its tables where there are none, and turns a driver's errors into sentences.

SQLite needs three things that no other database does, all in :func:`_prepare_sqlite`: foreign keys switched on, a
patience with other writers, and a lock taken at the start of a transaction that writes, because one that turns from
reading to writing half-way is refused at once instead of waiting.
"""

from __future__ import annotations

import contextlib
import functools
import json
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import URL, make_url

from course_lib.course import tables
from course_lib.errors import CourseError

PATIENCE = 10.0  # seconds to wait for another writer, or for a free connection
NAPS = 3  # attempts at a write that another process has got in the way of


def connect(address: str, patience: float = PATIENCE) -> sa.Engine:
    """An engine whose database has this version's tables; raises CourseError with the next step.

    A database of another version, or of something else, is left as it was found.
    """
    url = _parse(address)
    shown = url.database if url.get_backend_name() == "sqlite" else url.render_as_string(hide_password=True)
    engine = _engine(url, patience, str(shown))
    try:
        with translated(str(shown)):
            _check_or_create(engine, str(shown))
            if engine.dialect.name == "sqlite":
                _use_wal(engine, patience)
    except BaseException:
        engine.dispose()
        raise
    return engine


def _parse(address: str) -> URL:
    """The address as a URL; the folder of an SQLite file is made where it is missing."""
    try:
        url = make_url(address)
        backend = url.get_backend_name()
    except (sa.exc.ArgumentError, ValueError):
        raise CourseError("database_address") from None  # not shown: it may hold a password
    if backend == "sqlite":
        if url.database in (None, "", ":memory:"):  # forgotten at the end, and another one for each thread
            raise CourseError("database_in_memory")
        if not str(url.database).startswith("file:"):
            folder = Path(str(url.database)).parent
            try:
                folder.mkdir(parents=True, exist_ok=True)
            except OSError as problem:
                raise CourseError("database_folder", folder=folder, reason=problem.strerror) from None
    elif url.drivername == "postgresql":
        url = url.set(drivername="postgresql+psycopg")  # psycopg 3
    return url


def _engine(url: URL, patience: float, shown: str) -> sa.Engine:
    """The engine; sessions are many and their transactions short, so a few connections serve them all."""
    options: dict[str, Any] = {"pool_timeout": max(patience, 1.0), "pool_size": 8, "max_overflow": 8}
    if url.get_backend_name() == "sqlite":
        options["connect_args"] = {"timeout": patience}
        options["poolclass"] = sa.pool.QueuePool
    else:
        options["pool_pre_ping"] = True  # a server may have been restarted meanwhile
        if url.get_backend_name() == "postgresql":
            options["connect_args"] = {"connect_timeout": max(2, int(patience))}
    try:
        engine = sa.create_engine(url, json_serializer=functools.partial(json.dumps, allow_nan=False), **options)
    except (ImportError, sa.exc.NoSuchModuleError, sa.exc.ArgumentError):
        raise CourseError("database_driver", backend=url.drivername) from None
    if engine.dialect.name == "sqlite":
        _prepare_sqlite(engine, patience)
    return engine


def _prepare_sqlite(engine: sa.Engine, patience: float) -> None:
    """The only place that speaks SQLite."""

    @event.listens_for(engine, "connect")
    def configure(connection: sqlite3.Connection, _: Any) -> None:
        connection.isolation_level = None  # the driver would begin transactions too late; see begin()
        connection.execute(f"PRAGMA busy_timeout = {int(patience * 1000)}")
        connection.execute("PRAGMA foreign_keys = ON")

    @event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        writes = connection.get_execution_options().get("writes")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _use_wal(engine: sa.Engine, patience: float) -> None:
    """Lets readers read while one writes; kept in the file, so it is set only after the file is known to be ours."""
    deadline = time.monotonic() + patience
    with engine.connect() as connection:
        driver = connection.connection.driver_connection
        assert isinstance(driver, sqlite3.Connection)
        while driver.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
            try:
                driver.execute("PRAGMA journal_mode = WAL")
                return  # a file system that cannot share memory keeps its own mode, and works, one reader at a time
            except sqlite3.OperationalError as problem:  # this statement does not wait by itself
                if not str(problem.sqlite_errorname).startswith("SQLITE_BUSY") or time.monotonic() > deadline:
                    raise
                time.sleep(0.02)


def _check_or_create(engine: sa.Engine, shown: str) -> None:
    """Tables of this version, made where the database is empty; another process may be making them now."""
    if _version(engine, shown) == tables.SCHEMA:
        return
    for attempt in range(NAPS):
        try:
            with engine.connect().execution_options(writes=True) as connection, connection.begin():
                if not sa.inspect(connection).get_table_names():
                    tables.metadata.create_all(connection)
                    connection.execute(tables.meta.insert().values(key="schema", value=tables.SCHEMA))
        except (sa.exc.IntegrityError, sa.exc.ProgrammingError):  # PostgreSQL: the other process was quicker
            if attempt == NAPS - 1:
                raise
            continue
        break
    _version(engine, shown)


def _version(engine: sa.Engine, shown: str) -> str | None:
    """This version, or None for an empty database; raises CourseError for any other."""
    with engine.connect() as connection:
        inspector = sa.inspect(connection)
        names = inspector.get_table_names()
        if not names:
            return None
        ours = tables.meta.name in names and {"key", "value"} <= {c["name"] for c in inspector.get_columns("meta")}
        rows = connection.execute(sa.select(tables.meta.c.key, tables.meta.c.value)).all() if ours else []
    found = {str(key): str(value) for key, value in rows}.get("schema")
    if found is None:
        raise CourseError("database_foreign", address=shown, tables=", ".join(sorted(names)[:5]))
    absent = sorted(set(tables.metadata.tables) - set(names))
    if found == tables.SCHEMA and absent:
        raise CourseError("database_incomplete", address=shown, tables=", ".join(absent))
    if found != tables.SCHEMA:
        raise CourseError("database_version", address=shown, found=found, wanted=tables.SCHEMA)
    return found


def identity(engine: sa.Engine) -> tuple[int, int] | None:
    """What tells an SQLite file from another one in its place; None where there is no file, or no plain one."""
    name = str(engine.url.database)
    if engine.dialect.name != "sqlite" or name.startswith("file:"):
        return None
    try:
        stat = Path(name).stat()
    except OSError:
        return None
    return stat.st_dev, stat.st_ino


@contextlib.contextmanager
def translated(shown: str) -> Iterator[None]:
    """Turns the driver's errors into a CourseError that says what to do."""
    try:
        yield
    except sa.exc.TimeoutError:
        raise CourseError("database_busy", address=shown) from None
    except sa.exc.DBAPIError as problem:
        raise _sentence(problem.orig, shown) from problem
    except sqlite3.Error as problem:  # from a connection's own set-up
        raise _sentence(problem, shown) from problem


def _sentence(cause: BaseException | None, shown: str) -> CourseError:
    """The sentence for a driver's error."""
    name = getattr(cause, "sqlite_errorname", "")
    for start, key in (
        ("SQLITE_BUSY", "database_busy"),
        ("SQLITE_LOCKED", "database_busy"),
        ("SQLITE_READONLY", "database_read_only"),
        ("SQLITE_CANTOPEN", "database_cannot_open"),
        ("SQLITE_PERM", "database_cannot_open"),
        ("SQLITE_AUTH", "database_cannot_open"),
        ("SQLITE_FULL", "database_full"),
        ("SQLITE_NOTADB", "database_corrupt"),
        ("SQLITE_CORRUPT", "database_corrupt"),
    ):
        if name.startswith(start):
            return CourseError(key, address=shown)
    reason = " ".join(str(cause).split())[:200]
    return CourseError("database_unavailable", address=shown, reason=reason or type(cause).__name__)
