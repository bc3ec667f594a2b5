"""File descriptors: as many as the system allows, and a sentence for who comes when they are nearly gone.

A tab takes one, for its websocket. Where none is left, nothing works for anybody: no run can be read, no worker be
started, no connection be accepted. So the last ones are kept for those who are here already: a new page is refused
with a sentence, and a moment later it may be let in.
"""

from __future__ import annotations

import html
import logging
import os
from collections.abc import Callable
from contextlib import suppress

from starlette.datastructures import Headers
from starlette.responses import HTMLResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from course_lib.text import text

try:
    import resource
except ImportError:  # Windows counts differently, and has no such limit
    resource = None  # type: ignore[assignment]

LOG = logging.getLogger(__name__)
WANTED = 65_536  # enough for any class; some systems say "unlimited" and allow less
AGAIN_S = 60  # seconds after which a refused browser asks again by itself
PAGE_KEEPS = 64  # descriptors that must be free for a new page: it comes with a websocket and half a dozen files
SOCKET_KEEPS = 32  # and for a websocket: its page was let in, or its tab was here before


def raise_limit() -> int | None:
    """Lets this process, and those that it starts, open as many files as the system allows; returns the limit."""
    if resource is None:
        return None
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = WANTED if hard == resource.RLIM_INFINITY else min(hard, WANTED)
    for limit in (most, 10_240):  # what macOS takes where it calls itself unlimited
        if soft != resource.RLIM_INFINITY and soft < limit <= most:
            with suppress(OSError, ValueError):
                resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
                break
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def free() -> int | None:
    """How many more files this process can open; None where the system does not tell."""
    if resource is None:
        return None
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if limit == resource.RLIM_INFINITY:
        return None
    try:
        return limit - len(os.listdir("/dev/fd"))
    except FileNotFoundError:
        return None
    except OSError:  # not even the listing could be opened
        return 0


class Doorkeeper:
    """Refuses new pages while descriptors run short; all else goes on."""

    def __init__(self, app: ASGIApp, language: Callable[[Scope, Headers], str]) -> None:
        """``language`` says in which language a page is wanted."""
        self.app, self._language = app, language
        self._refusing = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        kind = scope["type"]
        headers = Headers(scope=scope) if kind in ("http", "websocket") else Headers()
        page = kind == "http" and scope["method"] == "GET" and "text/html" in headers.get("accept", "")
        if (page and self._full(PAGE_KEEPS)) or (kind == "websocket" and self._full(SOCKET_KEEPS)):
            if page:
                await refusal(self._language(scope, headers))(scope, receive, send)
            else:
                await receive()
                await send({"type": "websocket.close", "code": 1013})  # try again later
            return
        await self.app(scope, receive, send)

    def _full(self, keeps: int) -> bool:
        left = free()
        full = left is not None and left < keeps
        if full != self._refusing:
            self._refusing = full
            LOG.warning("%s new tabs: %s file descriptors are left", "refusing" if full else "admitting", left)
        return full


def refusal(language: str) -> HTMLResponse:
    """The page for who cannot be let in: it needs no file and no script, and asks again by itself."""
    title, sentence = (html.escape(text(f"shell.{key}", language)) for key in ("full_title", "full"))
    page = (
        f'<!doctype html><html lang="{"zh-CN" if language == "zh" else "en"}"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width"><meta http-equiv="refresh" content="{AGAIN_S}">'
        f"<title>{title} · LiveRec</title></head>"
        '<body style="font-family:sans-serif;max-width:36em;margin:20vh auto;padding:0 1em;line-height:1.6">'
        f"<h1>{title}</h1><p>{sentence}</p></body></html>"
    )
    headers = {"Retry-After": str(AGAIN_S), "Cache-Control": "no-store", "Vary": "Accept-Language"}
    return HTMLResponse(page, 503, headers)
