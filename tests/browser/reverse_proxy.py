"""deploy/nginx.conf before two servers on this machine: the file itself, with their addresses in place of Compose's."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path

from course_server import PATIENCE_S

from course_lib.settings import PROJECT
from tests.ports import free_port

DEPLOY = PROJECT / "deploy"
# Debian puts it where only administrators look.
NGINX = shutil.which("nginx", path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin"]))
NO_NGINX = "nginx is not installed: apt-get install nginx"


def lay_out(folder: Path, web: Sequence[str], port: int, tls_port: int | None = None) -> Path:
    """The configuration in ``folder``, for web processes at the addresses ``web``; with ``tls_port``, with TLS."""
    text = (DEPLOY / "nginx.conf").read_text(encoding="utf-8")
    for name, address in zip(("web1:8501", "web2:8501"), web, strict=True):
        assert text.count(name) == 1
        text = text.replace(name, address)
    assert "listen 80;" in text
    text = text.replace("listen 80;", f"listen 127.0.0.1:{port};")
    text = text.replace("worker_processes auto;", "worker_processes 1;")
    if hasattr(os, "geteuid") and os.geteuid() == 0:  # its helpers must get into the test's folder too
        text = f"user root;\n{text}"
    (folder / "nginx.conf").write_text(text, encoding="utf-8")
    shutil.copy(DEPLOY / "course.conf", folder)
    if tls_port is not None:
        (folder / "tls").mkdir()
        tls = (DEPLOY / "tls.conf").read_text(encoding="utf-8")
        assert "listen 443 ssl;" in tls
        (folder / "tls" / "tls.conf").write_text(tls.replace("listen 443 ssl;", f"listen 127.0.0.1:{tls_port} ssl;"))
        certificate = [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-days",
            "2",
            "-subj",
            "/CN=localhost",
        ]
        certificate += ["-keyout", str(folder / "tls" / "privkey.pem"), "-out", str(folder / "tls" / "fullchain.pem")]
        subprocess.run(certificate, check=True, capture_output=True)
    return folder / "nginx.conf"


def command(configuration: Path, *more: str) -> list[str]:
    """nginx with this configuration, in the foreground."""
    assert NGINX is not None, NO_NGINX
    return [
        NGINX,
        "-p",
        str(configuration.parent),
        "-c",
        str(configuration),
        "-e",
        "stderr",
        "-g",
        "daemon off;",
        *more,
    ]


class ReverseProxy:
    """nginx on a free port. The folder is the caller's."""

    def __init__(self, folder: Path, web: Sequence[str], tls: bool = False) -> None:
        self.port = free_port()
        self.tls_port = free_port() if tls else None
        self.url = f"http://localhost:{self.port}"
        self.log = folder / "nginx.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                command(lay_out(folder, web, self.port, self.tls_port)),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def wait_until_up(self) -> None:
        """Returns once it answers itself."""
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end and self.process.poll() is None:
            try:
                with urllib.request.urlopen(f"{self.url}/proxy/health", timeout=5):
                    return
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                time.sleep(0.05)
        raise RuntimeError(f"nginx did not start:\n{self.log.read_text(encoding='utf-8')}")

    def close(self) -> None:
        """Ends it, connections and all."""
        self.process.terminate()
        self.process.wait(20)
