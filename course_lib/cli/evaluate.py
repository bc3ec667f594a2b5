"""``python -m course_lib evaluate RUN...``: a report on finished runs: on the screen, as JSON, CSV or HTML."""

from __future__ import annotations

import argparse
import json
from typing import Any

from course_lib.cli.console import OK, given_path, language, note, say, table
from course_lib.cli.runs import store


def register(commands: Any) -> None:
    """Adds ``evaluate``."""
    parser = commands.add_parser("evaluate", help=say("help_evaluate"), description=say("help_evaluate"))
    parser.add_argument("run_ids", metavar="RUN", nargs="+", help=say("help_run_id"))
    parser.add_argument("--json", action="store_true", help=say("help_json"))
    parser.add_argument("--csv", metavar="FILE", help=say("help_evaluate_csv"))
    parser.add_argument("--html", metavar="FILE", help=say("help_evaluate_html"))
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Prints every measure with its interval; writes the files that were asked for."""
    from course_lib.course.private_data import HERE, as_seen
    from course_lib.figures.run_report import Report

    runs = store()
    report = Report.of([as_seen(runs.view(run_id), HERE) for run_id in arguments.run_ids], language())
    for path, make in ((arguments.csv, report.csv), (arguments.html, report.html)):
        if path:
            given_path(path).write_text(make(), encoding="utf-8")
            note(say("evaluate_written", path=path))
    if arguments.json:
        print(json.dumps(report.data(), ensure_ascii=False))
        return OK
    for sentence in report.protocol().values():
        print(sentence)
    rows = [
        (name, measure, f"{one['value']:.6g}", f"{one['low']:.6g}", f"{one['high']:.6g}")
        for name, of_run in zip(report.names, report.data()["runs"], strict=True)
        for measure, one in of_run["measures"].items()
    ]
    keys = ("column_run", "column_measure", "column_value", "column_low", "column_high")
    print(table([say(key) for key in keys], rows))
    return OK
