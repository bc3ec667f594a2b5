"""Which names the course answers to, and which pages may speak to it.

A page of a stranger can have its own name point to this machine once the browser has loaded it ("DNS rebinding"); the
browser then takes the course for a part of that page. What gives it away is the name in ``Host``. So every request has
to name an address (a page that was loaded from an address cannot be rebound), ``localhost``, this machine, or a name
in LIVEREC_HOSTS. A page of another origin is refused too, before Streamlit sees it: Streamlit would ask a host outside
for this machine's public address, in order to compare it.
"""

from __future__ import annotations

import functools
import ipaddress
import logging
import socket
from urllib.parse import SplitResult, urlsplit

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from course_lib.settings import load_settings
from course_lib.text import text

LOG = logging.getLogger(__name__)
SHOWN = 80  # characters of a refused name in the log


class KnownHosts:
    """Refuses requests to names that are not the course's (421), and those of other sites' pages (403)."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        hosts, origins = headers.getlist("host"), headers.getlist("origin")
        if len(hosts) != 1 or not known_host(hosts[0]):
            await _refuse(scope, receive, send, 421, "host", hosts)
        elif len(origins) > 1 or (origins and not own_origin(origins[0], hosts[0])):
            await _refuse(scope, receive, send, 403, "origin", origins)
        else:
            if (
                origins and _netloc(origins[0]) != hosts[0]
            ):  # a proxy has put a name of its own for the one it was given
                raw = [pair for pair in scope["headers"] if pair[0] != b"host"]
                scope = {**scope, "headers": [*raw, (b"host", _netloc(origins[0]).encode("latin-1"))]}
            await self.app(scope, receive, send)


def known_host(host: str) -> bool:
    """Whether the course answers to what stands in ``Host``: an address, localhost, this machine, or LIVEREC_HOSTS."""
    name = host_name(host)
    return name is not None and (_own(name) or _named(name))


def _own(name: str) -> bool:
    return name == "localhost" or _is_address(name) or name in own_names()


def own_origin(origin: str, host: str) -> bool:
    """Whether a request's page came from the course: from the same host and port.

    A proxy may have put this machine's own name into ``Host``; then the page may also be of a name in LIVEREC_HOSTS.
    """
    if _netloc(origin).lower() == host.lower():
        return True
    shown, asked = host_name(_netloc(origin)), host_name(host)
    return shown is not None and asked is not None and _own(asked) and _named(shown)


def host_name(host: str) -> str | None:
    """The name or address in ``name:port``, in small letters; None where it is none."""
    found = _split(f"//{host}")
    try:
        if found is None or found.netloc != host or "@" in host:
            return None
        _ = found.port  # has to be a number
    except ValueError:
        return None
    return (found.hostname or "").rstrip(".") or None


def _netloc(origin: str) -> str:
    found = _split(origin)
    return found.netloc if found is not None and found.scheme in ("http", "https") else ""


def _split(address: str) -> SplitResult | None:
    try:
        return urlsplit(address)
    except ValueError:
        return None


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


@functools.cache
def own_names() -> frozenset[str]:
    """What this machine calls itself, also as its neighbours find it without a name server."""
    name = socket.gethostname().lower().rstrip(".")
    return frozenset({name, f"{name.partition('.')[0]}.local"} if name else ())


def _named(name: str) -> bool:
    """Whether LIVEREC_HOSTS has the name, or ``*.`` and what it ends in."""
    return any(name == one or (one.startswith("*.") and name.endswith(one[1:])) for one in load_settings().hosts)


async def _refuse(scope: Scope, receive: Receive, send: Send, status: int, what: str, given: list[str]) -> None:
    LOG.warning("refused a request for its %s %r", what, ", ".join(given)[:SHOWN])
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008, "reason": ""})  # before accepting: answered with 403
        return
    sentences = "\n".join(text(f"strangers.{what}", language) for language in ("en", "zh"))
    await PlainTextResponse(sentences, status)(scope, receive, send)
