"""RayRuns on a Ray cluster of three nodes on this machine: sharing, stopping, deaths of workers and of a whole node."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest
from contract import Open, RunsContract
from fake_worker import QUICK, SLOW
from ray_nodes import RayNodes
from run_helpers import FAKE, kinds, make, until, wait_for

from course_lib.errors import CourseError
from course_lib.runs.ray_runs import CARRIED, RayRuns
from course_lib.runs.ray_seat import Seat, course_digest
from course_lib.settings import PROJECT, Settings
from tests.ports import free_port

pytestmark = [
    pytest.mark.skipif(find_spec("ray") is None, reason="no Ray: pip install -r requirements-cluster.txt"),
    pytest.mark.skipif(sys.platform != "linux", reason="the nodes are started and killed as on Linux"),
]


@pytest.fixture(scope="module")
def nodes() -> Iterator[RayNodes]:
    started = RayNodes(2)
    with pytest.MonkeyPatch.context() as patch:
        for name in ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN"):
            patch.setenv(name, started.environment[name])
        yield started
    started.close()


@pytest.fixture
def open_runs(settings: Settings, nodes: RayNodes) -> Iterator[Open]:
    """Opens RayRuns with the fake worker; closes all at the end."""
    opened: list[RayRuns] = []

    def open_one(of: Settings = settings, **options: float) -> RayRuns:
        opened.append(RayRuns(replace(of, trains_on=nodes.address), command=FAKE, **options))
        return opened[-1]

    yield open_one
    for runs in opened:
        runs.close()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, one_dataset: None, nodes: RayNodes) -> Iterator[RayRuns]:
    """One RayRuns with two workers for all tests that leave it as it was."""
    home = tmp_path_factory.mktemp("shared")
    runs = RayRuns(
        Settings(home=home, database_url="sqlite://", workers=2, run_bytes=10 * 2**20, trains_on=nodes.address),
        command=FAKE,
    )
    yield runs
    runs.close()


class TestRayRuns(RunsContract):
    """By workers on the nodes of a Ray cluster."""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, nodes: RayNodes) -> Settings:
    """One home for all: two web processes of one installation."""
    folder = tmp_path_factory.mktemp("cluster")
    return Settings(home=folder, database_url="sqlite://", workers=1, run_bytes=10 * 2**20, trains_on=nodes.address)


@pytest.fixture(scope="module")
def first(home: Settings, one_dataset: None) -> Iterator[RayRuns]:
    runs = RayRuns(home, command=FAKE)
    yield runs
    runs.close()


@pytest.fixture(scope="module")
def second(home: Settings, first: RayRuns) -> Iterator[RayRuns]:
    runs = RayRuns(home, command=FAKE)
    yield runs
    runs.close()


def test_a_client_outside_the_cluster_trains_in_it_too(settings: Settings, nodes: RayNodes) -> None:
    """By Ray's client, from a machine that is no node."""
    runs = RayRuns(replace(settings, trains_on=f"ray://127.0.0.1:{nodes.client_port}"), command=FAKE)
    try:
        run_id = runs.start(make(QUICK), "ann")
        until(lambda: runs.watch(run_id), "finished", patience_s=90)
    finally:
        runs.close()


def test_two_web_processes_train_equal_runs_once(first: RayRuns, second: RayRuns) -> None:
    config = make(SLOW, epochs=20)
    run_id = first.start(config, "ann")
    wait_for(lambda: first.watch(run_id), lambda view: bool(view.of("step")))
    assert second.start(config, "bob") == run_id
    until(lambda: second.watch(run_id), "finished")
    until(lambda: first.watch(run_id), "finished")
    assert kinds(first.store.folder(run_id)).count("started") == 1


def test_a_run_whose_node_is_killed_goes_on_on_another(first: RayRuns, second: RayRuns, nodes: RayNodes) -> None:
    """Each web process has a worker on one of the two nodes; a third node comes, and the run's own goes."""
    nodes.add()
    config = make(SLOW, epochs=100)
    run_id = first.start(config, "ann")
    wait_for(lambda: first.watch(run_id), lambda view: len(view.frames) > 3)
    child = first._dispatcher.workers.posts[0].child
    assert child is not None
    before = child.pid
    node = next(node for node in nodes.nodes if node_of(before, node.pid))
    nodes.kill(node)
    view = until(lambda: first.watch(run_id), "finished", patience_s=120)
    assert view.resumed
    assert [one["at"] for one in view.of("score")] == list(range(101))
    assert kinds(first.store.folder(run_id)).count("started") == 2
    assert "failed" not in kinds(first.store.folder(run_id))
    after = first._dispatcher.workers.posts[0].child
    assert after is not None
    assert not node_of(after.pid, node.pid)


def node_of(worker: int, group: int) -> bool:
    """Whether the worker process ``worker`` was started by the node whose process group is ``group``."""
    status = Path(f"/proc/{worker}/status").read_text()
    parent = int(next(line.split()[1] for line in status.splitlines() if line.startswith("PPid:")))
    return parent > 1 and (os.getpgid(parent) == group or node_of(parent, group))


def test_a_cluster_without_a_free_core_is_said(
    settings: Settings, nodes: RayNodes, shared: RayRuns, first: RayRuns, second: RayRuns
) -> None:
    """Four cores in all: two are taken by ``shared``, one each by the others."""
    third = RayRuns(replace(settings, trains_on=nodes.address), command=FAKE, place_s=3.0)
    try:
        run_id = third.start(make(QUICK), "ann")
        error = until(lambda: third.watch(run_id), "failed").error
        assert error is not None
        assert error["key"] == "cluster_full"
        assert "core" in CourseError.from_dict(error).text("en")
    finally:
        third.close()


def test_a_cluster_that_does_not_answer_is_said_and_finished_runs_still_answer(
    settings: Settings, first: RayRuns
) -> None:
    done = first.start(make(QUICK), "ann")
    until(lambda: first.watch(done), "finished")
    # The first runs' watcher takes back at any moment what was wanted of a run that has ended.
    shutil.copytree(first.store.folder(done), settings.runs / done, ignore=shutil.ignore_patterns("wanted.json"))
    lost = RayRuns(replace(settings, trains_on=f"127.0.0.1:{free_port()}"), command=FAKE)
    try:
        run_id = lost.start(make(QUICK), "ann")
        error = until(lambda: lost.watch(run_id), "failed").error
        assert error is not None
        assert error["key"] == "cluster_unreachable"
        assert lost.ask(done, None, {"history": [3]})["top"][0]["item"] == 4
    finally:
        lost.close()


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"project": "/nowhere/at/all"}, "cluster_no_course"),
        ({"digest": "0" * 16}, "cluster_other_course"),
        ({"proof": "/nowhere/at/all"}, "cluster_home_not_shared"),
        ({}, None),
    ],
)
def test_a_node_says_why_it_cannot_train(tmp_path: Path, change: dict[str, str], key: str | None) -> None:
    (tmp_path / "proof").touch()
    project = str(PROJECT)
    wanted = {"arguments": ["-c", "pass"], "environment": {}, "project": project, "digest": course_digest(project)}
    seat = Seat({**wanted, "home": str(tmp_path), "proof": str(tmp_path / "proof"), **change})
    said = seat.hear()[0]
    if key is None:
        assert said["kind"] == "seated"
        assert seat.hear() == [{"kind": "dead", "out_of_memory": False}]
        seat.close()
        return
    assert said["kind"] == "cannot"
    assert said["error"]["key"] == key
    for language in ("en", "zh"):
        assert said["error"]["params"]["node"] in CourseError.from_dict(said["error"]).text(language)


def test_what_is_none_of_a_workers_business_does_not_travel() -> None:
    assert "LIVEREC_DATABASE" not in CARRIED
