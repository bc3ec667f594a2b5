"""LIVEREC_RUNS: what trains for an installation, and what is said where that cannot be."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from course_lib.errors import CourseError
from course_lib.runs import make
from course_lib.runs.local import LocalRuns
from course_lib.settings import PROJECT, Settings, load_settings


@pytest.mark.parametrize(
    ("value", "taken"),
    [
        ("", "local"),
        (" local ", "local"),
        ("ray", "ray"),
        ("head:6379", "head:6379"),
        ("ray://10.0.0.7:10001", "ray://10.0.0.7:10001"),
    ],
)
def test_what_may_train(monkeypatch: pytest.MonkeyPatch, value: str, taken: str) -> None:
    monkeypatch.setenv("LIVEREC_RUNS", value)
    assert load_settings().trains_on == taken


@pytest.mark.parametrize("value", ["cloud", "ray://", "ray://head", "http://head:6379", "head:port", "head:6379; ls"])
def test_anything_else_is_refused_in_a_sentence(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("LIVEREC_RUNS", value)
    with pytest.raises(CourseError) as caught:
        load_settings()
    assert caught.value.key == "environment_runs"
    for language in ("en", "zh"):
        assert value in caught.value.text(language)


def test_one_machine_trains_by_itself(settings: Settings) -> None:
    runs = make.make_runs(settings)
    try:
        assert type(runs) is LocalRuns
    finally:
        runs.close()


def test_a_cluster_without_ray_is_one_sentence_at_the_start(tmp_path: Path) -> None:
    """The server itself, in a Python that has everything but Ray."""
    (tmp_path / "sitecustomize.py").write_text(
        "import importlib.util as util\nfind = util.find_spec\n"
        "util.find_spec = lambda name, *more: None if name == 'ray' else find(name, *more)\n"
    )
    environment = {**os.environ, "LIVEREC_RUNS": "ray", "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-m", "course_lib", "start", "--port", "8679"],
        cwd=PROJECT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.startswith("LIVEREC_RUNS asks for a Ray cluster, but Ray is not installed for ")
    assert "requirements-cluster.txt" in done.stderr


@pytest.mark.skipif(find_spec("ray") is None, reason="no Ray: pip install -r requirements-cluster.txt")
def test_the_web_process_names_ray_without_loading_it(settings: Settings) -> None:
    script = (
        "import sys\nfrom dataclasses import replace\nfrom course_lib.runs.make import make_runs\n"
        "from course_lib.settings import load_settings\n"
        "runs = make_runs(replace(load_settings(), trains_on='127.0.0.1:9'))\nruns.close()\n"
        "assert type(runs).__name__ == 'RayRuns'\nassert not {'ray', 'torch'} & set(sys.modules)\n"
    )
    environment = {**os.environ, "LIVEREC_HOME": str(settings.home)}
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=PROJECT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
