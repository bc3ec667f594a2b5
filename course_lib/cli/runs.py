"""``python -m course_lib runs list|remove|pin|unpin``: the runs on this machine. A pinned run is never deleted."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from course_lib.cli.console import OK, note, say, table
from course_lib.settings import load_settings

if TYPE_CHECKING:
    from course_lib.experiments.config import RunConfig
    from course_lib.runs.reader import Reading
    from course_lib.runs.store import RunStore

UNITS = ((24 * 3600, "d"), (3600, "h"), (60, "min"), (0, "s"))


def register(commands: Any) -> None:
    """Adds ``runs``."""
    parser = commands.add_parser("runs", help=say("help_runs"), description=say("help_runs"))
    actions = parser.add_subparsers(metavar=say("help_action"), required=True, dest="action")
    listing = actions.add_parser("list", help=say("help_runs_list"), description=say("help_runs_list"))
    listing.set_defaults(run=show)
    for name, function in (("remove", remove), ("pin", pin), ("unpin", unpin)):
        action = actions.add_parser(name, help=say(f"help_runs_{name}"), description=say(f"help_runs_{name}"))
        action.add_argument("run_ids", metavar="RUN", nargs="+", help=say("help_run_id"))
        action.set_defaults(run=function)


def store() -> RunStore:
    """This installation's runs."""
    from course_lib.runs.store import RunStore

    return RunStore(load_settings())


def show(arguments: argparse.Namespace) -> int:
    """One row a run, the most recently asked for last; of one on another learner's own data only that it is there."""
    from course_lib.course.private_data import HERE, as_seen
    from course_lib.runs.store import folder_bytes

    runs = store()
    rows = []
    for run_id in runs.list():
        view = runs.view(run_id)
        seen = as_seen(view, HERE)
        config, result = seen.config, seen.result or {}
        quality = result.get("measures", {}).get("ndcg@10", {}).get("value")
        rows.append(
            (
                run_id,
                state(runs.read(run_id), runs.folder(run_id)),
                config.experiment if config else "-",
                _data_of(config) if config else say("run_private") if view.config else "-",
                str(config.settings.get("model", "")) if config else "-",
                str(config.seed) if config else "-",
                "-" if quality is None else f"{quality:.3f}",
                f"{folder_bytes(runs.folder(run_id)) / 2**20:.1f}",
                say("yes") if runs.pinned(run_id) else "",
            )
        )
    if not rows:
        note(say("no_runs", path=runs.runs))
        return OK
    keys = ("column_run", "column_state", "column_experiment", "column_dataset", "column_model", "column_seed")
    print(table([*map(say, keys), "NDCG@10", "MiB", say("column_pinned")], rows))
    return OK


def state(reading: Reading, folder: Path) -> str:
    """A run's state in a word; of one whose process is gone, for how long it has stood."""
    from course_lib.runs.files import is_held

    known = reading.view.state
    if known not in ("starting", "running", "stopped") or is_held(folder):
        return say(f"state_{known}")
    seconds = max(0, int(time.time() - reading.told_at))
    size, unit = next((size, unit) for size, unit in UNITS if seconds >= size)
    return say("state_unfinished", ago=say(f"ago_{unit}", count=seconds // max(1, size)))


def _data_of(config: RunConfig) -> str:
    return ", ".join(f"{one.name}/{one.size}" for one in config.data.values())


def remove(arguments: argparse.Namespace) -> int:
    """Deletes runs; one that trains at this moment is refused."""
    runs = store()
    for run_id in arguments.run_ids:
        runs.remove(run_id)
        print(say("run_removed", run=run_id))
    return OK


def pin(arguments: argparse.Namespace) -> int:
    """Keeps runs for good."""
    runs = store()
    for run_id in arguments.run_ids:
        runs.pin(run_id)
        print(say("run_pinned", run=run_id))
    return OK


def unpin(arguments: argparse.Namespace) -> int:
    """Lets runs be deleted when room is needed."""
    runs = store()
    for run_id in arguments.run_ids:
        runs.unpin(run_id)
        print(say("run_unpinned", run=run_id))
    return OK
