"""Finds the commands, parses the line, runs the command, and turns any error into one sentence and an exit status.

A command is a module in this folder with a function ``register(commands)``: it calls ``commands.add_parser(name, ...)``
and ``set_defaults(run=...)`` with a function that takes the parsed arguments and returns the exit status. Import what
is heavy (pandas, torch) inside that function: ``--help`` imports every module here.
"""

from __future__ import annotations

import argparse
import importlib
import io
import os
import pkgutil
import sys
from collections.abc import Sequence

from course_lib import __version__, cli
from course_lib.cli.console import BAD, INTERRUPTED, Parser, note, say, sentence, take_language
from course_lib.errors import CourseError


def build_parser() -> Parser:
    """The parser with every command in this folder."""
    parser = Parser(prog="python -m course_lib", description=say("about"))
    parser.add_argument("--version", action="version", version=f"LiveRec {__version__}", help=say("help_version"))
    parser.add_argument("--lang", metavar="zh|en", help=say("help_lang"))  # read by take_language; here for --help
    commands = parser.add_subparsers(metavar=say("help_command"), required=True, dest="command")
    for module in sorted(found.name for found in pkgutil.iter_modules(cli.__path__)):
        register = getattr(importlib.import_module(f"course_lib.cli.{module}"), "register", None)
        if register is not None:
            register(commands)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command line; returns its exit status: 0, 2 after an error's sentence, 130 after Ctrl-C."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a title or a file's name may have what the terminal does not
            stream.reconfigure(errors="backslashreplace")
    try:
        rest = take_language(sys.argv[1:] if arguments is None else arguments)
        parsed: argparse.Namespace = build_parser().parse_args(rest)
        status: int = parsed.run(parsed)
        sys.stdout.flush()
        return status
    except CourseError as error:
        note(sentence(error))
        return BAD
    except KeyboardInterrupt:
        note(say("interrupted"))
        return INTERRUPTED
    except BrokenPipeError:  # the reader of our output has gone, as in `... | head -1`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BAD
    except ModuleNotFoundError as problem:
        package = (problem.name or "").split(".")[0]
        if package in ("", "course_lib"):
            raise  # a mistake in the course itself
        note(sentence(CourseError("package_missing", name=package, python=sys.executable)))
        return BAD
    except UnicodeEncodeError as problem:  # of a name whose bytes are no UTF-8
        note(sentence(CourseError("cli_not_text", value=problem.object[problem.start : problem.end])))
        return BAD
    except OSError as problem:
        reason = problem.strerror or str(problem)
        note(sentence(CourseError("system_refused", reason=reason, path=problem.filename or "-")))
        return BAD
