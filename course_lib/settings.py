"""Where things are and how much of the machine the course may use; every value can be set by an environment variable."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent  # the checkout: lessons/, data/, pages/ lie here


@dataclass(frozen=True)
class Settings:
    """The installation's settings. ``home`` holds everything that the course writes."""

    home: Path  # LIVEREC_HOME: runs, prepared datasets, the database
    database_url: str  # LIVEREC_DATABASE: SQLAlchemy URL; SQLite in home unless set
    workers: int  # LIVEREC_WORKERS: training processes, one thread each
    run_bytes: int  # LIVEREC_RUN_BYTES: disk that run folders may use; the oldest unpinned go first

    @property
    def runs(self) -> Path:
        """The folder of run folders."""
        return self.home / "runs"

    @property
    def datasets(self) -> Path:
        """Prepared datasets, one folder each; can be deleted at any time."""
        return self.home / "datasets"


def load_settings() -> Settings:
    """Settings from the environment, read at each call so that tests can change them.

    The home is ``~/.liverec`` by default. Nothing is created here; who writes, creates.
    """
    home = Path(os.environ.get("LIVEREC_HOME") or Path.home() / ".liverec").expanduser()
    return Settings(
        home=home,
        database_url=os.environ.get("LIVEREC_DATABASE") or f"sqlite:///{home / 'course.sqlite'}",
        workers=int(os.environ.get("LIVEREC_WORKERS") or max(1, min(4, (os.cpu_count() or 2) - 1))),
        run_bytes=int(os.environ.get("LIVEREC_RUN_BYTES") or 4 * 2**30),
    )
