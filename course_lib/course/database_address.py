"""What LIVEREC_DATABASE says, checked before anything is opened; and the same address without its secrets."""

from __future__ import annotations

import re
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import URL, make_url

from course_lib.course.database_errors import in_one_line
from course_lib.errors import CourseError

DRIVER = "postgresql+psycopg"  # psycopg 3
# What the sqlite3 module takes; SQLAlchemy passes over any other option with a warning in the log.
SQLITE_OPTIONS = ("cached_statements", "check_same_thread", "detect_types", "isolation_level", "timeout", "uri")
SECRET = re.compile(r"pass(word|wd)|secret|token", re.I)  # in the names of options
UNUSABLE = re.compile(r"[\x00-\x1f\x7f\ud800-\udc7f\udd00-\udfff]")  # \udc80 to \udcff: bytes of a file's name


def parse(address: str) -> URL:
    """The address as a URL; the folder of an SQLite file is made where it is missing.

    Raises CourseError, which never repeats the address itself: it may hold a password.
    """
    try:
        url = make_url(address)
        backend, driver = url.get_backend_name(), url.drivername
        asynchronous = url.get_dialect().is_async
    except (ImportError, sa.exc.NoSuchModuleError):
        raise CourseError("database_driver", backend=address.partition(":")[0]) from None
    except (sa.exc.ArgumentError, ValueError):
        raise CourseError("database_address") from None
    if asynchronous:
        raise CourseError("database_driver", backend=driver)
    parts = (url.username, url.password, url.host, url.database, *_pairs(url))
    if any(UNUSABLE.search(part) for part in parts if part):
        raise CourseError("database_address")
    if backend == "sqlite":
        _check_sqlite(url)
        return url
    if not all(_is_text(part) for part in parts if part):
        raise CourseError("database_address")
    if "@" in f"{url.host}{url.database}":  # of a password that was not encoded, which would be shown as a host
        raise CourseError("database_address_at")
    url = url.set(drivername=DRIVER) if driver == "postgresql" else url
    if url.drivername == DRIVER:
        _check_postgresql(url)
    return url


def shown(url: URL) -> str:
    """The address as messages show it: SQLite's file, any other without what is secret in it."""
    if url.get_backend_name() == "sqlite":
        return str(url.database)
    hidden = {name: "hidden" if SECRET.search(name) else value for name, value in url.query.items()}
    return url.set(query=hidden).render_as_string(hide_password=True)


def _check_sqlite(url: URL) -> None:
    if url.host or url.username or url.password or url.port:  # two strokes where three or four are meant
        raise CourseError("database_address")
    name = str(url.database or "")
    if name in ("", ":memory:"):  # forgotten at the end, and another one for each thread
        raise CourseError("database_in_memory")
    if name.startswith("~"):
        raise CourseError("database_tilde", path=name)
    as_uri = name.startswith("file:")
    unknown = sorted(set(url.query) - set(SQLITE_OPTIONS))
    if unknown and not as_uri:
        raise CourseError("database_option", reason=", ".join(unknown))
    if as_uri:
        return
    folder = Path(name).parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise CourseError("database_folder", folder=folder, reason=problem.strerror) from None


def _check_postgresql(url: URL) -> None:
    """Asks libpq whether it knows the options; nothing is connected to."""
    try:
        import psycopg
        from psycopg.conninfo import make_conninfo

        make_conninfo(**dict.fromkeys(url.query, ""))
    except ImportError:
        raise CourseError("database_driver", backend=url.drivername) from None
    except psycopg.ProgrammingError as problem:
        raise CourseError("database_option", reason=in_one_line(problem)) from None


def _is_text(part: str) -> bool:
    try:
        part.encode()
    except UnicodeEncodeError:
        return False
    return True


def _pairs(url: URL) -> list[str]:
    """The names and the values of the options."""
    values = [value for given in url.query.values() for value in ([given] if isinstance(given, str) else given)]
    return [*url.query, *values]
