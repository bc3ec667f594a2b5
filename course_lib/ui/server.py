"""What the web server adds to Streamlit's own: names for browsers, assets from this machine, compression, language.

Everything a browser loads comes from here: Plotly's JavaScript and the fonts from ``static/``.
No address of another host stands in any page, so the course runs in a room without a network.
"""

from __future__ import annotations

import asyncio
import functools
import gzip
import hashlib
import importlib
import logging
import mimetypes
import os
import re
import socket
import sys
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import streamlit
from starlette.datastructures import Headers, QueryParams
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from course_lib.course.installation_key import signing_key
from course_lib.course.instructor_secret import first_secret
from course_lib.errors import CourseError
from course_lib.figures.run_report import plotly_file
from course_lib.settings import PROJECT
from course_lib.text import LANGUAGES, text
from course_lib.ui import descriptors, join, late_loop, resume, services
from course_lib.ui.identity_cookie import BrowserIdentity
from course_lib.ui.known_hosts import KnownHosts
from course_lib.ui.security_headers import SERVER_ADDRESS, SecurityHeaders

LOG = logging.getLogger(__name__)
STATIC = PROJECT / "static"
STREAMLIT_STATIC = Path(streamlit.__file__).parent / "static"
FOREVER = (
    "public, max-age=31536000, immutable"  # every address below carries a version, so it never changes its content
)
MISSING = "missing"  # the query parameter that tells home which page was asked for in vain
COMPRESSIBLE = {".js", ".css", ".svg", ".html", ".json"}
# Streamlit's own bundles: names carry a hash of the content.
BUNDLE = re.compile(r"^/static/(?P<name>(?:js|css)/[\w.\-]+\.(?:js|css))$")
# The font of all its icons, 375 KB at every first visit; the course gives out the part that Streamlit itself names.
ICONS = re.compile(r"^/static/media/MaterialSymbols-Rounded\.[\w\-]+\.woff2$")
mimetypes.add_type("font/woff2", ".woff2")


@functools.cache
def plotly_url() -> str:
    """Where a page finds Plotly: relative to the page, so that a path prefix set by a proxy does not matter."""
    return f"./assets/vendor/{plotly_file().name}"


@functools.cache
def assets() -> dict[str, Path]:
    """Every file that ``/assets/<name>`` serves; nothing outside this mapping can be read."""
    return {path.relative_to(STATIC).as_posix(): path for path in sorted(STATIC.rglob("*")) if path.is_file()}


@functools.cache
def compressed(path: Path) -> bytes:
    """The file's gzip form, made once per server: compressing at every request would cost more than it saves."""
    return gzip.compress(path.read_bytes(), compresslevel=6, mtime=0)


async def file_response(path: Path, headers: Headers) -> Response:
    """One file with a year of caching, compressed where that helps and the browser takes it."""
    media_type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    extra = {"Cache-Control": FOREVER}
    if path.suffix not in COMPRESSIBLE:
        return Response(await asyncio.to_thread(path.read_bytes), media_type=media_type, headers=extra)
    extra["Vary"] = "Accept-Encoding"
    if "gzip" not in headers.get("accept-encoding", ""):
        return Response(await asyncio.to_thread(path.read_bytes), media_type=media_type, headers=extra)
    extra["Content-Encoding"] = "gzip"
    return Response(await asyncio.to_thread(compressed, path), media_type=media_type, headers=extra)


async def serve_asset(request: Request) -> Response:
    """``/assets/<name>``."""
    path = assets().get(request.path_params["name"])
    if path is None:
        return PlainTextResponse("not found", status_code=404)
    return await file_response(path, request.headers)


def streamlits_file(address: str) -> Path | None:
    """What is served at an address of Streamlit's own files; None where Streamlit may answer by itself."""
    if ICONS.match(address):
        return STATIC / "fonts" / "liverec-icons.woff2"
    match = BUNDLE.match(address)
    path = STREAMLIT_STATIC / "static" / match["name"] if match else None
    return path if path is not None and path.is_file() else None


class CompressedBundles:
    """Serves Streamlit's JavaScript and CSS compressed, and fewer icons: 3.2 MB for a first visit become 0.9 MB."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] == "http" and scope["method"] == "GET" and "/static/" in scope["path"]:
            path = streamlits_file(route_path(scope))
            if path is not None:
                await (await file_response(path, Headers(scope=scope)))(scope, receive, send)
                return
        await self.app(scope, receive, send)


def route_path(scope: Scope) -> str:
    """The request's path without the prefix under which the app is mounted or configured."""
    path: str = scope["path"]
    for prefix in (scope.get("root_path", ""), "/" + streamlit.get_option("server.baseUrlPath").strip("/")):
        if len(prefix) > 1 and path.startswith(prefix + "/"):
            path = path[len(prefix) :]
    return path


class PageLanguage:
    """Rewrites the page that carries the app: its language, its first title and the stylesheet of the course's fonts.

    Screen readers choose a voice, and browsers a Chinese rather than a Japanese glyph, by ``<html lang>``.
    The switch in the header changes it later, in the browser.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        headers = Headers(scope=scope) if scope["type"] == "http" else None
        own = {
            route.path for route in (*join.routes(), *resume.routes())
        }  # pages without Streamlit, which know their language
        page = headers is not None and scope["method"] == "GET" and "text/html" in headers.get("accept", "")
        if headers is None or not page or route_path(scope) in own:
            await self.app(scope, receive, send)
            return
        # The same address has two languages, so "not modified since" has no meaning here; and the page must come plain.
        dropped = (b"if-none-match", b"if-modified-since", b"accept-encoding")
        kept = [pair for pair in scope["headers"] if pair[0] not in dropped]
        start: Message | None = None
        body = b""

        async def keep_page(message: Message) -> None:
            nonlocal start, body
            if message["type"] == "http.response.start":
                if Headers(raw=message["headers"]).get("content-type", "").startswith("text/html"):
                    start = message
                    return
            elif start is not None:
                body += message.get("body", b"")
                return
            await send(message)

        await self.app({**scope, "headers": kept}, receive, keep_page)
        if start is not None:
            await self.answer(scope, headers, start["status"], body)(scope, receive, send)

    @staticmethod
    def answer(scope: Scope, headers: Headers, status: int, body: bytes) -> Response:
        """The page in its language, or the way home from an address that no page has."""
        name = route_path(scope).strip("/")
        if status == 200 and name not in page_names():
            return RedirectResponse(f"./?{urlencode({MISSING: name})}", status_code=302)
        page = localised(body.decode(), page_language(scope, headers))
        return HTMLResponse(page, status, {"Vary": "Accept-Language", "Cache-Control": "private, no-cache"})


def page_names() -> set[str]:
    """The addresses of all pages, home being the empty one."""
    return {""} | {path.stem for path in (PROJECT / "pages").glob("*.py")}


def page_language(scope: Scope, headers: Headers) -> str:
    """The language of a page that is about to be drawn: the link's, else the browser's first."""
    asked = QueryParams(scope.get("query_string", b"")).get("lang")
    if asked in ("zh", "en"):
        return asked
    return "zh" if headers.get("accept-language", "").lower().startswith("zh") else "en"


def localised(page: str, language: str) -> str:
    """Streamlit's ``index.html`` in ``language`` with the course's stylesheets."""
    page = page.replace('<html lang="en">', f'<html lang="{"zh-CN" if language == "zh" else "en"}">', 1)
    page = page.replace("<title>Streamlit</title>", "<title>LiveRec</title>", 1)
    page = page.replace('href="./favicon.png"', 'href="./assets/favicon.svg" type="image/svg+xml"', 1)
    return page.replace("</head>", "".join([SERVER_ADDRESS, *stylesheets()]) + "</head>", 1)


@functools.cache
def stylesheets() -> tuple[str, ...]:
    """``<link>`` tags for the style sheets in static/, each with a version made from its content."""
    links = []
    for name, path in assets().items():
        if path.suffix == ".css":
            links.append(f'<link rel="stylesheet" href="./assets/{name}?v={hash_of(path)}">')
    return tuple(links)


@functools.cache
def hash_of(path: Path) -> str:
    """Eight hexadecimal digits of the file's content."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:8]


def warm_up() -> None:
    """Does, before anyone waits for it, what the first visitor and the first Train would otherwise wait for.

    A step that fails is logged and the next one is tried: the page that needs it will say what is wrong, and a course
    to read is better than no course.
    """
    started = time.perf_counter()
    # The workers import torch in their own processes. They come second, so that the first page has the processor.
    for step in (signing_key, import_pages, services.runs, services.uploads, compress_first_visit):
        try:
            step()
        except CourseError as error:
            LOG.error("warming up: %s", error)
        except Exception:
            LOG.exception("warming up: %s failed", step.__name__)
    LOG.info("ready for the first Train %.1f s after the start", time.perf_counter() - started)


def import_pages() -> None:
    """pandas, and all that the pages import."""
    for name in (
        "course_lib.figures.path",
        "course_lib.ui.progress_parts",
        "course_lib.ui.lesson",
        "course_lib.ui.upload_panel",
    ):
        importlib.import_module(name)


def compress_first_visit() -> None:
    """The files that every first visit asks for."""
    index = (STREAMLIT_STATIC / "index.html").read_text(encoding="utf-8")
    for name in re.findall(r'"\./static/((?:js|css)/[^"]+)"', index):
        compressed(STREAMLIT_STATIC / "static" / name)
    compressed(plotly_file())


def send_at_once() -> int:
    """Lets the sockets that this process listens on send small messages without waiting for the browser's last receipt.

    Streamlit opens its socket in a way that keeps asyncio from doing this, and then every click waits 40 ms for the
    receipt of its first answer. Connections inherit the setting from the socket that accepts them.
    Returns the number of sockets; 0 where the system does not list a process's files.
    """
    found = 0
    try:
        names = os.listdir("/dev/fd")
    except OSError:
        return found
    for name in names:
        try:
            one = socket.socket(fileno=int(name))
        except OSError:  # no socket, or the handle of this very listing
            continue
        try:
            listens = one.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
            if listens and one.family in (socket.AF_INET, socket.AF_INET6):
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                found += 1
        except OSError as problem:  # only slower
            LOG.info("a socket keeps its delay: %s", problem)
        finally:
            one.detach()  # it is not ours to close
    return found


def show_first_secret() -> None:
    """Prints the instructor's secret on the server's console, at the home's first start and never again.

    In both languages: whoever started the server need not read the one that its system is set to.
    """
    try:
        secret = first_secret()
    except CourseError as error:  # a course without an instructor is better than none; the Teaching page says why
        LOG.error("no instructor's secret: %s", error)
        return
    if secret is not None:
        for language in LANGUAGES:
            print(text("teach.first_secret", language, secret=secret), file=sys.stderr, flush=True)


@asynccontextmanager
async def lifespan(app: Any) -> AsyncIterator[None]:
    """Starts the workers in the background when the server starts, and ends them with it."""
    LOG.info("this process may open %s files", descriptors.raise_limit())
    late_loop.install()
    send_at_once()  # the server listens already
    await asyncio.to_thread(show_first_secret)
    threading.Thread(target=warm_up, name="warm-up", daemon=True).start()
    yield
    await asyncio.to_thread(services.close)


def routes() -> list[BaseRoute]:
    """The course's own addresses beside Streamlit's."""
    return [Route("/assets/{name:path}", serve_asset, methods=["GET"]), *join.routes(), *resume.routes()]


def middleware() -> list[Middleware]:
    """What wraps every request, the outermost first."""
    around = (BrowserIdentity, PageLanguage, CompressedBundles)
    return [
        Middleware(SecurityHeaders),
        Middleware(KnownHosts),
        Middleware(descriptors.Doorkeeper, language=page_language),
        *(Middleware(one) for one in around),
    ]
