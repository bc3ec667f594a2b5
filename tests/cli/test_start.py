"""``start``: a free port is used, a taken one gives a sentence and the port to use instead."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from course_lib.cli import start
from course_lib.cli.main import main
from course_lib.errors import CourseError
from course_lib.settings import PROJECT


@pytest.fixture
def taken() -> Iterator[int]:
    """A port on which something listens, as another server on this machine would."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


@pytest.fixture
def executed(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Instead of giving its place to the server, ``start`` notes what it would have run, and where."""
    calls: list[Any] = []
    folder = os.getcwd()
    monkeypatch.setattr(os, "execv", lambda program, line: calls.append((program, line, os.getcwd())))
    monkeypatch.setattr("subprocess.call", lambda line: 0)
    yield calls
    os.chdir(folder)


def test_a_taken_port_names_the_next_step(taken: int, executed: list[Any], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["start", "--port", str(taken)]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert f"http://localhost:{taken}" in err
    free = int(err.split("PORT=")[1].split("”")[0])
    assert free > taken
    assert start.trouble(free) == 0
    assert executed == []


def test_a_free_port_is_served(
    taken: int, executed: list[Any], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(CourseError) as refusal:
        start.check_port(taken)
    free = refusal.value.params["free"]
    main(["start", "--port", str(free)])
    assert f"http://localhost:{free}" in capsys.readouterr().err
    if os.name == "posix":
        (_program, line, folder) = executed[0]
        assert line[1:] == ["-m", "streamlit", "run", "app.py", "--server.port", str(free)]
        assert folder == str(PROJECT)


def test_a_port_that_was_just_left_is_free() -> None:
    """The server may be stopped and started at once, though its last connections are still closing."""
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind(("127.0.0.1", 0))
        server.listen()
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)):
            server.accept()[0].close()  # closed on the server's side first: the port goes to TIME_WAIT
    assert start.trouble(port) == 0


def test_a_forbidden_port_names_a_higher_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(start, "trouble", lambda port: errno.EACCES if port < 1024 else 0)
    with pytest.raises(CourseError) as refusal:
        start.check_port(80)
    assert refusal.value.key == "port_forbidden"
    assert refusal.value.params["free"] == 1025


def test_without_streamlit_it_says_what_to_install(
    executed: list[Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert main(["start", "--lang", "en"]) == 2
    assert "“streamlit” is not installed" in capsys.readouterr().err
    assert executed == []
