"""``python -m course_lib measure``: makes the lessons' runs and writes the numbers of their prose, data/measured.toml.

What is measured stands in each lesson's ``values.toml`` (course_lib/course/values.py). The file has one table a lesson,
one string for each ``{{value:name}}`` in its text; where the languages write a number differently there are ``name_zh``
and ``name_en``. ``[source]`` says which runs the numbers are of. A run that is finished already is read, not repeated.
tests/course/test_measured.py makes the runs again and compares. ``--new`` takes the other numbers from the file itself.
"""

from __future__ import annotations

import argparse
import json
import tomllib
from collections.abc import Iterable, Mapping
from contextlib import closing
from typing import TYPE_CHECKING, Any

from course_lib.cli.console import OK, note, say
from course_lib.settings import PROJECT, load_settings
from course_lib.text import LANGUAGES

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
    parser.add_argument("--new", action="store_true", help=say("help_measure_new"))
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Makes the runs and writes the file; with ``--new`` only those that the file does not have."""
    values = sources()
    before = recorded(values) if arguments.new else {}
    wanted = [value for value in values if key_of(value) not in before]
    made = read(wanted, finished(runs(wanted).values()))
    measured: dict[str, dict[str, str]] = {}
    for value in values:
        known = before.get(key_of(value))
        found = known if known is not None else {name: made[value.lesson][name] for name in names_of(value, made)}
        measured.setdefault(value.lesson, {}).update(found)
    FILE.write_text(written(runs(values), measured), encoding="utf-8")
    count = sum(map(len, measured.values()))
    note(say("measured", count=count, file=FILE.relative_to(PROJECT).as_posix()))
    return OK


def recorded(values: Iterable[ValueSource]) -> dict[tuple[str, str, str], dict[str, str]]:
    """What the file has of each value, by its key, where all of its runs are those that the file names.

    What needs no run is looked up anew each time: no run's name tells that it has changed.
    """
    file = tomllib.loads(FILE.read_text(encoding="utf-8")) if FILE.is_file() else {}
    found = {}
    for value in values:
        there = {name: file[value.lesson][name] for name in names_of(value, file)}
        if there and value.configs and all(one.run_id in file["source"] for one in value.configs):
            found[key_of(value)] = there
    return found


def key_of(value: ValueSource) -> tuple[str, str, str]:
    """What tells a value from all others: lesson, name, and the language where it has one of its own."""
    return value.lesson, value.name, value.language


def names_of(value: ValueSource, measured: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Under which names a value stands in a lesson's table: its own, or one a language."""
    table = measured.get(value.lesson, {})
    ends = [f"_{value.language}"] if value.language else ["", *(f"_{language}" for language in LANGUAGES)]
    return [value.name + end for end in ends if value.name + end in table]


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
