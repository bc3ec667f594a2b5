"""``python -m course_lib train``: the same run as the page's, from the shell.

A run is a folder named by its configuration, so a run that the page has finished is printed at once, and one that was
interrupted goes on where it was. The progress bar is on standard error; with ``--json`` standard output is one object:

    {"dataset", "model", "seed", "run", "parameters", "seconds": {"total", "train"},
     "metrics": {"ndcg@10": {"value", "low", "high"}, ...}, "baselines": {"popularity": {...}, ...},
     "oracle": {"known": {...}, "filtered": {...}} or null, "epochs", "kept_epoch"}

Every model goes this way. One that is counted, not trained, has no epochs and none of the training loop's settings.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from contextlib import closing
from typing import TYPE_CHECKING, Any

from course_lib.cli.console import INTERRUPTED, OK, language, note, say, table
from course_lib.errors import CourseError
from course_lib.models.catalogue import Setting, model_card, model_cards, parse_settings
from course_lib.settings import load_settings
from course_lib.text import strings
from course_lib.training.settings import SETTINGS as TRAINING
from course_lib.training.settings import loop_settings

if TYPE_CHECKING:
    from course_lib.runs.config import RunConfig

SHOWN = ("ndcg@10", "hr@10", "mrr@10")  # measures in the readable table; --json has all


def register(commands: Any) -> None:
    """Adds ``train``, with one option for each setting of any model and of the training loop."""
    parser = commands.add_parser("train", help=say("help_train"), description=say("help_train"))
    parser.add_argument("--dataset", metavar="NAME", default="shop", help=say("help_dataset"))
    parser.add_argument("--size", metavar="NAME", help=say("help_size"))
    known = ", ".join(model_cards())
    parser.add_argument("--model", metavar="NAME", default="sasrec", help=say("help_model", known=known))
    parser.add_argument("--seed", metavar="N", default="1", help=say("help_seed"))
    parser.add_argument("--json", action="store_true", help=say("help_json"))
    parser.add_argument("--set", metavar="NAME=VALUE", dest="given", action=Give, help=say("help_set"))
    for name, kinds in known_settings().items():
        told = "; ".join(described(setting, ", ".join(owners)) for setting, owners in kinds.items())
        parser.add_argument(f"--{name.replace('_', '-')}", metavar="VALUE", dest="given", action=Give, help=told)
    parser.set_defaults(run=run, given={})


def known_settings() -> dict[str, dict[Setting, list[str]]]:
    """Every setting's name, with each description of it (default, range) and who has it so: models, or "training"."""
    found: dict[str, dict[Setting, list[str]]] = {}
    owners = {"training": parse_settings(TRAINING)}
    for name, card in model_cards().items():
        own = {key: setting for key, setting in loop_settings(name).items() if key in card.training}
        owners[name] = {**card.settings, **own}
    for owner, settings in owners.items():
        for name, setting in settings.items():
            found.setdefault(name, {}).setdefault(setting, []).append(owner)
    return found


def described(setting: Setting, owners: str) -> str:
    """A setting's line in ``--help``."""
    if setting.choices:
        return say("help_choice", owners=owners, default=setting.default, known=", ".join(setting.choices))
    return say("help_range", owners=owners, default=setting.default, low=setting.low, high=setting.high)


class Give(argparse.Action):
    """Collects ``--width 64`` and ``--set width=64`` into one mapping of text to text; the last one given counts."""

    def __call__(self, parser: Any, namespace: argparse.Namespace, values: Any, option: str | None = None) -> None:
        """Takes one option."""
        if option == "--set":
            name, equals, value = str(values).partition("=")
            if not equals or not name:
                raise CourseError("cli_set", value=values)
        else:
            name, value = str(option).removeprefix("--"), str(values)
        namespace.given = {**namespace.given, name.strip().replace("-", "_"): value.strip()}


def configure(arguments: argparse.Namespace) -> RunConfig:
    """The checked configuration of what was asked for."""
    from course_lib.runs.config import RunConfig

    card = model_card(arguments.model)
    known = [*card.settings, *(TRAINING if card.neural else ())]
    for name in arguments.given:
        if name not in known:
            raise CourseError("unknown_setting", model=arguments.model, name=name, known=", ".join(known) or "–")
    return RunConfig.make(
        dataset=arguments.dataset,
        size=arguments.size,
        model=arguments.model,
        seed=arguments.seed,
        settings={name: value for name, value in arguments.given.items() if name in card.settings},
        training={name: value for name, value in arguments.given.items() if name in TRAINING},
    )


class Bar:
    """A progress bar on standard error that follows a run's events."""

    def __init__(self) -> None:
        self._bar: Any = None  # a run that is finished already has no events, and then no bar
        self._shown: dict[str, str] = {}

    def take(self, event: Mapping[str, Any]) -> None:
        """Shows one event."""
        if self._bar is None:
            from tqdm import tqdm

            self._bar = tqdm(desc=say("preparing"), unit=say("unit_step"), dynamic_ncols=True)
        kind = event["kind"]
        if kind == "prepared":
            self._bar.total = event["steps"]
            if not event["steps"]:  # a counted model: nothing to count down
                self._bar.bar_format = "{desc}[{elapsed}]"
            self._bar.set_description(say("training" if event["steps"] else "comparing"), refresh=False)
            self._bar.refresh()
        elif kind == "resumed":
            self._bar.set_description(say("resumed", epoch=event["epoch"]))
        elif kind == "step":
            self._shown[say("loss")] = f"{event['loss']:.3f}"
            self._move(event["step"])
        elif kind == "kept":
            self._bar.total = self._bar.n
            self._bar.refresh()
        elif kind == "epoch":
            if "ndcg@10" in event["metrics"]:
                self._shown["NDCG@10"] = f"{event['metrics']['ndcg@10']['value']:.3f}"
            self._move(event["step"])

    def _move(self, step: int) -> None:
        self._bar.set_postfix(self._shown, refresh=False)
        self._bar.update(max(0, step - self._bar.n))

    def close(self) -> None:
        """Ends the line."""
        if self._bar is not None:
            self._bar.close()


def run(arguments: argparse.Namespace) -> int:
    """Trains, or finds the finished run, and prints the result."""
    config = configure(arguments)
    from course_lib.runs.here import run_here  # after the check, so that bad input is refused at once

    settings = load_settings()
    try:
        with closing(Bar()) as bar:
            result = run_here(config, settings, bar.take)
    except KeyboardInterrupt:
        note(say("train_interrupted"))
        return INTERRUPTED
    record = {name: result[name] for name in ("dataset", "model", "seed")}
    record["run"] = str((settings.runs / config.run_id).expanduser().absolute())
    record |= {name: value for name, value in result.items() if name not in record}
    record.setdefault("oracle", None)
    print(json.dumps(record, ensure_ascii=False) if arguments.json else readable(record))
    return OK


def readable(record: Mapping[str, Any]) -> str:
    """The result as a small table: one row a model, one column a measure, each with its 95% interval."""
    rows = [(name, record["baselines"][name]) for name in record["baselines"] if name != record["model"]]
    rows.append((record["model"], record["metrics"]))
    lines = [(known_as(name), *(cell(metrics.get(measure)) for measure in SHOWN)) for name, metrics in rows]
    for name, metrics in (record["oracle"] or {}).items():
        lines.append((say(f"oracle_{name}"), *(cell(metrics.get(measure)) for measure in SHOWN)))
    summary = say(
        "train_summary",
        model=known_as(record["model"]),
        dataset=record["dataset"],
        seed=record["seed"],
        parameters=f"{record['parameters']:,}",
        seconds=f"{record['seconds']['total']:.1f}",
        train=f"{record['seconds']['train']:.1f}",
    )
    scores = table(("", *(measure.upper() for measure in SHOWN)), lines)
    told = [summary, "", scores, say("train_intervals")]
    if record.get("kept_epoch", record["epochs"]) != record["epochs"]:
        told.append(say("train_kept", epochs=record["epochs"], kept=record["kept_epoch"]))
    return "\n".join((*told, say("train_folder", path=record["run"])))


def known_as(model: str) -> str:
    """A model's name in the reader's language; the name of its file where nobody has given it one."""
    return strings(language()).get(f"figures.model_{model.replace('-', '_')}", model)


def cell(score: Mapping[str, float] | None) -> str:
    """A value and its interval, or a dash where the measure was not taken."""
    return f"{score['value']:.3f} [{score['low']:.3f}, {score['high']:.3f}]" if score else "-"
