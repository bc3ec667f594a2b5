"""What strangers bring never makes the server ask an address outside, and the policy stops nothing of the course's."""

from __future__ import annotations

import http.client
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from course_server import CourseServer
from playwright.sync_api import expect
from visitors import TINY, Visitors

from course_lib.ui import shell

# Read by every Python that the server starts. What it notes it also forbids, as a room without a network would.
WATCH = """
import ipaddress, os, socket, sys

def outside(host):
    if host in (None, "", b"", "localhost", "ip6-localhost", socket.gethostname()):
        return False
    try:
        return not ipaddress.ip_address(str(host).partition("%")[0]).is_loopback
    except ValueError:
        return True

def watch(event, given):
    if event == "socket.getaddrinfo":
        host = given[0]
        host = host.decode() if isinstance(host, bytes) else host
    elif event == "socket.connect" and isinstance(given[1], tuple):
        host = given[1][0]
    else:
        return
    # Binding a server to an address that means all of this machine's asks nobody.
    if host not in ("0.0.0.0", "::") and outside(host):
        with open(os.environ["ASKED"], "a") as file:
            file.write(f"{host}\\n")
        raise OSError(f"asked {host}")

sys.addaudithook(watch)
try:  # that it sees anything at all
    socket.create_connection(("192.0.2.1", 9), 0.01)
except OSError:
    pass
"""
CONTROL = "192.0.2.1"
HANDSHAKE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}
PATHS = ("/", "/my_progress", "/_stcore/health", "/_stcore/host-config", "/_stcore/stream", "/assets/none", "/join")


@pytest.fixture
def watched() -> Iterator[tuple[CourseServer, Path]]:
    """A server that notes, and is refused, every address outside that it asks for; and its notes."""
    home = Path(tempfile.mkdtemp(prefix="liverec-strangers-"))
    (home / "watch").mkdir()
    (home / "watch" / "sitecustomize.py").write_text(WATCH)
    course = CourseServer(home, PYTHONPATH=str(home / "watch"), ASKED=str(home / "asked"))
    try:
        course.wait_until_up()
        yield course, home / "asked"
    finally:
        course.close()
        shutil.rmtree(home, ignore_errors=True)


def test_no_foreign_name_makes_the_server_ask_outside(watched: tuple[CourseServer, Path]) -> None:
    course, asked = watched
    codes = set()
    for path in PATHS:
        for host, origin in (
            (f"localhost:{course.port}", "http://evil.example"),
            (f"localhost:{course.port}", "http://203.0.113.9:8501"),
            (f"203.0.113.9:{course.port}", "http://evil.example"),
            (f"203.0.113.9:{course.port}", f"http://203.0.113.9:{course.port}"),
            ("evil.example", "http://evil.example"),
            ("evil.example", None),
        ):
            headers = {"Host": host, **({"Origin": origin} if origin else {})}
            more = HANDSHAKE if path.endswith("stream") else {"Accept": "text/html"}
            connection = http.client.HTTPConnection("127.0.0.1", course.port, timeout=30)
            connection.request("GET", path, headers={**headers, **more})
            codes.add(connection.getresponse().status)
            connection.close()
    assert {403, 421, 101} <= codes, "refused by origin, by name; and an address that is its own origin is answered"
    notes = asked.read_text().split()
    assert notes, "the watch is there"
    assert set(notes) == {CONTROL}


def test_the_policy_stops_nothing_of_the_course(visit: Visitors, seed: int) -> None:
    """Every page is drawn, a model trains and is taken home; the visitor's console would say what was stopped."""
    lesson = visit()
    for page in sorted(path.stem for path in shell.PAGES.glob("*.py")):
        lesson.page.goto(f"{lesson.url}/{'' if page == 'home' else page}")
        expect(lesson.page.locator("h1").first).to_be_visible()
        expect(lesson.page.locator("[data-test-script-state=running]")).to_have_count(0)
    lesson.open(**TINY, epochs=1, seed=seed).train().finish()
    with lesson.page.expect_download() as download:
        lesson.button("download").click()
    assert download.value.suggested_filename.endswith(".zip")
    assert Path(download.value.path()).stat().st_size > 1000
