"""What every implementation of :class:`course_lib.runs.interface.Runs` keeps, whatever carries out its trainings.

    class TestMyRuns(RunsContract):
        @pytest.fixture
        def open_runs(self, settings): ...                   # opens one on ``settings``, or on ``of=``; closes all
        @pytest.fixture(scope="module")
        def shared(self, tmp_path_factory, one_dataset): ... # one with two workers; tests leave it as it was

Trainings are those of fake_worker.py (``perform``, ``Answers``), chosen by a configuration's seed. An implementation
has ``store``, the RunStore of its settings.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import pandas as pd
import pytest
from fake_worker import BROKEN, DIES, FULL_DISK, NO_MEMORY, OWN_ERROR, QUICK, SLOW, STUCK
from run_helpers import PLAN, STARTED, kinds, make, score, until, wait_for, write_run

from course_lib.errors import CourseError
from course_lib.experiments.config import RunConfig
from course_lib.runs.files import is_held, run_lock
from course_lib.runs.interface import Runs, Waiting
from course_lib.runs.limits import RunLimits
from course_lib.runs.store import RunStore
from course_lib.settings import Settings


class StoredRuns(Runs, Protocol):
    """An implementation, with the folders it keeps."""

    store: RunStore


Open = Callable[..., StoredRuns]


def error_of(runs: Runs, config: RunConfig, learner: str = "ann") -> CourseError:
    run_id = runs.start(config, learner)
    view = until(lambda: runs.watch(run_id), "failed")
    assert view.error is not None
    return CourseError.from_dict(view.error)


def settled(runs: Runs, run_id: str) -> None:
    """Wait until the run is in nobody's queue any more."""
    wait_for(lambda: runs.watch(run_id), lambda view: all(one.run_id != run_id for one in runs.queue()))


def running(runs: Runs, config: RunConfig, learner: str, limits: RunLimits | None = None) -> str:
    """A run that has begun to train."""
    run_id = runs.start(config, learner, limits)
    wait_for(lambda: runs.watch(run_id), lambda view: view.state == "running" and bool(view.of("step")))
    return run_id


def in_queue(runs: Runs, run_id: str) -> Waiting:
    return next(one for one in runs.queue() if one.run_id == run_id)


class RunsContract:
    """See above."""

    def test_a_run_goes_to_its_end_and_is_then_there_at_once(self, shared: StoredRuns) -> None:
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
        settled(shared, run_id)
        assert shared.start(config, "bob") == run_id
        assert shared.watch(run_id).state == "finished"
        assert kinds(shared.store.folder(run_id)).count("started") == 1
        assert not (shared.store.folder(run_id) / "wanted.json").exists()

    def test_equal_configurations_are_trained_once_and_end_when_nobody_wants_them(self, shared: StoredRuns) -> None:
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
        settled(shared, run_id)

        shared.start(config, "ann")  # goes on where it was
        assert shared.watch(run_id).live, "what was stopped before does not show any more"
        view = wait_for(lambda: shared.watch(run_id), lambda view: view.resumed and view.state == "running")
        assert [record["at"] for record in view.of("score")] == list(range(len(view.of("score"))))
        shared.stop(run_id, "ann")
        until(lambda: shared.watch(run_id), "stopped")

    def test_wanted_again_while_it_is_being_stopped(self, shared: StoredRuns) -> None:
        config = make(SLOW, epochs=6)
        run_id = shared.start(config, "ann")
        wait_for(lambda: shared.watch(run_id), lambda view: bool(view.of("step")))
        shared.stop(run_id, "ann")
        shared.start(config, "bob")
        until(lambda: shared.watch(run_id), "finished")

    def test_the_queue_is_fair_and_tells_place_and_wait(self, open_runs: Open) -> None:
        runs = open_runs()
        first, second, third = make(SLOW, epochs=8), make(QUICK), make(QUICK)
        running = runs.start(first, "ann")
        wait_for(lambda: runs.watch(running), lambda view: view.state == "running")
        own_second = runs.start(second, "ann")
        others = runs.start(third, "bob")
        view = runs.watch(others)
        assert view.state == "queued"
        assert (view.place, runs.watch(own_second).place) == (1, 2), "ann has the worker, and asked for more"
        assert view.wait_s is not None
        assert view.wait_s > 0
        assert not view.watchers_shared
        until(lambda: runs.watch(others), "finished")
        until(lambda: runs.watch(own_second), "finished")

    def test_an_idle_worker_takes_a_second_run_of_a_learner_and_others_go_first(self, shared: StoredRuns) -> None:
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
    def test_an_error_costs_one_run_and_says_so(self, shared: StoredRuns, kind: int, key: str) -> None:
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

    def test_after_a_restart_unfinished_runs_go_on(self, open_runs: Open, settings: Settings) -> None:
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

    def test_a_restart_remembers_who_wants_a_run(self, open_runs: Open) -> None:
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

    def test_a_restart_does_not_repeat_for_ever_what_ends_its_process(
        self, open_runs: Open, settings: Settings
    ) -> None:
        config, outdated = make(QUICK), replace(make(QUICK), code="0" * 12)
        write_run(settings.runs, config, STARTED, PLAN, STARTED, score(0), STARTED)
        write_run(settings.runs, outdated, STARTED, PLAN)
        runs = open_runs()
        for run, key in ((config, "worker_died"), (outdated, "config_outdated")):
            view = until(lambda run=run: runs.watch(run.run_id), "failed")  # type: ignore[misc]
            assert view.error is not None
            assert view.error["key"] == key

    def test_a_run_of_another_process_is_watched_and_taken_over_when_that_is_gone(
        self, open_runs: Open, settings: Settings
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

    def test_an_unfinished_run_that_nobody_trains_shows_as_stopped(self, shared: StoredRuns) -> None:
        config = make(QUICK)
        write_run(shared.store.runs, config, STARTED, PLAN)
        assert shared.watch(config.run_id).state == "stopped"

    @pytest.mark.parametrize("run_id", ["", "../../etc", "0" * 16, "not-a-run"])
    def test_what_is_not_there_is_missing(self, shared: StoredRuns, run_id: str) -> None:
        assert shared.watch(run_id).state == "missing"
        with pytest.raises(CourseError) as caught:
            shared.ask(run_id, None, {"history": [1]})
        assert caught.value.key == "run_missing"

    def test_a_damaged_run_fails_with_a_sentence_and_can_be_trained_again(self, shared: StoredRuns) -> None:
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
        self, shared: StoredRuns, change: dict[str, object], key: str
    ) -> None:
        with pytest.raises(CourseError) as caught:
            shared.start(replace(make(), **change), "ann")  # type: ignore[arg-type]
        assert caught.value.key == key

    def test_a_home_that_cannot_be_written_to_is_one_sentence(
        self, open_runs: Open, tmp_path: Path, settings: Settings
    ) -> None:
        (tmp_path / "file").write_text("not a folder")
        runs = open_runs(of=replace(settings, home=tmp_path / "file" / "home"))
        with pytest.raises(CourseError) as caught:
            runs.start(make(), "ann")
        assert caught.value.key == "home_read_only"
        assert str(tmp_path) in caught.value.text("zh")

    def test_no_room_is_one_sentence(self, open_runs: Open, settings: Settings) -> None:
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

    def test_questions_and_what_cannot_be_asked(self, shared: StoredRuns) -> None:
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

    def test_the_size_of_a_run_is_told_before_it_starts(self, shared: StoredRuns) -> None:
        """Parameters as the experiment counts them, seconds as its like have taken."""
        small, large = make(QUICK, epochs=4), RunConfig.make(settings={"width": 64})
        assert shared.size(small).parameters == 100 * int(small.settings["width"])
        assert shared.size(large).parameters == 6400
        assert shared.size(small).seconds > 0
        assert shared.watch(small.run_id).state == "missing", "nothing was started"

    def test_an_unfinished_run_answers_as_its_newest_frame(self, shared: StoredRuns) -> None:
        run_id = shared.start(make(SLOW, epochs=80), "ann")
        wait_for(lambda: shared.watch(run_id), lambda view: len(view.frames) > 2)
        at = shared.ask(run_id, None, {"history": [1]})["at"]
        assert at in shared.watch(run_id).frames
        assert at >= 2
        assert shared.ask(run_id, 0, {"history": [1]})["at"] == 0
        shared.stop(run_id, "ann")
        until(lambda: shared.watch(run_id), "stopped")

    def test_watching_from_many_threads(self, shared: StoredRuns) -> None:
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

    def test_the_queue_lists_what_trains_and_what_waits(self, open_runs: Open) -> None:
        runs = open_runs()
        first = running(runs, make(SLOW, epochs=80), "ann")
        waiting = make(QUICK)
        second = runs.start(waiting, "bob")
        runs.start(waiting, "cem")
        listed = runs.queue()
        assert [one.run_id for one in listed] == [first, second]
        assert (listed[0].running, listed[0].place, listed[0].wait_s, listed[0].learners) == (
            True,
            None,
            None,
            ("ann",),
        )
        assert (listed[1].running, listed[1].place, listed[1].learners) == (False, 1, ("bob", "cem"))
        assert listed[1].config == waiting
        assert listed[1].wait_s == runs.watch(second).wait_s
        assert time.time() - 60 < listed[0].since <= listed[1].since <= time.time()
        runs.stop_for_all(first)
        until(lambda: runs.watch(first), "stopped")
        until(lambda: runs.watch(second), "finished")
        settled(runs, second)
        assert runs.queue() == ()

    def test_the_instructor_puts_a_run_first(self, open_runs: Open) -> None:
        runs = open_runs()
        first = running(runs, make(SLOW, epochs=80), "ann")
        second, third, fourth = (runs.start(make(QUICK), name) for name in ("bob", "cem", "dan"))
        assert [in_queue(runs, run_id).place for run_id in (second, third, fourth)] == [1, 2, 3]
        runs.put_first(third)
        runs.put_first(fourth)
        runs.put_first("0" * 16)
        assert [in_queue(runs, run_id).place for run_id in (second, third, fourth)] == [3, 2, 1]
        assert runs.watch(fourth).place == 1
        runs.stop(first, "ann")
        for run_id in (second, third, fourth):
            until(lambda run_id=run_id: runs.watch(run_id), "finished")
        begun = [runs.store.view(run_id).events["score"][0]["t"] for run_id in (fourth, third, second)]
        assert begun == sorted(begun)

    def test_the_instructor_stops_a_run_whoever_wants_it(self, shared: StoredRuns) -> None:
        config = make(SLOW, epochs=80)
        run_id = running(shared, config, "ann")
        shared.start(config, "bob")
        shared.stop_for_all(run_id)
        shared.stop_for_all("0" * 16)
        until(lambda: shared.watch(run_id), "stopped")
        settled(shared, run_id)

    def test_what_is_larger_than_allowed_is_refused_with_the_value_and_the_limit(self, shared: StoredRuns) -> None:
        wide = RunConfig.make(settings={"width": 64}, seed=9_000_001)  # 6,400 parameters, by the fake
        shared.size(wide)  # the process that tells has started
        for limits, key, words in (
            (RunLimits(parameters=6399), "limit_parameters", ("6,400", "6,399")),
            (RunLimits(seconds=0.001), "limit_seconds", ("0 s",)),
        ):
            with pytest.raises(CourseError) as caught:
                shared.start(wide, "ann", limits)
            assert caught.value.key == key
            assert all(word in caught.value.text("en") for word in words)
            assert caught.value.text("zh") != caught.value.text("en")
            assert shared.watch(wide.run_id).state == "missing"
        assert shared.start(wide, "ann", RunLimits(600, 6400, 10**9)) == wide.run_id
        until(lambda: shared.watch(wide.run_id), "finished")
        assert shared.start(wide, "bob", RunLimits(0.001, 1, 1)) == wide.run_id, "it is there: it costs nothing more"

    def test_a_dataset_with_more_rows_than_allowed_is_refused(self, shared: StoredRuns) -> None:
        config = make(QUICK)
        folder = shared.store.datasets / config.data["dataset"].folder
        folder.mkdir(parents=True)
        pd.DataFrame({"user_id": range(5000)}).to_parquet(folder / "events.parquet")
        with pytest.raises(CourseError) as caught:
            shared.start(config, "ann", RunLimits(rows=4999))
        assert caught.value.key == "limit_rows"
        assert "5,000" in caught.value.text("zh")
        shared.start(config, "ann", RunLimits(rows=5000))
        until(lambda: shared.watch(config.run_id), "finished")

    def test_a_run_that_goes_on_for_too_long_is_ended_with_a_sentence(self, shared: StoredRuns) -> None:
        config = make(SLOW, epochs=100)
        quick = RunConfig.make(seed=config.seed, settings={"epochs": 1})
        limits = RunLimits(seconds=max(1.0, shared.size(quick).seconds))
        run_id = running(shared, config, "ann")
        shared.start(config, "bob", limits)
        shared.stop(run_id, "ann")  # from now on the limit of whoever is left counts
        view = until(lambda: shared.watch(run_id), "failed")
        assert view.error is not None
        assert view.error["key"] == "limit_reached"
        assert view.of("step"), "what it has done is still there to be looked at"
        settled(shared, run_id)
        with pytest.raises(CourseError) as caught:
            shared.start(config, "bob", limits)
        assert caught.value.key == "limit_seconds"
        assert running(shared, config, "ann") == run_id, "goes on for whoever may"
        assert shared.watch(run_id).resumed
        shared.stop(run_id, "ann")
        until(lambda: shared.watch(run_id), "stopped")

    def test_the_limit_of_the_most_generous_counts(self, shared: StoredRuns) -> None:
        config = make(SLOW, epochs=12)
        run_id = running(shared, config, "ann", RunLimits(seconds=600))
        shared.start(config, "bob", RunLimits(seconds=0.1))
        until(lambda: shared.watch(run_id), "finished")

    @pytest.mark.parametrize("kind", [SLOW, STUCK])
    def test_stop_is_carried_out_soon_even_where_nothing_looks(self, shared: StoredRuns, kind: int) -> None:
        """Within 2 s on a quiet machine; the test allows for one that is not."""
        run_id = shared.start(make(kind, epochs=100), "ann")
        wait_for(lambda: shared.watch(run_id), lambda view: view.state == "running")
        began = time.monotonic()
        shared.stop(run_id, "ann")
        until(lambda: shared.watch(run_id), "stopped")
        assert time.monotonic() - began < 6.0

    def test_a_second_process_of_the_same_home_sees_queues_and_stops_the_same_runs(self, open_runs: Open) -> None:
        here, there = open_runs(), open_runs()
        config = make(SLOW, epochs=100)
        run_id = running(here, config, "ann")
        until(lambda: there.watch(run_id), "running")
        there.start(config, "bob")
        wait_for(lambda: here.watch(run_id), lambda view: view.watchers_shared)
        there.stop(run_id, "ann")  # the same learner, through the other process
        wait_for(lambda: here.watch(run_id), lambda view: not view.watchers_shared)
        assert here.watch(run_id).state == "running"
        there.stop(run_id, "bob")
        until(lambda: here.watch(run_id), "stopped")
        until(lambda: there.watch(run_id), "stopped")
        assert kinds(here.store.folder(run_id)).count("stopped") == 1

    def test_what_one_process_has_queued_the_other_stops(self, open_runs: Open, settings: Settings) -> None:
        here, there = open_runs(), open_runs()
        long = [running(one, make(SLOW, epochs=100), "ann") for one in (here, there)]
        waiting = here.start(make(QUICK), "ann")
        wait_for(lambda: there.watch(waiting), lambda view: view.state == "queued")
        there.stop(waiting, "ann")
        until(lambda: here.watch(waiting), "stopped")
        until(lambda: there.watch(waiting), "stopped")
        for run_id in long:
            here.stop_for_all(run_id)
            until(lambda run_id=run_id: there.watch(run_id), "stopped")

    def test_a_damaged_checkpoint_starts_afresh_at_once_and_says_so(self, shared: StoredRuns) -> None:
        config = make(SLOW, epochs=20)
        run_id = running(shared, config, "ann")
        wait_for(lambda: shared.watch(run_id), lambda view: len(view.of("score")) > 2)
        shared.stop(run_id, "ann")
        until(lambda: shared.watch(run_id), "stopped")
        settled(shared, run_id)
        folder = shared.store.folder(run_id)
        (folder / "checkpoint.json").write_text("{")
        shared.start(config, "ann")
        view = until(lambda: shared.watch(run_id), "finished")
        assert [one["file"] for one in view.of("afresh")] == ["checkpoint.json"]
        assert not view.resumed
        assert [one["at"] for one in view.of("score")] == list(range(21))
        assert (folder / ".damaged-checkpoint.json").read_text() == "{", "somebody may want to look at it"
