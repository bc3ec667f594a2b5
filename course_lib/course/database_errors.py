"""Turns a database driver's errors into sentences that say what to do."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator

import sqlalchemy as sa

from course_lib.errors import CourseError

SQLITE = (  # how the error's name begins
    ("SQLITE_BUSY", "database_busy"),
    ("SQLITE_LOCKED", "database_busy"),
    ("SQLITE_READONLY", "database_read_only"),
    ("SQLITE_CANTOPEN", "database_cannot_open"),
    ("SQLITE_PERM", "database_cannot_open"),
    ("SQLITE_AUTH", "database_cannot_open"),
    ("SQLITE_FULL", "database_full"),
    ("SQLITE_NOTADB", "database_corrupt"),
    ("SQLITE_CORRUPT", "database_corrupt"),
)
POSTGRESQL = {  # SQLSTATE
    "55P03": "database_busy",  # a lock was waited for longer than lock_timeout
    "57014": "database_busy",  # a statement took longer than statement_timeout
    "40P01": "database_busy",  # two transactions waited for each other, and this one was ended
    "53100": "database_full",
    "25006": "database_read_only",  # a standby
}


@contextlib.contextmanager
def translated(shown: str) -> Iterator[None]:
    """Turns the driver's errors into a CourseError; ``shown`` is the database's address without its password."""
    try:
        yield
    except sa.exc.TimeoutError:
        raise CourseError("database_busy", address=shown) from None
    except sa.exc.DBAPIError as problem:
        raise sentence(problem.orig, shown) from problem
    except sqlite3.Error as problem:  # from a connection's own set-up
        raise sentence(problem, shown) from problem


def sentence(cause: BaseException | None, shown: str) -> CourseError:
    """The sentence for a driver's error; ``database_unavailable`` with the driver's words where none is known."""
    name = str(getattr(cause, "sqlite_errorname", ""))
    key = next((key for start, key in SQLITE if name.startswith(start)), POSTGRESQL.get(_state(cause)))
    if key is not None:
        return CourseError(key, address=shown)
    return CourseError("database_unavailable", address=shown, reason=in_one_line(cause))


def _state(cause: BaseException | None) -> str:
    return str(getattr(cause, "sqlstate", "") or "")


def in_one_line(cause: BaseException | None) -> str:
    """A driver's words, short; its class where it has none."""
    return " ".join(str(cause).split())[:200] or type(cause).__name__
