"""Which browser this is: a random name in a signed cookie, given with the first page, before anything is asked.

The cookie is HttpOnly and SameSite=Lax, Secure where the page came by https, and its signature is made with a key that
only this installation has. A cookie that is missing or forged is answered with a new name, never with somebody else's.
Its own name holds a mark of the key: two courses on one machine would otherwise overwrite each other's, because
browsers do not tell ports apart.

**The machine's own learner.** Before browsers had names there was one learner, ``local``, whose answers and datasets
may be on the disk. They go to the first browser that speaks to the course from this very machine: its connection comes
from a loopback address, the address that it shows is a loopback name, and no proxy stands between. A file in the home
notes that browser's name, once and for all, and :func:`known_as` calls that browser ``local`` from then on; nothing is
moved or renamed. All other browsers are learners of their own, or are joined to one by a link (course_lib/ui/join.py).
Where that browser has lost its cookie, deleting the file and starting again lets the next one take its place.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import logging
import re
import secrets
from pathlib import Path
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from course_lib.course.installation_key import private_once, signing_key
from course_lib.errors import CourseError
from course_lib.settings import load_settings

LOG = logging.getLogger(__name__)
LOCAL = "local"  # the learner of before, and of the command line
NAME = re.compile(r"[0-9a-f]{32}")
LASTS_S = 400 * 24 * 3600  # the longest that browsers keep a cookie; every page that is opened begins it anew
LOCAL_FILE = "identity.local"  # in the home
FORWARDED = ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-real-ip")


def new_name() -> str:
    """A name that nobody has or can guess: 128 random bits, 32 hexadecimal digits."""
    return secrets.token_hex(16)


def cookie_name() -> str:
    """The cookie's name. Raises CourseError."""
    return f"liverec_{hashlib.sha256(b'name of ' + signing_key()).hexdigest()[:8]}"


def signed(name: str) -> str:
    """A browser's name with its signature: the cookie's value. Raises CourseError."""
    return f"{name}.{hmac.new(signing_key(), name.encode(), hashlib.sha256).hexdigest()}"


def verified(value: str) -> str | None:
    """The name in a cookie's value; None unless this installation has signed it. Raises CourseError."""
    name = value.partition(".")[0]
    whole = NAME.fullmatch(name) is not None and hmac.compare_digest(value.encode(), signed(name).encode())
    return name if whole else None


def set_cookie(name: str, scope: Scope) -> str:
    """The ``Set-Cookie`` header that gives a browser its name. Raises CourseError."""
    forwarded = Headers(scope=scope).get("x-forwarded-proto", "").split(",")[0].strip()
    secure = "; Secure" if "https" in (scope.get("scheme"), forwarded) else ""
    return f"{cookie_name()}={signed(name)}; Path=/; Max-Age={LASTS_S}; HttpOnly; SameSite=Lax{secure}"


def browser_of(headers: Headers) -> str | None:
    """The name that a request's cookie proves; None where there is none. Raises CourseError."""
    wanted = cookie_name()
    for header in headers.getlist("cookie"):
        for pair in header.split(";"):
            name, _, value = pair.strip().partition("=")
            if name == wanted and (found := verified(value.strip())) is not None:
                return found
    return None


def known_as(name: str) -> str:
    """The learner that a browser is: its own name, or ``local`` for the one that took over the machine's own.

    Raises CourseError ``identity_key`` while the file that says so cannot be read: a guess would open another notebook.
    """
    return LOCAL if _local_browser(load_settings().home / LOCAL_FILE) == name else name


def browser_known_as(learner: str) -> str | None:
    """The inverse: the browser's name of a learner; None where no cookie can hold it. Raises CourseError."""
    name = _local_browser(load_settings().home / LOCAL_FILE) if learner == LOCAL else learner
    return name if name is not None and NAME.fullmatch(name) else None


_local_browsers: dict[Path, str] = {}  # by file; what is written there never changes


def _local_browser(path: Path) -> str | None:
    if path not in _local_browsers:
        try:
            _local_browsers[path] = path.read_text(encoding="ascii")
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as problem:
            raise CourseError("identity_key", path=path, reason=str(problem)) from problem
    return _local_browsers[path]


def take_over(name: str) -> None:
    """Makes the browser ``name`` the machine's own learner, unless another one is already. Raises CourseError."""
    path = load_settings().home / LOCAL_FILE
    if _local_browser(path) is None:
        try:
            private_once(path, name)
        except (OSError, ValueError) as problem:
            raise CourseError("identity_key", path=path, reason=str(problem)) from problem


def loopback(host: str | None) -> bool:
    """Whether a host's name or address means this very machine."""
    try:
        return host == "localhost" or ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False


def from_this_machine(scope: Scope) -> bool:
    """Whether a websocket was opened by a browser on this machine, with no proxy between them as far as one can see."""
    headers = Headers(scope=scope)
    shown = [urlsplit(f"//{headers.get('host', '')}").hostname, urlsplit(headers.get("origin", "")).hostname]
    return (
        loopback((scope.get("client") or ("",))[0])
        and all(loopback(one) for one in shown)
        and not any(name in headers for name in FORWARDED)
    )


class BrowserIdentity:
    """Gives every browser its cookie with the page that it opens; the page's websocket, which comes after, brings it.

    Pages alone do so: files are asked for side by side, and each answer would bring another name.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        headers = Headers(scope=scope) if scope["type"] in ("http", "websocket") else Headers()
        try:
            if scope["type"] == "websocket" and (name := browser_of(headers)) and from_this_machine(scope):
                take_over(name)
            if scope["type"] == "http" and scope["method"] == "GET" and "text/html" in headers.get("accept", ""):
                cookie = set_cookie(browser_of(headers) or new_name(), scope)
                send = _with_cookie(send, cookie)
        except CourseError as error:  # the page says so; what the browser has stays valid for a better time
            LOG.error("no browser gets a name: %s", error)
        await self.app(scope, receive, send)


def _with_cookie(send: Send, cookie: str) -> Send:
    async def sends(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(raw=message["headers"])
            given = any(one.startswith(f"{cookie.partition('=')[0]}=") for one in headers.getlist("set-cookie"))
            if headers.get("content-type", "").startswith("text/html") and not given:
                headers.append("set-cookie", cookie)
                if "no-store" not in headers.get("cache-control", ""):
                    headers["cache-control"] = "private, no-cache"  # nobody may be handed another's cookie by a cache
        await send(message)

    return sends
