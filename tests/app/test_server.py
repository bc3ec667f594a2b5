"""What the web server adds: language of the page, assets from this machine, compression."""

from __future__ import annotations

import asyncio
import gzip
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import streamlit
from starlette.applications import Starlette
from starlette.responses import HTMLResponse, JSONResponse
from starlette.routing import Route
from streamlit.web.server.app_discovery import discover_asgi_app

from course_lib.figures.run_report import plotly_file
from course_lib.settings import PROJECT
from course_lib.ui import server

INDEX = (Path(streamlit.__file__).parent / "static" / "index.html").read_text(encoding="utf-8")


async def _answer(app: Any, path: str, headers: dict[str, str], query: str) -> tuple[int, dict[str, str], bytes]:
    scope = {
        "type": "http", "http_version": "1.1", "method": "GET", "scheme": "http", "path": path,
        "raw_path": path.encode(),
        "root_path": "", "query_string": query.encode(), "server": ("test", 80), "client": ("test", 1),
        "headers": [(b"host", b"localhost"), *((name.lower().encode(), one.encode()) for name, one in headers.items())],
    }  # fmt: skip
    messages: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        messages.append(message)

    await app(scope, receive, send)
    start = messages[0]
    body = b"".join(message.get("body", b"") for message in messages[1:])
    return start["status"], {name.decode().lower(): value.decode() for name, value in start["headers"]}, body


def get(path: str, query: str = "", **headers: str) -> tuple[int, dict[str, str], bytes]:
    """One request to an app that serves Streamlit's own page at any other address."""
    routes = [
        *server.routes(),
        Route("/data.json", lambda request: JSONResponse({"lang": '<html lang="en">'})),
        Route("/{path:path}", lambda request: HTMLResponse(INDEX, headers={"etag": "x", "last-modified": "y"})),
    ]
    app = Starlette(routes=routes, middleware=server.middleware())
    return asyncio.run(_answer(app, path, {name.replace("_", "-"): value for name, value in headers.items()}, query))


def test_streamlit_finds_the_app_in_the_front_door() -> None:
    found = discover_asgi_app(PROJECT / "app.py")
    assert (found.is_asgi_app, found.app_name) == (True, "app")


@pytest.mark.parametrize(
    ("query", "accepted", "lang"),
    [
        ("", "zh-CN,zh;q=0.9,en;q=0.8", "zh-CN"),
        ("", "en-US,en;q=0.9,zh;q=0.8", "en"),
        ("", "", "en"),
        ("lang=zh", "en-US", "zh-CN"),
        ("lang=en", "zh-CN", "en"),
        ("lang=xx", "zh-CN", "zh-CN"),
    ],
)
def test_the_page_says_its_language(query: str, accepted: str, lang: str) -> None:
    status, headers, body = get("/my_progress", query, accept="text/html", accept_language=accepted)
    page = body.decode()
    assert status == 200
    assert re.findall(r'<html lang="([^"]*)"', page) == [lang]
    assert "<title>LiveRec</title>" in page
    assert int(headers["content-length"]) == len(body)
    assert "etag" not in headers
    assert "last-modified" not in headers


@pytest.mark.parametrize("name", ["no_such_page", "a/b", "my_progress/more"])
def test_an_address_without_a_page_leads_home(name: str) -> None:
    status, headers, _ = get(f"/{name}", accept="text/html")
    assert status == 302
    assert headers["location"] == f"./?missing={name.replace('/', '%2F')}"


def test_the_page_is_read_plain_even_where_the_browser_takes_gzip() -> None:
    _, headers, body = get("/my_progress", accept="text/html", accept_encoding="gzip", if_none_match="x")
    assert "content-encoding" not in headers
    assert b"<html lang=" in body


def test_other_answers_are_left_alone() -> None:
    _, _, body = get("/data.json", accept="text/html", accept_language="zh")
    assert b'lang=\\"en\\"' in body


def test_the_pages_assets_exist_and_come_from_here() -> None:
    page = get("/", accept="text/html")[2].decode()
    ours = re.findall(r'(?:href|src)="\./(assets/[^"?]+)', page)
    assert {name.rsplit(".", 1)[1] for name in ours} >= {"css", "svg"}
    for name in [*ours, server.plotly_url().removeprefix("./")]:
        assert get(f"/{name}")[0] == 200, name
    added = page.replace(INDEX, "")
    assert not re.findall(r'(?:href|src)="(?:https?:)?//', added)


def test_fonts_are_here_with_their_licence() -> None:
    css = (server.STATIC / "fonts.css").read_text(encoding="utf-8")
    files = set(re.findall(r'url\("([^"]+)"\)', css))
    assert files
    for name in files:
        status, headers, body = get(f"/assets/{name}")
        assert (status, headers["content-type"], body[:4]) == (200, "font/woff2", b"wOF2"), name
    assert "SIL OPEN FONT LICENSE" in (server.STATIC / "fonts" / "LICENSE-noto-sans-sc.txt").read_text().upper()
    assert sum(path.stat().st_size for path in (server.STATIC / "fonts").iterdir()) < 3_000_000


def test_every_character_of_the_interface_has_a_glyph() -> None:
    css = (server.STATIC / "fonts.css").read_text(encoding="utf-8")
    covered: set[int] = set()
    for low, high in re.findall(r"U\+([0-9A-F]+)(?:-([0-9A-F]+))?", css):
        covered |= set(range(int(low, 16), int(high or low, 16) + 1))
    sources = [PROJECT / "course_lib" / "text" / "zh.toml", PROJECT / "data" / "course.toml"]
    sources += sorted((PROJECT / "lessons").glob("*/zh.md"))
    for source in sources:
        letters = {letter for letter in source.read_text(encoding="utf-8") if "\u3400" <= letter <= "\u9fff"}
        assert letters
        assert not {letter for letter in letters if ord(letter) not in covered}, f"{source.name}: run tools/fonts.py"


def test_plotly_comes_compressed_and_is_kept_for_a_year() -> None:
    address = "/" + server.plotly_url().removeprefix("./")
    _, headers, body = get(address, accept_encoding="gzip, br")
    assert headers["content-encoding"] == "gzip"
    assert "immutable" in headers["cache-control"]
    assert len(body) < 550_000, "a third of the whole library"
    plain = get(address)
    assert "content-encoding" not in plain[1]
    assert gzip.decompress(body) == plain[2] == plotly_file().read_bytes()


def test_the_page_tells_the_client_where_the_server_is() -> None:
    """Else it tries below the page's own address first: two answers 404 at each load (tests/browser looks for them)."""
    page = get("/user_understanding", accept="text/html")[2].decode()
    assert page.index("BACKEND_BASE_URL") < page.index("</head>")
    bundles = (server.STREAMLIT_STATIC / "static" / "js").glob("index.*.js")
    assert any("window.__streamlit" in path.read_text(encoding="utf-8") for path in bundles), "nobody reads it any more"


def test_streamlits_bundles_come_compressed() -> None:
    name = re.findall(r'src="\./(static/js/[^"]+)"', INDEX)[0]
    _, headers, body = get(f"/{name}", accept_encoding="gzip")
    assert headers["content-encoding"] == "gzip"
    assert gzip.decompress(body) == (server.STREAMLIT_STATIC / name).read_bytes()


def test_warming_up_goes_on_where_one_step_fails(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def no_workers() -> None:
        raise OSError("no more processes")

    monkeypatch.setattr(server.services, "runs", no_workers)
    server.compressed.cache_clear()
    server.warm_up()
    assert "no more processes" in caplog.text
    assert server.compressed.cache_info().currsize > 50


@pytest.mark.parametrize("name", ["../app.py", "..%2Fapp.py", "fonts/../../app.py", "nothing.js", "", "/etc/passwd"])
def test_nothing_outside_the_assets_is_served(name: str) -> None:
    status, _, body = get(f"/assets/{name}")
    assert status == 404
    assert b"front door" not in body


def test_no_setting_sends_anything_elsewhere() -> None:
    config = tomllib.loads((PROJECT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))
    assert config["browser"]["gatherUsageStats"] is False
    assert config["browser"]["serverAddress"] == "localhost"  # otherwise the start asks a host outside for its address
    assert config["client"]["showErrorDetails"] == "none"
    assert config["runner"]["postScriptGC"] is False
    for path in (
        PROJECT / ".streamlit" / "config.toml",
        *server.STATIC.glob("*.css"),
        *(PROJECT / "course_lib" / "ui").glob("*.js"),
    ):
        source = path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")  # a name, never fetched
        assert not re.search(r"(?:https?:)?//[a-z0-9-]+\.[a-z]", source), path.name
