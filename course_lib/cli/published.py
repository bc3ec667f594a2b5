"""``python -m course_lib published DATASET``: SASRec and generative retrieval, beside a paper's figures.

python -m course_lib data add beauty Beauty.txt
python -m course_lib published beauty
python -m course_lib published beauty --tiger --set next_item.epochs=20 --json

The runs are ordinary ones: what ``run next_item`` and ``run generative_retrieval`` would make with the same settings,
kept and found again by their configuration. The figures beside them stand in data/published.toml with their source, and
are those of the paper, not the course's.
"""

from __future__ import annotations

import argparse
import json
import tomllib
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from course_lib.cli.console import INTERRUPTED, OK, language, note, say, table
from course_lib.errors import CourseError
from course_lib.settings import PROJECT, load_settings
from course_lib.text import strings

if TYPE_CHECKING:
    from course_lib.experiments.config import RunConfig

FILE = PROJECT / "data" / "published.toml"
SHOWN = ("ndcg@10", "recall@10")
# What is trained, with settings that differ from the defaults: the paper's files have no titles, and more to learn from
# a history than the shop's. --set changes any of them.
RECIPES: Mapping[str, Mapping[str, Any]] = {
    "next_item": {"model": "sasrec", "epochs": 8},
    "generative_retrieval": {"ids": "behaviour", "epochs": 8, "width": 64},
    "tiger": {"ids": "behaviour"},
}
LAST = "tiger"  # takes longest, and only where it is asked for


@dataclass(frozen=True)
class Published:
    """A section of the file: one table of the paper for one dataset."""

    name: str
    title: str
    file: str  # what the dataset's file is called where it is published
    users: int
    items: int
    events: int
    figures: Mapping[str, Mapping[str, float]]  # by method, by measure

    @property
    def counts(self) -> dict[str, int]:
        """The published task's size."""
        return {"users": self.users, "items": self.items, "events": self.events}


def published() -> tuple[str, dict[str, Published]]:
    """The source of all figures, and the tables by name."""
    sections = tomllib.loads(FILE.read_text(encoding="utf-8"))
    tables = {name: Published(name, **one) for name, one in sections.items() if isinstance(one, dict)}
    return str(sections["source"]), tables


def register(commands: Any) -> None:
    """Adds ``published``."""
    parser = commands.add_parser("published", help=say("help_published"), description=say("help_published"))
    parser.add_argument("dataset", metavar="DATASET", help=say("help_published_dataset"))
    parser.add_argument("--table", metavar="NAME", help=say("help_published_table"))
    parser.add_argument("--tiger", action="store_true", help=say("help_published_tiger"))
    parser.add_argument("--set", metavar="EXPERIMENT.NAME=VALUE", dest="given", action="append", default=[],
                        help=say("help_published_set"))  # fmt: skip
    parser.add_argument("--seed", metavar="N", default="1", help=say("help_seed"))
    parser.add_argument("--tiny", action="store_true", help=say("help_tiny"))
    parser.add_argument("--json", action="store_true", help=say("help_json"))
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Trains, or finds, the runs, and prints the table."""
    from course_lib.cli.run import Bar
    from course_lib.runs.foreground import run_here

    source, tables = published()
    if arguments.table is not None and arguments.table not in tables:
        raise CourseError("setting_not_a_choice", name="--table", value=arguments.table, known=", ".join(tables))
    configs = configured(arguments)
    counts = counts_of(configs[0])
    same = [one for one in tables.values() if one.counts == counts]
    beside = tables[arguments.table] if arguments.table else (same or list(tables.values()))[0]
    settings, made = load_settings(), []
    try:
        for config in configs:
            note(say("published_training", name=config.experiment))
            with closing(Bar()) as bar:
                made.append((config, run_here(config, settings, bar.take)))
    except KeyboardInterrupt:
        note(say("train_interrupted"))
        return INTERRUPTED
    record = {
        "dataset": arguments.dataset, "counts": counts, "seed": configs[0].seed,
        "runs": [_run_of(config, found, str(settings.runs / config.run_id)) for config, found in made],
        "published": {"table": beside.name, "source": source, "counts": beside.counts, "figures": dict(beside.figures)},
        "same_counts": beside.counts == counts,
    }  # fmt: skip
    print(json.dumps(record, ensure_ascii=False) if arguments.json else readable(record, beside))
    return OK


def configured(arguments: argparse.Namespace) -> list[RunConfig]:
    """The checked configurations; all of them before anything is trained."""
    from course_lib.experiments.catalogue import experiment_card
    from course_lib.experiments.config import RunConfig

    names = [name for name in RECIPES if name != LAST or arguments.tiger]
    own: dict[str, dict[str, str]] = {name: {} for name in names}
    for pair in arguments.given:
        name, equals, value = pair.partition("=")
        experiment, dot, setting = name.strip().partition(".")
        if not equals or not dot or experiment not in own or not setting:
            raise CourseError("published_set", value=pair, known=", ".join(names))
        own[experiment][setting.replace("-", "_")] = value.strip()
    dataset, _, size = arguments.dataset.partition("/")
    return [
        RunConfig.make(
            name,
            {"dataset": (dataset, size or None)},
            {**RECIPES[name], **(experiment_card(name).tiny if arguments.tiny else {}), **own[name]},
            arguments.seed,
        )
        for name in names
    ]


def counts_of(config: RunConfig) -> dict[str, int]:
    """The size of the dataset that a run reads."""
    from course_lib.data import registry

    dataset = registry.load(config.data["dataset"])
    return {"users": dataset.num_users, "items": dataset.num_items, "events": len(dataset.events)}


def _run_of(config: RunConfig, found: Mapping[str, Any], folder: str) -> dict[str, Any]:
    """What is told of one run. Recall@10 of one target is its hit rate."""
    measures = {"ndcg@10": found["measures"]["ndcg@10"], "recall@10": found["measures"]["hr@10"]}
    baselines = {
        name: {"ndcg@10": one["ndcg@10"], "recall@10": one["hr@10"]} for name, one in found.get("baselines", {}).items()
    }
    return {
        "experiment": config.experiment, "settings": dict(config.settings), "run": folder, "measures": measures,
        "baselines": baselines, "seconds": found["seconds"]["train"],
    }  # fmt: skip


def readable(record: Mapping[str, Any], beside: Published) -> str:
    """The table, then where its figures come from and what differs."""
    rows: list[tuple[str, ...]] = []
    for one in record["runs"]:
        for name, measures in one["baselines"].items():
            rows.append((say(f"published_{name}"), say("published_here"), *_cells(measures), "-"))
        seconds = f"{one['seconds']:.0f}"
        rows.append((say(f"published_{one['experiment']}"), say("published_here"), *_cells(one["measures"]), seconds))
    for name, figures in beside.figures.items():
        rows.append((name, say("published_paper"), *(f"{figures[measure]:.4f}" for measure in SHOWN), "-"))
    head = ("", "", "NDCG@10", "Recall@10", say("published_seconds"))
    same = "same" if record["same_counts"] else "other"
    reads, *others = (one["settings"] for one in record["runs"])
    lines = [
        say("published_summary", dataset=record["dataset"], seed=record["seed"], counts=_sized(record["counts"])),
        "",
        table(head, rows),
        "",
        say("train_intervals"),
        say("published_source", title=beside.title, source=record["published"]["source"]),
        say(
            "published_protocol",
            history=reads["history_length"],
            ids=strings(language())[f"setting.ids_{others[0]['ids']}"],
        ),
        say(f"published_{same}", counts=_sized(beside.counts), file=beside.file, title=beside.title),
        *(say("train_folder", path=one["run"]) for one in record["runs"]),
    ]
    return "\n".join(lines)


def _cells(measures: Mapping[str, Mapping[str, float]]) -> list[str]:
    found = [measures[name] for name in SHOWN]
    return [f"{one['value']:.4f} [{one['low']:.4f}, {one['high']:.4f}]" for one in found]


def _sized(counts: Mapping[str, int]) -> str:
    return say("published_counts", **{name: f"{count:,}" for name, count in counts.items()})
