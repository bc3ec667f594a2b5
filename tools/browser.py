"""Sees to it that there is a browser for the tests, and prints which; ``make test`` calls it.

A Chromium or Chrome of the system is used as it is. Otherwise one is installed: on Debian with apt-get, where that
needs no password, together with a Chinese font; elsewhere the build that Playwright brings. ``CHROMIUM`` names another.

    python tools/browser.py
    from tools.browser import ARGUMENTS, find;  playwright.chromium.launch(executable_path=find(), args=ARGUMENTS)
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "chrome")
PACKAGES = ("chromium", "fonts-wqy-microhei", "libatomic1")  # Playwright's own Node.js needs the last
# Without a sandbox, because tests often run as root in a container; the rest keeps the browser from calling home.
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
HELP = (
    "No browser could be installed (see above). Install Chromium or Chrome so that it is on the PATH, or set CHROMIUM "
    "to its program, then run this again; the tests without a browser are: python -m pytest --ignore=tests/browser"
)


def find() -> str | None:
    """The path of a browser: ``CHROMIUM``, the system's, or the one Playwright has installed; None without any."""
    if named := os.environ.get("CHROMIUM"):
        return shutil.which(named)
    return next((path for name in NAMES if (path := shutil.which(name))), None) or playwrights()


def playwrights() -> str | None:
    """The browser that Playwright has installed, if it has."""
    if not driver_starts():
        return None
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).exists() else None


def driver_starts() -> bool:
    """Whether Playwright itself runs here: a bare machine lacks a library that it needs."""
    command = [sys.executable, "-m", "playwright", "--version"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def is_debian(release: Path = Path("/etc/os-release")) -> bool:
    """Whether this is Debian itself: Ubuntu's packages of Chromium are doors to the snap store."""
    return release.exists() and "ID=debian" in release.read_text(encoding="utf-8").splitlines()


def as_root(call: Callable[[Sequence[str]], int]) -> list[str] | None:
    """What to put before a command so that it runs as root: nothing, sudo, or None where a password would be needed."""
    if getattr(os, "geteuid", lambda: -1)() == 0:
        return []
    return ["sudo", "-n"] if shutil.which("sudo") and call(["sudo", "-n", "true"]) == 0 else None


def ways(call: Callable[[Sequence[str]], int]) -> list[list[list[str]]]:
    """Ways to install a browser, the best first; each is a list of commands."""
    playwright = [sys.executable, "-m", "playwright"]
    prefix = as_root(call)
    found = []
    if prefix is not None and is_debian() and shutil.which("apt-get"):
        quiet = [*prefix, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get"]
        found.append([[*quiet, "update"], [*quiet, "install", "--yes", "--no-install-recommends", *PACKAGES]])
    if prefix is not None and shutil.which("apt-get"):
        found.append([[*playwright, "install", "--with-deps", "chromium"]])
    found.append([[*playwright, "install", "chromium"]])
    return found


def run(command: Sequence[str]) -> int:
    """Runs a command without standard input; its exit status."""
    return subprocess.run(command, stdin=subprocess.DEVNULL, check=False).returncode


def ensure(call: Callable[[Sequence[str]], int] = run) -> str | None:
    """A browser's path, installing one where there is none; None where that did not work."""
    if os.environ.get("CHROMIUM"):
        return find()
    if (path := find()) and driver_starts():
        return path
    for commands in ways(call):
        if all(call(command) == 0 for command in commands) and (path := find()):
            return path
    return None


if __name__ == "__main__":
    browser = ensure()
    if browser is None:
        print(HELP, file=sys.stderr)
        sys.exit(2)
    print(f"Browser for the tests: {browser}")
