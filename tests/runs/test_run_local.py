"""LocalRuns with real processes that train without torch: sharing, stopping, queueing, deaths, restarts, questions."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from contract import Open, RunsContract, error_of
from fake_worker import DIES, QUICK, SLOW, STUCK
from run_helpers import FAKE, kinds, make, until, wait_for

from course_lib.errors import CourseError
from course_lib.runs.local import LocalRuns
from course_lib.settings import PROJECT


class TestLocalRuns(RunsContract):
    """By worker processes on this machine."""


def test_a_killed_worker_costs_its_run_and_is_replaced(open_runs: Open) -> None:
    runs = open_runs()
    config = make(SLOW, epochs=20)
    run_id = runs.start(config, "ann")
    waiting = runs.start(make(QUICK), "bob")
    wait_for(lambda: runs.watch(run_id), lambda view: len(view.frames) > 2)
    lines = (runs.store.folder(run_id) / "events.jsonl").read_text().splitlines()
    os.kill(json.loads(lines[0])["pid"], signal.SIGKILL)
    view = until(lambda: runs.watch(run_id), "failed")
    assert view.error == {"key": "worker_died", "params": {}}
    until(lambda: runs.watch(waiting), "finished")
    runs.start(config, "ann")
    assert until(lambda: runs.watch(run_id), "finished").resumed


def test_a_worker_that_the_system_ended_for_want_of_memory(open_runs: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("course_lib.runs.process.memory_kills", itertools.count().__next__)
    runs = open_runs()
    assert error_of(runs, make(DIES)).key == "worker_out_of_memory"


def test_a_failure_that_cannot_be_written_down_is_said_all_the_same(
    shared: LocalRuns, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = make(DIES)

    def refuse(folder: Path) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("course_lib.runs.dispatcher.EventWriter", refuse)
        assert error_of(shared, config).key == "worker_died"
    assert kinds(shared.store.folder(config.run_id))[-1] != "failed"
    assert error_of(shared, config).key == "worker_died"
    assert kinds(shared.store.folder(config.run_id))[-1] == "failed"


def test_a_job_handed_to_a_worker_that_has_just_died_is_tried_again(open_runs: Open) -> None:
    runs = open_runs((*FAKE, "--once-deaf"))
    run_id = runs.start(make(QUICK), "ann")
    until(lambda: runs.watch(run_id), "finished")
    assert (runs.store.runs.parent / "deaf").exists(), "the first worker died as it was meant to"


def test_workers_that_cannot_start_are_said_to_whoever_waits(open_runs: Open) -> None:
    runs = open_runs((*FAKE, "--never-ready"))
    assert error_of(runs, make(QUICK)).key == "worker_cannot_start"


def test_a_long_run_makes_way_at_a_checkpoint_and_goes_on_later(
    open_runs: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("course_lib.runs.dispatcher.TURN_S", 0.5)
    runs = open_runs()
    long, own, other = make(SLOW, epochs=60), make(QUICK), make(QUICK)
    first = runs.start(long, "ann")
    wait_for(lambda: runs.watch(first), lambda view: len(view.of("score")) > 2)
    second, third = runs.start(own, "ann"), runs.start(other, "bob")
    until(lambda: runs.watch(third), "finished")
    assert runs.watch(first).live, "nobody has stopped it"
    view = until(lambda: runs.watch(first), "finished")
    assert view.resumed
    assert [one["at"] for one in view.of("score")] == list(range(61)), "no epoch twice, none missing"
    told = [json.loads(line) for line in (runs.store.folder(first) / "events.jsonl").read_text().splitlines()]
    rested = [before["kind"] for before, after in itertools.pairwise(told) if after["kind"] == "started"]
    assert rested == ["checkpoint"], "it left right after one"
    until(lambda: runs.watch(second), "finished")


def test_a_worker_that_does_not_heed_stop_is_ended(open_runs: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("course_lib.runs.dispatcher.STOP_PATIENCE_S", 0.3)
    runs = open_runs()
    run_id = runs.start(make(STUCK), "ann")
    wait_for(lambda: runs.watch(run_id), lambda view: bool(view.of("score")))
    runs.stop(run_id, "ann")
    until(lambda: runs.watch(run_id), "stopped")


def test_the_process_that_answers_is_replaced_when_it_dies_or_hangs(open_runs: Open) -> None:
    runs = open_runs(answer_s=1.0)
    run_id = runs.start(make(QUICK), "ann")
    until(lambda: runs.watch(run_id), "finished")
    assert runs.ask(run_id, None, {"history": [1]})["top"]
    for last, key in ((666, "answer_died"), (777, "answer_timeout")):
        pid = runs._answerer.pid
        with pytest.raises(CourseError) as caught:
            runs.ask(run_id, None, {"history": [last]})
        assert caught.value.key == key
        assert runs.ask(run_id, None, {"history": [1]})["top"][0]["item"] == 2
        assert runs._answerer.pid != pid
    pid = runs._answerer.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)  # between two questions: nobody notices
    assert runs.ask(run_id, None, {"history": [1]})["top"][0]["item"] == 2


def test_no_process_is_left_behind_when_the_web_process_is_killed(tmp_path: Path) -> None:
    script = (
        "import sys, time; from pathlib import Path; from course_lib.settings import Settings\n"
        "from course_lib.runs.local import LocalRuns\n"
        "runs = LocalRuns(Settings(Path(sys.argv[1]), '', 1, 10**9), command=[sys.executable, sys.argv[2]])\n"
        "while not (runs._answerer.pid and runs._dispatcher.workers.posts[0].ready): time.sleep(0.01)\n"
        "assert 'torch' not in sys.modules and 'transformers' not in sys.modules\n"
        "print(runs._answerer.pid, runs._dispatcher.workers.posts[0].child.pid, flush=True); time.sleep(60)\n"
    )
    command = [sys.executable, "-c", script, str(tmp_path), FAKE[1]]
    parent = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=PROJECT, text=True)
    assert parent.stdout is not None
    with parent.stdout as lines:
        pids = [int(pid) for pid in lines.readline().split()]
        assert len(pids) == 2
        parent.kill()
        parent.wait()
    end = time.monotonic() + 20
    while any(alive(pid) for pid in pids):
        assert time.monotonic() < end, "workers outlive the web process"
        time.sleep(0.05)


def alive(pid: int) -> bool:
    """Whether the process runs; one that has ended and waits to be collected does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def test_closing_answers_whoever_is_asking(open_runs: Open) -> None:
    runs = open_runs()
    run_id = runs.start(make(QUICK), "ann")
    until(lambda: runs.watch(run_id), "finished")
    assert runs.ask(run_id, None, {"history": [1]})["top"]
    caught: list[CourseError] = []

    def ask() -> None:
        try:
            runs.ask(run_id, None, {"history": [777]})
        except CourseError as error:
            caught.append(error)

    thread = threading.Thread(target=ask)
    thread.start()
    while not runs._answerer._turn.locked():
        time.sleep(0.01)
    runs.close()
    thread.join()
    assert [error.key for error in caught] == ["course_closing"]


def test_close_ends_all_children(open_runs: Open) -> None:
    runs = open_runs()
    run_id = runs.start(make(STUCK), "ann")
    wait_for(lambda: runs.watch(run_id), lambda view: bool(view.of("score")))
    child = runs._dispatcher.workers.posts[0].child
    assert child is not None
    runs.close()
    runs.close()
    assert not alive(child.pid)
