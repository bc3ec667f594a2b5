"""deploy/: nginx accepts the proxy's configuration, Compose its file, and the container's definition is complete."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from reverse_proxy import DEPLOY, NGINX, NO_NGINX, command, lay_out

from course_lib.data.intake.limits import UPLOAD_BYTES
from course_lib.settings import PROJECT

WEB = ("127.0.0.1:8671", "127.0.0.1:8672")


def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
    return loaded


def instructions() -> list[tuple[str, str]]:
    """The Containerfile's, each on one line."""
    text = re.sub(r"^#.*\n", "", (DEPLOY / "Containerfile").read_text(encoding="utf-8"), flags=re.M)
    lines = re.sub(r"\\\n\s*", "", text).splitlines()
    return [(word, rest) for word, _, rest in (line.partition(" ") for line in lines if line.strip())]


@pytest.mark.skipif(NGINX is None, reason=NO_NGINX)
@pytest.mark.parametrize("tls_port", [None, 8674], ids=["plain", "tls"])
def test_nginx_accepts_the_configuration(tmp_path: Path, tls_port: int | None) -> None:
    done = subprocess.run(
        command(lay_out(tmp_path, WEB, 8673, tls_port), "-t"), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "warn" not in done.stderr


def test_the_proxy_takes_a_file_that_the_course_takes() -> None:
    (megabytes,) = re.findall(r"client_max_body_size (\d+)m;", (DEPLOY / "nginx.conf").read_text(encoding="utf-8"))
    assert UPLOAD_BYTES <= int(megabytes) * 2**20 < UPLOAD_BYTES * 1.1


def test_compose_and_the_proxy_name_the_same_processes() -> None:
    named = re.findall(r"server (\w+):8501 ", (DEPLOY / "nginx.conf").read_text(encoding="utf-8"))
    services = compose()["services"]
    assert named == ["web1", "web2"]
    assert services["web1"] == services["web2"], "one database, one home, one secret"
    assert services["web1"]["volumes"] == ["home:/home/course/home"]
    assert {"proxy", "database", *named} == set(services)
    mounted = [one.partition(":")[0] for one in services["proxy"]["volumes"]]
    assert all((DEPLOY / name).exists() for name in mounted if name != "./tls")


def test_no_secret_has_a_value_in_the_file() -> None:
    text = (DEPLOY / "compose.yaml").read_text(encoding="utf-8")
    for name in ("POSTGRES_PASSWORD", "COOKIE_SECRET"):
        uses = re.findall(rf"\$\{{{name}([^}}]*)\}}", text)
        assert uses
        assert all(one.startswith(":?") for one in uses), "it must be given"
    ignored = (PROJECT / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert {"/deploy/.env", "/deploy/tls/"} <= set(ignored)


def compose_command() -> list[str] | None:
    """Docker's Compose, where it is."""
    docker = shutil.which("docker")
    if docker and subprocess.run([docker, "compose", "version"], capture_output=True, check=False).returncode == 0:
        return [docker, "compose"]
    return ["docker-compose"] if shutil.which("docker-compose") else None


@pytest.mark.skipif(compose_command() is None, reason="Docker Compose is not installed")
def test_compose_accepts_its_file() -> None:
    line = compose_command()
    assert line is not None
    secrets = {"POSTGRES_PASSWORD": "x", "COOKIE_SECRET": "y"}
    whole = [*line, "--file", str(DEPLOY / "compose.yaml"), "config", "--quiet"]
    done = subprocess.run(whole, env={**os.environ, **secrets}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    without = subprocess.run(whole, capture_output=True, text=True, check=False)
    assert without.returncode != 0
    assert "write it into deploy/.env" in without.stderr


def test_the_container_has_all_that_the_course_needs_and_runs_as_an_ordinary_user() -> None:
    said = instructions()
    sources = [name for word, rest in said if word == "COPY" for name in rest.split()[:-1]]
    assert all((PROJECT / name).exists() for name in sources)
    ships = {path.name for path in PROJECT.iterdir() if path.is_dir() and not path.name.startswith(".")}
    assert ships - {"tests", "benchmarks", "docs", "tools", "deploy", "node_modules", "test-results"} <= set(sources)
    (user,) = [rest for word, rest in said if word == "USER"]
    assert user not in ("0", "root")
    order = [word for word, _ in said]
    assert order.index("USER") < order.index("CMD")
    (start,) = [rest for word, rest in said if word == "CMD"]
    assert '"-m", "course_lib", "start"' in start
    (health,) = [rest for word, rest in said if word == "HEALTHCHECK"]
    assert "/_stcore/health" in health
    assert not re.search(r"password|secret|token|key", "".join(rest for _, rest in said), re.I)


PAGES = ("serving.md", "serving.zh.md")


def shape(text: str) -> tuple[list[int], list[str], list[str], int]:
    """What both languages must have alike: headings by depth, commands, names in code, rows of tables."""
    blocks = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    commands = [line.split("  #")[0].rstrip() for block in blocks for line in block.splitlines()]
    names = re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))
    depths = [
        len(mark) for mark in re.findall(r"^(#+) ", re.sub(r"```.*?```", "", text, flags=re.DOTALL), re.MULTILINE)
    ]
    return depths, commands, sorted(names), len(re.findall(r"^\|", text, re.MULTILINE))


def test_both_pages_on_serving_say_the_same_and_lead_somewhere() -> None:
    texts = [(PROJECT / "docs" / page).read_text(encoding="utf-8") for page in PAGES]
    for text in texts:
        for link in re.findall(r"\]\((?!https?:)([^)#]+)", text):
            assert (PROJECT / "docs" / link).resolve().exists(), link
    shapes = [shape(text) for text in texts]
    assert shapes[0] == shapes[1]


def test_the_pages_on_serving_name_what_there_is() -> None:
    text = (PROJECT / "docs" / PAGES[0]).read_text(encoding="utf-8")
    known = "".join((PROJECT / name).read_text(encoding="utf-8") for name in ("course_lib/settings.py", "README.md"))
    assert set(re.findall(r"LIVEREC_\w+", text)) <= set(re.findall(r"LIVEREC_\w+", known))
    table = (PROJECT / "README.md").read_text(encoding="utf-8")
    for figure in ("243 MB", "185 ms", "11.5 s"):
        assert figure in text
        assert figure in table
