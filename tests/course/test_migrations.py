"""A database of every released version is carried forward, whole or not at all."""

import contextlib
import importlib.util
import shutil
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from course_lib.course import migrate, tables
from course_lib.course.store import open_store
from course_lib.errors import CourseError
from course_lib.settings import PROJECT
from tests.databases import driver_of

RELEASED = Path(__file__).parent / "released"
OLDER = migrate.known_versions()[:-1]
ROWS = {  # what a learner may have given, in the tables that a version has of these
    "learners": [{"key": "local", "since": 1.5}, {"key": "甲", "since": 2.5}],
    "answers": [
        {"learner": "local", "lesson": "alpha", "question": "q", "version": "v", "chosen": [0, 2], "correct": True},
        {"learner": "甲", "lesson": "alpha", "question": "q", "version": "", "chosen": [], "correct": False},
    ],
    "guesses": [{"learner": "甲", "lesson": "alpha", "guess": "share", "value": 0.25}],
    "runs": [{"learner": "local", "lesson": "alpha", "run_id": "0123", "link": "?a=链", "state": {"epoch": 3}}],
    "challenges": [
        {"learner": "local", "lesson": "b", "challenge": "c", "run_id": "r", "passed": True, "details": {"x": [1]}}
    ],
    "steps": [{"learner": "local", "lesson": "alpha", "anchor": "why", "completed": True}],
    "preferences": [{"learner": "local", "name": "language", "value": "zh"}],
}


def released(version):
    """The tables as that version had them when it was released."""
    spec = importlib.util.spec_from_file_location(f"tables_{version}", RELEASED / f"tables_{version}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert version == module.SCHEMA
    return module.metadata


@contextlib.contextmanager
def engine_at(address):
    if address.startswith("sqlite:///"):
        Path(address.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
    engine = sa.create_engine(driver_of(address))
    yield engine
    engine.dispose()


def make_old(address, version):
    """A database as that version left it, with rows in all that it knew."""
    metadata = released(version)
    with engine_at(address) as engine, engine.begin() as connection:
        metadata.create_all(connection)
        connection.execute(metadata.tables["meta"].insert().values(key="schema", value=version))
        for number, (name, rows) in enumerate(ROWS.items()):
            if name in metadata.tables:
                at = {"at": float(number)} if "at" in metadata.tables[name].c else {}
                connection.execute(metadata.tables[name].insert(), [{**row, **at} for row in rows])
    return contents(address, metadata)


def contents(address, metadata):
    """All rows of the tables, but for the version."""
    with engine_at(address) as engine, engine.connect() as connection:
        return {
            table.name: [tuple(row) for row in connection.execute(sa.select(*table.c).order_by(*table.primary_key))]
            for table in metadata.sorted_tables
            if table.name != "meta"
        }


def schema(address):
    """Everything that the database says of its tables."""
    with engine_at(address) as engine:
        seen = sa.inspect(engine)
        return {
            name: {
                "columns": [(one["name"], str(one["type"]), one["nullable"], one["default"]) for one in
                            seen.get_columns(name)],
                "primary": seen.get_pk_constraint(name)["constrained_columns"],
                "foreign": sorted(str((one["constrained_columns"], one["referred_table"], one["referred_columns"],
                                       one["options"])) for one in seen.get_foreign_keys(name)),
                "unique": sorted(str(one["column_names"]) for one in seen.get_unique_constraints(name)),
                "indexes": sorted(str((one["name"], one["column_names"], one["unique"])) for one in
                                  seen.get_indexes(name)),
            }
            for name in seen.get_table_names()
        }  # fmt: skip


def version_of(address):
    with engine_at(address) as engine, engine.connect() as connection:
        return connection.execute(sa.select(tables.meta.c.value).where(tables.meta.c.key == "schema")).scalar_one()


def copies(address):
    """The copies beside an SQLite database."""
    path = Path(address.removeprefix("sqlite:///"))
    return sorted(path.parent.glob(f"{path.name}.version-*"))


def test_the_chain_ends_at_this_version():
    assert migrate.known_versions()[0] == "1"
    assert migrate.known_versions()[-1] == tables.SCHEMA
    assert [int(one) for one in migrate.known_versions()] == list(range(1, int(tables.SCHEMA) + 1))
    assert {path.stem.removeprefix("tables_") for path in RELEASED.glob("tables_*.py")} >= set(OLDER)


@pytest.mark.parametrize("version", OLDER)
def test_an_older_database_is_carried_forward(open_at, address, version):
    before = make_old(address, version)
    store = open_at(address)
    assert version_of(address) == tables.SCHEMA
    assert contents(address, released(version)) == before
    assert all(before.values()), "each of its tables had rows to keep"
    learner = store.learner()
    assert learner.answers("alpha")["q"].chosen == (0, 2)
    assert store.learner("甲").guesses("alpha")["share"].value == 0.25
    learner.record_answer("alpha", "q", [1], correct=False)  # numbers go on where they were
    assert [answer.chosen for answer in learner.attempts("alpha")] == [(0, 2), (1,)]
    with store.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), tables.metadata) == []
        if store.engine.dialect.name == "sqlite":
            assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
    store.close()
    assert len(open_at(address).learner().attempts()) == 2, "a second start finds nothing to do"
    assert len(copies(address)) == (1 if address.startswith("sqlite") else 0)


@pytest.mark.parametrize("version", OLDER)
def test_it_has_the_schema_of_a_new_one(open_at, address, request, tmp_path, version):
    make_old(address, version)
    open_at(address).close()
    forward = schema(address)
    if address.startswith("sqlite"):
        new = f"sqlite:///{tmp_path / 'new.sqlite'}"
    else:
        new = request.getfixturevalue("postgres")
        with engine_at(new) as engine, engine.begin() as connection:
            connection.exec_driver_sql("DROP SCHEMA public CASCADE")
            connection.exec_driver_sql("CREATE SCHEMA public")
    open_at(new).close()
    assert forward == schema(new)
    assert len(forward) == len(tables.metadata.tables)


@pytest.mark.parametrize("version", OLDER)
def test_a_copy_of_it_stands_beside(open_at, tmp_path, version):
    address = f"sqlite:///{tmp_path / 'course.sqlite'}"
    before = make_old(address, version)
    (tmp_path / "course.sqlite").chmod(0o640)
    open_at(address)
    (copy,) = copies(address)
    assert copy.name.startswith(f"course.sqlite.version-{version}.2")
    assert copy.stat().st_mode & 0o777 == 0o640, "who may not read the database may not read the copy"
    assert version_of(f"sqlite:///{copy}") == version
    assert contents(f"sqlite:///{copy}", released(version)) == before
    assert {path.name for path in tmp_path.iterdir()} - {copy.name} <= {
        "course.sqlite",
        "course.sqlite-wal",
        "course.sqlite-shm",
    }


def refused(address, key):
    with pytest.raises(CourseError) as raised:
        open_store(address, 0.5).close()
    assert raised.value.key == key
    for language in ("zh", "en"):
        assert raised.value.text(language)
    return raised.value


def failing_scripts(folder, upgrade):
    """This version's scripts, the last step of which ends in ``upgrade``."""
    scripts = Path(shutil.copytree(migrate.SCRIPTS, folder / "migrations"))
    last = next((scripts / "versions").glob(f"v{tables.SCHEMA}_*.py"))
    last.write_text(last.read_text(encoding="utf-8") + upgrade, encoding="utf-8")
    return scripts


HALF_WAY = (
    "    raise ValueError('no more')\n",
    "    op.execute('INSERT INTO nowhere VALUES (1)')\n",
    "    op.execute(\"DELETE FROM answers\")\n    op.drop_table('guesses')\n    op.execute('nonsense')\n",
)


@pytest.mark.parametrize("upgrade", HALF_WAY)
@pytest.mark.parametrize("version", OLDER)
def test_one_that_fails_half_way_leaves_it_as_it_was(address, tmp_path, monkeypatch, version, upgrade):
    before, shape = make_old(address, version), None
    shape = schema(address)
    monkeypatch.setattr(migrate.carry_forward, "__defaults__", (failing_scripts(tmp_path, upgrade),))
    error = refused(address, "database_migration")
    assert (error.params["found"], error.params["wanted"]) == (version, tables.SCHEMA)
    assert (version_of(address), schema(address), contents(address, released(version))) == (version, shape, before)
    assert copies(address) == [], "the next attempt would leave another"
    monkeypatch.undo()
    open_store(address).close()
    assert version_of(address) == tables.SCHEMA


def test_a_step_that_orphans_rows_is_refused(tmp_path, monkeypatch):
    address = f"sqlite:///{tmp_path / 'course.sqlite'}"
    before = make_old(address, OLDER[-1])
    scripts = failing_scripts(tmp_path, "    op.execute('DELETE FROM learners')\n")
    monkeypatch.setattr(migrate.carry_forward, "__defaults__", (scripts,))
    refused(address, "database_migration")
    assert contents(address, released(OLDER[-1])) == before


def test_a_table_that_was_lost_before(address):
    make_old(address, OLDER[-1])
    with engine_at(address) as engine, engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE guesses")
    assert refused(address, "database_incomplete").params["tables"] == "guesses"
    assert version_of(address) == OLDER[-1]


def test_a_copy_that_cannot_be_written(tmp_path, monkeypatch):
    """The folder is full: nothing is changed without a copy."""
    address = f"sqlite:///{tmp_path / 'course.sqlite'}"
    before = make_old(address, OLDER[-1])
    real = sqlite3.connect

    def small(*args, **kwargs):
        connection = real(*args, **kwargs)
        if str(args[0]).endswith(".part"):
            connection.execute("PRAGMA max_page_count = 3")
        return connection

    monkeypatch.setattr(sqlite3, "connect", small)
    error = refused(address, "database_copy")
    assert "full" in error.params["reason"]
    monkeypatch.undo()
    assert (version_of(address), contents(address, released(OLDER[-1]))) == (OLDER[-1], before)
    assert [path.name for path in tmp_path.iterdir() if "version" in path.name] == []


def test_a_database_that_another_writes_to_waits(tmp_path):
    address = f"sqlite:///{tmp_path / 'course.sqlite'}"
    make_old(address, OLDER[-1])
    with contextlib.closing(
        sqlite3.connect(tmp_path / "course.sqlite", isolation_level=None, check_same_thread=False)
    ) as other:
        other.execute("BEGIN IMMEDIATE")
        refused(address, "database_busy")
        assert version_of(address) == OLDER[-1]
        ends = threading.Timer(0.5, other.execute, ["COMMIT"])
        ends.start()
        open_store(address, 30.0).close()
        ends.join()
    assert version_of(address) == tables.SCHEMA


def test_a_postgresql_that_another_process_carries_forward(empty_postgres):
    """The row of the version is locked by one process; the other says so after its patience."""
    make_old(empty_postgres, OLDER[-1])
    with engine_at(empty_postgres) as engine, engine.begin() as other:
        other.execute(sa.select(tables.meta).with_for_update())
        refused(empty_postgres, "database_busy")
    open_store(empty_postgres).close()


@pytest.mark.parametrize("version", OLDER)
def test_four_processes_begin_at_once(address, version):
    before = make_old(address, version)
    code = (
        "import sys; from course_lib.course.store import open_store; sys.stdin.readline();"
        "store = open_store(sys.argv[1], 60.0); store.learner('new').record_guess('alpha', 'share', 0.5); store.close()"
    )
    running = [
        subprocess.Popen(
            [sys.executable, "-c", code, address], cwd=PROJECT, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(4)
    ]
    said = [process.communicate("go\n")[1] for process in running]
    assert [process.returncode for process in running] == [0] * 4, said
    assert sum("carried forward" in one for one in said) == 1, said
    assert len(copies(address)) == (1 if address.startswith("sqlite") else 0)
    after = contents(address, released(version))
    assert after["answers"] == before["answers"]
    assert len(after["guesses"]) == len(before["guesses"]) + 4


def test_a_process_killed_in_the_middle_leaves_it_as_it_was(tmp_path):
    """kill -9 within the transaction: the next start rolls back what the journal holds, and carries it forward."""
    address = f"sqlite:///{tmp_path / 'course.sqlite'}"
    before = make_old(address, OLDER[-1])
    upgrade = "    import os, signal\n    op.execute('DELETE FROM answers')\n    os.kill(os.getpid(), signal.SIGKILL)\n"
    scripts = failing_scripts(tmp_path, upgrade)
    code = (
        "import sys; from pathlib import Path; from course_lib.course import migrate;"
        "migrate.carry_forward.__defaults__ = (Path(sys.argv[2]),);"
        "from course_lib.course.store import open_store; open_store(sys.argv[1])"
    )
    done = subprocess.run([sys.executable, "-c", code, address, str(scripts)], cwd=PROJECT, check=False)
    assert done.returncode == -9
    assert (version_of(address), contents(address, released(OLDER[-1]))) == (OLDER[-1], before)
    open_store(address).close()
    assert contents(address, released(OLDER[-1])) == before


def test_a_table_made_anew_keeps_what_refers_to_it(tmp_path, monkeypatch):
    """SQLite changes a column by a new table in the old one's place; dropping that must not take answers along."""
    address = f"sqlite:///{tmp_path / 'course.sqlite'}"
    before = make_old(address, OLDER[-1])
    upgrade = (
        "    with op.batch_alter_table('learners', recreate='always') as table:\n        table.alter_column('since')\n"
    )
    monkeypatch.setattr(migrate.carry_forward, "__defaults__", (failing_scripts(tmp_path, upgrade),))
    open_store(address).close()
    assert contents(address, released(OLDER[-1])) == before
