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
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from fake_worker import BROKEN, DIES, FULL_DISK, NO_MEMORY, OWN_ERROR, QUICK, SLOW, STUCK
from run_helpers import FAKE, PLAN, STARTED, kinds, make, score, until, wait_for, write_run

from course_lib.errors import CourseError
from course_lib.experiments.config import RunConfig
from course_lib.runs.files import is_held, run_lock
from course_lib.runs.local import LocalRuns
from course_lib.settings import PROJECT, Settings

Open = Callable[..., LocalRuns]


def error_of(runs: LocalRuns, config: RunConfig, learner: str = "ann") -> CourseError:
    run_id = runs.start(config, learner)
    view = until(lambda: runs.watch(run_id), "failed")
    assert view.error is not None
    return CourseError.from_dict(view.error)


def test_a_run_goes_to_its_end_and_is_then_there_at_once(shared: LocalRuns) -> None:
    config = make(QUICK)
    run_id = shared.start(config, "ann")
    assert shared.watch(run_id).live
    view = until(lambda: shared.watch(run_id), "finished")
    assert run_id == config.run_id
    assert [record["at"] for record in view.of("score")] == [0, 1, 2]
    assert view.frames == (0, 1, 2)
    assert view.progress == 1
    assert view.result is not None
    assert view.result["measures"]["ndcg@10"]["value"] == 0.1
    assert view.config == config
    assert shared.watch(run_id) is view, "nothing has changed, so it is the same object"
    wait_for(lambda: shared.watch(run_id), lambda view: run_id not in shared._jobs)
    assert shared.start(config, "bob") == run_id
    assert shared.watch(run_id).state == "finished"
    assert kinds(shared.store.folder(run_id)).count("started") == 1
    assert not (shared.store.folder(run_id) / "wanted.json").exists()


def test_equal_configurations_are_trained_once_and_end_when_nobody_wants_them(shared: LocalRuns) -> None:
    config = make(SLOW, epochs=80)
    run_id = shared.start(config, "ann")
    assert shared.start(RunConfig.from_json(config.to_json()), "bob") == run_id
    view = wait_for(lambda: shared.watch(run_id), lambda view: len(view.of("step")) > 1)
    assert view.watchers_shared
    shared.stop(run_id, "stranger")
    shared.stop(run_id, "ann")
    before = len(view.of("step"))
    view = wait_for(lambda: shared.watch(run_id), lambda view: len(view.of("step")) > before + 3)
    assert view.state == "running"
    assert not view.watchers_shared
    shared.stop(run_id, "bob")
    view = until(lambda: shared.watch(run_id), "stopped")
    assert kinds(shared.store.folder(run_id)).count("started") == 1
    assert 0 < view.progress < 1
    wait_for(lambda: shared.watch(run_id), lambda view: run_id not in shared._jobs)

    shared.start(config, "ann")  # goes on where it was
    assert shared.watch(run_id).live, "what was stopped before does not show any more"
    view = wait_for(lambda: shared.watch(run_id), lambda view: view.resumed and view.state == "running")
    assert [record["at"] for record in view.of("score")] == list(range(len(view.of("score"))))
    shared.stop(run_id, "ann")
    until(lambda: shared.watch(run_id), "stopped")


def test_wanted_again_while_it_is_being_stopped(shared: LocalRuns) -> None:
    config = make(SLOW, epochs=6)
    run_id = shared.start(config, "ann")
    wait_for(lambda: shared.watch(run_id), lambda view: bool(view.of("step")))
    shared.stop(run_id, "ann")
    shared.start(config, "bob")
    until(lambda: shared.watch(run_id), "finished")


def test_the_queue_is_fair_and_tells_place_and_wait(open_runs: Open) -> None:
    runs = open_runs()
    first, second, third = make(SLOW, epochs=8), make(QUICK), make(QUICK)
    running = runs.start(first, "ann")
    wait_for(lambda: runs.watch(running), lambda view: view.state == "running")
    own_second = runs.start(second, "ann")
    others = runs.start(third, "bob")
    view = runs.watch(others)
    assert view.state == "queued"
    assert (view.place, runs.watch(own_second).place) == (2, 1), "with one worker the oldest goes first"
    assert view.wait_s is not None
    assert view.wait_s > 0
    assert not view.watchers_shared
    until(lambda: runs.watch(others), "finished")
    until(lambda: runs.watch(own_second), "finished")


def test_an_idle_worker_takes_a_second_run_of_a_learner_and_others_go_first(shared: LocalRuns) -> None:
    slow = [make(SLOW, epochs=80) for _ in range(3)]
    first, second = (shared.start(config, "ann") for config in slow[:2])
    for run_id in (first, second):  # two workers, and nobody else waits
        wait_for(lambda run_id=run_id: shared.watch(run_id), lambda view: view.state == "running")
    third, other = shared.start(slow[2], "ann"), shared.start(make(QUICK), "bob")
    wait_for(lambda: shared.watch(other), lambda view: view.place == 1)
    assert shared.watch(third).place == 2, "bob has nothing in training"
    shared.stop(first, "ann")
    until(lambda: shared.watch(other), "finished")
    for run_id in (third, second):
        shared.stop(run_id, "ann")
        until(lambda run_id=run_id: shared.watch(run_id), "stopped")


@pytest.mark.parametrize(
    ("kind", "key"),
    [
        (NO_MEMORY, "worker_out_of_memory"),
        (FULL_DISK, "disk_full"),
        (OWN_ERROR, "scores_not_numbers"),
        (BROKEN, "internal_error"),
        (DIES, "worker_died"),
    ],
)
def test_an_error_costs_one_run_and_says_so(shared: LocalRuns, kind: int, key: str) -> None:
    config = make(kind)
    error = error_of(shared, config)
    assert error.key == key
    assert error.text("zh") != error.text("en")
    assert kinds(shared.store.folder(config.run_id))[-1] == "failed"
    if kind == BROKEN:
        assert config.run_id in error.text("en")
        assert "ZeroDivisionError" in (shared.store.folder(config.run_id) / "worker.log").read_text()
    after = shared.start(make(QUICK), "bob")
    until(lambda: shared.watch(after), "finished")


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
        patch.setattr("course_lib.runs.local.EventWriter", refuse)
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


def test_a_worker_that_does_not_heed_stop_is_ended(open_runs: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("course_lib.runs.local.STOP_PATIENCE_S", 0.3)
    runs = open_runs()
    run_id = runs.start(make(STUCK), "ann")
    wait_for(lambda: runs.watch(run_id), lambda view: bool(view.of("score")))
    runs.stop(run_id, "ann")
    until(lambda: runs.watch(run_id), "stopped")


def test_after_a_restart_unfinished_runs_go_on(open_runs: Open, settings: Settings) -> None:
    before = open_runs()
    config, waiting = make(SLOW, epochs=10), make(QUICK)
    run_id, waiting_id = before.start(config, "ann"), before.start(waiting, "bob")
    wait_for(lambda: before.watch(run_id), lambda view: len(view.frames) > 2)
    before.close()
    assert kinds(settings.runs / run_id)[-1] not in ("finished", "stopped", "failed")
    with pytest.raises(CourseError) as caught:
        before.start(config, "ann")
    assert caught.value.key == "course_closing"

    after = open_runs()
    view = until(lambda: after.watch(run_id), "finished")
    assert view.resumed
    assert len(view.of("score")) == 11
    until(lambda: after.watch(waiting_id), "finished")


def test_a_restart_remembers_who_wants_a_run(open_runs: Open) -> None:
    before = open_runs()
    run_id = before.start(make(SLOW, epochs=80), "ann")
    before.start(before.watch(run_id).config, "bob")  # type: ignore[arg-type]
    before.close()
    after = open_runs()
    wait_for(lambda: after.watch(run_id), lambda view: bool(view.of("step")))
    after.stop(run_id, "stranger")
    after.stop(run_id, "ann")
    assert after.watch(run_id).live
    after.stop(run_id, "bob")
    until(lambda: after.watch(run_id), "stopped")


def test_a_restart_does_not_repeat_for_ever_what_ends_its_process(open_runs: Open, settings: Settings) -> None:
    config, outdated = make(QUICK), replace(make(QUICK), code="0" * 12)
    write_run(settings.runs, config, STARTED, PLAN, STARTED, score(0), STARTED)
    write_run(settings.runs, outdated, STARTED, PLAN)
    runs = open_runs()
    for run, key in ((config, "worker_died"), (outdated, "config_outdated")):
        view = until(lambda run=run: runs.watch(run.run_id), "failed")  # type: ignore[misc]
        assert view.error is not None
        assert view.error["key"] == key


def test_a_run_of_another_process_is_watched_and_taken_over_when_that_is_gone(
    open_runs: Open, settings: Settings
) -> None:
    config = make(QUICK)
    folder = write_run(settings.runs, config, STARTED, PLAN, score(0))
    lock = run_lock(folder)
    with lock.acquire():
        runs = open_runs()
        assert runs.start(config, "ann") == config.run_id
        view = runs.watch(config.run_id)
        assert (view.state, view.place) == ("running", None)
        with pytest.raises(CourseError) as caught:
            runs.stop(config.run_id, "ann")
        assert caught.value.key == "run_elsewhere"
        assert is_held(folder)
    until(lambda: runs.watch(config.run_id), "finished")


def test_an_unfinished_run_that_nobody_trains_shows_as_stopped(shared: LocalRuns) -> None:
    config = make(QUICK)
    write_run(shared.store.runs, config, STARTED, PLAN)
    assert shared.watch(config.run_id).state == "stopped"


@pytest.mark.parametrize("run_id", ["", "../../etc", "0" * 16, "not-a-run"])
def test_what_is_not_there_is_missing(shared: LocalRuns, run_id: str) -> None:
    assert shared.watch(run_id).state == "missing"
    with pytest.raises(CourseError) as caught:
        shared.ask(run_id, None, {"history": [1]})
    assert caught.value.key == "run_missing"


def test_a_damaged_run_fails_with_a_sentence_and_can_be_trained_again(shared: LocalRuns) -> None:
    config = make(QUICK)
    folder = write_run(shared.store.runs, config, STARTED, PLAN)
    (folder / "config.json").write_text("{")
    view = shared.watch(config.run_id)
    assert view.state == "failed"
    assert view.error is not None
    assert view.error["key"] == "run_corrupt"
    shared.start(config, "ann")
    assert until(lambda: shared.watch(config.run_id), "finished").config == config


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"seed": -1}, "setting_out_of_range"),
        ({"settings": {**make().settings, "width": 10**6}}, "setting_out_of_range"),
        ({"settings": {**make().settings, "model": "gpt"}}, "unknown_model"),
        ({"experiment": "alchemy"}, "unknown_experiment"),
        ({"settings": {}}, "config_outdated"),  # incomplete: make() would have filled it
        ({"code": "0" * 12}, "config_outdated"),
        ({"data": None}, "config_outdated"),
        ({"data": {"dataset": None}}, "config_outdated"),
    ],
)
def test_a_configuration_that_was_not_made_properly_is_refused(
    shared: LocalRuns, change: dict[str, object], key: str
) -> None:
    with pytest.raises(CourseError) as caught:
        shared.start(replace(make(), **change), "ann")  # type: ignore[arg-type]
    assert caught.value.key == key


def test_a_home_that_cannot_be_written_to_is_one_sentence(open_runs: Open, tmp_path: Path, settings: Settings) -> None:
    (tmp_path / "file").write_text("not a folder")
    runs = open_runs(of=replace(settings, home=tmp_path / "file" / "home"))
    with pytest.raises(CourseError) as caught:
        runs.start(make(), "ann")
    assert caught.value.key == "home_read_only"
    assert str(tmp_path) in caught.value.text("zh")


def test_no_room_is_one_sentence(open_runs: Open, settings: Settings) -> None:
    folder = write_run(settings.runs, make(), STARTED, {"kind": "stopped"})
    (folder / "weights").write_bytes(b"\0" * 2**20)
    (folder / "pinned").touch()
    runs = open_runs(of=replace(settings, run_bytes=2**19))
    with pytest.raises(CourseError) as caught:
        runs.start(make(), "ann")
    assert caught.value.key == "runs_full"
    (folder / "pinned").unlink()
    run_id = runs.start(make(), "ann")
    assert not folder.exists()
    until(lambda: runs.watch(run_id), "finished")


def test_questions_and_what_cannot_be_asked(shared: LocalRuns) -> None:
    run_id = shared.start(make(QUICK), "ann")
    until(lambda: shared.watch(run_id), "finished")
    answer = shared.ask(run_id, None, {"history": [3, 7], "k": 2})
    assert [(row["item"], row["score"]) for row in answer["top"]] == [(8, 1.0), (9, 0.5)]
    assert answer["attention"] == [[[1.0]]]
    assert answer["at"] is None
    answer = shared.ask(run_id, 2, {"history": [7]})
    assert (answer["at"], answer["top"][0]["item"], len(answer["top"])) == (2, 8, 10), "k has its default"
    with pytest.raises(CourseError) as caught:
        shared.ask(run_id, None, {"history": [1], "beam": 3})
    assert caught.value.key == "unknown_setting"
    for frame, history, k, key in (
        (7, [1], 10, "frame_missing"),
        (None, [1] * 1001, 10, "history_too_long"),
        (None, [1.5], 10, "unknown_items"),
        (None, [5000], 10, "unknown_items"),
        (None, [1], 0, "setting_out_of_range"),
        (None, [888], 10, "answer_failed"),
    ):
        with pytest.raises(CourseError) as caught:
            shared.ask(run_id, frame, {"history": history, "k": k})
        assert caught.value.key == key
    unfinished = write_run(shared.store.runs, make(), STARTED, PLAN)
    with pytest.raises(CourseError) as caught:
        shared.ask(unfinished.name, None, {"history": [1]})
    assert caught.value.key == "run_has_no_model"


def test_the_size_of_a_run_is_told_before_it_starts(shared: LocalRuns) -> None:
    """Parameters as the experiment counts them, seconds as its like have taken; a bad configuration never gets here."""
    small, large = make(QUICK, epochs=4), RunConfig.make(settings={"width": 64})
    assert shared.size(small).parameters == 100 * int(small.settings["width"])
    assert shared.size(large).parameters == 6400
    assert shared.size(small).seconds > 0
    assert shared.watch(small.run_id).state == "missing", "nothing was started"


def test_an_unfinished_run_answers_as_its_newest_frame(shared: LocalRuns) -> None:
    run_id = shared.start(make(SLOW, epochs=80), "ann")
    wait_for(lambda: shared.watch(run_id), lambda view: len(view.frames) > 2)
    at = shared.ask(run_id, None, {"history": [1]})["at"]
    assert at in shared.watch(run_id).frames
    assert at >= 2
    assert shared.ask(run_id, 0, {"history": [1]})["at"] == 0
    shared.stop(run_id, "ann")
    until(lambda: shared.watch(run_id), "stopped")


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


def test_watching_from_many_threads(shared: LocalRuns) -> None:
    config = make(SLOW, epochs=10)
    run_id = shared.start(config, "ann")
    seen: list[list[int]] = []

    def watch() -> None:
        counts = []
        while (view := shared.watch(run_id)).live:
            counts.append(len(view.of("step")))
            time.sleep(0.005)
        seen.append([*counts, len(view.of("step"))])

    threads = [threading.Thread(target=watch) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 8
    assert all(counts == sorted(counts) and counts[-1] == 20 for counts in seen)


def test_no_process_is_left_behind_when_the_web_process_is_killed(tmp_path: Path) -> None:
    script = (
        "import sys, time; from pathlib import Path; from course_lib.settings import Settings\n"
        "from course_lib.runs.local import LocalRuns\n"
        "runs = LocalRuns(Settings(Path(sys.argv[1]), '', 1, 10**9), command=[sys.executable, sys.argv[2]])\n"
        "while not (runs._answerer.pid and runs._workers.posts[0].ready): time.sleep(0.01)\n"
        "assert 'torch' not in sys.modules and 'transformers' not in sys.modules\n"
        "print(runs._answerer.pid, runs._workers.posts[0].child.pid, flush=True); time.sleep(60)\n"
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
    child = runs._workers.posts[0].child
    assert child is not None
    runs.close()
    runs.close()
    assert not alive(child.pid)
