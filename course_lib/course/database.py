"""Opens the course's database: creates its tables where there are none, carries those of an older version forward.

SQLite needs three things that no other database does, in :func:`_prepare_sqlite`: foreign keys switched on, a
patience with other writers, and a lock taken at the start of a transaction that writes, because one that turns from
reading to writing half-way is refused at once instead of waiting.
"""

from __future__ import annotations

import functools
import json
import sqlite3
import time
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import URL

from course_lib.course import database_address, tables
from course_lib.course.database_errors import in_one_line, translated
from course_lib.errors import CourseError

# Seconds to wait for another writer, or for a free connection. A press of a button waits as long before it says that
# nothing was saved. Writes take milliseconds, so that a hundred learners who press at once are done well within it;
# one who has to wait longer meets a fault, and is better told so than kept from the page.
PATIENCE = 5.0
NAPS = 3  # attempts at a write that another process has got in the way of


def connect(address: str, patience: float = PATIENCE, as_it_is: bool = False) -> sa.Engine:
    """An engine whose database has this version's tables; raises CourseError with the next step.

    With ``as_it_is`` nothing is made or changed, and the tables may be of any version.

    A database of a newer version, or of something else, is left as it was found; one of an older version is carried
    forward (course_lib/course/migrate.py), or left as it was found where that fails.
    """
    url = database_address.parse(address)
    shown = database_address.shown(url)
    engine = _engine(url, patience)
    try:
        with translated(shown):
            if as_it_is:
                version_of(engine, shown)
                return engine
            _check_or_create(engine, shown)
            if engine.dialect.name == "sqlite":
                _use_wal(engine, patience)
    except BaseException:
        engine.dispose()
        raise
    return engine


def _engine(url: URL, patience: float) -> sa.Engine:
    """The engine; sessions are many and their transactions short, so a few connections serve them all."""
    options: dict[str, Any] = {"pool_timeout": max(patience, 1.0), "pool_size": 8, "max_overflow": 8}
    if url.get_backend_name() == "sqlite":
        options["connect_args"] = {"timeout": patience}
        options["poolclass"] = sa.pool.QueuePool
    else:
        options["pool_pre_ping"] = True  # a server may have been restarted meanwhile
        if url.get_backend_name() == "postgresql":
            waits = max(2, int(patience))
            options["connect_args"] = {"connect_timeout": waits, "tcp_user_timeout": waits * 1000}
    try:
        engine = sa.create_engine(url, json_serializer=functools.partial(json.dumps, allow_nan=False), **options)
    except (ImportError, sa.exc.NoSuchModuleError):
        raise CourseError("database_driver", backend=url.drivername) from None
    except (sa.exc.ArgumentError, TypeError, ValueError) as problem:  # an option's value
        raise CourseError("database_option", reason=in_one_line(problem)) from None
    if engine.dialect.name == "sqlite":
        _prepare_sqlite(engine, patience)
    elif engine.dialect.name == "postgresql":
        _prepare_postgresql(engine, patience)
    return engine


def _prepare_postgresql(engine: sa.Engine, patience: float) -> None:
    """The same patience as with SQLite: by default PostgreSQL would wait for a lock without end."""

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _: Any) -> None:
        connection.execute(f"SET lock_timeout = {max(1, int(patience * 1000))}")
        connection.commit()  # otherwise the setting would go with the first transaction that fails

    @event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        own = connection.get_execution_options().get("patience")
        if own is not None:
            connection.exec_driver_sql(f"SET LOCAL lock_timeout = {max(1, int(own * 1000))}")


def _prepare_sqlite(engine: sa.Engine, patience: float) -> None:
    """What SQLite needs on each of its connections."""

    @event.listens_for(engine, "connect")
    def configure(connection: sqlite3.Connection, _: Any) -> None:
        connection.isolation_level = None  # the driver would begin transactions too late; see begin()
        connection.execute(f"PRAGMA busy_timeout = {int(patience * 1000)}")
        connection.execute("PRAGMA foreign_keys = ON")

    @event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        writes = connection.get_execution_options().get("writes")
        if writes:
            own = connection.get_execution_options().get("patience", patience)
            connection.exec_driver_sql(f"PRAGMA busy_timeout = {int(own * 1000)}")
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
    found = version_of(engine, shown)
    if found is None:
        _create(engine)
        found = version_of(engine, shown)
    if found is not None and found != tables.SCHEMA:
        # Here, because it takes a second to import and is needed once in a database's life with this version.
        from course_lib.course.migrate import carry_forward, known_versions

        if found not in known_versions():
            key = "database_newer" if _newer(found) else "database_version"
            raise CourseError(key, address=shown, found=found, wanted=tables.SCHEMA)
        carry_forward(engine, shown)
        version_of(engine, shown)


def _create(engine: sa.Engine) -> None:
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


def _newer(found: str) -> bool:
    """Whether a later course has made the tables; versions are whole numbers."""
    return found.isascii() and found.isdecimal() and int(found) > int(tables.SCHEMA)


def version_of(engine: sa.Engine, shown: str) -> str | None:
    """The version of the tables, None for an empty database; raises CourseError where they are not the course's."""
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
