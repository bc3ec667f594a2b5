"""A model at an address: it answers, hangs, refuses, talks rubbish or too much, sends elsewhere, may not be asked."""

from __future__ import annotations

import json
import logging
import socket
import threading
import time
import traceback
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import pytest

from course_lib.errors import CourseError
from course_lib.models.writer_address import Reach, ask_address, public

KEY = "sk-very-secret-4711"


class Answering(BaseHTTPRequestHandler):
    """Answers as its path says; keeps what it was asked."""

    asked: ClassVar[list[tuple[dict[str, str], dict[str, Any]]]] = []

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        Answering.asked.append((dict(self.headers), body))
        kind = self.path.split("/")[1].partition("?")[0]
        if kind == "hang":
            time.sleep(1.5)
            return
        if kind == "drip":
            self.send_response(200)
            self.end_headers()
            for _ in range(30):
                try:
                    self.wfile.write(b" ")
                    self.wfile.flush()
                except OSError:
                    return
                time.sleep(0.1)
            return
        if kind == "dripping_head":
            for letter in b"HTTP/1.1 200 OK\r\nX-Long: " + b"a" * 40:
                try:
                    self.wfile.write(bytes([letter]))
                    self.wfile.flush()
                except OSError:
                    return
                time.sleep(0.1)
            return
        if kind == "broken":
            self.wfile.write(b"this is no HTTP\r\n\r\n")
            return
        self.send_response({"locked": 401, "busy": 429, "moved": 302, "gone": 404}.get(kind, 200))
        if kind == "moved":
            self.send_header("Location", f"http://{self.headers['Host']}/good/chat/completions")
        self.end_headers()
        said = {"good": "A good ball.", "empty": "  ", "nothing": None, "echo": self.headers.get("Authorization")}
        text = {"choices": [{"message": {"content": said.get(kind, "")}}]}
        answers = {
            "rubbish": b"<html>hello</html>",
            "list": b"[]",
            "none": b"",
            "deep": b"[" * 100_000,
            "bytes": b"\xff\xfe\x00",
            "long": b" " * 300_000,
            "locked": KEY.encode(),
        }
        try:
            self.wfile.write(answers.get(kind, json.dumps(text).encode()))
        except OSError:
            return

    def log_message(self, format: str, *args: Any) -> None:
        return


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """An address on this machine."""
    made = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    made.daemon_threads = True
    threading.Thread(target=made.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{made.server_address[1]}"
    made.shutdown()
    made.server_close()


def test_a_good_answer_comes_back(server: str) -> None:
    for url in (f"{server}/good", f"{server}/good/", f" {server}/good/chat/completions "):
        assert ask_address(url, KEY, "small", "Why this ball?", 5) == "A good ball."
    headers, body = Answering.asked[-1]
    assert headers["Authorization"] == f"Bearer {KEY}"
    assert body["model"] == "small"
    assert body["messages"] == [{"role": "user", "content": "Why this ball?"}]
    ask_address(f"{server}/good", "", "small", "", 5)
    assert "Authorization" not in Answering.asked[-1][0], "a local server may need no key"


@pytest.mark.parametrize(
    ("path", "key"),
    [
        ("hang", "address_timeout"), ("drip", "address_timeout"), ("rubbish", "address_rubbish"),
        ("list", "address_rubbish"), ("none", "address_rubbish"), ("deep", "address_rubbish"),
        ("bytes", "address_rubbish"), ("broken", "address_rubbish"), ("long", "address_too_long"),
        ("locked", "address_key"), ("busy", "address_busy"), ("gone", "address_status"), ("moved", "address_moved"),
        ("dripping_head", "address_timeout"),
        ("empty", "address_empty"), ("nothing", "address_empty"),
    ],
)  # fmt: skip
def test_whatever_goes_wrong_is_a_sentence_without_the_key(
    server: str, path: str, key: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    began = time.monotonic()
    with pytest.raises(CourseError) as caught:
        ask_address(f"{server}/{path}?key={KEY}#{KEY}" if path == "hang" else f"{server}/{path}", KEY, "m", "p", 0.5)
    assert time.monotonic() - began < 3
    assert caught.value.key == key
    keeps_the_secret(caught.value, caplog.text)


def keeps_the_secret(error: CourseError, log: str) -> None:
    told = "".join(traceback.format_exception(error))
    for said in (error.text("zh"), error.text("en"), repr(error), str(error.to_dict()), told, log):
        assert KEY not in said
    assert error.__cause__ is None
    assert error.__context__ is None or error.__suppress_context__


def test_nobody_at_the_address_is_said(caplog: pytest.LogCaptureFixture) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    for url, key in (
        (f"http://127.0.0.1:{port}/v1", "address_refused"),
        (f"http://user:{KEY}@127.0.0.1:{port}/v1?k={KEY}", "address_refused"),
        ("http://nobody.invalid/v1", "address_refused"),
        ("http://127.0.0.1:99999/v1", "address_refused"),
        ("http://[::1/v1", "address_not_http"),
        ("file:///etc/passwd", "address_not_http"),
        ("", "address_not_http"),
    ):
        with pytest.raises(CourseError) as caught:
            ask_address(url, KEY, "m", "p", 2)
        assert caught.value.key == key, url
        keeps_the_secret(caught.value, caplog.text)


def test_a_key_with_a_line_break_is_not_quoted(server: str) -> None:
    for key in (f"{KEY}\r\nX: y", f"{KEY}é", f"{KEY} "):
        with pytest.raises(CourseError) as caught:
            ask_address(f"{server}/good", key, "m", "p", 2)
        assert caught.value.key == "address_key"
        keeps_the_secret(caught.value, "")


def test_an_answer_that_repeats_the_key_is_shown_without_it(server: str) -> None:
    assert ask_address(f"{server}/echo", KEY, "m", "p", 5) == "Bearer …"


# What may be asked on behalf of a visitor

VISITOR = Reach(anywhere=False)


@pytest.mark.parametrize(
    ("address", "is_public"),
    [
        ("93.184.216.34", True), ("2606:2800:220:1::1", True),
        ("127.0.0.1", False), ("10.1.2.3", False), ("172.16.0.1", False), ("192.168.1.1", False), ("0.0.0.0", False),
        ("169.254.169.254", False), ("100.64.0.1", False), ("224.0.0.1", False), ("255.255.255.255", False),
        ("::1", False), ("::", False), ("fe80::1", False), ("fc00::1", False), ("fec0::1", False), ("ff02::1", False),
        ("::ffff:127.0.0.1", False), ("::ffff:10.0.0.1", False), ("64:ff9b::a00:1", False), ("2002:7f00:1::", False),
        ("::7f00:1", False), ("::ffff:93.184.216.34", True),
    ],
)  # fmt: skip
def test_only_the_internet_is_public(address: str, is_public: bool) -> None:
    assert public(address) is is_public


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "127.1", "2130706433", "[::1]", "0.0.0.0", "[::ffff:7f00:1]"]
)
def test_a_visitor_does_not_look_into_the_servers_network(server: str, host: str) -> None:
    port, asked = server.rpartition(":")[2], len(Answering.asked)
    with pytest.raises(CourseError) as caught:
        ask_address(f"http://{host}:{port}/good", KEY, "m", "p", 5, VISITOR)
    assert caught.value.key == "address_private"
    assert "LIVEREC_WRITER_HOSTS" in caught.value.text("en")
    keeps_the_secret(caught.value, "")
    assert len(Answering.asked) == asked, "nothing was sent"


def test_a_host_that_the_operator_names_is_asked(server: str) -> None:
    allowed = Reach(anywhere=False, hosts=frozenset({"127.0.0.1"}))
    assert ask_address(f"{server}/good", KEY, "m", "p", 5, allowed) == "A good ball."
    with pytest.raises(CourseError) as caught:
        ask_address(server.replace("127.0.0.1", "localhost") + "/good", KEY, "m", "p", 5, allowed)
    assert caught.value.key == "address_private"


def test_a_name_is_asked_where_it_was_looked_at(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that stands for a public address when it is checked and for this machine when it is called."""
    found = [["93.184.216.34"], ["127.0.0.1"]]
    called: list[str] = []

    def resolve(host: str, port: int, **_: Any) -> list[tuple[Any, ...]]:
        addresses = found.pop(0)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in addresses]

    def connect(self: socket.socket, address: tuple[str, int]) -> None:
        called.append(address[0])
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setattr(socket.socket, "connect", connect)
    with pytest.raises(CourseError) as caught:
        ask_address("http://two-faced.example/v1", KEY, "m", "p", 2, VISITOR)
    assert caught.value.key == "address_refused"
    assert called == ["93.184.216.34"]
    found[:] = [["93.184.216.34", "10.0.0.1"]]
    with pytest.raises(CourseError) as caught:
        ask_address("http://both.example/v1", KEY, "m", "p", 2, VISITOR)
    assert caught.value.key == "address_private", "one private address among them is enough"
    found[:] = [["93.184.216.34"]]
    with pytest.raises(CourseError) as caught:
        ask_address("http://mail.example:25/v1", KEY, "m", "p", 2, VISITOR)
    assert caught.value.key == "address_private", "a port where something else listens"


def test_a_visitor_is_not_sent_through_a_proxy(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would look names up by itself."""
    monkeypatch.setenv("http_proxy", server)
    asked = len(Answering.asked)
    with pytest.raises(CourseError):
        ask_address("http://127.0.0.1:9/v1", KEY, "m", "p", 2, VISITOR)
    assert len(Answering.asked) == asked


def test_a_redirection_is_not_followed(server: str) -> None:
    asked = len(Answering.asked)
    with pytest.raises(CourseError):
        ask_address(f"{server}/moved", KEY, "m", "p", 5)
    assert len(Answering.asked) == asked + 1
