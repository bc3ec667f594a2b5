"""Where things are and how much of the machine the course may use; an environment variable sets each value."""

from __future__ import annotations

import functools
import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from course_lib.errors import CourseError

PROJECT = Path(__file__).resolve().parent.parent  # the checkout: lessons/, data/, pages/ lie here

# While it trains, the largest run that a form offers (5 million parameters, Adam's two numbers for each, and its
# weights once more) takes about 90 MB. With less room every run would delete the one before it, and 0, which people
# write for "no limit", would delete them all.
LEAST_RUN_BYTES = 128 * 2**20


@dataclass(frozen=True)
class Settings:
    """The installation's settings. ``home`` holds everything that the course writes."""

    home: Path  # LIVEREC_HOME: runs, prepared datasets, the database
    database_url: str  # LIVEREC_DATABASE: SQLAlchemy URL; SQLite in home unless set
    workers: int  # LIVEREC_WORKERS: training processes, one thread each
    run_bytes: int  # LIVEREC_RUN_BYTES: disk that run folders may use; the oldest unpinned go first
    encoder: str = ""  # LIVEREC_ENCODER: folder or hub name of a text encoder of one's own; empty: none
    writer: str = ""  # LIVEREC_WRITER: the same of a causal language model that writes reasons; empty: none

    @property
    def runs(self) -> Path:
        """The folder of run folders."""
        return self.home / "runs"

    @property
    def datasets(self) -> Path:
        """Prepared datasets, one folder each; can be deleted at any time."""
        return self.home / "datasets"


def _number(name: str, default: int, low: int) -> int:
    """A whole number of at least ``low`` from the environment."""
    value = os.environ.get(name) or str(default)
    try:
        number = int(value)
    except ValueError:
        number = low - 1
    if number < low:
        raise CourseError("environment_not_a_number", name=name, value=value, low=low)
    return number


def load_settings() -> Settings:
    """Settings from the environment, read at each call so that tests can change them.

    Raises CourseError where a variable that must be a number is none.
    The home is ``~/.liverec`` by default. Nothing is created here; who writes, creates.
    """
    home = Path(os.environ.get("LIVEREC_HOME") or Path.home() / ".liverec").expanduser()
    cores = os.cpu_count() or 2
    return Settings(
        home=home,
        database_url=os.environ.get("LIVEREC_DATABASE") or f"sqlite:///{home / 'course.sqlite'}",
        workers=_number("LIVEREC_WORKERS", max(min(2, cores), min(4, cores - 1)), low=1),
        run_bytes=_number("LIVEREC_RUN_BYTES", 4 * 2**30, low=LEAST_RUN_BYTES),
        encoder=(os.environ.get("LIVEREC_ENCODER") or "").strip(),
        writer=(os.environ.get("LIVEREC_WRITER") or "").strip(),
    )


@functools.cache
def source_digest(*rooms: str) -> str:
    """12 hexadecimal digits over the source files of some rooms of course_lib: what is made by them depends on it."""
    digest = hashlib.sha256()
    for room in rooms:
        for path in sorted((PROJECT / "course_lib" / room).rglob("*.py")):
            digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()[:12]
