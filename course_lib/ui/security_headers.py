"""What every answer tells the browser to refuse: scripts that are not the course's, frames of other sites, guessing.

Streamlit needs some freedom: its styles are made in the browser (``style-src 'unsafe-inline'``), pictures come as
``data:`` and ``blob:``, and the scripts of small components as ``blob:``. Scripts written into a page are not
allowed but for the few in the page that carries the app, each by its digest.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import logging
import re
from pathlib import Path

import streamlit
from starlette.datastructures import MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from course_lib.errors import CourseError
from course_lib.text import LANGUAGES, text

LOG = logging.getLogger(__name__)

INLINE = re.compile(r"<script>(.*?)</script>", re.DOTALL)
# Streamlit's client would otherwise try below the page's own address first, two 404s and a round trip each load. Every
# page lies directly below the course's address, so "./" is it, behind a proxy's prefix too.
SERVER_ADDRESS = '<script>window.__streamlit={BACKEND_BASE_URL:new URL("./",location.href).href}</script>'
INDEX = Path(streamlit.__file__).parent / "static" / "index.html"
UNUSED = ("camera", "display-capture", "geolocation", "hid", "microphone", "midi", "payment", "serial", "usb")


@functools.cache
def policy() -> str:
    """The Content-Security-Policy."""
    page = INDEX.read_text(encoding="utf-8") + SERVER_ADDRESS
    digests = [base64.b64encode(hashlib.sha256(one.encode()).digest()).decode() for one in INLINE.findall(page)]
    rules = {
        "default-src": "'none'",
        # blob: is how Streamlit loads a component; to make one, a script has to run already
        "script-src": " ".join(["'self'", "blob:", *(f"'sha256-{one}'" for one in digests)]),
        "style-src": "'self' 'unsafe-inline'",
        "img-src": "'self' data: blob:",
        "font-src": "'self' data:",
        "connect-src": "'self'",  # the websocket of the same host too
        "worker-src": "'self' blob:",
        "manifest-src": "'self'",
        "form-action": "'self'",
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
    }
    return "; ".join(f"{name} {value}" for name, value in rules.items())


@functools.cache
def always() -> tuple[tuple[str, str], ...]:
    """The headers of every answer."""
    return (
        ("Content-Security-Policy", policy()),
        ("X-Content-Type-Options", "nosniff"),
        ("X-Frame-Options", "DENY"),
        ("Referrer-Policy", "same-origin"),
        ("Permissions-Policy", ", ".join(f"{name}=()" for name in UNUSED)),
        ("Cross-Origin-Opener-Policy", "same-origin"),
        ("Cross-Origin-Resource-Policy", "same-origin"),
    )


class SecurityHeaders:
    """Puts :func:`always` on every answer, and answers itself where something below fails before it has answered."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begun = False

        async def sends(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                headers = MutableHeaders(raw=message["headers"])
                for name, value in always():
                    headers.setdefault(name, value)  # a page may be stricter
            await send(message)

        try:
            await self.app(scope, receive, sends)
        except CourseError as error:
            LOG.error("%s: %s", scope["path"], error)
            if not begun:
                await PlainTextResponse("\n".join(map(error.text, LANGUAGES)), 503)(scope, receive, sends)
        except Exception:
            if not begun:
                sentences = "\n".join(text("shell.broken", language) for language in LANGUAGES)
                await PlainTextResponse(sentences, 500)(scope, receive, sends)
            raise  # the server's log has the traceback
