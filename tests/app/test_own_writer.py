"""The panel of a learner's own language model, against a real server here; the key is nowhere to be found."""

from __future__ import annotations

import json
import logging
import sqlite3
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from lab_page import key, nothing_broke, open_page, set_stage, skip, words
from lab_stage import Stage, around
from streamlit.testing.v1 import AppTest

from course_lib.course.lessons import load_course
from course_lib.errors import CourseError
from course_lib.text import text
from course_lib.ui import own_writer, shell
from course_lib.ui.reach import reach_of, served_alone
from course_lib.ui.reason_job import ReasonJob

LESSON, LAB = "generation", "reasons"
SECRET = "sk-secret-of-the-panel"
BOTH = pytest.mark.parametrize("language", ["zh", "en"])


class Parrot(BaseHTTPRequestHandler):
    """Says back what it was told of the product, or misbehaves as the path says."""

    def do_POST(self) -> None:
        kept: Any = self.server
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        kept.asked.append((self.headers["Authorization"], body))
        kind = self.path.split("/")[1]
        if kind == "hang":
            kept.free.wait(10)
            return
        if kind == "later" and len(kept.asked) > 2:
            kept.free.wait(10)
        answers = {
            "html": b"<html><script>alert(1)</script></html>", "invalid": b"{", "huge": b"[" + b" " * 400_000,
            "script": json.dumps({"choices": [{"message": {"content": "<script>alert(1)</script>"}}]}).encode(),
        }  # fmt: skip
        told = body["messages"][0]["content"].splitlines()[0].partition(":" if "Product" in str(body) else "：")[2]
        good = json.dumps({"choices": [{"message": {"content": told}}]}).encode()
        self.send_response({"locked": 401, "broken": 500, "moved": 302}.get(kind, 200))
        if kind == "moved":
            self.send_header("Location", f"http://{self.headers['Host']}/elsewhere/v1/chat/completions")
        self.end_headers()
        try:
            self.wfile.write(answers.get(kind, good))
        except OSError:
            return

    def log_message(self, format: str, *args: Any) -> None:
        """Silent."""


@pytest.fixture
def parrot() -> Iterator[Any]:
    server: Any = ThreadingHTTPServer(("127.0.0.1", 0), Parrot)
    server.daemon_threads = True
    server.asked, server.free = [], threading.Event()
    server.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.free.set()
    server.shutdown()
    server.server_close()


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Stage:
    return set_stage(monkeypatch, tmp_path)


def own(name: str) -> str:
    return key(f"own.{name}", LESSON, LAB)


def fill(page: AppTest, address: str, secret: str = SECRET, model: str = "parrot") -> AppTest:
    for name, value in (("url", address), ("model", model), ("key.0", secret)):
        page.text_input(key=own(name)).set_value(value)
    return page  # a form: what is typed arrives with the press


def press(page: AppTest, name: str = "write") -> AppTest:
    return page.button(key=own(name)).click().run()


def job_of(page: AppTest) -> ReasonJob:
    return page.session_state[own("job")]  # type: ignore[no-any-return]


def wait(page: AppTest, done: int | None = None) -> AppTest:
    """Until the job has ended, or has written so many."""
    job, end = job_of(page), time.monotonic() + 20
    while (job.live if done is None else len(job.written) < done) and time.monotonic() < end:
        time.sleep(0.02)
    return page.run()


def holding(page: AppTest) -> list[str]:
    """The entries of the session that hold the key."""
    return [str(name) for name, one in page.session_state._state.filtered_state.items() if SECRET in str(one)]


def tables(page: AppTest) -> str:
    return "\n".join(
        one.proto.body for one in page.get("html") if "lab-claims" in one.proto.body or "lab-shares" in one.proto.body
    )


@BOTH
def test_reasons_are_written_checked_and_shown_beside_the_labs(stage: Stage, parrot: Any, language: str) -> None:
    config = load_course().lesson(LESSON).lab(LAB).read_in(language).configs()["title"]
    measures = {
        "true": around(0.91),
        "true_new": around(0.83),
        "unreadable": around(0.05),
        "unreadable_new": around(0.07),
    }
    stage.put(config, "finished")
    stage.views[config.run_id].result["measures"] = measures  # type: ignore[index]
    page = open_page(language, LESSON)
    assert text("own_writer.title", language) in [one.label for one in page.expander]
    page = wait(press(fill(page, f"{parrot.url}/v1")))
    nothing_broke(page)
    assert len(parrot.asked) == own_writer.DRAWN
    assert {(said, body["model"]) for said, body in parrot.asked} == {(f"Bearer {SECRET}", "parrot")}
    shown = tables(page)
    assert shown.count('class="claim-true"') > own_writer.DRAWN, "it says back what the catalogue says"
    assert text("own_writer.true", language) in shown
    assert "91%" in shown
    assert "83%" in shown
    assert "100% (72%" in shown, "ten of ten are no certainty"
    assert text("own_writer.done", language, total=10) in words(page)


def test_a_false_claim_and_an_empty_one_are_marked_in_words(stage: Stage, parrot: Any) -> None:
    page = open_page("en", LESSON)
    page.multiselect(key=own("products")).set_value([1])
    page = wait(press(fill(page, f"{parrot.url}/script")))
    shown = tables(page)
    assert "<script>" not in shown
    assert "&lt;script&gt;" in shown
    assert text("own_writer.unreadable", "en") in shown
    assert len(parrot.asked) == 1


@BOTH
@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("locked", "address_key"), ("broken", "address_status"), ("html", "address_rubbish"),
        ("invalid", "address_rubbish"), ("huge", "address_too_long"), ("moved", "address_moved"),
        ("hang", "address_timeout"),
    ],
)  # fmt: skip
def test_a_bad_address_is_one_sentence_and_the_lesson_goes_on(
    stage: Stage, parrot: Any, monkeypatch: pytest.MonkeyPatch, language: str, path: str, error: str
) -> None:
    real = own_writer.ask_address
    monkeypatch.setattr(own_writer, "ask_address", lambda *given, **named: real(*given, timeout=0.5, **named))
    page = wait(press(fill(open_page(language, LESSON), f"{parrot.url}/{path}")))
    nothing_broke(page)
    filled = {"url": parrot.url, "status": {"broken": 500, "moved": 302}.get(path, ""), "seconds": "0.5",
              "limit": 200_000, "reason": "JSONDecodeError"}  # fmt: skip
    assert [one.value for one in page.warning] == [shell.plain(CourseError(error, **filled).text(language))]
    assert len(parrot.asked) == 1, "it is not asked again, and nobody follows a redirection"
    assert text("lesson.finish", language) in [one.label for one in page.button]


def test_the_key_is_in_no_link_no_file_no_log_and_no_words(
    stage: Stage, parrot: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    page = open_page("en", LESSON)
    wait(press(fill(page, f"{parrot.url}/v1")))
    wait(press(fill(page, f"{parrot.url}/locked")))
    page = press(fill(page, f"{parrot.url}/v1", secret=f"{SECRET}\n"))
    page = wait(page)
    job = job_of(page)
    said = [words(page), tables(page), str(dict(page.query_params)), repr(job), str(vars(job)), str(job.error)]
    said += [one.value for one in page.code]
    assert SECRET not in "\n".join([*said, caplog.text, *capfd.readouterr()])
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert any(path.suffix == ".sqlite" for path in files)
    assert not [path for path in files if SECRET.encode() in path.read_bytes()]
    assert holding(page) == [own("key.0")]
    page = press(page, "forget")
    assert page.text_input(key=own("key.1")).value == ""
    assert holding(page) == []
    with sqlite3.connect(next(path for path in files if path.suffix == ".sqlite")) as database:
        assert SECRET not in "\n".join(database.iterdump())


def test_stop_ends_it_at_once_and_keeps_what_is_written(stage: Stage, parrot: Any) -> None:
    page = press(fill(open_page("en", LESSON), f"{parrot.url}/later"))
    page = wait(page, done=2)
    assert text("own_writer.progress", "en", done=2, total=10) in words(page)
    assert page.button(key=own("write")).disabled
    page = press(page, "stop")
    assert not job_of(page).live
    assert text("own_writer.ended", "en", done=2, total=10) in words(page)
    assert not page.button(key=own("write")).disabled
    parrot.free.set()
    time.sleep(0.2)
    assert len(job_of(page).written) == 2
    assert len(parrot.asked) == 3


def test_what_is_missing_is_said(stage: Stage, parrot: Any) -> None:
    page = open_page("en", LESSON)
    for given, error in (
        (("", SECRET, "m"), CourseError("address_not_http")),
        ((f"{parrot.url}/v1", SECRET, " "), CourseError("writer_no_model")),
    ):
        page = press(fill(page, *given))
        assert [one.value for one in page.error] == [shell.plain(error.text("en"))]
    page = wait(press(fill(page, "file:///etc/passwd")))
    assert [one.value for one in page.warning] == [shell.plain(CourseError("address_not_http").text("en"))]
    page = wait(press(fill(page, SECRET)))  # the key in the wrong field
    assert SECRET not in words(page)
    assert parrot.asked == []


def test_nobody_looks_and_it_ends(parrot: Any) -> None:
    job = ReasonJob("en", [1, 2, 3], unseen_s=-1.0)
    asked: list[str] = []
    job.start(lambda: None, lambda prompt: asked.append(prompt) or "")  # type: ignore[arg-type,return-value,func-returns-value]
    while job.live:
        time.sleep(0.01)
    assert (asked, job.stopped, job.error) == ([], True, None)


def test_what_nobody_foresaw_is_a_sentence_and_the_log_does_not_quote_it(caplog: pytest.LogCaptureFixture) -> None:
    def fail() -> Any:
        raise ValueError(SECRET)

    job = ReasonJob("en", [1])
    job.start(fail, str)
    while job.live:
        time.sleep(0.01)
    assert job.error is not None
    assert job.error.key == "writer_failed"
    assert "ValueError" in caplog.text
    assert SECRET not in caplog.text + str(job.error)


# Who may ask what

HERE = {"Host": "localhost:8501", "Origin": "http://localhost:8501"}


@pytest.mark.parametrize(
    ("listens", "headers", "alone"),
    [
        ("127.0.0.1", HERE, True), ("::1", {"Host": "[::1]:8501"}, True), ("localhost", {}, True),
        ("0.0.0.0", HERE, False), ("192.168.1.5", HERE, False), (None, HERE, False), ("", HERE, False),
        ("127.0.0.1", {**HERE, "X-Forwarded-For": "203.0.113.5"}, False),
        ("127.0.0.1", {"Host": "course.example.org", "Origin": "https://course.example.org"}, False),
        ("127.0.0.1", {"Host": "127.0.0.1:8501", "Origin": "https://course.example.org"}, False),
    ],
)  # fmt: skip
def test_served_to_this_machine_alone(listens: str | None, headers: dict[str, str], alone: bool) -> None:
    assert served_alone(listens, headers) is alone


def test_the_operator_decides() -> None:
    assert reach_of("", alone=True).anywhere
    assert reach_of("any", alone=False).anywhere
    assert not reach_of("public", alone=True).anywhere
    assert reach_of("", alone=False).hosts == frozenset()
    assert reach_of("llm.lan, 10.0.0.5,[fd00::1]", alone=False).hosts == {"llm.lan", "10.0.0.5", "fd00::1"}


def test_a_visitor_of_a_served_course_cannot_reach_into_it(
    stage: Stage, parrot: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LIVEREC_WRITER_HOSTS", "public")
    set_stage(monkeypatch, tmp_path)
    page = wait(press(fill(open_page("en", LESSON), f"{parrot.url}/v1")))
    assert [one.value for one in page.warning] == [
        shell.plain(CourseError("address_private", url="127.0.0.1").text("en"))
    ]
    assert parrot.asked == []


# In the language of the page


def test_writers_are_trained_in_the_language_of_the_page(stage: Stage) -> None:
    trained = {}
    for language in ("zh", "en"):
        page = open_page(language, LESSON)
        if language == "zh":  # once is enough
            skip(page, LESSON)
        page.button(key=key("train", LESSON, LAB)).click().run()
        trained[language] = {stage.views[run].config.settings["language"] for run, _ in stage.started}  # type: ignore[union-attr]
        stage.started.clear()
        assert page.selectbox(key=key("widget.language", LESSON, "reason")).value == language
    assert trained == {"zh": {"zh"}, "en": {"en"}}


def test_the_language_follows_the_page_until_it_is_chosen(stage: Stage) -> None:
    page = open_page("zh", LESSON)
    chosen = key("widget.language", LESSON, "reason")
    page.query_params["lang"] = "en"
    page = page.run()
    assert page.selectbox(key=chosen).value == "en"
    page = page.selectbox(key=chosen).set_value("zh").run()
    assert page.run().selectbox(key=chosen).value == "zh"
    link = AppTest.from_file(str(shell.FRONT), default_timeout=60).switch_page(f"../../../pages/{LESSON}.py")
    link.query_params.update({"lang": "zh", "lab": "reason", "language": "en"})
    assert link.run().selectbox(key=chosen).value == "en"
