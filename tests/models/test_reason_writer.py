"""Writers of one's own: a local folder, and an address that hangs, refuses, answers rubbish or too much."""

from __future__ import annotations

import json
import logging
import socket
import threading
import time
import traceback
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from course_lib.errors import CourseError
from course_lib.models import reason_writer
from course_lib.models.reason_writer import Vocabulary, ask_address, own_writer, request_for

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
        ("locked", "address_key"), ("busy", "address_busy"), ("gone", "address_status"), ("moved", "address_status"),
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


# A local model


def test_a_folder_writes_and_what_is_none_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LIVEREC_WRITER", raising=False)
    with pytest.raises(CourseError) as caught:
        own_writer()
    assert caught.value.key == "writer_not_named"
    monkeypatch.setenv("LIVEREC_WRITER", str(tmp_path / "missing"))
    with pytest.raises(CourseError) as caught:
        own_writer()
    assert caught.value.key == "writer_missing"
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "config.json").write_text("{", encoding="utf-8")
    for place in (str(tmp_path / "broken"), "nobody/has-this-model"):
        monkeypatch.setenv("LIVEREC_WRITER", place)
        with pytest.raises(CourseError) as caught:
            own_writer()
        assert caught.value.key == "writer_broken"
        assert place in caught.value.text("zh")
    save_model(tmp_path / "good")
    monkeypatch.setenv("LIVEREC_WRITER", str(tmp_path / "good"))
    writer = own_writer()
    prompts = [request_for("a basketball, 62 yuan", "en"), request_for("篮球，62元", "zh")]
    texts = writer.write(prompts, temperature=1.0, seed=3)
    assert len(texts) == 2
    assert texts == writer.write(prompts, temperature=1.0, seed=3)
    assert writer.write([], 0.0) == []
    writer.write(prompts)


def save_model(place: Path) -> None:
    """A tiny GPT-2 that knows a few words, as save_pretrained writes one."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

    words = ["<unk>", "<end>", "a", "basketball", "yuan", "62", "Product", "Write", "one"]
    tokenizer = Tokenizer(models.WordLevel({word: n for n, word in enumerate(words)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="<unk>", eos_token="<end>", pad_token="<end>")
    fast.save_pretrained(place)
    config = GPT2Config(vocab_size=len(words), n_embd=16, n_layer=1, n_head=2, eos_token_id=1, bos_token_id=1)
    GPT2LMHeadModel(config).save_pretrained(place)


# The vocabulary of the small writer


def test_texts_come_back_whole() -> None:
    texts = ["Brenlan's soft-grip basketball, size 6, at about 162 yuan.", "奔岚的软握感篮球，L码，大约162元。"]
    vocabulary = Vocabulary(texts, products=3)
    for text in texts:
        assert vocabulary.decode(vocabulary.encode(text)) == text
    assert vocabulary.decode(vocabulary.encode("Ωμέγα")) == "", "what it has never seen it cannot write"
    assert vocabulary.encode("<2>") == [len(reason_writer.SPECIAL) + 1]
    assert vocabulary.encode("") == []
