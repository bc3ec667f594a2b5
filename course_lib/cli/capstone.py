"""``python -m course_lib capstone PATH --to FOLDER``: the page's capstone from the shell, from a file to one zip.

python -m course_lib capstone orders.xlsx --to findings --map user=客户 --budget 20

FOLDER then holds report.zh.md, report.en.md, findings.json and capstone.zip with both transformers' weights. The file
becomes a dataset of one's own and each training a run like any other, so the same line given again goes on where it
was, and the page shows the same. Both trainings run at a time, each in a process of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from course_lib.cli.console import INTERRUPTED, OK, Progress, given_path, language, note, say
from course_lib.cli.data import file_options, taken_in
from course_lib.errors import CourseError

if TYPE_CHECKING:
    from course_lib.course.capstone import Study
    from course_lib.course.lessons import Lesson
    from course_lib.data.intake.pipeline import Prepared
    from course_lib.data.intake.store import Card
    from course_lib.experiments.config import RunConfig

BUDGET_S = 20  # as course_lib/course/capstone.py has it, which is not imported for --help; a test compares
POLL_S = 0.3
NUMBERS, ZIP = "findings.json", "capstone.zip"


def register(commands: Any) -> None:
    """Adds ``capstone``."""
    parser = commands.add_parser("capstone", help=say("help_capstone"), description=say("help_capstone"))
    parser.add_argument("path", metavar="PATH", help=say("help_capstone_path"))
    parser.add_argument("--to", metavar="FOLDER", required=True, help=say("help_capstone_to"))
    told = say("help_capstone_budget", seconds=BUDGET_S)
    parser.add_argument("--budget", metavar="SECONDS", default=str(BUDGET_S), help=told)
    parser.add_argument("--json", action="store_true", help=say("help_json"))
    file_options(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Goes from the file to the folder and prints the findings."""
    from course_lib.course import capstone
    from course_lib.course.audit import audit
    from course_lib.course.lessons import load_lessons
    from course_lib.data.registry import resolve
    from course_lib.experiments.recipes import check_budget

    began = time.monotonic()

    def step(words: str) -> None:
        note(say("capstone_step", step=words, seconds=time.monotonic() - began))

    budget, folder = check_budget(arguments.budget), given_path(arguments.to)
    check_folder(folder)
    try:
        step(say("capstone_reading"))
        card = own_dataset(taken_in(arguments), arguments)
        found = audit(resolve(card.key))
        counted = {name: f"{getattr(found, name):,}" for name in ("events", "users", "items", "asked")}
        step(say("capstone_audit", name=card.name, **counted))
        note(say("capstone_kept", name=card.name))
        found.check()
        made = capstone.configs(card.key, budget)
        check_taken(folder, made)
        seconds = max(capstone.seconds_of(config) for config in made.values())
        step(say("capstone_training", models=", ".join(made), seconds=f"{seconds:.0f}"))
        train(made)
        study = study_of(found, made)
        step(say("capstone_writing"))
        written = write(study, folder, load_lessons())
    except KeyboardInterrupt:
        note(say("capstone_interrupted"))
        return INTERRUPTED
    took = time.monotonic() - began
    note(say("capstone_done", path=str(folder), seconds=took, files=", ".join(written)))
    if arguments.json:
        record = {**study.to_dict(), "folder": str(folder), "files": written, "seconds": round(took, 1)}
        print(json.dumps(record, ensure_ascii=False))
    else:
        print("\n".join(one.sentence(language()).replace("**", "") for one in study.findings()))
    return OK


def check_folder(folder: Path) -> None:
    """Makes the folder; raises CourseError where nothing can be written into it."""
    probe = folder / f".writable-{os.getpid()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as problem:
        raise CourseError("capstone_folder", path=folder, reason=problem.strerror or str(problem)) from problem


def check_taken(folder: Path, made: Mapping[str, RunConfig]) -> None:
    """Raises CourseError where the folder holds what other runs have given; what these have given is written anew."""
    runs = {model: config.run_id for model, config in made.items()}
    before: Any = None
    with suppress(OSError, ValueError):
        before = json.loads((folder / NUMBERS).read_text(encoding="utf-8")).get("runs")
    if before != runs and any((folder / name).exists() for name in (NUMBERS, ZIP)):
        raise CourseError("capstone_taken", path=folder)


def own_dataset(made: Prepared, arguments: argparse.Namespace) -> Card:
    """The file as a dataset of the machine's own learner: the one that is there already where it is the same."""
    from course_lib.course.private_data import HERE
    from course_lib.data.intake import store

    mine = [card for card in store.added(HERE) if card.owner == HERE]
    version = store.content_hash(made.events, made.items)
    for card in mine:
        if (card.version, card.input["sha256"]) == (version, made.sha256):
            return card
    stem = re.sub(r"[^a-z0-9]+", "-", made.file.lower().split(".")[0]).strip("-")[:32].strip("-")
    stem = stem if stem and stem not in store.BUILT_IN else "my-data"
    taken = {card.name for card in mine}
    name = next(name for n in range(1, 10_000) if (name := stem if n == 1 else f"{stem}-{n}") not in taken)
    return store.save(made, name, HERE, source=arguments.source, licence=arguments.licence)


def train(made: Mapping[str, RunConfig]) -> None:
    """Trains what is not there yet, all at a time, each in a process of its own. Raises CourseError."""
    from course_lib.runs.process import worker_environment
    from course_lib.runs.store import RunStore
    from course_lib.settings import PROJECT, load_settings

    settings = load_settings()
    store, environment = RunStore(settings), worker_environment(settings)
    store.check_writable()
    waiting = {model: config for model, config in made.items() if store.view(config.run_id).result is None}
    going = {
        model: subprocess.Popen(
            command(config), cwd=PROJECT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        for model, config in waiting.items()
    }
    try:
        with closing(Progress(", ".join(waiting))) as bar:
            while any(process.poll() is None for process in going.values()):
                bar.take(sum(store.view(config.run_id).progress for config in waiting.values()) / len(waiting))
                time.sleep(POLL_S)
    finally:
        for process in going.values():  # after Ctrl-C each has had its own, and ends as a stopped run
            with suppress(subprocess.TimeoutExpired):
                process.wait(10.0)
            process.kill()
            process.wait()
    for model, config in waiting.items():
        view = store.view(config.run_id)
        if view.result is None:
            raise CourseError.from_dict(view.error) if view.error else CourseError("capstone_died", model=model)


def command(config: RunConfig) -> list[str]:
    """The line that makes one run."""
    (place, data), *_ = config.sizes.items()
    settings = [part for name, value in config.settings.items() for part in ("--set", f"{name}={value}")]
    what = ["run", config.experiment, f"--{place}", "/".join(data), "--seed", str(config.seed), "--json"]
    return [sys.executable, "-m", "course_lib", *what, *settings]


def study_of(found: Any, made: Mapping[str, RunConfig]) -> Study:
    """What the finished runs say."""
    from course_lib.course.capstone import Study
    from course_lib.runs.store import RunStore
    from course_lib.settings import load_settings

    store = RunStore(load_settings())
    study = Study.of(found, made, {model: store.view(config.run_id) for model, config in made.items()})
    assert study is not None  # train has seen to it
    return study


def write(study: Study, folder: Path, lessons: tuple[Lesson, ...]) -> list[str]:
    """Reports, numbers and the zip; their names. Raises CourseError."""
    from course_lib.course.capstone_report import as_zip, report
    from course_lib.text import LANGUAGES

    files: dict[str, bytes] = {f"report.{one}.md": report(study, lessons, one).encode() for one in LANGUAGES}
    files[NUMBERS] = json.dumps(study.to_dict(), ensure_ascii=False, indent=1).encode()
    files[ZIP] = as_zip(study, lessons, {})
    for name, content in files.items():
        draft = folder / f".{name}.part"
        try:
            draft.write_bytes(content)
            os.replace(draft, folder / name)
        except OSError as problem:
            raise CourseError("capstone_folder", path=folder, reason=problem.strerror or str(problem)) from problem
    return list(files)
