"""``python -m course_lib backup TO`` and ``restore FROM``: all that the course keeps as one file, while it runs."""

from __future__ import annotations

import argparse
from typing import Any

from course_lib.cli.console import OK, given_path, note, say
from course_lib.settings import load_settings


def register(commands: Any) -> None:
    """Adds ``backup`` and ``restore``."""
    parser = commands.add_parser("backup", help=say("help_backup"), description=say("help_backup"))
    parser.add_argument("to", metavar="TO", help=say("help_backup_to"))
    parser.add_argument("--runs", action="store_true", help=say("help_backup_runs"))
    parser.set_defaults(run=backup)
    parser = commands.add_parser("restore", help=say("help_restore"), description=say("help_restore"))
    parser.add_argument("source", metavar="FROM", help=say("help_restore_from"))
    parser.set_defaults(run=restore)


def backup(arguments: argparse.Namespace) -> int:
    """Writes the file and says what is in it."""
    from course_lib.course.backup import back_up

    made = back_up(load_settings(), given_path(arguments.to), arguments.runs)
    note(
        say("backed_up", path=made.path, megabytes=f"{made.bytes / 2**20:.1f}", datasets=made.datasets, runs=made.runs)
    )
    if not made.database:
        note(say("backed_up_no_database"))
    return OK


def restore(arguments: argparse.Namespace) -> int:
    """Checks the file, exchanges, and says where what was there is."""
    from course_lib.course.restore import restore as put_back

    done = put_back(load_settings(), given_path(arguments.source))
    note(say("restored", made=done.made, datasets=done.datasets, runs=done.runs, kept=done.kept))
    if done.new_key:
        note(say("restored_new_key"))
    return OK
