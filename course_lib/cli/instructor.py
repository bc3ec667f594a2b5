"""``python -m course_lib instructor --new-secret``: another instructor's secret, for one that is lost or has got about.

Whoever was an instructor is one no longer until they give the new secret: one who has come by a secret that got about
would otherwise keep the role. Their classes stay theirs meanwhile.
"""

from __future__ import annotations

import argparse
from typing import Any

from course_lib.cli.console import OK, note, say
from course_lib.errors import CourseError
from course_lib.settings import load_settings


def register(commands: Any) -> None:
    """Adds ``instructor``."""
    parser = commands.add_parser("instructor", help=say("help_instructor"), description=say("help_instructor"))
    parser.add_argument("--new-secret", action="store_true", help=say("help_new_secret"))
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Makes the secret and says what to do with it."""
    from course_lib.course import instructor_secret, roles
    from course_lib.course.store import open_store

    if not arguments.new_secret:
        raise CourseError("cli_instructor_what")
    store = open_store(load_settings().database_url)  # first: a secret is not changed where the role cannot be taken
    try:
        secret = instructor_secret.new_secret()
        print(secret)
        note(say("instructor_new_secret", were=roles.dismiss_all(store)))
    finally:
        store.close()
    return OK
