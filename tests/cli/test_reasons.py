"""``reasons`` from the shell: a model behind an address writes, every claim is checked, and the key is nowhere."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from course_lib.cli.main import main

KEY = "sk-secret-of-the-test"


class Parrot(BaseHTTPRequestHandler):
    """Answers with what it was told of the product."""

    asked: list[dict[str, Any]]
    keys: list[str]

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append(body)  # type: ignore[attr-defined]
        self.server.keys.append(self.headers["Authorization"])  # type: ignore[attr-defined]
        told = body["messages"][0]["content"].splitlines()[0].partition(":")[2]
        answer = json.dumps({"choices": [{"message": {"content": f"A great choice:{told}."}}]}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: Any) -> None:
        """Silent."""


@pytest.fixture
def parrot() -> Iterator[HTTPServer]:
    server = HTTPServer(("127.0.0.1", 0), Parrot)
    server.asked, server.keys = [], []  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_what_a_model_behind_an_address_says_is_checked(
    parrot: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LIVEREC_WRITER_KEY", KEY)
    address = f"http://127.0.0.1:{parrot.server_port}/v1"
    asked = ["reasons", "--lang", "en", "--address", address, "--model", "parrot", "--products", "5"]
    assert main([*asked, "--json"]) == 0
    out, err = capsys.readouterr()
    told = json.loads(out)
    assert len(told["reasons"]) == len(parrot.asked) == 5
    assert parrot.keys == [f"Bearer {KEY}"] * 5
    assert KEY not in out + err
    assert all(one["claims"] and all(claim["true"] for claim in one["claims"]) for one in told["reasons"])
    assert told["measures"]["true"]["value"] == 1  # it repeats what the catalogue says
    assert main(asked) == 0
    out, err = capsys.readouterr()
    assert out.count("\u2713") >= 5
    assert "100%" in err


def test_what_is_missing_is_said(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for given, words in (
        ([], "LIVEREC_WRITER"),
        (["--address", "http://127.0.0.1:1"], "--model"),
        (["--address", "http://127.0.0.1:1", "--model", "x"], "cannot be reached"),
        (["--products", "0"], "products"),
        (["--dataset", "nobody"], "nobody"),
    ):
        assert main(["reasons", "--lang", "en", *given]) == 2
        assert words in capsys.readouterr().err
