"""Runs in this process, as the command line does them."""

from __future__ import annotations

import threading
from collections.abc import Generator
from typing import Any

import pytest
from fake_worker import OWN_ERROR, QUICK, SLOW, perform
from run_helpers import kinds, make, until, wait_for

from course_lib.errors import CourseError
from course_lib.runs.foreground import run_here
from course_lib.runs.local import LocalRuns
from course_lib.runs.store import RunStore
from course_lib.settings import Settings


def test_a_run_is_done_once_and_then_returned(settings: Settings) -> None:
    config, seen = make(QUICK), []
    result = run_here(config, settings, seen.append, perform)
    assert result["measures"]["ndcg@10"]["value"] == 0.1
    assert [event["kind"] for event in seen] == kinds(settings.runs / config.run_id)
    assert all("t" in event for event in seen)
    again: list[Any] = []
    assert run_here(config, settings, again.append, perform) == result
    assert again == []


def test_errors_are_sentences(settings: Settings) -> None:
    with pytest.raises(CourseError) as caught:
        run_here(make(OWN_ERROR), settings, lambda event: None, perform)
    assert caught.value.key == "scores_not_numbers"


def test_ctrl_c_stops_the_run_which_then_goes_on(settings: Settings) -> None:
    config = make(QUICK)

    def interrupted(*arguments: Any) -> Generator[dict[str, Any], None, None]:
        for event in perform(*arguments):
            yield event
            if event["kind"] == "frame" and event["at"]:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_here(config, settings, lambda event: None, interrupted)
    assert RunStore(settings).view(config.run_id).state == "stopped"
    seen: list[str] = []
    run_here(config, settings, lambda event: seen.append(event["kind"]), perform)
    assert "resumed" in seen


def test_a_run_that_a_worker_trains_is_watched_to_its_end(shared: LocalRuns) -> None:
    config = make(SLOW, epochs=10)
    settings = Settings(shared.store.runs.parent, "sqlite://", 1, 10**9)
    run_id = shared.start(config, "ann")
    wait_for(lambda: shared.watch(run_id), lambda view: bool(view.of("step")))
    seen: list[str] = []
    result = run_here(config, settings, lambda event: seen.append(event["kind"]), perform)
    assert result["epochs"] == 10
    assert seen == kinds(shared.store.folder(run_id))
    assert seen.count("started") == 1


def test_a_run_that_is_trained_here_is_watched_by_the_pages(shared: LocalRuns) -> None:
    config = make(SLOW, epochs=10)
    settings = Settings(shared.store.runs.parent, "sqlite://", 1, 10**9)
    thread = threading.Thread(target=run_here, args=(config, settings, lambda event: None, perform))
    thread.start()
    wait_for(lambda: shared.watch(config.run_id), lambda view: bool(view.of("step")))
    shared.start(config, "ann")
    assert shared.watch(config.run_id).state == "running"
    thread.join()
    view = until(lambda: shared.watch(config.run_id), "finished")
    assert len(view.of("score")) == 11
    assert kinds(shared.store.folder(config.run_id)).count("started") == 1
