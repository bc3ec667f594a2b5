"""A link that makes another browser the same learner: offered on My progress, good once and for a quarter of an hour.

``GET /join?token=...`` only asks: programs that look at every link that is sent would otherwise use it up, and a link
from a stranger would change who one is without a word. The button posts the token, and the answer leads home, so that
neither the address nor the history's newest entry holds it. Files in the home, named by the token's hash, are the
links that are open; whoever deletes the file has used the link, so it is good once, in any process.
"""

from __future__ import annotations

import hashlib
import html
import json
import logging
import secrets
import time
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from course_lib.errors import CourseError
from course_lib.runs.files import storage_error, write_whole
from course_lib.settings import load_settings
from course_lib.text import text
from course_lib.ui.identity_cookie import NAME
from course_lib.ui.plain_page import become, field, own_page, page_language, plain_page

LOG = logging.getLogger(__name__)
OPEN_S = 15 * 60


def folder() -> Path:
    """Where the open links are."""
    return load_settings().home / "joins"


def _file(token: str) -> Path:
    return folder() / f"{hashlib.sha256(token.encode()).hexdigest()}.json"


def offer(browser: str) -> str:
    """A new token for the browser ``browser``; an older one of the same browser ends. Raises CourseError."""
    token = secrets.token_hex(16)
    try:
        folder().mkdir(mode=0o700, parents=True, exist_ok=True)
        for path in folder().glob("*.json"):
            if _opened(path) in (None, browser):
                path.unlink(missing_ok=True)
        write_whole(_file(token), json.dumps({"browser": browser, "until": time.time() + OPEN_S}))
    except OSError as problem:
        raise storage_error(problem, folder().parent) from problem
    return token


def look(token: str) -> str | None:
    """The browser that a token stands for, while it does."""
    return _opened(_file(token))


def take(token: str) -> str | None:
    """The same, and the token is used up: of several who come with it one gets it."""
    name = look(token)
    try:
        _file(token).unlink()
    except OSError as problem:  # somebody was first, or it cannot be used up, and then it is not given either
        LOG.info("a link was not taken: %s", problem)
        return None
    return name


def _opened(path: Path) -> str | None:
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        name, until = str(record["browser"]), float(record["until"])
    except (OSError, KeyError, TypeError, ValueError):
        return None
    return name if NAME.fullmatch(name) and time.time() < until else None


async def ask(request: Request) -> Response:
    """``GET /join?token=...``: what the link does, and a button."""
    token = request.query_params.get("token", "")
    return _page(request, token if look(token) else None)


async def join(request: Request) -> Response:
    """``POST /join``: this browser is the other one's learner from now on, and goes home."""
    if not own_page(request):
        return _page(request, None, 403)
    given = await field(request, "token")
    if given is None:
        return _page(request, None, 413)
    try:
        name = take(given)
        return _page(request, None) if name is None else become(request, name)
    except CourseError as error:
        LOG.error("no browser can be joined: %s", error)
        return _page(request, None, 503)


def _page(request: Request, token: str | None, status: int = 410) -> Response:
    """The question, or with no token why there is none."""
    language = page_language(request)
    if token is None:
        parts = f'<p>{text("join.gone", language)}</p><p><a href="./">{text("join.home", language)}</a></p>'
        return plain_page(request, text("join.gone_title", language), parts, status)
    parts = (
        f"<p>{text('join.ask', language)}</p><p>{text('join.kept', language)}</p>"
        f'<form method="post" action="./join"><input type="hidden" name="token" value="{html.escape(token)}">'
        f'<button type="submit">{text("join.do", language)}</button></form>'
    )
    return plain_page(request, text("join.title", language), parts)


def routes() -> list[Route]:
    """The course's addresses for it."""
    return [Route("/join", ask, methods=["GET"]), Route("/join", join, methods=["POST"])]
