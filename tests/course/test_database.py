import contextlib
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex, CreateTable

from course_lib.course import tables
from course_lib.course.store import open_store
from course_lib.errors import CourseError
from course_lib.settings import PROJECT, sqlite_address


@pytest.fixture
def path(tmp_path):
    return tmp_path / "course.sqlite"


def refused(path, key, patience=0.2):
    """Opening must fail with this error and leave every byte as it was."""
    before = path.read_bytes() if path.is_file() else None
    with pytest.raises(CourseError) as raised:
        open_store(f"sqlite:///{path}", patience).close()
    assert raised.value.key == key
    for language in ("zh", "en"):
        assert path.name in raised.value.text(language)
    assert (path.read_bytes() if path.is_file() else None) == before
    return raised.value


def change(path, *statements):
    with contextlib.closing(sqlite3.connect(path)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


def made(open_at, path):
    store = open_at(path)
    store.learner().record_guess("alpha", "share", 0.5)
    store.close()
    return path


def test_a_new_database_is_in_wal_mode(open_at, path):
    made(open_at, path)
    with contextlib.closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert connection.execute("SELECT value FROM meta WHERE key = 'schema'").fetchone() == (tables.SCHEMA,)


def test_an_empty_file_becomes_a_database(open_at, path):
    path.touch()
    assert open_at(path).learner().guesses("alpha") == {}


@pytest.mark.parametrize("version", ["+1", "999", "0", "", "eins", "1 ", "-1", "２"])
def test_another_version_is_left_alone(open_at, path, version):
    made(open_at, path)
    version = str(int(tables.SCHEMA) + 1) if version == "+1" else version
    change(path, f"UPDATE meta SET value = '{version}'")
    newer = version.isascii() and version.isdecimal() and int(version) > int(tables.SCHEMA)
    error = refused(path, "database_newer" if newer else "database_version")
    assert (error.params["found"], error.params["wanted"]) == (version, tables.SCHEMA)


@pytest.mark.parametrize(
    "statements",
    [
        ["CREATE TABLE bookmarks (id INTEGER)"],
        ["CREATE TABLE meta (id INTEGER)"],
        ["CREATE TABLE meta (key TEXT, value TEXT)"],
        ["CREATE TABLE answers (id INTEGER)"],
    ],
)
def test_somebody_elses_database_is_left_alone(path, statements):
    change(path, *statements)
    refused(path, "database_foreign")


def test_a_database_that_lost_a_table(open_at, path):
    made(open_at, path)
    change(path, "DROP TABLE guesses")
    assert "guesses" in refused(path, "database_incomplete").text("zh")


@pytest.mark.parametrize("content", [b"not a database at all", b"x" * 5000, b"SQLite format 3\x00" + b"\xff" * 4080])
def test_a_file_that_is_no_database(path, content):
    path.write_bytes(content)
    refused(path, "database_corrupt")


def test_a_truncated_database(open_at, path):
    made(open_at, path)
    path.write_bytes(path.read_bytes()[:5000])
    refused(path, "database_corrupt")


def test_damage_that_shows_only_later(open_at, path):
    made(open_at, path)
    content = path.read_bytes()
    with contextlib.closing(sqlite3.connect(path)) as connection:
        (page,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'guesses'").fetchone()
        (size,) = connection.execute("PRAGMA page_size").fetchone()
    path.write_bytes(content[: (page - 1) * size] + b"\xaa" * size + content[page * size :])
    learner = open_at(path).learner()
    for use in (lambda: learner.guesses("alpha"), lambda: learner.record_guess("alpha", "share", 0.5)):
        with pytest.raises(CourseError) as raised:
            use()
        assert raised.value.key == "database_corrupt"


def test_a_folder_in_the_place_of_the_file(path):
    path.mkdir()
    refused(path, "database_cannot_open")


def test_a_file_in_the_place_of_the_folder(path):
    path.write_text("x")
    with pytest.raises(CourseError) as raised:
        open_store(f"sqlite:///{path / 'home' / 'course.sqlite'}")
    assert raised.value.key == "database_folder"
    assert str(path) in raised.value.text("en")


def test_a_locked_database_says_so_and_loses_nothing(open_at, path):
    made(open_at, path)
    learner = open_at(path, patience=0.1).learner()
    learner.record_step("alpha", "why")
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert learner.guesses("alpha")["share"].value == 0.5  # readers go on
        learner.record_step("alpha", "why")  # nothing new, so nothing to wait for
        assert open_at(path, patience=0.1).learner().guesses("alpha")  # so does opening
        for record in (
            lambda: learner.record_guess("alpha", "share", 0.6),
            lambda: learner.record_step("alpha", "idea"),
            lambda: learner.set_preference("language", "zh"),
        ):
            with pytest.raises(CourseError) as raised:
                record()
            assert raised.value.key == "database_busy"
        other.execute("COMMIT")
    learner.record_guess("alpha", "share", 0.7)
    assert [guess.value for guess in learner.guess_attempts()] == [0.5, 0.7]


def test_a_lock_that_ends_is_waited_for(open_at, path):
    import threading

    made(open_at, path)
    learner = open_at(path, patience=60.0).learner()
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    begun = threading.Event()

    def record():
        begun.set()
        learner.record_guess("alpha", "share", 0.6)

    thread = threading.Thread(target=record)
    thread.start()
    begun.wait()
    other.execute("COMMIT")
    other.close()
    thread.join()
    assert learner.guesses("alpha")["share"].value == 0.6


def test_a_full_disk_says_so_and_loses_nothing(open_at, path):
    made(open_at, path)
    store = open_at(path)
    store.engine.dispose()
    sa.event.listen(store.engine, "connect", lambda connection, _: connection.execute("PRAGMA max_page_count = 1"))
    learner = store.learner()
    with pytest.raises(CourseError) as raised:
        learner.record_run("alpha", "r", "x" * 50_000)
    assert raised.value.key == "database_full"
    assert learner.guesses("alpha")["share"].value == 0.5
    assert learner.runs() == ()


@pytest.mark.parametrize("replaced", [False, True])
def test_a_database_deleted_under_a_running_course(open_at, path, replaced):
    made(open_at, path)
    learner = open_at(path).learner()
    kept = path.rename(path.with_name("kept.sqlite"))
    if replaced:
        made(open_at, path)
    with pytest.raises(CourseError) as raised:
        learner.record_guess("alpha", "share", 0.6)
    assert raised.value.key == "database_gone"
    kept.replace(path)
    learner.record_guess("alpha", "share", 0.7)
    assert [guess.value for guess in learner.guess_attempts()] == [0.5, 0.7]


def test_a_database_opened_read_only(open_at, path):
    made(open_at, path)
    store = open_at(f"sqlite:///file:{path}?mode=ro&uri=true")
    assert store.learner().guesses("alpha")["share"].value == 0.5
    with pytest.raises(CourseError) as raised:
        store.learner().record_guess("alpha", "share", 0.6)
    assert raised.value.key == "database_read_only"


@pytest.fixture
def closed_folder():
    """A folder that everybody may read and nobody but root may write, with a database in it."""
    folder = Path(tempfile.mkdtemp())
    store = open_store(f"sqlite:///{folder / 'course.sqlite'}")
    store.learner().record_guess("alpha", "share", 0.5)
    store.close()
    (folder / "course.sqlite").chmod(0o444)
    folder.chmod(0o555)
    yield folder
    folder.chmod(0o755)
    shutil.rmtree(folder)


def open_and_write(path):
    store = open_store(f"sqlite:///{path}", 0.2)
    try:
        store.learner().record_guess("alpha", "share", 0.5)
    finally:
        store.close()


def test_a_read_only_home(closed_folder, powerless):
    for name, keys in (
        ("course.sqlite", {"database_read_only", "database_cannot_open"}),
        ("another.sqlite", {"database_cannot_open"}),
        ("deeper/course.sqlite", {"database_folder"}),
    ):
        with pytest.raises(CourseError) as raised:
            open_and_write(closed_folder / name)
        assert raised.value.key in keys
        assert "LIVEREC_HOME" in raised.value.text("zh")


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("", "database_address"),
        ("course.sqlite", "database_address"),
        ("sqlite://", "database_in_memory"),
        ("sqlite:///:memory:", "database_in_memory"),
        ("postgresql://host:port/name", "database_address"),
        ("oracle+nothing://host/name", "database_driver"),
        ("nosuchbase://host/name", "database_driver"),
        ("postgresql+psycopg_async://host/name", "database_driver"),
        ("sqlite://host/course.sqlite", "database_address"),
        ("sqlite:///~nosuchuser/course.sqlite", "database_tilde"),
        ("sqlite:///x%00.sqlite", "database_address"),
        ("sqlite:///x\0.sqlite", "database_address"),
        ("sqlite:///x\ud800.sqlite", "database_address"),
        ("postgresql://me:se%00cret@host/name", "database_address"),
        ("postgresql://host/na%00me", "database_address"),
        ("postgresql://host/name?application_name=%00", "database_address"),
        ("postgresql://me@ho\udcffst/name", "database_address"),
        ("sqlite:///x.sqlite?nope=1", "database_option"),
        ("sqlite:///x.sqlite?mode=ro&uri=true", "database_option"),
        ("sqlite:///x.sqlite?timeout=soon", "database_option"),
        ("sqlite:///x.sqlite?timeout=1&timeout=2", "database_option"),
        ("sqlite:///x.sqlite?check_same_thread=q", "database_option"),
        ("postgresql://host/name?nope=1", "database_option"),
        ("postgresql://me:p@ss@host/name", "database_address_at"),
        ("postgresql://me/x:secret@host/name", "database_address_at"),
    ],
)
def test_addresses_that_lead_nowhere(address, key, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CourseError) as raised:
        open_store(address)
    assert raised.value.key == key
    assert "LIVEREC_DATABASE" in raised.value.text("zh")
    assert list(tmp_path.iterdir()) == [], "nothing is made for an address that is refused"


def test_a_file_may_have_a_name_that_an_address_has_to_encode(tmp_path):
    home = tmp_path / "50% off? a+b #1 \udcff"
    open_store(sqlite_address(home / "course.sqlite")).close()
    assert (home / "course.sqlite").is_file()


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://me:secret@127.0.0.1:1/name",
        "postgresql://127.0.0.1:1/name?password=secret",
        "postgresql://127.0.0.1:1/name?sslpassword=secret&user=me",
        "postgresql://me:secret@127.0.0.1:1/name?nope=1",
        "postgresql://me:se@secret@127.0.0.1:1/name",
        "postgresql://me/x:secret@127.0.0.1:1/name",
        "postgresql://me:secret@127.0.0.1:99999999/name",
        "postgresql://me:secret%00@127.0.0.1:1/name",
        "sqlite://me:secret@/x",
    ],
)
def test_a_password_is_never_shown(address):
    with pytest.raises(CourseError) as raised:
        open_store(address, 1.0)
    assert raised.value.of_the_database
    assert "secret" not in raised.value.text("en") + raised.value.text("zh") + str(raised.value.to_dict())


def test_three_processes_make_one_database_at_once(path):
    code = (
        "import sys; from course_lib.course.store import open_store; store = open_store(sys.argv[1], 60.0);"
        "[store.learner().record_guess('alpha', 'share', n / 10) for n in range(10)]; store.close()"
    )
    command = [sys.executable, "-c", code, f"sqlite:///{path}"]
    running = [subprocess.Popen(command, cwd=PROJECT, stderr=subprocess.PIPE, text=True) for _ in range(3)]
    assert [process.communicate()[1] for process in running] == [""] * 3
    store = open_store(f"sqlite:///{path}")
    assert len(store.learner().guess_attempts()) == 30
    store.close()


def test_the_room_needs_no_torch_and_no_screen():
    code = (
        "import sys, pkgutil, importlib, course_lib.course as room;"
        "[importlib.import_module(f'course_lib.course.{m.name}') for m in pkgutil.iter_modules(room.__path__)];"
        "print({'torch', 'transformers', 'streamlit'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_the_tables_can_be_made_in_postgresql():
    for table in tables.metadata.sorted_tables:
        assert table.name in str(CreateTable(table).compile(dialect=postgresql.dialect()))
        for index in table.indexes:
            assert index.name in str(CreateIndex(index).compile(dialect=postgresql.dialect()))
