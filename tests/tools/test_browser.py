"""tools/browser.py: takes the browser that is there, else installs one by the first way that works."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tools import browser


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """A Debian machine, root, with apt-get and without any browser; the set holds the programs that it has."""
    programs = {"apt-get"}
    monkeypatch.delenv("CHROMIUM", raising=False)
    monkeypatch.setattr(browser.shutil, "which", lambda name: f"/usr/bin/{name}" if name in programs else None)
    monkeypatch.setattr(browser, "playwrights", lambda: None)
    monkeypatch.setattr(browser, "driver_starts", lambda: True)
    monkeypatch.setattr(browser, "is_debian", lambda: True)
    monkeypatch.setattr(browser.os, "geteuid", lambda: 0, raising=False)
    return programs


class Shell:
    """Notes commands; installing the package ``chromium`` puts it among the programs unless apt is broken."""

    def __init__(self, programs: set[str], apt_works: bool = True) -> None:
        self.programs, self.apt_works = programs, apt_works
        self.commands: list[str] = []

    def __call__(self, command: Sequence[str]) -> int:
        line = " ".join(command)
        self.commands.append(line)
        if "apt-get" in line and not self.apt_works:
            return 100
        if "install" in line and "chromium" in line:
            self.programs.add("chromium")
        return 0


def test_a_browser_that_is_there_is_used_as_it_is(bare: set[str]) -> None:
    bare.add("google-chrome")
    shell = Shell(bare)
    assert browser.ensure(shell) == "/usr/bin/google-chrome"
    assert shell.commands == []


def test_what_playwright_lacks_is_installed_beside_a_browser_that_is_there(
    bare: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    bare.add("chromium")
    shell = Shell(bare)
    monkeypatch.setattr(browser, "driver_starts", lambda: any("libatomic1" in line for line in shell.commands))
    assert browser.ensure(shell) == "/usr/bin/chromium"
    assert len(shell.commands) == 2


def test_a_playwright_that_does_not_start_has_no_browser(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    monkeypatch.setattr(browser.sys, "executable", "/bin/false")
    assert browser.playwrights() is None


def test_on_debian_it_comes_from_apt_with_a_chinese_font(bare: set[str]) -> None:
    shell = Shell(bare)
    assert browser.ensure(shell) == "/usr/bin/chromium"
    assert [line.split("apt-get ")[1] for line in shell.commands] == [
        "update",
        "install --yes --no-install-recommends chromium fonts-wqy-microhei libatomic1",
    ]
    assert all(line.startswith("env DEBIAN_FRONTEND=noninteractive") for line in shell.commands)


def test_without_root_it_asks_sudo_and_never_for_a_password(bare: set[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(browser.os, "geteuid", lambda: 1000, raising=False)
    bare.add("sudo")
    shell = Shell(bare)
    assert browser.ensure(shell) == "/usr/bin/chromium"
    assert shell.commands[0] == "sudo -n true"
    assert all(line.startswith("sudo -n ") for line in shell.commands)


def test_where_apt_fails_playwright_brings_one(bare: set[str]) -> None:
    shell = Shell(bare, apt_works=False)
    assert browser.ensure(shell) == "/usr/bin/chromium"
    assert shell.commands[-1] == f"{sys.executable} -m playwright install --with-deps chromium"


def test_elsewhere_playwright_brings_one(bare: set[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(browser, "is_debian", lambda: False)
    monkeypatch.setattr(browser.os, "geteuid", lambda: 1000, raising=False)
    bare.clear()
    shell = Shell(bare)
    assert browser.ensure(shell) == "/usr/bin/chromium"
    assert shell.commands == [f"{sys.executable} -m playwright install chromium"]


def test_nothing_works(bare: set[str]) -> None:
    assert browser.ensure(lambda command: 1) is None


def test_a_named_browser_that_is_not_there_is_not_replaced(bare: set[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHROMIUM", "my-browser")
    shell = Shell(bare)
    assert browser.ensure(shell) is None
    assert shell.commands == []


def test_debian_is_told_from_ubuntu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    release = tmp_path / "os-release"
    assert not browser.is_debian(release)
    release.write_text('NAME="Ubuntu"\nID=ubuntu\nID_LIKE=debian\n')
    assert not browser.is_debian(release)
    release.write_text("ID=debian\n")
    assert browser.is_debian(release)


def test_without_a_browser_one_sentence_and_status_2() -> None:
    script = Path(browser.__file__)
    environment = {"CHROMIUM": "/no/such/browser", "PATH": ""}
    done = subprocess.run([sys.executable, str(script)], env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == browser.HELP + "\n"
