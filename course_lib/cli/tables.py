"""The tables of a dataset on the command line: which there are, and one of them as a file. Part of ``data``."""

from __future__ import annotations

import argparse
from contextlib import closing
from typing import Any

from course_lib.cli.console import OK, Progress, given_path, say, table


def add_table(actions: Any) -> None:
    """Adds ``data table``."""
    action = actions.add_parser("table", help=say("help_data_table"), description=say("help_data_table"))
    action.add_argument("name", metavar="NAME", help=say("help_data_name"))
    action.add_argument("table", metavar="TABLE", help=say("help_data_table_name"))
    action.add_argument("--size", metavar="NAME", help=say("help_size"))
    action.add_argument("--to", metavar="FILE", required=True, help=say("help_data_to"))
    action.set_defaults(run=write)


def write(arguments: argparse.Namespace) -> int:
    """Writes one table as CSV or Parquet."""
    from course_lib.course.private_data import HERE, check_readable
    from course_lib.data.intake.export import check_file, write_table
    from course_lib.data.registry import load_table, resolve

    path = given_path(arguments.to)
    check_file(path)  # before anything is made
    check_readable([arguments.name], HERE)
    found = load_table(resolve(arguments.name, arguments.size), arguments.table)
    write_table(found, path)
    size = f"{path.stat().st_size / 2**20:,.1f}"
    print(say("data_table_written", table=arguments.table, rows=f"{len(found):,}", path=path, size=size))
    return OK


def shapes(name: str, size: str | None) -> str:
    """A dataset's tables with their rows and columns; those that are not on disk yet are made."""
    from course_lib.data.registry import resolve, table_shape, tables

    address, names, rows = resolve(name, size), tables(name), []
    with closing(Progress(say("data_tables_made"))) as bar:
        for number, one in enumerate(names):
            count, columns = table_shape(address, one)
            rows.append((one, f"{count:,}", ", ".join(columns)))
            bar.take((number + 1) / len(names))
    heads = [say(f"column_{key}") for key in ("table", "rows", "columns")]
    return "\n".join([say("data_tables", name=name, size=address.size), table(heads, rows)])
