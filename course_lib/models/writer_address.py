"""A language model at an OpenAI-compatible address: one request, one text, and a sentence for whatever goes wrong.

    ask_address("https://host/v1", key, "name", "Write ...")       # POST https://host/v1/chat/completions

The key goes into the request's header and nowhere else: it is neither kept nor logged, and no error names it. Texts
leave this machine only by ``ask_address``. No torch: the web process asks by itself.

Whoever names an address makes this machine ask it. Where visitors from elsewhere may do so, :class:`Reach` keeps them
out of what only this machine can reach: every address that the name stands for must be public, the connection is made
to the very address that was looked at (a name may stand for another one a moment later), a redirection is not followed,
and no proxy of this machine is used.
"""

from __future__ import annotations

import http.client
import ipaddress
import json
import re
import socket
import ssl
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from course_lib.errors import CourseError

ANSWER_BYTES = 200_000  # that an address may answer; a reason has some hundred
TIMEOUT_S = 30.0  # for one whole answer
USUAL_PORTS = (80, 443)  # below 1024, where other services listen, strangers may ask these alone
TRANSLATED = ipaddress.ip_network("64:ff9b::/96")  # RFC 6052: an IPv4 address behind a translator
COMPATIBLE = ipaddress.ip_network("::/96")  # the same in the form of before
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True)
class Reach:
    """Which hosts may be asked: all, or public ones and those that the operator names."""

    anywhere: bool = True
    hosts: frozenset[str] = frozenset()  # names or addresses beside public ones; small letters

    def find(self, host: str, port: int) -> list[tuple[Any, ...]]:
        """What ``host`` stands for, as ``socket.getaddrinfo`` says; raises CourseError where it may not be asked."""
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        if self.anywhere or host.lower().rstrip(".") in self.hosts:
            return found
        if not all(public(str(one[4][0])) for one in found) or (port < 1024 and port not in USUAL_PORTS):
            raise CourseError("address_private", url=host)
        return found


ANYWHERE = Reach()


def public(address: str | Address) -> bool:
    """Whether an address belongs to the internet, and so does the one that it may wrap.

    >>> [public(one) for one in ("93.184.216.34", "10.0.0.1", "169.254.169.254", "::ffff:127.0.0.1", "64:ff9b::a00:1")]
    [True, False, False, False, False]
    """
    one = ipaddress.ip_address(address) if isinstance(address, str) else address
    inner: Address | None = None
    if isinstance(one, ipaddress.IPv6Address):
        inner = one.ipv4_mapped or one.sixtofour or (one.teredo[1] if one.teredo else None)
        if inner is None and (one in TRANSLATED or one in COMPATIBLE):
            inner = ipaddress.IPv4Address(int(one) & 0xFFFFFFFF)
        if one.is_site_local:
            return False
    if inner is not None:
        return public(inner)
    return one.is_global and not one.is_multicast and not one.is_reserved


def ask_address(
    url: str, key: str, model: str, prompt: str, timeout: float = TIMEOUT_S, reach: Reach = ANYWHERE
) -> str:
    """What an OpenAI-compatible address answers to one prompt.

    ``url`` is the base, such as ``https://host/v1``; ``/chat/completions`` is added where it does not end so.
    ``timeout`` is for the whole answer, in seconds. Should the answer repeat the key, it is left out.
    Raises CourseError with a sentence for whatever can go wrong.
    """
    address = _completions(url)
    if not address:
        raise CourseError("address_not_http")  # unrepeated: it may be a key in the wrong field
    if not re.fullmatch(r"[\x21-\x7e]*", key):  # http.client would complain, and quote it
        raise CourseError("address_key")
    body = {"model": model, "messages": [{"role": "user", "content": prompt}], "max_tokens": 200, "temperature": 0}
    headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {key}"} if key else {})}
    line = _Line(reach)
    late = CourseError("address_timeout", url=_shown(url), seconds=f"{timeout:g}")
    problem: CourseError
    clock = threading.Timer(timeout, line.cut)
    clock.daemon = True
    clock.start()
    try:
        request = urllib.request.Request(address, json.dumps(body).encode(), headers, method="POST")
        said = _said(line.fetch(request, timeout), url)
        return said.replace(key, "…") if key else said
    except CourseError as error:
        problem = late if line.late else error
    except urllib.error.HTTPError as error:
        known = {401: "address_key", 403: "address_key", 429: "address_busy"}
        known |= dict.fromkeys((301, 302, 303, 307, 308), "address_moved")
        problem = CourseError(known.get(error.code, "address_status"), url=_shown(url), status=error.code)
        error.close()
    except TimeoutError:
        problem = late
    except urllib.error.URLError as error:
        reason = type(error.reason).__name__
        slow = line.late or isinstance(error.reason, TimeoutError)
        problem = late if slow else CourseError("address_refused", url=_shown(url), reason=reason)
    except Exception as error:  # http.client's many: a broken status line, a connection that ends early
        rubbish = CourseError("address_rubbish", url=_shown(url), reason=type(error).__name__)
        problem = late if line.late else rubbish
    finally:
        clock.cancel()
        line.close()
    raise problem from None  # the cause holds the request, and that the key


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """An address that sends elsewhere would send the key there too, or to where nobody may ask."""

    def redirect_request(self, *_: Any) -> None:
        return None


class _Line:
    """The connection of one request. The clock cuts it: a server that drips byte after byte is never late by itself."""

    def __init__(self, reach: Reach) -> None:
        self.late = False
        self._reach = reach
        self._sockets: list[socket.socket] = []  # a second handle each: TLS takes the first one for itself

    def cut(self) -> None:
        """Ends what is under way, from another thread."""
        self.late = True
        for one in self._sockets:
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:  # it has ended by itself
                continue

    def close(self) -> None:
        """Lets go of the connection."""
        while self._sockets:
            self._sockets.pop().close()

    def fetch(self, request: urllib.request.Request, timeout: float) -> bytes:
        """The answer's body; raises CourseError where it is too long, and what urllib raises."""
        handlers: list[Any] = [_NoRedirect, _Plain(self._dial), _Secure(self._dial)]
        handlers += [] if self._reach.anywhere else [urllib.request.ProxyHandler({})]
        opener = urllib.request.build_opener(*handlers)
        body = b""
        with opener.open(request, timeout=timeout) as answer:
            while part := answer.read1(65_536):
                body += part
                if len(body) > ANSWER_BYTES:
                    raise CourseError("address_too_long", url=_shown(request.full_url), limit=ANSWER_BYTES)
        if self.late:  # cut short, and no whole answer
            raise TimeoutError
        return body

    def _dial(self, place: tuple[str, int], timeout: float, source: Any = None) -> socket.socket:
        """A connection to one of the addresses that were looked at, for http.client."""
        problem: OSError = OSError("no address")
        for family, kind, protocol, _, address in self._reach.find(*place):
            if self.late:
                raise TimeoutError
            one = socket.socket(family, kind, protocol)
            try:
                one.settimeout(timeout)
                one.connect(address)
            except OSError as error:
                problem = error
                one.close()
                continue
            self._sockets.append(one.dup())
            return one
        raise problem


Dial = Callable[..., socket.socket]


class _Plain(urllib.request.HTTPHandler):
    def __init__(self, dial: Dial) -> None:
        super().__init__()
        self._dial = dial

    def http_open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(_dialling(http.client.HTTPConnection, self._dial), request)


class _Secure(urllib.request.HTTPSHandler):
    def __init__(self, dial: Dial) -> None:
        super().__init__()
        self._dial = dial

    def https_open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
        made = _dialling(http.client.HTTPSConnection, self._dial)
        return self.do_open(made, request, context=ssl.create_default_context())


def _dialling(kind: Any, dial: Dial) -> Any:
    """Makes connections of a kind that are opened by ``dial``; the certificate is still the name's."""

    def made(*given: Any, **named: Any) -> Any:
        connection = kind(*given, **named)
        connection._create_connection = dial
        return connection

    return made


def _completions(url: str) -> str:
    """Where chat completions are asked for under a base address, its query kept; "" for what is no http address."""
    try:
        parts = urllib.parse.urlsplit(url.strip())
    except ValueError:
        return ""
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return ""
    path = parts.path.rstrip("/")
    path += "" if path.endswith("/chat/completions") else "/chat/completions"
    return urllib.parse.urlunsplit((parts.scheme, parts.netloc, path, parts.query, ""))


def _said(body: bytes, url: str) -> str:
    """The text in an answer; raises CourseError for rubbish and for no text."""
    try:
        said = json.loads(body)["choices"][0]["message"]["content"]
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise CourseError("address_rubbish", url=_shown(url), reason=type(error).__name__) from None
    if not isinstance(said, str) or not said.strip():
        raise CourseError("address_empty", url=_shown(url))
    return said.strip()


def _shown(url: str) -> str:
    """An address as an error may show it: a password, a query or a key in it is left out."""
    found = re.match(r"\s*(https?://)(?:[^/@\s]*@)?([^/?#\s]+)", url)
    return "".join(found.groups()) if found else ""
