"""Every command with missing, empty and absurd values: one sentence that helps, soon, and never a traceback."""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from course_lib.cli.main import build_parser, main

ALSO_OF_RUN = {
    "--set",
    "--dataset",
    "--size",
    "--seed",
    "--epochs",
}  # its settings are 150 options, most of them those of train
ROWS = "user,item,time\n" + "".join(
    f"u{user},i{(user + place) % 7},2024-01-{place + 1:02d} 08:30\n" for user in range(9) for place in range(6)
)
# Three purchases each: two are held out, so nothing is left to learn from.
THREE = "user,item,time\n" + "".join(
    f"u{user},i{(user + place) % 7},2024-01-{place + 1:02d} 08:30\n" for user in range(40) for place in range(3)
)
# What a command needs beside the value that is tried: with all of it right, nothing would be trained or served.
NEEDED = {
    "backup": ["NEW.zip"],
    "capstone": ["three.csv", "--to", "NEW"],
    "data add": ["NEW", "rows.csv"],
    "data describe": ["shop"],
    "data remove": ["nothing"],
    "data table": ["shop", "events", "--size", "tiny", "--to", "NEW.csv"],
    "evaluate": ["0" * 16],
    "published": ["shop/tiny", "--seed", "-1"],
    "reasons": ["--products", "1", "--address", "nonsense"],
    "restore": ["none.zip"],
    "run": ["next_item", "--plan", "--tiny"],
    "runs pin": ["0" * 16],
    "runs remove": ["0" * 16],
    "runs unpin": ["0" * 16],
    "shop make": ["NEW", "--set", "customers=20"],
    "shop simulate": ["--shoppers", "1", "--to", "NEW"],
    "start": ["--port", "0"],
    "train": ["--plan", "--tiny"],
}


def commands(
    parser: argparse.ArgumentParser, line: tuple[str, ...] = ()
) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """Every command that does something, with its parser."""
    inner = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    for action in inner:
        for name, one in action.choices.items():
            yield from commands(one, (*line, name))
    if not inner:
        yield " ".join(line), parser


COMMANDS = dict(commands(build_parser()))


def absurd(place: Path) -> list[str]:
    """Values that people, scripts and variables give."""
    folder = str(place / "folder")
    return ["", "-1", "nan", "\0", "x" * 100_000, "a\nb\x1b[2J", "\udcff", "~nosuchuser/x", "/proc/no/such", folder]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to be in, with a table and an empty folder, and a home of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LIVEREC_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("LC_ALL", "C")

    def begun(*_: object) -> None:
        raise AssertionError("something was trained or served")

    monkeypatch.setattr(os, "execv", begun)
    monkeypatch.setattr("course_lib.runs.foreground.run_here", begun)
    (tmp_path / "rows.csv").write_text(ROWS)
    (tmp_path / "three.csv").write_text(THREE)
    (tmp_path / "folder").mkdir()
    return tmp_path


def lines(command: str, parser: argparse.ArgumentParser, place: Path) -> Iterator[list[str]]:
    """Each option of a command, and each of its arguments, with each absurd value."""
    given, number = [one for one in parser._actions if not one.option_strings], 0
    for action in parser._actions:
        if action.nargs == 0 or (command == "run" and not ALSO_OF_RUN.intersection(action.option_strings)):
            continue
        values = absurd(place) if command not in ("run", "train") else ["nan", "x" * 100_000]
        for value in values:
            number += 1
            needed = [one.replace("NEW", f"new{number}") for one in NEEDED[command]]
            if action.option_strings:
                yield [*command.split(), *needed, f"{action.option_strings[0]}={value}"]
            else:
                needed[given.index(action)] = value
                yield [*command.split(), *needed[len(given) :], "--", *needed[: len(given)]]


def check(line: list[str], capsys: pytest.CaptureFixture[str]) -> int:
    """Gives a command; its status, when it has ended as it should."""
    shown = [one[:80] for one in line]
    began = time.monotonic()
    try:
        status = main(line)
    except BaseException as problem:
        raise AssertionError(f"{shown} ended with {problem!r:.300}") from problem
    out, err = capsys.readouterr()
    assert status in (0, 2), shown
    assert time.monotonic() - began < 20, shown
    assert "Traceback" not in out + err, shown
    if status == 2:
        assert out == "" or line[:2] == ["data", "describe"], shown  # whose card is right, whatever the size
        steps = 3 if line[0] == "capstone" else 0  # it says what it is at, and that the file is kept as a dataset
        assert 1 <= err.count("\n") <= 1 + steps, (shown, err[:300])
        assert len(err) < 4000, shown
        assert "\x1b" not in err, shown
    return status


@pytest.mark.parametrize("command", sorted(NEEDED))
def test_each_argument_with_each_absurd_value(command: str, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tried = [check(line, capsys) for line in lines(command, COMMANDS[command], place)]
    assert 2 in tried


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_unknown_and_missing_arguments(command: str, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert check([*command.split(), *NEEDED.get(command, []), "--nope"], capsys) == 2
    parser = COMMANDS[command]
    if any(action.required and action.nargs != "*" for action in parser._actions):
        assert check(command.split(), capsys) == 2
    for action in parser._actions:
        if action.option_strings and action.nargs == 0 and not isinstance(action, argparse._HelpAction):
            assert check([*command.split(), *NEEDED.get(command, []), f"{action.option_strings[0]}=yes"], capsys) == 2


def test_every_command_that_takes_a_value_is_walked() -> None:
    taking = {name for name, one in COMMANDS.items() if any(action.nargs != 0 for action in one._actions)}
    assert taking - set(NEEDED) == {"record"}, "which would make runs, and is refused by name in test_main.py"
