"""A learner's own language model in a real browser: filled in, asked, read, forgotten."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from course_server import CourseServer
from playwright.sync_api import Page, expect
from visitors import Visitors

SECRET = "sk-secret-of-the-browser"
SIZES = "() => document.querySelector('[data-testid=stMain]').scrollWidth - window.innerWidth"
STORED = "() => JSON.stringify([document.cookie, {...localStorage}, {...sessionStorage}, location.href])"


class Boaster(BaseHTTPRequestHandler):
    """Repeats the product's title and adds a price that nothing costs."""

    def do_POST(self) -> None:
        kept: Any = self.server
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        kept.keys.append(self.headers["Authorization"])
        told = body["messages"][0]["content"].splitlines()[0].partition(": ")[2].partition(", ")[0]
        answer = json.dumps({"choices": [{"message": {"content": f"{told} at about 98765 yuan"}}]}).encode()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: Any) -> None:
        """Silent."""


@pytest.fixture
def boaster() -> Iterator[Any]:
    server: Any = ThreadingHTTPServer(("127.0.0.1", 0), Boaster)
    server.keys = []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def part(page: Page, name: str) -> Any:
    return page.locator(f".st-key-lab-generation-reasons-own-{name}")


@pytest.mark.parametrize("width", [1280, 390])
def test_a_model_of_ones_own_writes_and_is_checked(
    visit: Visitors, server: CourseServer, boaster: Any, width: int
) -> None:
    page = visit(width=width).page
    page.goto(f"{server.url}/generation?lang=en")
    expect(page.locator(".st-key-lesson-generation-finish button")).to_be_attached()
    panel = part(page, "panel")
    panel.locator("summary").click()
    for name, value in (
        ("url", f"http://localhost:{boaster.server_port}/v1"),
        ("model", "boaster"),
        ("key-0", SECRET),
    ):
        part(page, name).locator("input").fill(value)
        part(page, name).locator("input").press("Tab")
    expect(part(page, "key-0").locator("input")).to_have_attribute("type", "password")
    part(page, "write").locator("button").click()
    expect(panel.get_by_test_id("stProgress")).to_contain_text("All 10 reasons")
    expect(panel.locator(".lab-claims tr")).to_have_count(11)
    expect(panel.locator(".claim-false").first).to_have_text("✗ false · price: about 98765 yuan")
    expect(panel.locator(".claim-true").first).to_contain_text("✓ true")
    expect(panel.locator(".lab-shares tr").nth(1)).to_contain_text("0% (0% to 28%)")
    assert page.evaluate(SIZES) <= 0
    assert boaster.keys == [f"Bearer {SECRET}"] * 10
    assert SECRET not in page.evaluate(STORED)
    assert SECRET not in server.log.read_text(encoding="utf-8")
    part(page, "forget").locator("button").click()
    expect(part(page, "key-1").locator("input")).to_have_value("")
    expect(panel.locator(".lab-claims tr")).to_have_count(11)
