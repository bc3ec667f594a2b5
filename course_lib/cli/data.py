"""``python -m course_lib data list``: the datasets, their sizes, and where each one's data card is."""

from __future__ import annotations

import argparse
from typing import Any

from course_lib.cli.console import OK, say, table
from course_lib.settings import PROJECT


def register(commands: Any) -> None:
    """Adds ``data``."""
    parser = commands.add_parser("data", help=say("help_data"), description=say("help_data"))
    actions = parser.add_subparsers(metavar=say("help_action"), required=True, dest="action")
    actions.add_parser("list", help=say("help_data_list"), description=say("help_data_list")).set_defaults(run=show)


def card(name: str) -> str:
    """The path of a dataset's card (source, licence, rows, how it was made), relative to the checkout; "-" for none."""
    path = PROJECT / "data" / name.replace("-", "_") / "card.md"
    return path.relative_to(PROJECT).as_posix() if path.is_file() else "-"


def show(arguments: argparse.Namespace) -> int:
    """One row a size; the first size of a dataset is its default."""
    from course_lib.data.registry import resolve, sources

    rows = []
    for name, source in sources().items():
        for size in source.sizes:
            default = say("yes") if size == source.sizes[0] else ""
            rows.append((name, size, default, resolve(name, size).version, card(name)))
    head = ("column_dataset", "column_size", "column_default", "column_version", "column_card")
    print(table([say(key) for key in head], rows))
    return OK
