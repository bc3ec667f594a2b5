"""``python -m course_lib measure``: makes the lessons' runs and writes the numbers of their prose, data/measured.toml.

What is measured stands in each lesson's ``values.toml`` (course_lib/course/values.py). The file has one table a lesson,
one string for each ``{{value:name}}`` in its text; where the languages write a number differently there are ``name_zh``
and ``name_en``. ``[source]`` says which runs the numbers are of. A run that is finished already is read, not repeated.
tests/course/test_measured.py makes the runs again and compares.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Mapping
from contextlib import closing
from typing import TYPE_CHECKING, Any

from course_lib.cli.console import OK, note, say
from course_lib.settings import PROJECT, load_settings

if TYPE_CHECKING:
    from course_lib.course.measures import Estimate
    from course_lib.course.values import ValueSource
    from course_lib.experiments.config import RunConfig
    from course_lib.runs.view import RunView

FILE = PROJECT / "data" / "measured.toml"
HEAD = "# The numbers in the lessons' prose. Written by: python -m course_lib measure"


def register(commands: Any) -> None:
    """Adds ``measure``."""
    parser = commands.add_parser("measure", help=say("help_measure"), description=say("help_measure"))
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Makes the runs and writes the file."""
    values = sources()
    configs = runs(values)
    measured = read(values, finished(configs.values()))
    FILE.write_text(written(configs, measured), encoding="utf-8")
    count = sum(map(len, measured.values()))
    note(say("measured", count=count, file=FILE.relative_to(PROJECT).as_posix()))
    return OK


def sources() -> list[ValueSource]:
    """Every value of every lesson. Raises CourseError where a file says what cannot be."""
    from course_lib.course.lessons import load_lessons
    from course_lib.course.values import read_values

    return [value for lesson in load_lessons() if lesson.ready for value in read_values(lesson)]


def runs(values: Iterable[ValueSource]) -> dict[str, RunConfig]:
    """What has to be run, by the run's id, each once however many values and lessons ask for it."""
    return {config.run_id: config for value in values for config in value.configs}


def finished(configs: Iterable[RunConfig]) -> dict[str, RunView]:
    """The finished runs by their ids, made now where they are not there."""
    from course_lib.cli.run import Bar
    from course_lib.runs.foreground import run_here
    from course_lib.runs.store import RunStore

    settings, found = load_settings(), {}
    store = RunStore(settings)
    for config in configs:
        note(say("measuring", dataset=described(config)))
        with closing(Bar()) as bar:
            run_here(config, settings, bar.take)
        found[config.run_id] = store.view(config.run_id)
    return found


def described(config: RunConfig) -> str:
    """A run in a few words."""
    chosen = [str(config.settings[name]) for name in config.card.chooses]
    return ", ".join([config.experiment, *(one.name for one in config.data.values()), *chosen])


def read(values: Iterable[ValueSource], found: Mapping[str, RunView]) -> dict[str, dict[str, str]]:
    """Every value as the prose shows it, by lesson and name; ``found`` are the finished runs by their ids."""
    measured: dict[str, dict[str, str]] = {}
    for value in values:
        measured.setdefault(value.lesson, {}).update(value.write(number(value, found)))
    return measured


def number(value: ValueSource, found: Mapping[str, RunView]) -> Estimate | str:
    """One value's number, or its word."""
    from course_lib.cli.derived import derived
    from course_lib.cli.facts import fact
    from course_lib.course.measures import Estimate

    if value.kind == "fact":
        counted = fact(value.where)
        return Estimate(counted, counted, counted)
    if value.kind == "derived":
        return derived(value.where, value.views(found))
    return value.read(found)


def written(configs: Mapping[str, RunConfig], measured: Mapping[str, Mapping[str, str]]) -> str:
    """The file's text; every value is a string, and a JSON string is a TOML string."""
    lines = [HEAD]
    for run_id, one in configs.items():
        lines += [
            "",
            f"[source.{run_id}]",
            f"experiment = {json.dumps(one.experiment)}",
            f"code = {json.dumps(one.code)}",
        ]
        for name, address in one.data.items():
            lines.append(f"{name} = {json.dumps(f'{address.name}/{address.size}')}")
            lines.append(f"{name}_version = {json.dumps(address.version)}")
        lines.append(f"seed = {one.seed}")
        lines += [f"{name} = {json.dumps(value)}" for name, value in one.settings.items()]
    for lesson, values in measured.items():
        lines += ["", f"[{lesson}]"]
        lines += [f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in values.items()]
    return "\n".join(lines) + "\n"
