"""``python -m course_lib run NAME``: any experiment from the shell; ``train`` is its short form for next_item.

A run is a folder named by its configuration, so a run that the page has finished is printed at once, and one that was
interrupted goes on where it was. The progress bar is on standard error; with ``--json`` standard output is one object:

    {"experiment", "run", "dataset", "model", "seed", "settings",
     "measures": {"ndcg@10": {"value", "low", "high"}, ...}, and whatever else the experiment's result holds}

``--plan`` trains nothing and says what would be trained; ``--tiny`` is the small form that the contract tests run. A
light experiment is answered at once. ``train`` on data of one's own chooses its settings by a recipe for so many
seconds (``--budget``), and ``--longer`` goes on from the end of such a run.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing
from typing import TYPE_CHECKING, Any

from course_lib.cli.console import INTERRUPTED, OK, language, note, say, table
from course_lib.errors import CourseError
from course_lib.experiments.catalogue import ExperimentCard, experiment_card, experiment_cards
from course_lib.models.catalogue import Setting
from course_lib.settings import load_settings
from course_lib.text import strings, text
from course_lib.training.recipe import BUDGET_S

if TYPE_CHECKING:
    from course_lib.experiments.config import RunConfig
    from course_lib.training.recipe import Recipe

SHOWN = ("ndcg@10", "hr@10", "mrr@10")  # columns of a recommender's table; --json has all measures
SHORT = "next_item"  # the experiment of ``train``


def register(commands: Any) -> None:
    """Adds ``run`` and ``train``, with one option for each setting and each dataset of any experiment."""
    known = ", ".join(experiment_cards())
    parser = commands.add_parser("run", help=say("help_run"), description=say("help_run"))
    parser.add_argument("name", metavar="NAME", help=say("help_experiment", known=known))
    _add_options(parser, list(experiment_cards().values()))
    short = commands.add_parser("train", help=say("help_train"), description=say("help_train"))
    _add_options(short, [experiment_card(SHORT)])
    short.set_defaults(name=SHORT)


def _add_options(parser: Any, cards: list[ExperimentCard]) -> None:
    parser.add_argument("--seed", metavar="N", default="1", help=say("help_seed"))
    parser.add_argument("--size", metavar="NAME", help=say("help_size"))
    parser.add_argument("--json", action="store_true", help=say("help_json"))
    parser.add_argument("--plan", action="store_true", help=say("help_plan"))
    parser.add_argument("--tiny", action="store_true", help=say("help_tiny"))
    if SHORT in [card.name for card in cards]:
        parser.add_argument("--budget", metavar="SECONDS", help=say("help_budget", seconds=BUDGET_S))
        parser.add_argument("--longer", metavar="SECONDS", help=say("help_longer"))
    parser.add_argument("--set", metavar="NAME=VALUE", dest="given", action=Give, help=say("help_set"))
    for name in dict.fromkeys(name for card in cards for name in card.data):
        parser.add_argument(f"--{name}", metavar="NAME", dest="data", action=Give, help=say("help_dataset"))
    for name, kinds in known_settings(cards).items():
        told = "; ".join(described(setting, ", ".join(owners)) for setting, owners in kinds.items())
        parser.add_argument(f"--{name.replace('_', '-')}", metavar="VALUE", dest="given", action=Give, help=told)
        if "_" in name:  # as it stands in SETTINGS and in the docstrings' examples; one line of help is enough
            parser.add_argument(f"--{name}", dest="given", action=Give, help=argparse.SUPPRESS)
    parser.set_defaults(run=run, given={}, data={})


def known_settings(cards: list[ExperimentCard]) -> dict[str, dict[Setting, list[str]]]:
    """Every setting's name, with each description of it (default, range) and who has it so: models or experiments."""
    found: dict[str, dict[Setting, list[str]]] = {}
    for card in cards:
        for owner, settings in _owners(card):
            for name, setting in settings.items():
                owners = found.setdefault(name, {}).setdefault(setting, [])
                owners += [owner] if owner not in owners else []
    return found


def _owners(card: ExperimentCard) -> Iterator[tuple[str, Mapping[str, Setting]]]:
    yield card.name, card.own_settings
    for choice in card.chooses:
        for model in card.choices(choice):
            every = card.settings({choice: model})
            yield card.name, {choice: every[choice]} if model == card.choices(choice)[0] else {}
            yield model, {name: one for name, one in every.items() if name not in card.own_settings and name != choice}


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
        given = {**getattr(namespace, self.dest), name.strip().replace("-", "_"): value.strip()}
        setattr(namespace, self.dest, given)


def configure(card: ExperimentCard, arguments: argparse.Namespace) -> RunConfig:
    """The checked configuration of what was asked for."""
    from course_lib.course.private_data import HERE, check_readable
    from course_lib.experiments.config import RunConfig

    data: dict[str, tuple[str, str | None]] = {}
    for place, name in enumerate(card.data):
        dataset, _, size = arguments.data.get(name, "shop").partition("/")
        asked = arguments.size if place == 0 else None
        data[name] = (dataset, size or asked or ("tiny" if arguments.tiny and dataset == "shop" else None))
    unread = [name for name in arguments.data if name not in card.data]
    if unread:
        raise CourseError("unknown_setting", model=card.name, name=unread[0], known=", ".join(card.data) or "–")
    check_readable((dataset for dataset, _ in data.values()), HERE)
    given = {**(card.tiny if arguments.tiny else {}), **arguments.given}
    if chosen := suited_to(card, data, given, arguments):
        given = dict(chosen.settings)
    return RunConfig.make(card.name, data, given, arguments.seed)


def suited_to(
    card: ExperimentCard, data: Mapping[str, tuple[str, str | None]], given: Mapping[str, Any], arguments: Any
) -> Recipe | None:
    """The recipe where one is asked for by a budget, or the data are none of the lessons'; else None."""
    from course_lib.experiments.recipes import FOR, needs_recipe, suited

    budget = getattr(arguments, "budget", None)
    if budget is not None and (card.name != FOR or arguments.tiny):
        raise CourseError("cli_no_budget", name=card.name)
    if budget is None and (arguments.tiny or not needs_recipe(card.name, data)):
        return None
    return suited(card.name, data, given, BUDGET_S if budget is None else budget)


def went_on(config: RunConfig, seconds: str) -> RunConfig:
    """The run that goes on from that of ``config``, or from the longest that has, for so many seconds more.

    Raises CourseError where that run is not finished, or cannot be made longer.
    """
    from course_lib.experiments.config import RunConfig
    from course_lib.experiments.recipes import check_budget, longer_settings
    from course_lib.runs.go_on import begin_longer
    from course_lib.runs.store import RunStore

    store, budget = RunStore(load_settings()), check_budget(seconds)
    data = config.sizes
    while True:
        settings = longer_settings(data, config.settings, budget) if "epochs" in config.settings else None
        if settings is None:
            raise CourseError("cannot_go_on", run=config.run_id)
        after = RunConfig.make(config.experiment, data, settings, config.seed)
        if store.view(after.run_id).state != "finished":
            begin_longer(store, config.run_id, after)
            return after
        config = after


class Bar:
    """A progress bar on standard error that follows a run's events by its plan."""

    def __init__(self) -> None:
        self._bar: Any = None  # a run that is finished already has no events, and then no bar
        self._counted = ""  # the kind of event that the bar counts
        self._shown: dict[str, str] = {}

    def take(self, event: Mapping[str, Any]) -> None:
        """Shows one event."""
        if self._bar is None:
            from tqdm import tqdm

            self._bar = tqdm(desc=say("preparing"), unit=say("unit_step"), dynamic_ncols=True)
        kind = event["kind"]
        if kind == "plan" and event["counts"]:
            self._counted, self._bar.total = next(iter(event["counts"].items()))
            self._bar.set_description(say("running"), refresh=True)
        elif kind == "resumed":
            self._bar.set_description(say("resumed"))
        elif kind == "afresh":
            self._bar.write(say("begun_afresh"), file=sys.stderr)  # a line that stays: the bar's words pass
            self._bar.set_description(say("afresh"))
        if event.get("loss") is not None:
            self._shown[say("loss")] = f"{event['loss']:.3f}"
        if "ndcg@10" in event.get("metrics", {}):
            self._shown["NDCG@10"] = f"{event['metrics']['ndcg@10']['value']:.3f}"
        if "at" in event or kind == self._counted:
            self._move(int(event.get("at", self._bar.n)) if kind == self._counted else self._bar.n)

    def _move(self, done: int) -> None:
        self._bar.set_postfix(self._shown, refresh=False)
        self._bar.update(max(0, done - self._bar.n))

    def close(self) -> None:
        """Ends the line."""
        if self._bar is not None:
            self._bar.close()


def run(arguments: argparse.Namespace) -> int:
    """Runs, or finds the finished run, and prints the result."""
    card = experiment_card(arguments.name)
    if card.light:
        return _answer_light(card, arguments)
    config = configure(card, arguments)
    if getattr(arguments, "longer", None) is not None:
        config = went_on(config, arguments.longer)
    if arguments.plan:
        return _print_plan(config, arguments.json)
    from course_lib.course.audit import check_learnable
    from course_lib.runs.foreground import run_here  # after the check, so that bad input is refused at once

    check_learnable(config)
    settings = load_settings()
    try:
        with closing(Bar()) as bar:
            result = run_here(config, settings, bar.take)
    except KeyboardInterrupt:
        note(say("train_interrupted"))
        return INTERRUPTED
    folder = str((settings.runs / config.run_id).expanduser().absolute())
    record = {**_head(config), "run": folder, "settings": dict(config.settings), **result}
    print(json.dumps(record, ensure_ascii=False) if arguments.json else readable(record, config))
    return OK


def _head(config: RunConfig) -> dict[str, Any]:
    data = {name: address.name for name, address in config.data.items()}
    chosen = {name: config.settings[name] for name in config.card.chooses}
    return {"experiment": config.experiment, **data, **chosen, "seed": config.seed}


def _answer_light(card: ExperimentCard, arguments: argparse.Namespace) -> int:
    from course_lib.experiments.light import answer_light

    settings = {**(card.tiny if arguments.tiny else {}), **arguments.given}
    answer = answer_light(card.name, settings)
    record = {"experiment": card.name, "settings": card.check(settings), **answer}
    print(json.dumps(record, ensure_ascii=False) if arguments.json else measures_table(answer["measures"]))
    return OK


def _print_plan(config: RunConfig, as_json: bool) -> int:
    """What would be run: its folder's name, its parameters and about how long; nothing is trained."""
    from course_lib.experiments.recipes import expected_s, needs_recipe
    from course_lib.runs.take_up import measured_durations

    module = importlib.import_module(config.card.module)
    parameters = module.size(config)["parameters"] if hasattr(module, "size") else None
    data = config.sizes
    if needs_recipe(config.experiment, data) and config.settings.get("schedule") == "averaged":
        seconds = round(expected_s(data, config.settings), 1)
    else:
        seconds = round(measured_durations(load_settings()).estimate(config), 1)
    record = {**_head(config), "run": config.run_id, "parameters": parameters, "seconds": seconds}
    shown = {name: "-" if value is None else str(value) for name, value in record.items()}
    print(json.dumps(record, ensure_ascii=False) if as_json else table((say("column_name"), ""), list(shown.items())))
    return OK


def readable(record: Mapping[str, Any], config: RunConfig | None = None) -> str:
    """A recommender's result as a small table beside the baselines; any other as a list of its measures."""
    told = [scores_table(record) if "baselines" in record else measures_table(record["measures"])]
    if "by_epoch" in record:
        told = [epochs_table(record["by_epoch"]), "", *told]
    if "baselines" in record:
        summary = say(
            "train_summary",
            model=known_as(record["model"]),
            dataset=record["dataset"],
            seed=record["seed"],
            parameters=f"{record['parameters']:,}",
            seconds=f"{record['seconds']['total']:.1f}",
            train=f"{record['seconds']['train']:.1f}",
        )
        told = [*_verdict(config, record), summary, "", *told, say("train_intervals")]
    if record.get("kept_epoch", record.get("epochs")) != record.get("epochs"):
        told.append(say("train_kept", epochs=record["epochs"], kept=record["kept_epoch"]))
    return "\n".join((*told, say("train_folder", path=record["run"])))


def _verdict(config: RunConfig | None, record: Mapping[str, Any]) -> list[str]:
    """Which model is best on data that are none of the lessons', and why; nothing on the simulated shops."""
    from course_lib.course.verdict import verdict
    from course_lib.experiments.recipes import counts, needs_recipe

    if config is None or not needs_recipe(config.experiment, config.sizes):
        return []
    found = verdict(config, record, counts(config.sizes))
    if found is None:
        return []
    told = [one.replace("**", "") for one in found.sentences(language())]
    if found.improving and config.settings.get("schedule") == "averaged":
        told[-1] = text("verdict.go_on_line", language(), seconds=BUDGET_S)
    return [*told, ""]


def measures_table(measures: Mapping[str, Mapping[str, float]]) -> str:
    """One row a measure, with its interval where it is an estimate."""
    rows = []
    for name, one in measures.items():
        interval = "" if one["low"] == one["high"] else f"[{one['low']:.4g}, {one['high']:.4g}]"
        rows.append((name, f"{one['value']:.4g}", interval))
    return table((say("column_measure"), say("column_value"), "95%"), rows)


def epochs_table(epochs: list[Mapping[str, float | None]]) -> str:
    """One row an epoch: loss and accuracy, and what the experiment tells beside them."""
    names = [name for name in ("epoch", "loss", "accuracy", "never", "auc", "clicks") if name in epochs[-1]]

    def cell(name: str, value: float | None) -> str:
        return "-" if value is None else str(value) if name == "epoch" else f"{value:.4f}"

    rows = [tuple(cell(name, one[name]) for name in names) for one in epochs]
    return table(tuple(say(f"column_{name}") for name in names), rows)


def scores_table(record: Mapping[str, Any]) -> str:
    """One row a model, one column a measure, each with its 95% interval."""
    rows = [(name, record["baselines"][name]) for name in record["baselines"] if name != record["model"]]
    rows.append((record["model"], record["metrics"]))
    lines = [(known_as(name), *(cell(metrics.get(measure)) for measure in SHOWN)) for name, metrics in rows]
    for name, metrics in (record["oracle"] or {}).items():
        lines.append((say(f"oracle_{name}"), *(cell(metrics.get(measure)) for measure in SHOWN)))
    return table(("", *(measure.upper() for measure in SHOWN)), lines)


def known_as(model: str) -> str:
    """A model's name in the reader's language; the name of its file where nobody has given it one."""
    return strings(language()).get(f"figures.model_{model.replace('-', '_')}", model)


def cell(score: Mapping[str, float] | None) -> str:
    """A value and its interval, or a dash where the measure was not taken."""
    return f"{score['value']:.3f} [{score['low']:.3f}, {score['high']:.3f}]" if score else "-"
