"""A real browser and a real server for the tests in this folder. Each test is a new learner in a new browser."""

from __future__ import annotations

import itertools
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from course_server import CourseServer
from playwright.sync_api import Browser, expect, sync_playwright
from visitors import TIMEOUT_MS, TINY, Visitors

from tools.browser import ARGUMENTS, HELP, find

# Names of other hosts lead nowhere, so that a page which needs one breaks here as it would in a room without a network.
OFFLINE = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost"

_seeds = itertools.count(101)


@pytest.fixture(scope="package")
def server() -> Iterator[CourseServer]:
    """The course, started once for this folder."""
    home = Path(tempfile.mkdtemp(prefix="liverec-browser-"))
    course = CourseServer(home)
    try:
        course.wait_until_up()
        yield course
    finally:
        course.close()
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """The machine's Chromium, started once for this folder."""
    path = find()
    assert path is not None, HELP
    with sync_playwright() as playwright:
        expect.set_options(timeout=TIMEOUT_MS)
        chromium = playwright.chromium.launch(executable_path=path, args=[*ARGUMENTS, OFFLINE])
        yield chromium
        chromium.close()


@pytest.fixture
def seed() -> int:
    """A seed of the test's own, and so a run of its own."""
    return next(_seeds)


@pytest.fixture
def visit(browser: Browser, server: CourseServer) -> Iterator[Visitors]:
    """Opens browsers: ``visit(width=390, dark=True, language="zh").open(seed=1)``."""
    visitors = Visitors(browser, server)
    yield visitors
    try:
        visitors.close()
    finally:
        server.rest()


@pytest.fixture(scope="package")
def trained(browser: Browser, server: CourseServer) -> dict[str, Any]:
    """The link of a run that has been trained to its end."""
    link = {**TINY, "epochs": 4, "seed": 100}
    visitors = Visitors(browser, server)
    visitors().open(**link).train().finish()
    visitors.close()
    return link
