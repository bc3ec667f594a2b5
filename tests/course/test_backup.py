"""A backup is taken while learners write, and puts everything back; what is none, newer or damaged changes nothing."""

import contextlib
import json
import os
import sqlite3
import threading
import zipfile
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from course_lib.cli.main import main
from course_lib.course import restore as restoring
from course_lib.course import tables
from course_lib.course.backup import MANIFEST, back_up
from course_lib.course.restore import restore
from course_lib.course.store import open_store
from course_lib.errors import CourseError
from course_lib.settings import load_settings
from tests.databases import driver_of


@pytest.fixture
def settings(monkeypatch, tmp_path, address):
    """A home with something of everything, on either database."""
    monkeypatch.setenv("LIVEREC_HOME", str(tmp_path / "home"))
    if address.startswith("postgresql"):
        monkeypatch.setenv("LIVEREC_DATABASE", address)
    settings = load_settings()
    for name, content in CONTENT.items():
        (settings.home / name).parent.mkdir(parents=True, exist_ok=True)
        (settings.home / name).write_bytes(content)
    store = open_store(settings.database_url)
    store.learner("甲").record_answer("alpha", "q", [0, 2], True, "v")
    store.learner("甲").set_preference("language", "zh")
    with store.engine.begin() as connection:
        connection.execute(tables.classes.insert().values(
            key="k", name="班", instructor="甲", code="c", opened=1.5, closed=None, plan={"open": ["alpha"]}, limits={},
        ))  # fmt: skip
    store.close()
    return settings


CONTENT = {
    "identity.key": b"ab" * 32,
    "instructor.secret": b"words",
    "data/local/shop/card.json": b'{"name": "shop"}',
    "data/local/shop/events.parquet": os.urandom(200_000),
    "runs/0123/config.json": b"{}",
    "runs/0123/weights.safetensors": os.urandom(3_000_000),
}


def rows(url):
    engine = sa.create_engine(driver_of(url))
    with engine.connect() as connection:
        found = {
            table.name: [tuple(row) for row in connection.execute(sa.select(table).order_by(*table.primary_key))]
            for table in tables.metadata.sorted_tables
        }
    engine.dispose()
    return found


def files(home):
    return {name: (home / name).read_bytes() for name in CONTENT if (home / name).exists()}


def lose_everything(settings):
    for name in CONTENT:
        (settings.home / name).write_bytes(b"other")
    store = open_store(settings.database_url)
    with store.engine.begin() as connection:
        for table in reversed(tables.metadata.sorted_tables):
            if table is not tables.meta:
                connection.execute(table.delete())
    store.learner("乙").record_guess("beta", "g", 1)
    store.close()


def test_all_is_put_back_and_what_was_there_is_kept(settings, tmp_path):
    before = rows(settings.database_url)
    made = back_up(settings, tmp_path / "b.zip", runs=True)
    assert (made.database, made.datasets, made.runs) == (True, 1, 1)
    assert (tmp_path / "b.zip").stat().st_mode & 0o777 == 0o600, "it holds the keys"
    assert [path.name for path in tmp_path.glob(".b.zip*")] == []
    lose_everything(settings)
    (settings.home / "runs" / "0123" / "weights.safetensors").unlink()
    (settings.home / "runs" / "0123" / "config.json").unlink()
    (settings.home / "runs" / "0123").rmdir()
    lost = rows(settings.database_url)
    running = open_store(settings.database_url)  # the course goes on
    assert running.learner("乙").guesses("beta")
    done = restore(settings, tmp_path / "b.zip")
    assert rows(settings.database_url) == before
    assert files(settings.home) == CONTENT
    assert (settings.home / "identity.key").stat().st_mode & 0o077 == 0
    assert done.new_key
    assert running.learner("甲").answers("alpha")["q"].chosen == (0, 2)
    running.learner("甲").record_answer("alpha", "q", [1], False)  # the numbers of rows go on behind those put back
    assert [one.chosen for one in running.learner("甲").attempts()] == [(0, 2), (1,)]
    running.close()
    assert rows(f"sqlite:///{done.kept / 'course.sqlite'}") == lost
    assert (done.kept / "identity.key").read_bytes() == b"other"
    assert (done.kept / "data/local/shop/card.json").read_bytes() == b"other"


def test_runs_are_taken_on_request_and_those_that_are_there_stay(settings, tmp_path):
    assert back_up(settings, tmp_path / "small.zip").runs == 0
    back_up(settings, tmp_path / "b.zip", runs=True)
    (settings.home / "runs" / "0123" / "config.json").write_bytes(b"mine")
    assert restore(settings, tmp_path / "small.zip").runs == 0
    assert restore(settings, tmp_path / "b.zip").runs == 0
    assert (settings.home / "runs" / "0123" / "config.json").read_bytes() == b"mine"


def test_a_backup_while_writers_write(settings, tmp_path):
    """Each writer numbers its answers: the backup has them from the first to some last one, none missing between."""
    store = open_store(settings.database_url, 60.0)
    stop, counts = threading.Event(), {}

    def write(name):
        learner, number = store.learner(name), 0
        while not stop.is_set():
            learner.record_answer("alpha", f"q{number}", [number], True)
            number += 1
            counts[name] = number

    with ThreadPoolExecutor(6) as pool:
        working = [pool.submit(write, f"w{n}") for n in range(6)]
        try:
            while len(counts) < 6:
                stop.wait(0.01)
            acknowledged = dict(counts)
            for number in range(3):
                back_up(settings, tmp_path / f"b{number}.zip")
            restore(settings, tmp_path / "b2.zip")  # and a restore
        finally:
            stop.set()
        for one in working:
            one.result()
    with zipfile.ZipFile(tmp_path / "b0.zip") as archive:
        (tmp_path / "b0.sqlite").write_bytes(archive.read("course.sqlite"))
    kept = open_store(f"sqlite:///{tmp_path / 'b0.sqlite'}")
    for name, least in acknowledged.items():
        chosen = [answer.chosen[0] for answer in kept.learner(name).attempts()]
        assert len(chosen) >= least
        assert chosen == list(range(len(chosen)))
    kept.close()
    aside = open_store(f"sqlite:///{next(settings.home.glob('before-restore-*')) / 'course.sqlite'}")
    for name, last in counts.items():  # what was written before the restore is aside, what came after is there
        there = {answer.question for answer in store.learner(name).attempts()}
        there |= {answer.question for answer in aside.learner(name).attempts()}
        assert there >= {f"q{number}" for number in range(last)}, "nothing acknowledged is lost"
    aside.close()
    store.close()


def refuses(settings, path, key):
    before, held = rows(settings.database_url), files(settings.home)
    with pytest.raises(CourseError) as raised:
        restore(settings, path)
    assert raised.value.key == key
    for language in ("zh", "en"):
        assert path.name in raised.value.text(language)
    assert (rows(settings.database_url), files(settings.home)) == (before, held)
    assert not [one.name for one in settings.home.glob("*restore*")]


def rewritten(source, target, change):
    """A backup with other contents, as a list of names and bytes."""
    with zipfile.ZipFile(source) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members = change(members) or members
    with zipfile.ZipFile(target, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return target


def told(members, **changes):
    members[MANIFEST] = json.dumps({**json.loads(members[MANIFEST]), **changes}).encode()


def test_what_is_no_backup_newer_or_damaged_changes_nothing(settings, tmp_path):
    good = tmp_path / "b.zip"
    back_up(settings, good)
    lose_everything(settings)
    (tmp_path / "text.zip").write_bytes(b"no archive")
    refuses(settings, tmp_path / "text.zip", "backup_none")
    refuses(settings, tmp_path / "absent.zip", "backup_none")
    (tmp_path / "folder").mkdir()
    refuses(settings, tmp_path / "folder", "backup_none")
    (tmp_path / "half.zip").write_bytes(good.read_bytes()[: good.stat().st_size // 2])
    refuses(settings, tmp_path / "half.zip", "backup_none")
    newer = str(int(tables.SCHEMA) + 1)
    evil = {"bytes": 1, "sha256": "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"}  # of "a"

    def bent(members):
        content = bytearray(members["home/data/local/shop/events.parquet"])
        content[1000] ^= 1
        members["home/data/local/shop/events.parquet"] = bytes(content)

    for number, (key, change) in enumerate(
        [
            ("backup_none", lambda members: members.pop(MANIFEST) and None),
            ("backup_none", lambda members: members.update({MANIFEST: b"[]"})),
            ("backup_none", lambda members: members.update({MANIFEST: b"{}"})),
            ("backup_newer", lambda members: told(members, format=2)),
            ("backup_newer", lambda members: told(members, schema=newer)),
            ("backup_damaged", lambda members: members.pop("course.sqlite") and None),
            ("backup_damaged", bent),
            ("backup_damaged", lambda members: members.update({"course.sqlite": b"x" * 9})),
            *(
                (
                    "backup_damaged",
                    lambda members, name=name: (members.update({name: b"a"}), told(members, files={name: evil}))[0],
                )
                for name in ("../evil", "home/../../evil", "/evil", "home/data/x/../../../evil", "home/.hidden")
            ),
        ]
    ):
        refuses(settings, rewritten(good, tmp_path / f"bad{number}.zip", change), key)
    assert not list(tmp_path.glob("**/evil"))
    restore(settings, good)
    assert files(settings.home)["identity.key"] == CONTENT["identity.key"]


def test_a_restore_that_fails_at_the_end_puts_the_files_back(settings, tmp_path, monkeypatch):
    back_up(settings, tmp_path / "b.zip", runs=True)
    lose_everything(settings)

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(restoring, "copy_rows", fail)
    before, held = rows(settings.database_url), files(settings.home)
    with pytest.raises(OSError, match="space"):
        restore(settings, tmp_path / "b.zip")
    assert (rows(settings.database_url), files(settings.home)) == (before, held)
    assert not list(settings.home.glob("before-restore-*"))


def test_a_backup_never_overwrites(settings, tmp_path):
    (tmp_path / "mine.zip").write_text("mine")
    with pytest.raises(CourseError) as raised:
        back_up(settings, tmp_path / "mine.zip")
    assert raised.value.key == "backup_exists"
    assert (tmp_path / "mine.zip").read_text() == "mine"


def test_a_damaged_database_is_not_backed_up_and_can_be_replaced(tmp_path, monkeypatch):
    monkeypatch.setenv("LIVEREC_HOME", str(tmp_path / "home"))
    settings = load_settings()
    store = open_store(settings.database_url)
    store.learner().record_guess("alpha", "share", 0.5)
    store.close()
    back_up(settings, tmp_path / "good.zip")
    file = settings.home / "course.sqlite"
    file.write_bytes(b"nothing like it" * 1000)
    with pytest.raises(CourseError) as raised:
        back_up(settings, tmp_path / "bad.zip")
    assert raised.value.key == "database_corrupt"
    assert not (tmp_path / "bad.zip").exists()
    done = restore(settings, tmp_path / "good.zip")
    store = open_store(settings.database_url)
    assert store.learner().guesses("alpha")["share"].value == 0.5
    store.close()
    assert (done.kept / "useless-course.sqlite").read_bytes().startswith(b"nothing like it")


def test_damage_inside_is_found_before_it_is_kept(tmp_path, monkeypatch):
    monkeypatch.setenv("LIVEREC_HOME", str(tmp_path / "home"))
    settings = load_settings()
    store = open_store(settings.database_url)
    store.learner().record_guess("alpha", "share", 0.5)
    store.close()
    file = settings.home / "course.sqlite"
    with contextlib.closing(sqlite3.connect(file)) as connection:
        (page,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'guesses'").fetchone()
    content = file.read_bytes()
    file.write_bytes(content[: (page - 1) * 4096] + b"\xaa" * 4096 + content[page * 4096 :])
    with pytest.raises(CourseError) as raised:
        back_up(settings, tmp_path / "bad.zip")
    assert raised.value.key == "database_corrupt"


def test_the_commands(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("LIVEREC_HOME", str(tmp_path / "home"))
    to = str(tmp_path / "there" / "b.zip")
    assert main(["backup", to, "--lang", "en"]) == 0
    assert "no database yet" in capsys.readouterr().err
    assert main(["backup", to, "--lang", "zh"]) == 2
    assert "已经存在" in capsys.readouterr().err
    assert main(["restore", to, "--lang", "en"]) == 0
    assert "Restored the backup of 20" in capsys.readouterr().err
    assert main(["restore", str(tmp_path / "none"), "--lang", "en"]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "is no backup" in said
