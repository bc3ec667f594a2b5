"""Strangers: names that point here without being ours, pages of other sites, and what every answer forbids."""

from __future__ import annotations

import re
import socket
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from course_lib.text import text
from course_lib.ui import known_hosts, security_headers, server

SCHOOL = "course.school.example"


async def _echo_host(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_text(websocket.headers["host"])
    await websocket.close()


async def _broken(request: Request) -> Response:
    raise RuntimeError("a mistake")


@pytest.fixture
def browser(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> TestClient:
    monkeypatch.setenv("LIVEREC_HOME", str(tmp_path))
    routes = [
        *server.routes(),
        WebSocketRoute("/_stcore/stream", _echo_host),
        Route("/broken", _broken),
        Route("/data.json", lambda request: JSONResponse({})),
        Route("/{path:path}", lambda request: HTMLResponse("<html><head></head></html>")),
    ]
    app = Starlette(routes=routes, middleware=server.middleware())
    return TestClient(app, base_url="http://localhost:8501", raise_server_exceptions=False)


OURS = ["localhost", "localhost:8501", "LOCALHOST.", "127.0.0.1:8501", "[::1]:8501", "192.0.2.7:80", "[2001:db8::1]"]
THEIRS = [
    *("evil.example", "evil.example:8501", "localhost.evil.example", "127.0.0.1.evil.example", "localhost:x", "", "@"),
    *("me@localhost", "localhost/", "local host", "localhost#", "[::1", "school.example", f"x.{SCHOOL}", "\xff"),
]


@pytest.mark.parametrize("host", OURS)
def test_addresses_and_this_machine_are_answered(browser: TestClient, host: str) -> None:
    assert browser.get("/data.json", headers={"host": host}).status_code == 200


@pytest.mark.parametrize("host", THEIRS)
def test_a_rebound_name_is_refused(browser: TestClient, host: str) -> None:
    answer = browser.get("/data.json", headers={"host": host.encode("latin-1")})  # type: ignore[dict-item]
    assert answer.status_code == 421
    assert text("strangers.host", "en") in answer.text
    assert "set-cookie" not in answer.headers


def test_this_machines_name_is_answered(browser: TestClient) -> None:
    name = socket.gethostname()
    for host in (name, name.upper(), f"{name}:8501", f"{name.partition('.')[0]}.local"):
        assert browser.get("/data.json", headers={"host": host}).status_code == 200


def test_a_proxys_names_are_given_by_a_setting(browser: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIVEREC_HOSTS", f"{SCHOOL}, *.lab.example")
    found = {
        host: browser.get("/data.json", headers={"host": host}).status_code
        for host in (SCHOOL, f"{SCHOOL}:443", "a.lab.example", "lab.example", "evil.example", f"x.{SCHOOL}")
    }
    assert list(found.values()) == [200, 200, 200, 421, 421, 421]


@pytest.mark.parametrize(
    ("origin", "host", "code"),
    [
        ("http://localhost:8501", "localhost:8501", 200),
        ("https://192.0.2.7", "192.0.2.7", 200),
        ("http://localhost:3000", "localhost:8501", 403),  # another program of this machine
        ("http://evil.example", "localhost:8501", 403),
        ("null", "localhost:8501", 403),
        ("", "localhost:8501", 403),
        ("http://[", "localhost:8501", 403),
        (f"https://{SCHOOL}", SCHOOL, 200),
        (f"https://{SCHOOL}", "127.0.0.1:8501", 200),  # the proxy puts the name of its own connection
        ("https://evil.example", SCHOOL, 403),
        ("https://other.example", SCHOOL, 403),  # a name of ours may not speak to another of ours
    ],
)
def test_other_sites_pages_are_refused(
    browser: TestClient, monkeypatch: pytest.MonkeyPatch, origin: str, host: str, code: int
) -> None:
    monkeypatch.setenv("LIVEREC_HOSTS", f"{SCHOOL},other.example")
    given = {"origin": origin, "host": host}
    assert browser.get("/data.json", headers=given).status_code == code
    if code == 200:
        with browser.websocket_connect("/_stcore/stream", headers=given) as talk:
            assert talk.receive_text() == origin.partition("//")[2]  # so Streamlit has nothing to look up
    else:
        with pytest.raises(WebSocketDisconnect), browser.websocket_connect("/_stcore/stream", headers=given):
            pass


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/", 200),
        ("/assets/favicon.svg", 200),
        ("/assets/none", 404),
        ("/join", 410),
        ("/resume", 200),
        ("/broken", 500),
    ],
)
def test_every_answer_has_the_headers(browser: TestClient, path: str, code: int) -> None:
    answer = browser.get(path, headers={"accept": "text/html"})
    assert answer.status_code == code
    for name, value in security_headers.always():
        own = path in ("/join", "/resume") and name == "Referrer-Policy"
        assert answer.headers[name] == ("strict-origin" if own else value)
    assert "Traceback" not in answer.text
    refused = browser.get(path, headers={"host": "evil.example"})
    assert refused.headers["content-security-policy"] == security_headers.policy()


def test_the_policy_lets_no_foreign_and_no_written_in_script_run() -> None:
    rules = dict(rule.split(" ", 1) for rule in security_headers.policy().split("; "))
    # Streamlit loads the scripts of small components as blobs that its own script has made.
    assert re.fullmatch(r"'self' blob:( 'sha256-[\w+/]{43}=')+", rules["script-src"])
    assert rules["default-src"] == rules["frame-ancestors"] == rules["base-uri"] == "'none'"
    assert not any("http" in rule or "*" in rule or "unsafe-eval" in rule for rule in rules.values())


@pytest.mark.parametrize("host", [*OURS, *THEIRS, "a" * 100_000, "[" * 1000, "\x00", "::::", "1" * 5000])
def test_no_name_makes_a_mistake(host: str) -> None:
    assert known_hosts.known_host(host) == (host in OURS)
    assert not known_hosts.own_origin(f"http://x{host}", "localhost:8501")
