"""Pages without Streamlit, for what sets the browser's cookie: a question, a form, and an answer that leads home.

A route that takes a form begins with :func:`own_page`, so that no other site can have a browser send it, and reads
what was typed with :func:`field`; a code that can be guessed is limited by :func:`address_of`.
"""

from __future__ import annotations

import ipaddress
from urllib.parse import parse_qs, urlsplit

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from course_lib.ui.identity_cookie import set_cookie

LONGEST_BODY = 1024  # bytes; a token has 32
# What such a page's address holds goes to no other site; and no copy of the page is kept.
PRIVATE = {"Referrer-Policy": "strict-origin", "Cache-Control": "no-store"}


def page_language(request: Request) -> str:
    """The language of the page: the link's, else the browser's first."""
    from course_lib.ui import server

    return server.page_language(request.scope, request.headers)


def own_page(request: Request) -> bool:
    """Whether the button on our own page was pressed, rather than one on another site."""
    origin = urlsplit(request.headers.get("origin", ""))
    return bool(origin.netloc) and origin.netloc == request.headers.get("host")


async def field(request: Request, name: str) -> str | None:
    """A field of the form that was sent, empty where it has none; None where more was sent than any form has."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > LONGEST_BODY:
            return None
    return parse_qs(body.decode("ascii", "replace")).get(name, [""])[0]


def address_of(client: str | None) -> str:
    """What to limit tries by: the address, of IPv6 the network of one household, which has 2^64 of them."""
    try:
        found = ipaddress.ip_address(client or "")
    except ValueError:
        return "unknown"
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is None:
        return str(ipaddress.ip_network((found, 64), strict=False))
    return str(getattr(found, "ipv4_mapped", None) or found)


def become(request: Request, browser: str) -> Response:
    """Gives this browser the name of another one and leads home. Raises CourseError."""
    return RedirectResponse("./", 303, {"Set-Cookie": set_cookie(browser, request.scope), **PRIVATE})


def plain_page(request: Request, title: str, parts: str, status: int = 200) -> Response:
    """A page of ``title`` and ``parts``, which are HTML: what a visitor gave has been escaped."""
    from course_lib.ui.server import localised

    page = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Streamlit</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1"></head>'
        f'<body class="join"><main><h1>{title}</h1>{parts}</main></body></html>'
    )
    return HTMLResponse(localised(page, page_language(request)), status, PRIVATE)
