"""All rows of one database put into another, which may be of the other kind: SQLite to PostgreSQL and back."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

from course_lib.course import tables
from course_lib.course.database import connect
from course_lib.course.sqlite_copy import copy_sqlite
from course_lib.settings import sqlite_address

AT_ONCE = 1000  # rows held in memory
CONTENT = [table for table in tables.metadata.sorted_tables if table is not tables.meta]  # a table after those it names


def copy_to_file(engine: sa.Engine, target: Path) -> None:
    """The whole database at one moment as an SQLite file, while others go on writing. Raises CourseError.

    From SQLite it is SQLite's own online backup; from another database its rows, read in one snapshot.
    """
    if engine.dialect.name == "sqlite":
        copy_sqlite(engine, target)
        return
    snapshot = engine.execution_options(isolation_level="REPEATABLE READ")
    with snapshot.connect() as source, source.begin():
        rows_to_file(source, target)


def rows_to_file(source: sa.Connection, target: Path) -> None:
    """What a connection's transaction sees, as a new SQLite file."""
    copy = connect(sqlite_address(target))
    try:
        with copy.connect().execution_options(writes=True) as there, there.begin():
            copy_rows(source, there)
        with copy.connect() as there:
            driver = there.connection.driver_connection
            assert driver is not None
            driver.execute("PRAGMA journal_mode = DELETE")  # one file, with nothing beside it
    finally:
        copy.dispose()


def copy_rows(source: sa.Connection, target: sa.Connection) -> None:
    """Puts all rows in the place of those that the target has, within its transaction."""
    for table in reversed(CONTENT):
        target.execute(table.delete())
    for table in CONTENT:
        # With this statement alone: a connection keeps its options, and may be read from and written to later.
        rows = source.execute(sa.select(table), execution_options={"yield_per": AT_ONCE})
        for part in rows.mappings().partitions(AT_ONCE):
            target.execute(table.insert(), [dict(row) for row in part])
        number = table.autoincrement_column
        if target.dialect.name == "postgresql" and number is not None:  # its counter has not seen these numbers
            last = sa.select(sa.func.coalesce(sa.func.max(number), 0)).scalar_subquery()
            counter = sa.func.pg_get_serial_sequence(table.name, number.name)
            target.execute(sa.select(sa.func.setval(counter, last + 1, False)))
