"""Run folders: incremental and tolerant reading, damage, deletion, pins, and disks that do not take any more."""

from __future__ import annotations

import builtins
import errno
import io
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fake_worker import QUICK, perform
from run_helpers import PLAN, STARTED, kinds, make, score, step, write_run

from course_lib.errors import CourseError
from course_lib.experiments.config import RunConfig
from course_lib.experiments.events import Folder
from course_lib.runs import files
from course_lib.runs.execute import carry_out, error_of
from course_lib.runs.files import EventWriter, is_held, run_lock, storage_error, write_whole
from course_lib.runs.foreground import run_here
from course_lib.runs.store import RunStore, folder_bytes
from course_lib.settings import PROJECT, Settings, load_settings

STOPPED = {"kind": "stopped"}


def append(folder: Path, text: str) -> None:
    with (folder / "events.jsonl").open("a") as file:
        file.write(text)


def test_reading_follows_the_file_and_waits_for_a_line_to_end(store: RunStore) -> None:
    folder = write_run(store.runs, make(), STARTED, PLAN)
    view = store.view(folder.name)
    assert view.state == "running"
    assert store.view(folder.name) is view
    line = json.dumps({"t": 1.0, **step(1)})
    append(folder, line[:20])
    assert store.view(folder.name).of("step") == ()
    append(folder, line[20:] + "\n")
    assert [record["at"] for record in store.view(folder.name).of("step")] == [1]
    assert view.of("step") == (), "a view does not change"


@pytest.mark.parametrize("torn", ['{"t": 1.0, "ki', '{"t": 1.0, "kind": "stopped"}', "x" * 200_000])
def test_a_writer_cuts_off_a_torn_end(store: RunStore, torn: str) -> None:
    folder = write_run(store.runs, make(), STARTED, PLAN)
    append(folder, torn)
    assert store.view(folder.name).state == "running"
    with EventWriter(folder) as writer:
        writer.append(step(1))
    assert kinds(folder) == ["started", "plan", "step"]
    assert len(store.view(folder.name).of("step")) == 1


@pytest.mark.parametrize("line", ["{", "[]", "7", '{"kind": "step"}', '{"t": 1, "kind": "step", "at": "x"}', "\xff"])
def test_a_damaged_line_makes_the_run_failed(store: RunStore, line: str) -> None:
    folder = write_run(store.runs, make(), STARTED)
    append(folder, line + "\n")
    view = store.view(folder.name)
    assert view.state == "failed"
    assert view.error == {"key": "run_corrupt", "params": {"run": folder.name, "file": "events.jsonl"}}


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"data": {}}', "\x00"])
@pytest.mark.parametrize("name", ["config.json", "result.json"])
def test_a_damaged_file_makes_the_run_failed(store: RunStore, name: str, text: str) -> None:
    folder = write_run(store.runs, make(), STARTED, {"kind": "finished"}, result=True)
    (folder / name).write_text(text)
    view = store.view(folder.name)
    assert view.state == "failed"
    assert view.error == {"key": "run_corrupt", "params": {"run": folder.name, "file": name}}


def test_more_damage(store: RunStore) -> None:
    no_result = write_run(store.runs, make(), STARTED, {"kind": "finished"})
    assert store.view(no_result.name).state == "failed"
    no_config = write_run(store.runs, make(), STARTED)
    (no_config / "config.json").unlink()
    assert store.view(no_config.name).state == "failed"
    other = write_run(store.runs, make(), STARTED)
    (other / "config.json").write_text(make().to_json())
    assert store.view(other.name).state == "failed", "its name is not its configuration's"
    odd = store.runs / make().run_id
    (odd / "config.json").mkdir(parents=True)
    assert store.view(odd.name).state == "failed"


def test_a_result_counts_though_its_process_died_before_saying_so(store: RunStore) -> None:
    folder = write_run(store.runs, make(), STARTED, PLAN, result=True)
    assert store.view(folder.name).state == "finished"
    assert carry_out(folder, perform, lambda: "go on").state == "finished"
    assert kinds(folder) == ["started", "plan", "finished"], "it is not trained again"


def test_a_finished_run_is_one_object_though_its_file_was_touched(store: RunStore, settings: Settings) -> None:
    """A reader may look at the file just before its last line and read it just after: all is known then."""
    config = make(QUICK)
    run_here(config, settings, lambda event: None, perform)
    view = store.view(config.run_id)
    assert view.state == "finished"
    os.utime(store.folder(config.run_id) / "events.jsonl", (1, 1))
    assert store.view(config.run_id) is view


def test_a_run_that_was_begun_afresh_is_read_afresh(store: RunStore) -> None:
    config = make()
    failed = {"kind": "failed", "error": {"key": "internal_error", "params": {"run": "x"}}}
    folder = write_run(store.runs, config, STARTED, PLAN, score(0), score(1), failed)
    (folder / "checkpoint.json").write_text("1")
    assert store.view(config.run_id).state == "failed"
    store.open_run(config)
    assert store.view(config.run_id).state == "queued"
    assert {path.name for path in folder.iterdir()} == {"config.json", "lock"}
    stopped = make()
    kept = write_run(store.runs, stopped, STARTED, PLAN, score(1), STOPPED)
    (kept / "checkpoint.json").write_text("1")
    store.open_run(stopped)
    assert (kept / "checkpoint.json").exists()


def test_the_oldest_unpinned_ended_runs_are_deleted_first(settings: Settings) -> None:
    ended = [write_run(settings.runs, make(), STARTED, STOPPED) for _ in range(5)]
    live, trained, recorded = (write_run(settings.runs, make(), STARTED) for _ in range(3))
    for age, folder in enumerate([live, trained, recorded, *ended]):
        (folder / "weights").write_bytes(b"\0" * 100_000)
        now = folder.stat().st_mtime
        os.utime(folder / "config.json", (now - 1000 + age, now - 1000 + age))
    (recorded / "recorded").touch()
    store = RunStore(replace(settings, run_bytes=560_000))
    assert store.list()[-1] == ended[-1].name
    store.pin(ended[0].name)
    store.touch(ended[1].name)  # asked for again: no longer the oldest
    with run_lock(ended[2]).acquire():
        used = store.evict(keep=[ended[4].name])
    left = {folder.name for folder in (*ended, live, trained, recorded) if folder.exists()}
    assert left == {folder.name for folder in (ended[0], ended[2], ended[4], live, trained, recorded)}
    assert used > 560_000, "what is left may not be deleted now"
    assert store.view(ended[3].name).state == "missing"
    store.unpin(ended[0].name)
    assert store.evict() <= 560_000
    assert not ended[0].exists()
    assert live.exists()
    assert folder_bytes(settings.runs) <= 560_000
    assert not list(settings.runs.glob(".deleted-*"))


def test_removing_and_pinning_say_what_is_not_possible(store: RunStore) -> None:
    folder = write_run(store.runs, make(), STARTED, STOPPED)
    store.pin(folder.name)
    assert store.pinned(folder.name)
    with run_lock(folder).acquire(), pytest.raises(CourseError) as caught:
        store.remove(folder.name)
    assert caught.value.key == "run_elsewhere"
    store.remove(folder.name)
    assert not folder.exists()
    for action in (store.remove, store.pin, store.unpin):
        for run_id in (folder.name, "../runs"):
            with pytest.raises(CourseError) as caught:
                action(run_id)
            assert caught.value.key == "run_missing"


def test_a_lock_tells_who_is_alive(store: RunStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("course_lib.runs.execute.LOCK_PATIENCE_S", 0.1)
    folder = write_run(store.runs, make(), STARTED)
    assert not is_held(folder)
    with run_lock(folder).acquire():
        assert is_held(folder)
        assert carry_out(folder, perform, lambda: "go on").state == "elsewhere"
    assert not is_held(folder)


def full(*_: Any) -> int:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_full_disk_is_one_sentence_and_loses_nothing(store: RunStore, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_run(store.runs, make(QUICK), STARTED, PLAN, score(0))

    class FullFile:
        """A file on a disk with room for ten more bytes."""

        def __init__(self, file: Any) -> None:
            self._file = file

        def write(self, text: bytes) -> int:
            self._file.write(text[:10])
            return full()

        def __getattr__(self, name: str) -> Any:
            return getattr(self._file, name)

    class FullWriter(EventWriter):
        def __init__(self, folder: Path) -> None:
            super().__init__(folder)
            self._file = FullFile(self._file)  # type: ignore[assignment]

    before = (folder / "events.jsonl").read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr("course_lib.runs.execute.EventWriter", FullWriter)
        outcome = carry_out(folder, perform, lambda: "go on")
    assert outcome.state == "failed"
    assert outcome.error is not None
    assert outcome.error["key"] == "disk_full"
    assert (folder / "events.jsonl").read_bytes() == before
    assert carry_out(folder, perform, lambda: "go on").state == "finished"
    assert store.view(folder.name).state == "finished"


def test_a_home_that_cannot_take_files_is_said_before_a_run(store: RunStore, monkeypatch: pytest.MonkeyPatch) -> None:
    store.check_writable()
    assert store.list() == ()
    for number, key in ((errno.ENOSPC, "disk_full"), (errno.EROFS, "home_read_only")):

        def refuse(*_: Any, number: int = number) -> int:
            raise OSError(number, os.strerror(number))

        with monkeypatch.context() as patch:
            patch.setattr(Path, "write_bytes", refuse)
            with pytest.raises(CourseError) as caught:
                store.check_writable()
        assert caught.value.key == key
        with monkeypatch.context() as patch:
            patch.setattr("course_lib.runs.store.write_whole", refuse)
            with pytest.raises(CourseError) as caught:
                store.open_run(make())
        assert caught.value.key == key


def test_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "result.json"
    write_whole(path, "old")
    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_whole(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("problem", "key"),
    [
        (MemoryError(), "worker_out_of_memory"),
        (
            RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"),
            "worker_out_of_memory",
        ),
        (RuntimeError("I/O error: No space left on device (os error 28)"), "disk_full"),
        (OSError(errno.EDQUOT, "quota"), "disk_full"),
        (OSError(errno.EROFS, "read-only"), "home_read_only"),
        (OSError(errno.EMFILE, "Too many open files"), "run_unreadable"),
        (OSError(errno.EIO, "Input/output error"), "run_unreadable"),
        (RuntimeError("I/O error: Too many open files (os error 24)"), "run_unreadable"),
        (CourseError("scores_not_numbers"), "scores_not_numbers"),
        (FileNotFoundError(2, "gone"), "internal_error"),
        (KeyError("x"), "internal_error"),
    ],
)
def test_every_error_has_its_sentence(tmp_path: Path, problem: Exception, key: str) -> None:
    folder = tmp_path / "home" / "runs" / ("a" * 16)
    folder.mkdir(parents=True)
    error = error_of(problem, folder)
    assert error.key == key
    assert (folder / "worker.log").exists() == (key == "internal_error")
    assert storage_error(OSError(errno.ENOSPC, "full"), tmp_path).key == "disk_full"
    assert storage_error(OSError(errno.EMFILE, "short"), tmp_path).key == "machine_short"


def test_configurations_survive_json_and_name_the_run() -> None:
    config = make()
    assert RunConfig.from_json(config.to_json()) == config
    assert config.checked() == config
    assert config.run_id != make().run_id
    assert replace(config, code="0" * 12).run_id != config.run_id


CANNOT = [errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EIO, errno.EACCES]


class Refusing:
    """Lets no file be opened, or lets it be opened and not read, as long as ``problem`` is set."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.problem: Exception | None = None
        monkeypatch.setattr("builtins.open", self.wrapped(builtins.open))
        monkeypatch.setattr(io, "open", self.wrapped(io.open))  # pathlib's

    def wrapped(self, opened: Any) -> Any:
        def refused(file: Any, *rest: Any, **more: Any) -> Any:
            if self.problem is not None and str(file).endswith((".json", ".jsonl")):
                raise self.problem
            return opened(file, *rest, **more)

        return refused


@pytest.mark.parametrize("number", CANNOT, ids=[errno.errorcode[number] for number in CANNOT])
def test_what_cannot_be_read_now_is_not_damaged(store: RunStore, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    config = make()
    folder = write_run(store.runs, config, STARTED, PLAN, score(1), {"kind": "finished"}, result=True)
    (folder / "weights").write_text("what took hours")
    before = sorted(path.name for path in folder.iterdir())
    refusing = Refusing(monkeypatch)
    refusing.problem = OSError(number, os.strerror(number))
    view = store.view(config.run_id)  # for the first time, as after a restart
    assert (view.state, view.error and view.error["key"]) == ("failed", "run_unreadable")
    assert os.strerror(number) in CourseError.from_dict(view.error or {}).text("zh")
    with pytest.raises(CourseError) as caught:
        store.open_run(config)  # Train
    assert caught.value.key == "run_unreadable"
    assert not store._may_go(config.run_id), "nor does it make room for others"
    assert sorted(path.name for path in folder.iterdir() if path.name != "lock") == before
    refusing.problem = None
    assert store.view(config.run_id).state == "finished"
    append(folder, json.dumps({"t": 1.0, "kind": "unknown"}) + "\n")  # there is something to read
    refusing.problem = OSError(number, os.strerror(number))
    assert store.view(config.run_id).state == "finished", "it stays what it was"
    refusing.problem = MemoryError()
    assert store.view(config.run_id).state == "finished"
    refusing.problem = None
    assert store.view(config.run_id).state == "finished"


def test_a_run_under_way_goes_on_after_a_reading_that_failed(store: RunStore, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_run(store.runs, make(), STARTED, PLAN, step(1))
    assert len(store.view(folder.name).of("step")) == 1
    append(folder, json.dumps({"t": 1.0, **step(2)}) + "\n")
    refusing = Refusing(monkeypatch)
    refusing.problem = OSError(errno.EMFILE, "")
    assert (store.view(folder.name).state, len(store.view(folder.name).of("step"))) == ("running", 1)
    refusing.problem = None
    assert [one["at"] for one in store.view(folder.name).of("step")] == [1, 2]


def test_a_worker_that_cannot_read_a_run_does_not_mark_it(store: RunStore, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_run(store.runs, make(), STARTED, {"kind": "finished"}, result=True)
    refusing = Refusing(monkeypatch)
    refusing.problem = OSError(errno.ENFILE, "")
    monkeypatch.setattr("course_lib.runs.execute.EventWriter", Silent)  # it could open the events a moment before
    outcome = carry_out(folder, perform, lambda: "go on")
    assert outcome.error is not None
    assert outcome.error["key"] == "run_unreadable"
    refusing.problem = None
    assert kinds(folder) == ["started", "finished"]


class Silent(EventWriter):
    """Has the file open; whatever is written goes there."""

    def __init__(self, folder: Path) -> None:
        self._file = os.fdopen(os.open(folder / "events.jsonl", os.O_RDWR | os.O_APPEND), "a+b", buffering=0)


def test_train_sets_a_finished_run_that_is_damaged_aside(settings: Settings) -> None:
    store, config = RunStore(settings), make()
    folder = write_run(store.runs, config, STARTED, {"kind": "finished"}, result=True)
    (folder / "epochs").mkdir()
    (folder / "epochs" / "weights").write_bytes(b"1" * 100_000)
    store.pin(config.run_id)
    append(folder, "{\n")
    assert store.view(config.run_id).state == "failed"
    store.open_run(config)
    assert store.view(config.run_id).state == "queued"
    (aside,) = store.runs.glob(".damaged-*")
    assert sorted(path.name for path in aside.iterdir()) == ["config.json", "epochs", "events.jsonl", "result.json"]
    assert (aside / "epochs" / "weights").stat().st_size == 100_000
    assert store.pinned(config.run_id)
    assert store.list() == (config.run_id,), "nobody takes it for a run"
    assert store.evict() > 100_000, "it counts"
    assert aside.exists()
    small = RunStore(replace(settings, run_bytes=50_000))
    small.evict()
    assert not aside.exists(), "and goes first"
    assert folder.exists()


def test_a_result_outlives_a_later_failure(store: RunStore) -> None:
    config = make()
    folder = write_run(store.runs, config, STARTED, {"kind": "finished"}, result=True)
    assert store.view(config.run_id).state == "finished"
    failed = {"t": 1.0, "kind": "failed", "error": {"key": "internal_error", "params": {"run": "x"}}}
    append(folder, json.dumps(failed) + "\n")
    for reader in (store, RunStore(replace(load_settings(), home=store.runs.parent))):
        assert reader.view(config.run_id).state == "finished"
        reader.open_run(config)
        assert (folder / "result.json").exists()


def test_train_sets_a_damaged_run_aside_even_where_it_had_not_ended(store: RunStore) -> None:
    config = make()
    folder = write_run(store.runs, config, STARTED, PLAN, score(0))
    (folder / "checkpoint.json").write_text("5")
    append(folder, "no event\n")
    assert store.view(config.run_id).state == "failed"
    store.open_run(config)
    (aside,) = store.runs.glob(".damaged-*")
    assert sorted(path.name for path in aside.iterdir()) == ["checkpoint.json", "config.json", "events.jsonl"]
    assert store.view(config.run_id).state == "queued"


SHORT_OF_DESCRIPTORS = """
import json, os, resource, sys
from pathlib import Path
from course_lib.errors import CourseError
from course_lib.experiments.config import RunConfig
from course_lib.experiments.events import Folder
from course_lib.runs.store import RunStore
from course_lib.runs.view import frame_view
from course_lib.runs.files import is_held
from course_lib.settings import Settings

store = RunStore(Settings(Path(sys.argv[1]), "", 1, 10**9))
finished, under_way = sys.argv[2:]
config = RunConfig.read(store.folder(finished))
os.listdir("/proc/self/fd")
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
taken = []
try:
    while True:
        taken.append(os.open("/dev/null", os.O_RDONLY))
except OSError:
    pass
seen = {"states": [(store.view(one).state, (store.view(one).error or {}).get("key")) for one in (finished, under_way)]}
for name, step in (
    ("train", lambda: store.open_run(config)),
    ("frame", lambda: frame_view(finished, 0, store.runs)),
    ("write", store.check_writable),
):
    try:
        step()
        seen[name] = "done"
    except CourseError as error:
        seen[name] = error.key
seen["held"] = is_held(store.folder(finished))
for one in taken:
    os.close(one)
seen["after"] = [store.view(one).state for one in (finished, under_way)]
seen["frame after"] = frame_view(finished, 0, store.runs)
print(json.dumps(seen))
"""


def test_a_process_without_a_descriptor_left_takes_nothing_for_damage(store: RunStore) -> None:
    """With the system's own limit, in a process of its own."""
    finished, under_way = make(), make()
    folder = write_run(store.runs, finished, STARTED, PLAN, score(0), {"kind": "finished"}, result=True)
    Folder(folder).frame(0, {"epoch": 0})
    write_run(store.runs, under_way, STARTED, PLAN, score(0))
    before = {path.relative_to(store.runs): path.read_bytes() for path in store.runs.rglob("*") if path.is_file()}
    ran = subprocess.run(
        [sys.executable, "-c", SHORT_OF_DESCRIPTORS, str(store.runs.parent), finished.run_id, under_way.run_id],
        capture_output=True,
        text=True,
        cwd=PROJECT,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    seen = json.loads(ran.stdout)
    assert seen["states"] == [["failed", "run_unreadable"]] * 2
    assert (seen["train"], seen["frame"], seen["write"]) == ("run_unreadable", "run_unreadable", "machine_short")
    assert seen["after"] == ["finished", "running"]
    assert seen["frame after"] == {"epoch": 0}
    after = {path.relative_to(store.runs): path.read_bytes() for path in store.runs.rglob("*") if path.is_file()}
    assert {path: text for path, text in after.items() if path.name != "lock"} == before
