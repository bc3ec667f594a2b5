"""Carries a database of an older version forward to this one, by Alembic's scripts in migrations/.

The version stands in the table ``meta``, as it has from the first release on, so an older course refuses a newer
database by its own check; Alembic's own table of versions would be a second truth, and is not made.

Everything happens in one transaction, DDL included (SQLite and PostgreSQL both can): it is done, or nothing is. An
SQLite database is copied beside itself first. Of a PostgreSQL database no process of ours can make a copy: that is
``pg_dump``'s, before the upgrade.
"""

from __future__ import annotations

import logging
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from course_lib.course import tables
from course_lib.course.database_errors import in_one_line, sentence
from course_lib.course.sqlite_copy import copy_sqlite, sqlite_file
from course_lib.errors import CourseError

LOG = logging.getLogger(__name__)
SCRIPTS = Path(__file__).parent / "migrations"


def known_versions(scripts: Path = SCRIPTS) -> tuple[str, ...]:
    """All versions from the first to this one."""
    return tuple(step.revision for step in ScriptDirectory(scripts).walk_revisions())[::-1]


def carry_forward(engine: sa.Engine, shown: str, scripts: Path = SCRIPTS) -> None:
    """Makes an older database one of this version; leaves it as it was where that fails.

    Several processes may begin at once: one does it, the others wait for it and find it done. Raises CourseError
    ``database_migration``, ``database_incomplete`` or ``database_copy``, and the driver's errors.
    """
    kept: Path | None = None
    with engine.connect().execution_options(writes=True) as connection:
        # A step that changes a table in SQLite makes a new one and drops the old; with foreign keys on, that would
        # delete the rows that refer to it. The pragma has no effect within a transaction.
        _foreign_keys(connection, on=False)
        try:
            with connection.begin():
                found = _locked_version(connection)
                if found == tables.SCHEMA:
                    return  # another process was quicker
                kept = _copy(engine, found)
                _upgrade(connection, found, shown, scripts)
        except BaseException:
            if kept is not None:
                kept.unlink(missing_ok=True)  # every further attempt would leave another
            raise
        finally:
            _foreign_keys(connection, on=True)
    LOG.warning("%s: tables of version %s carried forward to %s; as it was: %s", shown, found, tables.SCHEMA, kept)


def _foreign_keys(connection: sa.Connection, on: bool) -> None:
    driver = connection.connection.driver_connection
    if isinstance(driver, sqlite3.Connection):
        driver.execute(f"PRAGMA foreign_keys = {'ON' if on else 'OFF'}")


def _locked_version(connection: sa.Connection) -> str:
    """The version, in a row that no other process can change before this transaction ends."""
    row = sa.select(tables.meta.c.value).where(tables.meta.c.key == "schema").with_for_update()
    return str(connection.execute(row).scalar_one())  # SQLite has locked the whole database at the beginning


def _copy(engine: sa.Engine, version: str) -> Path | None:
    """A copy beside an SQLite database, named with its version and the time; None for another."""
    if engine.dialect.name != "sqlite":
        return None
    source = sqlite_file(engine)
    target = source.with_name(f"{source.name}.version-{version}.{datetime.now(UTC):%Y%m%dT%H%M%SZ}")
    copy_sqlite(engine, target)
    return target


def _upgrade(connection: sa.Connection, found: str, shown: str, scripts: Path) -> None:
    """All steps from the version that was found."""
    try:
        op = Operations(MigrationContext.configure(connection))
        steps = list(ScriptDirectory(scripts).iterate_revisions(tables.SCHEMA, found))
        for step in reversed(steps):
            step.module.upgrade(op)  # given, not Alembic's global one: two databases may be opened at once
        connection.execute(tables.meta.update().where(tables.meta.c.key == "schema").values(value=tables.SCHEMA))
        if connection.dialect.name == "sqlite" and (astray := connection.exec_driver_sql(ASTRAY).first()):
            raise ValueError(f"foreign key: {tuple(astray)}")
    except CourseError:
        raise
    except Exception as problem:
        cause = problem.orig if isinstance(problem, sa.exc.DBAPIError) else problem
        if isinstance(problem, sa.exc.DBAPIError) and (said := sentence(cause, shown)).key != "database_unavailable":
            raise said from problem  # busy or full, which is no fault of the step
        raise CourseError(
            "database_migration", address=shown, found=found, wanted=tables.SCHEMA, reason=in_one_line(cause)
        ) from problem
    if absent := sorted(set(tables.metadata.tables) - set(sa.inspect(connection).get_table_names())):
        raise CourseError("database_incomplete", address=shown, tables=", ".join(absent))


ASTRAY = "PRAGMA foreign_key_check"  # rows that refer to none
