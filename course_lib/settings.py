"""Where things are and how much of the machine the course may use; an environment variable sets each value."""

from __future__ import annotations

import functools
import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path

from course_lib.errors import CourseError

PROJECT = Path(__file__).resolve().parent.parent  # the checkout: lessons/, data/, pages/ lie here

# While it trains, the largest run that a form offers (5 million parameters, Adam's two numbers for each, and its
# weights once more) takes about 90 MB. With less room every run would delete the one before it, and 0, which people
# write for "no limit", would delete them all.
LEAST_RUN_BYTES = 128 * 2**20

CLUSTER = re.compile(r"(ray://)?[\w.-]+:\d{1,5}")  # the address of a Ray cluster


@dataclass(frozen=True)
class Settings:
    """The installation's settings. ``home`` holds everything that the course writes."""

    home: Path  # LIVEREC_HOME: runs, prepared datasets, the database
    database_url: str  # LIVEREC_DATABASE: SQLAlchemy URL; SQLite in home unless set
    workers: int  # LIVEREC_WORKERS: training processes, one thread each
    run_bytes: int  # LIVEREC_RUN_BYTES: disk that run folders may use; the oldest unpinned go first
    encoder: str = ""  # LIVEREC_ENCODER: folder or hub name of a text encoder of one's own; empty: none
    writer: str = ""  # LIVEREC_WRITER: the same of a causal language model that writes reasons; empty: none
    writer_hosts: str = (
        ""  # LIVEREC_WRITER_HOSTS: "any", "public", or hosts that a page may ask; empty: see ui/reach.py
    )
    hosts: tuple[str, ...] = ()  # LIVEREC_HOSTS: names that the course answers to beside this machine's own

    trains_on: str = "local"  # LIVEREC_RUNS: this machine, "ray", or the address of a Ray cluster

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


def _home() -> Path:
    """LIVEREC_HOME, or ``~/.liverec``; raises CourseError where there is no such home."""
    value = os.environ.get("LIVEREC_HOME") or ""
    if value.strip():
        return Path(_known_home("LIVEREC_HOME", value)).expanduser()
    try:
        return Path.home() / ".liverec"
    except RuntimeError:  # a user of a container may have no home
        raise CourseError("home_unknown") from None


def _known_home(name: str, value: str) -> str:
    """``value``; raises CourseError where it begins with the ``~`` of somebody who has no home on this machine."""
    try:
        Path(value).expanduser()
    except RuntimeError:
        raise CourseError("environment_tilde", name=name, value=value) from None
    return value


def sqlite_address(path: Path) -> str:
    """The address of an SQLite file; in an address ``?`` begins the options and ``%`` a character's code."""
    return f"sqlite:///{path}".replace("%", "%25").replace("?", "%3F")


def _trains_on() -> str:
    """LIVEREC_RUNS, where it names something that can train."""
    value = (os.environ.get("LIVEREC_RUNS") or "local").strip()
    if value not in ("local", "ray") and not CLUSTER.fullmatch(value):
        raise CourseError("environment_runs", value=value)
    return value


def load_settings() -> Settings:
    """Settings from the environment, read at each call so that tests can change them.

    Raises CourseError where a variable that must be a number is none, LIVEREC_RUNS names nothing that trains, or
    a folder is given by the ``~`` of somebody who has no home here.
    The home is ``~/.liverec`` by default. Nothing is created here; who writes, creates.
    """
    home = _home()
    cores = os.cpu_count() or 2
    return Settings(
        home=home,
        database_url=os.environ.get("LIVEREC_DATABASE") or sqlite_address(home / "course.sqlite"),
        workers=_number("LIVEREC_WORKERS", max(min(2, cores), min(4, cores - 1)), low=1),
        run_bytes=_number("LIVEREC_RUN_BYTES", 4 * 2**30, low=LEAST_RUN_BYTES),
        encoder=_known_home("LIVEREC_ENCODER", (os.environ.get("LIVEREC_ENCODER") or "").strip()),
        writer=_known_home("LIVEREC_WRITER", (os.environ.get("LIVEREC_WRITER") or "").strip()),
        writer_hosts=(os.environ.get("LIVEREC_WRITER_HOSTS") or "").strip().lower(),
        hosts=tuple((os.environ.get("LIVEREC_HOSTS") or "").lower().replace(",", " ").split()),
        trains_on=_trains_on(),
    )


@functools.cache
def source_digest(*rooms: str) -> str:
    """12 hexadecimal digits over the source files of some rooms of course_lib: what is made by them depends on it."""
    digest = hashlib.sha256()
    for room in rooms:
        for path in sorted((PROJECT / "course_lib" / room).rglob("*.py")):
            digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()[:12]
