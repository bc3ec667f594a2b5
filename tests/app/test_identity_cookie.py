"""Names for browsers: signed, one each, taken over once by this machine's own browser, carried to another by a link."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.responses import HTMLResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from course_lib.course.installation_key import KEY_FILE, signing_key
from course_lib.course.resume_codes import PER_ADDRESS, make_code
from course_lib.errors import CourseError
from course_lib.settings import PROJECT
from course_lib.ui import identity_cookie as cookies
from course_lib.ui import join, server, services

ANNA = "a" * 32
PAGE = {"accept": "text/html"}


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("LIVEREC_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("LIVEREC_HOSTS", "course.test")
    return tmp_path / "home"


async def _talk(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.close()


@pytest.fixture
def app() -> Starlette:
    """The course's middleware and routes around a page like Streamlit's."""
    index = "<html><head></head></html>"
    routes = [
        *server.routes(),
        WebSocketRoute("/_stcore/stream", _talk),
        Route("/{path:path}", lambda request: HTMLResponse(index)),
    ]
    return Starlette(routes=routes, middleware=server.middleware())


def visit(app: Starlette, address: str = "http://localhost:8501", client: str = "127.0.0.1") -> TestClient:
    """A new browser."""
    return TestClient(app, base_url=address, client=(client, 50_000), follow_redirects=False)


def given(response: Any) -> str | None:
    """The name in the cookie that a response sets."""
    return cookies.browser_of(Headers({"cookie": response.headers.get("set-cookie", "").split(";")[0]}))


def test_each_browser_gets_a_name_of_its_own_and_keeps_it(app: Starlette) -> None:
    anna, bert = visit(app), visit(app)
    first = anna.get("/", headers=PAGE)
    assert cookies.NAME.fullmatch(given(first) or "")
    assert given(anna.get("/data", headers=PAGE)) == given(first)
    assert given(bert.get("/", headers=PAGE)) not in (None, given(first))
    attributes = {part.strip() for part in first.headers["set-cookie"].split(";")[1:]}
    assert attributes == {"Path=/", "Max-Age=34560000", "HttpOnly", "SameSite=Lax"}
    assert first.headers["cache-control"] == "private, no-cache"


def test_only_pages_give_names(app: Starlette) -> None:
    """A browser asks for files side by side; each would give another name, and caches may hand them on."""
    for address in ("/assets/favicon.svg", "/assets/none"):
        assert "set-cookie" not in visit(app).get(address, headers=PAGE).headers
    assert "set-cookie" not in visit(app).get("/", headers={"accept": "*/*"}).headers


@pytest.mark.parametrize(
    "value",
    ["", "x", ANNA, f"{ANNA}.", f"{ANNA}.{'0' * 64}", "local", "local.x", f"{'é' * 32}.x", f"{ANNA}.{'0' * 64}.x"],
)
def test_a_forged_cookie_is_answered_with_a_new_name(app: Starlette, value: str) -> None:
    cookie = f"{cookies.cookie_name()}={value}".encode()
    found = given(visit(app).get("/", headers={**PAGE, "cookie": cookie}))  # type: ignore[dict-item]
    assert found not in (None, ANNA, "local")


def test_another_course_s_cookie_says_nothing_here(app: Starlette, home: Path, monkeypatch: Any) -> None:
    signed, name = cookies.signed(ANNA), cookies.cookie_name()
    assert cookies.verified(signed) == ANNA
    monkeypatch.setenv("LIVEREC_HOME", str(home.with_name("other")))
    assert cookies.cookie_name() != name, "two courses on one machine would overwrite each other's cookie"
    assert cookies.verified(signed) is None


def test_over_https_the_cookie_is_for_https_alone(app: Starlette) -> None:
    assert "; Secure" in visit(app, "https://course.test").get("/", headers=PAGE).headers["set-cookie"]
    behind = {**PAGE, "x-forwarded-proto": "https, http"}
    assert "; Secure" in visit(app).get("/", headers=behind).headers["set-cookie"]


def test_the_key_is_private_and_one_though_many_processes_make_it(home: Path) -> None:
    line = "from course_lib.course.installation_key import signing_key; print(signing_key().hex())"
    makers = [
        subprocess.Popen([sys.executable, "-c", line], cwd=PROJECT, stdout=subprocess.PIPE, text=True) for _ in range(4)
    ]
    keys = {maker.communicate(timeout=60)[0].strip() for maker in makers}
    assert keys == {signing_key().hex()}
    assert len(signing_key()) == 32
    if os.name == "posix":
        assert (home / KEY_FILE).stat().st_mode & 0o777 == 0o600
    assert not list(home.glob(".*.part"))


@pytest.mark.parametrize("damage", ["", "00", "not hexadecimal"])
def test_a_key_that_cannot_be_used_costs_nobody_their_name(app: Starlette, home: Path, damage: str) -> None:
    home.mkdir()
    (home / KEY_FILE).write_text(damage)
    answer = visit(app).get("/", headers=PAGE)
    assert (answer.status_code, answer.headers.get("set-cookie")) == (200, None), "the page can be read"
    assert (home / KEY_FILE).read_text() == damage, "no second key is made"
    with pytest.raises(CourseError) as caught:
        signing_key()
    assert caught.value.key == "identity_key"
    (home / KEY_FILE).unlink()
    assert given(visit(app).get("/", headers=PAGE)), "it was not remembered"


def connect(browser: TestClient, address: str, **headers: str) -> str:
    """Opens a page and then its websocket, as a browser does; returns the learner that the browser is."""
    name = given(browser.get(address, headers=PAGE))
    assert name
    origin = address.split("/", 3)
    with browser.websocket_connect(
        f"{'/'.join(origin[:3]).replace('http', 'ws', 1)}/_stcore/stream",
        headers={"origin": "/".join(origin[:3]), **headers},
    ):
        pass
    return cookies.known_as(name)


def test_the_first_browser_on_this_machine_is_the_learner_of_before(app: Starlette, home: Path) -> None:
    here = "http://localhost:8501/"
    curl = visit(app)
    assert given(curl.get(here, headers=PAGE))  # comes, takes a name and never returns: nothing is taken over
    assert not (home / cookies.LOCAL_FILE).exists()
    first, second = visit(app), visit(app)
    assert connect(first, here) == "local"
    assert connect(second, here) not in ("local", "")
    assert connect(first, here) == "local", "and stays it"
    cookies._local_browsers.clear()  # another process, or after a restart
    assert connect(visit(app), here) != "local"
    assert connect(first, here) == "local"


@pytest.mark.parametrize(
    ("address", "client", "headers"),
    [
        ("http://localhost:8501/", "192.168.1.7", {}),
        ("http://course.test/", "127.0.0.1", {}),
        ("http://localhost:8501/", "127.0.0.1", {"x-forwarded-for": "192.168.1.7"}),
        ("http://localhost:8501/", "127.0.0.1", {"origin": "https://course.test"}),
        ("http://localhost:8501/", "127.0.0.1", {"origin": "null"}),
        ("http://localhost:8501/", "127.0.0.1", {"host": "localhost.evil.test"}),
    ],
    ids=["network", "name", "proxy", "hiding proxy", "no origin", "rebound"],
)
def test_nobody_from_elsewhere_takes_it_over(
    app: Starlette, home: Path, address: str, client: str, headers: dict[str, str]
) -> None:
    try:
        assert connect(visit(app, address, client), address, **headers) != "local"
    except WebSocketDisconnect:  # a name or a page that is not ours is not even heard
        assert "evil" in headers.get("host", "") or headers["origin"] == "null"
    assert not (home / cookies.LOCAL_FILE).exists()


def test_while_it_is_not_known_who_is_local_nobody_is_guessed(home: Path) -> None:
    (home / cookies.LOCAL_FILE).mkdir(parents=True)  # a file that cannot be read
    with pytest.raises(CourseError) as caught:
        cookies.known_as(ANNA)
    assert caught.value.key == "identity_key"


def pressed(browser: TestClient, token: str, origin: str = "http://localhost:8501") -> Any:
    body = urlencode({"token": token})
    headers = {"origin": origin, "content-type": "application/x-www-form-urlencoded"}
    return browser.post("/join", content=body, headers=headers)


def test_a_link_makes_another_browser_the_same_learner_once(app: Starlette, home: Path) -> None:
    token = join.offer(ANNA)
    assert token not in str([path.name for path in (home / "joins").iterdir()]), "a listing gives no link away"
    other = visit(app)
    before = given(other.get("/", headers=PAGE))
    for _ in range(2):  # a chat that looks at links does not use it up
        asked = other.get(f"/join?token={token}", headers={**PAGE, "accept-language": "zh-CN"})
        assert asked.status_code == 200
        assert '<html lang="zh-CN">' in asked.text
        assert given(asked) in (None, before)
        assert (asked.headers["referrer-policy"], asked.headers["cache-control"]) in (
            ("strict-origin", "no-store"),
            ("strict-origin", "private, no-cache"),
        )
    joined = pressed(other, token)
    assert (joined.status_code, joined.headers["location"], given(joined)) == (303, "./", ANNA)
    assert given(other.get("/", headers=PAGE)) == ANNA
    late = visit(app)
    assert pressed(late, token).status_code == 410
    assert late.get(f"/join?token={token}", headers=PAGE).status_code == 410
    assert given(late.get("/", headers=PAGE)) != ANNA


def test_of_many_who_come_with_one_link_one_gets_it(app: Starlette) -> None:
    token = join.offer(ANNA)

    async def all_at_once() -> list[str | None]:
        return await asyncio.gather(*(asyncio.to_thread(join.take, token) for _ in range(20)))

    taken = asyncio.run(all_at_once())
    assert (taken.count(ANNA), taken.count(None)) == (1, 19)
    assert join.take(token) is None


def test_a_link_ends(app: Starlette, monkeypatch: pytest.MonkeyPatch) -> None:
    old = join.offer(ANNA)
    new = join.offer(ANNA)
    assert (join.look(old), join.look(new)) == (None, ANNA), "a new one replaces the one before"
    bert = join.offer("b" * 32)
    assert join.look(new) == ANNA
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + join.OPEN_S + 1)
    assert (join.look(new), join.take(bert)) == (None, None)
    assert pressed(visit(app), new).status_code == 410


@pytest.mark.parametrize("origin", ["https://evil.test", "null", "", "http://localhost:8502"])
def test_another_site_cannot_press_the_button(app: Starlette, origin: str) -> None:
    token = join.offer(ANNA)
    answer = pressed(visit(app), token, origin)
    assert (answer.status_code, given(answer)) == (403, None)
    assert join.look(token) == ANNA


@pytest.mark.parametrize("token", ["", "x", "../identity.key", "0" * 32, "é", "<script>alert(1)</script>"])
def test_a_wrong_link_is_one_sentence(app: Starlette, token: str) -> None:
    answer = visit(app).get("/join", params={"token": token}, headers=PAGE)
    assert answer.status_code == 410
    assert "<script>alert" not in answer.text  # the page has a script of its own
    assert re.search(r"<p>This link has been used", answer.text)
    assert pressed(visit(app), token).status_code == 410
    assert visit(app).post("/join", content=b"x" * 5000, headers={"origin": "http://localhost:8501"}).status_code == 413


def typed(browser: TestClient, code: str, origin: str = "http://localhost:8501", **headers: str) -> Any:
    """What the server says to a resume code."""
    headers |= {"origin": origin, "content-type": "application/x-www-form-urlencoded"}
    return browser.post("/resume", content=urlencode({"code": code}), headers=headers)


def test_a_resume_code_makes_this_browser_its_learner(app: Starlette) -> None:
    code = make_code(services.store().learner(ANNA))
    bert = visit(app)
    asked = bert.get("/resume", headers=PAGE)
    assert (asked.status_code, asked.headers["cache-control"]) == (200, "no-store")
    assert given(asked) not in (None, ANNA)
    answer = typed(bert, code)
    assert (answer.status_code, answer.headers["location"], given(answer)) == (303, "./", ANNA)
    assert given(bert.get("/", headers=PAGE)) == ANNA
    services.close()


def test_a_resume_code_of_this_machines_own_learner(app: Starlette, home: Path) -> None:
    code = make_code(services.store().learner("local"))
    assert typed(visit(app), code).status_code == 422, "nobody is the machine's own yet"
    cookies.take_over(ANNA)
    assert given(typed(visit(app), code)) == ANNA
    services.close()


@pytest.mark.parametrize("code", ["", "<script>alert(1)</script>", "0" * 16, "1" * 16, "9" * 900, "\x00", "码" * 16])
def test_a_wrong_code_changes_nobody(app: Starlette, code: str) -> None:
    answer = typed(visit(app), code)
    assert answer.status_code in (422, 413)
    assert "set-cookie" not in answer.headers
    assert "<script>alert" not in answer.text
    assert 'role="alert"' in answer.text
    services.close()


def test_a_code_from_another_site_or_too_often_is_not_looked_at(app: Starlette) -> None:
    code = make_code(services.store().learner(ANNA))
    for origin in ("http://evil.test", "null"):
        assert typed(visit(app), code, origin).status_code == 403
    assert visit(app).post("/resume", content=urlencode({"code": code})).status_code == 403
    guesser = visit(app, client="192.0.2.9")
    found = [typed(guesser, "0" * 16).status_code for _ in range(PER_ADDRESS + 1)]
    assert found == [422] * PER_ADDRESS + [429]
    assert typed(guesser, code).status_code == 429
    assert given(typed(visit(app, client="192.0.2.10"), code)) == ANNA
    services.close()
