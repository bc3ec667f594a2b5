"""Answers leave the server at once (TCP_NODELAY); the socket that Streamlit makes would have them wait."""

from __future__ import annotations

import os
import socket
import sys

import pytest

from course_lib.ui import server

needs_dev_fd = pytest.mark.skipif(not os.path.isdir("/dev/fd"), reason="this system does not list a process's files")


@needs_dev_fd
def test_a_listening_socket_and_its_connections_send_at_once() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        assert listening.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 0  # as Streamlit makes it
        assert server.send_at_once() >= 1
        with socket.create_connection(listening.getsockname()):
            accepted, _ = listening.accept()
            with accepted:
                assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0


@needs_dev_fd
def test_nothing_is_closed_or_left_open() -> None:
    with socket.socket() as quiet, open(os.devnull, "rb") as file:  # a socket that does not listen, and no socket
        before = set(os.listdir("/dev/fd"))
        server.send_at_once()
        assert set(os.listdir("/dev/fd")) == before
        assert quiet.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 0
        assert file.read() == b""


@pytest.mark.skipif(sys.platform == "win32", reason="the same without a listing")
def test_a_system_without_a_listing_is_served_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: str) -> list[str]:
        raise FileNotFoundError(path)

    monkeypatch.setattr(server.os, "listdir", refuse)
    assert server.send_at_once() == 0
