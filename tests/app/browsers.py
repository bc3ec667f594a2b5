"""Browsers for AppTest, which has none: what a browser's websocket would bring of headers and cookies."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from course_lib.ui.identity_cookie import cookie_name, signed


def sit_down(monkeypatch: pytest.MonkeyPatch, name: str | None = None, **cookies: str) -> None:
    """From here on pages are asked for by the browser ``name``, with the cookie that the server has given it."""
    if name is not None:
        cookies[cookie_name()] = signed(name)
    request = SimpleNamespace(headers=[("Host", "localhost:8501")], cookies=cookies, remote_ip="127.0.0.1")
    monkeypatch.setattr("streamlit.runtime.context._get_client_context", lambda: request)
