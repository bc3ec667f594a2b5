"""Makes docs/lesson.png, the README's picture: the first lesson in mid-training, from a real run of the default size.

    python tools/picture.py

It starts the course on a free port with an empty home, trains the lesson's own run in a browser (tools/browser.py) and
takes the picture after the third epoch. The products are emoji: without fonts-noto-color-emoji (Debian's name) or
another colour emoji font they are empty boxes.
"""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

from playwright.sync_api import Page, expect, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tools.browser import ARGUMENTS, HELP, find  # noqa: E402

LESSON = "user_understanding"
PICTURE = ROOT / "docs" / "lesson.png"
WIDTH, HEIGHT = 1280, 1000  # the window; the picture is the lab in it
EPOCHS = 3  # finished when the picture is taken
PATIENCE_MS = 120_000


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(address: str) -> None:
    """Returns once the server answers."""
    end = time.monotonic() + PATIENCE_MS / 1000
    while True:
        try:
            with urllib.request.urlopen(address, timeout=5):
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            if time.monotonic() > end:
                raise
            time.sleep(0.2)


def take(page: Page, address: str) -> None:
    """Trains on the page at ``address`` and takes the picture in the middle of it."""
    expect.set_options(timeout=PATIENCE_MS)
    page.goto(f"{address}/{LESSON}?lang=en")
    page.locator(f".st-key-guess-{LESSON}-skip button").click()
    train = page.locator(f".st-key-lab-{LESSON}-train-train button")
    expect(train).to_be_enabled()
    train.click()
    lab = page.locator(f".st-key-lab_{LESSON}_train")
    expect(lab.get_by_test_id("stProgress")).to_have_text(re.compile(rf"Epoch {EPOCHS}\.\d of"))
    expect(lab.locator(".main-svg").first).to_be_attached()
    expect(lab.locator(".lab-list > li")).to_have_count(10)
    PICTURE.parent.mkdir(exist_ok=True)
    lab.screenshot(path=PICTURE, style="[data-testid=stHeader] { display: none }")


def main() -> int:
    """Exit status 0, or 2 where there is no browser."""
    browser = find()
    if browser is None:
        print(HELP, file=sys.stderr)
        return 2
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="liverec-picture-") as home:
        server = subprocess.Popen(
            [sys.executable, "-m", "course_lib", "start", "--port", str(port)],
            cwd=ROOT,
            env={**os.environ, "LIVEREC_HOME": home, "LIVEREC_WORKERS": "1"},
        )
        try:
            wait_for(f"http://localhost:{port}/_stcore/health")
            with sync_playwright() as playwright:
                chromium = playwright.chromium.launch(executable_path=browser, args=ARGUMENTS)
                take(chromium.new_page(viewport={"width": WIDTH, "height": HEIGHT}), f"http://localhost:{port}")
                chromium.close()
        finally:
            server.terminate()
            server.wait()
    print(f"{PICTURE.relative_to(ROOT)}: {PICTURE.stat().st_size // 1024} KiB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
