"""The command line as a whole: discovery, help, languages, errors and exit statuses."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from course_lib.cli import console
from course_lib.cli.main import build_parser, main
from course_lib.errors import CourseError
from course_lib.text import strings
from course_lib.ui import services
from tests.ports import free_port

PROJECT = Path(__file__).resolve().parent.parent.parent
COMMANDS = {"data", "experiments", "lessons", "run", "runs", "start", "train"}


def shell(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The command line in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "course_lib", *arguments],
        cwd=PROJECT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)


def test_every_command_is_found_by_its_file() -> None:
    files = {path.stem for path in (PROJECT / "course_lib" / "cli").glob("*.py")}
    commands = set(build_parser()._subparsers._group_actions[0].choices)  # type: ignore[union-attr,arg-type]
    assert commands >= COMMANDS
    assert commands <= files | {"train", "restore"}, "the short form of run next_item, and the inverse of backup"


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("command", [(), *((name,) for name in sorted(COMMANDS)), ("data", "list"), ("runs", "pin")])
def test_help_speaks_the_language(command: tuple[str, ...], language: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main([*command, "--help", "--lang", language])
    assert end.value.code == 0
    out = capsys.readouterr().out
    assert out.startswith(strings(language)["cli.help_usage"])
    assert strings(language)["cli.help_help"] in out


BAD_LINES = [
    ([], "Something is missing after “python -m course_lib”: COMMAND."),
    (
        ["dance"],
        "has no command called “dance”. Choose one of: backup, restore, capstone, data, evaluate, experiments,",
    ),
    (["train", "--dance"], "does not know --dance."),
    (
        ["train", "--epoch", "3"],
        "does not know --epoch 3.",
    ),  # no abbreviations: a new option must not change an old line
    (["train", "twice"], "does not know twice."),
    (["train", "--width"], "--width needs a value"),
    (["train", "--json=yes"], "--json takes no value"),
    (["train", "--set", "width"], "--set is “width”, but needs a name and a value"),
    (["train", "--set", "depth=3"], "“next_item” has no setting called “depth”. It has: model, width,"),
    (["train", "--dataset", "bookshop"], "There is no dataset called “bookshop”. Choose one of: shop,"),
    (["train", "--size", "vast"], "Dataset “shop” has no size “vast”. Choose one of: small,"),
    (["train", "--model", "oracle"], "There is no model called “oracle”. Choose one of: "),
    (
        ["train", "--model", "popularity", "--epochs", "3"],
        "“next_item” has no setting called “epochs”. It has: model, shoppers",
    ),
    (["train", "--nope"], "python -m course_lib train” does not know --nope. See “python -m course_lib train --help”"),
    (["data", "add", "--nope", "x", "y"], "See “python -m course_lib data add --help”"),
    (
        ["train", "--size", ""],
        "--size is empty: give it a value or leave it out. See “python -m course_lib train --help",
    ),
    (["train", "--size="], "--size is empty"),
    (["train", "--epochs", " "], "--epochs is empty"),
    (["data", "add", "x", ""], "PATH is empty"),
    (["data", "add", "x", "y", "--time-zone", ""], "--time-zone is empty"),
    (["backup", "~nosuchuser/b.zip"], "The path “~nosuchuser/b.zip” begins with a user who is not on this computer"),
    (["runs", "pin", "0" * 16], "“python -m course_lib runs list” shows what there is"),
    (["record", "nonsense"], "There is no lesson called “nonsense”"),
    (["data", "describe", "a\nb\x1b[2J"], "There is no dataset called “a\\nb\\x1b[2J”"),
    (["run"], "Something is missing after “python -m course_lib run”: NAME."),
    (["run", "alchemy"], "alchemy"),
    (["run", "next_item", "--plan", "--dataset", "bookshop"], "There is no dataset called “bookshop”."),
    (["train", "--width", "4096"], "width is 4096, but must lie between 8 and 256."),
    (["train", "--epochs", "0"], "epochs is 0, but must lie between 1 and 100."),
    (["train", "--learning-rate", "nan"], "learning_rate is nan, but must lie between"),
    (["train", "--seed", "-1"], "seed is -1, but must lie between 0 and"),
    (["train", "--seed", "1.5"], "seed is “1.5”, which is not"),
    (["train", "--heads", "5"], "The width 48 cannot be divided among 5 heads."),
    (["runs", "list", "--lang", "fr"], "--lang is “fr”, but must be one of: zh, en."),
    (["runs", "pin", "../../etc"], "There is no run ../../etc here"),
    (["runs", "remove"], "Something is missing after “python -m course_lib runs remove”: RUN."),
    (["start", "--port", "80x"], "port is “80x”, which is not a whole number."),
    (["start", "--port", "70000"], "port is 70000, but must lie between 1 and 65535."),
]


@pytest.mark.parametrize(("line", "expected"), BAD_LINES, ids=[" ".join(line) or "nothing" for line, _ in BAD_LINES])
def test_bad_input_is_one_sentence_and_status_2(
    line: list[str], expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(line) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert expected in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(("line", "expected"), BAD_LINES, ids=[" ".join(line) or "nothing" for line, _ in BAD_LINES])
def test_bad_input_is_told_in_chinese_too(line: list[str], expected: str, capsys: pytest.CaptureFixture[str]) -> None:
    if "--lang" in line:
        line = ["runs", "list", "--lang=no"]
    assert main(["--lang", "zh", *line] if "--lang=no" not in line else line) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    if "--lang=no" not in line:
        assert any("\u4e00" <= character <= "\u9fff" for character in err)


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "de_DE.UTF-8"}, "en"),
        ({"LC_ALL": "C", "LANG": "zh_CN"}, "en"),
        ({}, "en"),
    ],
)
def test_language_follows_the_locale(
    environment: dict[str, str], language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert console.take_language(["train", "--json"]) == ["train", "--json"]
    assert console.language() == language


def test_errors_of_the_system_become_a_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: Any) -> Any:
        raise PermissionError(13, "Permission denied", "/somewhere")

    monkeypatch.setattr("course_lib.cli.runs.show", refuse)
    assert main(["runs", "list"]) == 2
    assert capsys.readouterr().err.startswith("The system refused: Permission denied (/somewhere).")


def test_a_missing_package_becomes_a_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def lack(*_: Any) -> Any:
        raise ModuleNotFoundError("No module named 'pandas'", name="pandas")

    monkeypatch.setattr("course_lib.cli.runs.show", lack)
    assert main(["runs", "list"]) == 2
    assert capsys.readouterr().err.startswith("The Python package “pandas” is not installed for ")


def test_a_mistake_in_the_course_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    def lack(*_: Any) -> Any:
        raise ModuleNotFoundError("No module named 'course_lib.nowhere'", name="course_lib.nowhere")

    monkeypatch.setattr("course_lib.cli.runs.show", lack)
    with pytest.raises(ModuleNotFoundError):
        main(["runs", "list"])


def test_the_module_runs_and_keeps_its_channels_apart() -> None:
    """In a process of its own: the sentence on standard error, nothing on standard output, status 2."""
    done = shell("train", "--model", "nothing", LANG="zh_CN.UTF-8", PYTHONIOENCODING="utf-8")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("没有名为“nothing”的模型。")


@pytest.mark.parametrize("name", ["LIVEREC_HOME", "LIVEREC_ENCODER", "LIVEREC_WRITER"])
@pytest.mark.parametrize(
    "line", [["runs", "list"], ["data", "list"], ["train", "--plan"], ["reasons"], ["backup", "x"]]
)
def test_a_home_of_nobody_is_told(
    line: list[str], name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(name, "~nosuchuser/x")
    assert main([*line, "--lang", "en"]) == 2
    assert capsys.readouterr().err.startswith(f"The environment variable {name} is “~nosuchuser/x”, but")
    assert list(tmp_path.iterdir()) == []


def test_a_user_without_a_home_is_told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def nobody(_: int) -> Any:
        raise KeyError

    for variable in ("LIVEREC_HOME", "HOME"):
        monkeypatch.delenv(variable)
    monkeypatch.setattr("pwd.getpwuid", nobody)  # as in a container that runs under a number
    assert main(["runs", "list", "--lang", "en"]) == 2
    assert "has no home folder" in capsys.readouterr().err


# What only pages and their server say: no command comes to them.
OF_PAGES = (
    *(
        "lesson_recorded_two",
        "link_run_gone",
        "link_dataset_gone",
        "run_of_other_data",
        "frame_missing",
        "experiment_light",
        "resume_code_origin",
    ),
    *(
        "not_instructor",
        "not_your_class",
        "delete_not_sure",
        "reset_not_sure",
        "unknown_question",
        "answer_unknown_option",
    ),
    *("unknown_member", "upload_interrupted", "writer_failed", "writer_busy", "identity_key"),
    *("cluster_unreachable", "cluster_full", "cluster_no_course", "cluster_other_course", "cluster_home_not_shared"),
)
BUTTONS = {
    "en": re.compile(
        r"\b[Pp]ress\b|\bbutton\b|[Rr]eload the page|the slider|\btick\b|below, or add|start the course again\.$"
    ),
    "zh": re.compile(r"点“|按钮|刷新页面|滑块|勾选|在下方"),
}


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_command_names_no_button(language: str) -> None:
    said = strings(language)
    errors = {key.removeprefix("errors."): one for key, one in said.items() if key.startswith("errors.")}
    named = {key for key, one in errors.items() if BUTTONS[language].search(one)}
    assert "run_missing" in named
    assert named - set(OF_PAGES) - {key.removeprefix("cli.error_") for key in said} == set()
    own = [key for key in said if key.startswith("cli.error_")]
    assert {key for key in own if BUTTONS[language].search(said[key])} == set()
    assert {key.removeprefix("cli.error_") for key in own} <= set(errors), "each stands for a sentence of a page"


def test_what_the_terminal_cannot_write_is_written_otherwise(tmp_path: Path) -> None:
    place = {"LIVEREC_HOME": str(tmp_path), "PYTHONIOENCODING": "ascii"}
    done = shell("data", "describe", "movielens-1m", "--lang", "zh", **place)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert "\\u" in done.stdout


@pytest.mark.parametrize("value", ["many", "0", "1.5"])
def test_a_wrong_variable_is_told(
    value: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LIVEREC_WORKERS", value)
    assert main(["runs", "list"]) == 2
    assert capsys.readouterr().err.startswith(f"The environment variable LIVEREC_WORKERS is “{value}”")


@pytest.mark.parametrize("value", ["0", "-1", "1000000", "4GiB"])
def test_too_little_disk_is_refused_before_anything_is_deleted(
    value: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Some write 0 for "no limit"; taken at its word it would delete every run there is."""
    kept = tmp_path / "runs" / ("0" * 16) / "config.json"
    kept.parent.mkdir(parents=True)
    kept.write_text("{}")
    monkeypatch.setenv("LIVEREC_HOME", str(tmp_path))
    monkeypatch.setenv("LIVEREC_RUN_BYTES", value)
    assert main(["start", "--port", str(free_port())]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"The environment variable LIVEREC_RUN_BYTES is “{value}”")
    assert "134217728" in said
    with pytest.raises(CourseError):
        services.runs()
    assert kept.exists()


def test_version() -> None:
    done = shell("--version")
    assert done.returncode == 0
    assert done.stdout.startswith("LiveRec ")
