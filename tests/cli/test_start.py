"""``start``: a free port is used, a taken one gives a sentence and the port to use instead."""

from __future__ import annotations

import errno
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import tomllib
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from course_lib.cli import start
from course_lib.cli.main import main
from course_lib.errors import CourseError
from course_lib.settings import PROJECT
from tests.ports import free_port


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
    folder, held = os.getcwd(), signal.pthread_sigmask(signal.SIG_BLOCK, ())
    monkeypatch.setattr(os, "execv", lambda program, line: calls.append((program, line, os.getcwd())))
    monkeypatch.setattr("subprocess.call", lambda line: 0)
    yield calls
    os.chdir(folder)
    signal.pthread_sigmask(signal.SIG_SETMASK, held)


def test_a_taken_port_names_the_next_step(taken: int, executed: list[Any], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["start", "--port", str(taken)]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert f"http://localhost:{taken}" in err
    free = int(err.split("PORT=")[1].split("”")[0])
    assert free > taken
    assert start.trouble(start.HOST, free) == 0
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
        assert line[1:5] == ["-m", "course_lib.ui.serve", "run", "app.py"]
        assert line[5:9] == ["--server.address", "127.0.0.1", "--server.port", str(free)]
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
    assert start.trouble(start.HOST, port) == 0


def test_a_forbidden_port_names_a_higher_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(start, "trouble", lambda host, port: errno.EACCES if port < 1024 else 0)
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


def told(executed: list[Any], capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[str, list[str]]:
    """What ``start`` prints, and the server's options."""
    assert main(["start", *arguments]) in (0, None)
    return capsys.readouterr().err, executed[-1][1][5:]


def test_it_serves_this_machine_alone_unless_asked(executed: list[Any], capsys: pytest.CaptureFixture[str]) -> None:
    said, line = told(executed, capsys, "--port", str(free_port()))
    assert line[:2] == ["--server.address", "127.0.0.1"]
    assert "Only this computer" in said
    for host in ("0.0.0.0", "::"):
        said, line = told(executed, capsys, "--port", str(free_port()), "--host", host)
        assert line[:2] == ["--server.address", host]
        assert "http://localhost:" in said
        assert host not in said, "nobody can open that"
        seen = start.own_address()
        assert seen is None or f"http://{seen}:" in said
    config = tomllib.loads((PROJECT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))
    assert config["server"]["address"] == start.HOST, "`streamlit run app.py` and `python app.py` do the same"


@pytest.mark.parametrize("host", ["course.test", "192.0.2.1", "300.0.0.1", "0.0.0.0:80", "fe80::zz"])
def test_an_address_that_is_not_this_machine_s_is_refused(
    executed: list[Any], capsys: pytest.CaptureFixture[str], host: str
) -> None:
    assert main(["start", "--host", host]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "HOST=0.0.0.0" in said
    assert executed == []


def test_localhost_must_not_lead_elsewhere() -> None:
    """Browsers try both addresses of "localhost"; somebody else's server on ::1 would answer some of them."""
    if not socket.has_ipv6 or start._bind("::1", 0):
        pytest.skip("this machine has no ::1")
    with socket.socket(socket.AF_INET6) as server:
        server.bind(("::1", 0))
        server.listen()
        assert start.trouble(start.HOST, server.getsockname()[1]) == errno.EADDRINUSE


UNUSABLE = [
    ({"LIVEREC_HOME": "~nosuchuser"}, "LIVEREC_HOME is “~nosuchuser”"),
    ({"LIVEREC_HOME": "/proc/liverec"}, "cannot write to /proc/liverec"),
    ({"LIVEREC_HOME": __file__}, "cannot write to"),
    ({"LIVEREC_HOME": "/tmp/" + "x" * 300}, "cannot write to"),
    ({"LIVEREC_DATABASE": "nonsense"}, "LIVEREC_DATABASE"),
    ({"LIVEREC_DATABASE": "sqlite:///x.sqlite?nope=1"}, "(nope)"),
    ({"LIVEREC_DATABASE": "sqlite:///x%00.sqlite"}, "LIVEREC_DATABASE"),
    ({"LIVEREC_DATABASE": f"sqlite:///{__file__}"}, "is damaged or is no SQLite database"),
    ({"LIVEREC_DATABASE": "postgresql://me:secret@127.0.0.1:1/x"}, "does not answer"),
    ({"LIVEREC_DATABASE": "postgresql://me:secret@127.0.0.1/x?nope=1"}, "nope"),
    ({"LIVEREC_RUN_BYTES": "0"}, "LIVEREC_RUN_BYTES is “0”"),
    ({"LIVEREC_RUNS": "the moon"}, "LIVEREC_RUNS is “the moon”"),
    ({"LIVEREC_WORKERS": "-1"}, "LIVEREC_WORKERS is “-1”"),
]


@pytest.mark.parametrize(("environment", "sentence"), UNUSABLE)
def test_nothing_is_served_from_a_home_or_a_database_that_cannot_be_used(
    environment: dict[str, str],
    sentence: str,
    tmp_path: Path,
    executed: list[Any],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, value in {"LIVEREC_HOME": str(tmp_path / "home"), **environment}.items():
        monkeypatch.setenv(name, value)
    assert main(["start", "--port", str(free_port()), "--lang", "en"]) == 2
    said = capsys.readouterr().err
    assert sentence in said
    assert said.count("\n") == 1, "no address before it is known to work"
    assert "secret" not in said
    assert executed == []


def test_a_database_that_somebody_writes_to_just_now_is_no_reason_not_to_start(
    tmp_path: Path, executed: list[Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LIVEREC_HOME", str(tmp_path))
    with sqlite3.connect(tmp_path / "course.sqlite", isolation_level=None) as held:
        held.execute("BEGIN EXCLUSIVE")
        said, _ = told(executed, capsys, "--port", str(free_port()), "--lang", "en")
    held.close()
    assert "is busy" in said
    assert "The course starts at" in said


@pytest.mark.parametrize("moment", ["begun", "address", "served"])
def test_ctrl_c_is_no_failure(moment: str, tmp_path: Path) -> None:
    port = str(free_port())
    log = tmp_path / "log"
    environment = {**os.environ, "LIVEREC_HOME": str(tmp_path), "LIVEREC_WORKERS": "1"}
    with log.open("wb") as out:
        server = subprocess.Popen(
            [sys.executable, "-m", "course_lib", "start", "--port", port, "--lang", "en"],
            cwd=PROJECT, env=environment, stdout=out, stderr=out, start_new_session=True,
        )  # fmt: skip
    try:
        end = time.monotonic() + 60
        while time.monotonic() < end and server.poll() is None and moment != "begun":
            if "The course starts" in log.read_text() and (moment == "address" or listens("127.0.0.1", int(port))):
                break
            time.sleep(0.01)
        if moment == "begun":
            time.sleep(1)  # its imports take longer
        os.killpg(server.pid, signal.SIGINT)  # as a terminal sends it to all of its foreground
        # CPython ends by the signal itself where it met it in code made by exec, as dataclasses are: to a shell 130 too
        assert server.wait(30) in (0, 130, -signal.SIGINT), log.read_text()
        assert "Traceback" not in log.read_text()
        assert "Aborted" not in log.read_text()
    finally:
        server.kill()
        server.wait(20)


@pytest.mark.parametrize("command", ["start", "app.py"])
def test_the_printed_address_is_the_one_that_works(command: str, tmp_path: Path) -> None:
    port = str(free_port())
    begun = {
        "start": ["-m", "course_lib", "start", "--port", port],
        "app.py": ["-c", f"import app; app.app.run(config={{'server.port': {port}}})"],  # its own last line, elsewhere
    }[command]
    environment = {**os.environ, "LIVEREC_HOME": str(tmp_path), "LIVEREC_WORKERS": "1"}
    log = tmp_path / "log"
    with log.open("wb") as out:
        server = subprocess.Popen([sys.executable, *begun], cwd=PROJECT, env=environment, stdout=out, stderr=out)
    try:
        found, end = None, time.monotonic() + 60
        while time.monotonic() < end and server.poll() is None:
            found = re.search(r"http://[\w.:\[\]]+", log.read_text(encoding="utf-8"))
            if found and listens("127.0.0.1", int(port)):
                break
            time.sleep(0.1)
        assert found, log.read_text(encoding="utf-8")
        with urllib.request.urlopen(f"{found.group()}/_stcore/health", timeout=10) as answer:
            assert answer.read() == b"ok"
        outside = start.own_address()
        if outside is not None:
            assert not listens(outside, int(port)), "the network cannot open it"
    finally:
        server.terminate()
        server.wait(20)


def listens(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=2).close()
    except OSError:
        return False
    return True
