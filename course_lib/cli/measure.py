"""``python -m course_lib measure``: makes the lessons' runs and writes the numbers of their prose, data/measured.toml.

One table a lesson, one string for each ``{{value:name}}`` in its text; where the languages write a number differently
there are ``name_zh`` and ``name_en``. ``[source]`` says which runs the numbers are of, and of which code. A run that is
finished already is read, not repeated. tests/course/test_measured.py makes the runs again and compares.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Mapping
from contextlib import closing
from typing import TYPE_CHECKING, Any

from course_lib.cli.console import OK, note, say
from course_lib.settings import PROJECT, load_settings

if TYPE_CHECKING:
    from course_lib.runs.config import RunConfig

FILE = PROJECT / "data" / "measured.toml"
LESSON = "user_understanding"
JOURNEY = "complete-journey"
RIVALS = ("gru4rec", "bert4rec")  # the lab's other trained models, on the shop
HEAD = "# The numbers in the lessons' prose. Written by: python -m course_lib measure"


def register(commands: Any) -> None:
    """Adds ``measure``."""
    parser = commands.add_parser("measure", help=say("help_measure"), description=say("help_measure"))
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Makes the runs and writes the file."""
    from course_lib.cli.train import Bar
    from course_lib.runs.here import run_here

    settings = load_settings()
    results: dict[str, dict[str, Any]] = {}
    configs = runs()
    for name, one in configs.items():
        note(say("measuring", dataset=f"{one.dataset.name}, {one.model}"))
        with closing(Bar()) as bar:
            results[name] = run_here(one, settings, bar.take)
    values = shop_facts() | shop_scores(results["shop"]) | rival_scores(results)
    values |= journey_facts() | journey_scores(results[JOURNEY])
    FILE.write_text(written(configs, values), encoding="utf-8")
    note(say("measured", count=len(values), file=FILE.relative_to(PROJECT).as_posix()))
    return OK


def runs() -> dict[str, RunConfig]:
    """What is trained, by the name that ``[source]`` gives it: a dataset, or another model on the shop."""
    return {"shop": config("shop"), **{name: config("shop", name) for name in RIVALS}, JOURNEY: config(JOURNEY)}


def config(dataset: str, model: str | None = None) -> RunConfig:
    """The run that the lesson's lab makes on a dataset, with a model, when nothing else in its form is changed."""
    from course_lib.course.lessons import load_course
    from course_lib.runs.config import RunConfig

    presets = dict(load_course().lesson(LESSON).presets)
    if dataset != presets["dataset"]:
        presets |= {"dataset": dataset, "size": None}
    if model is not None:
        presets |= {"model": model, "settings": {}, "training": {}}
    return RunConfig.make(**presets)


def shop_facts() -> dict[str, str]:
    """What the shop and the default run's settings say without any training; a few seconds."""
    from course_lib.data.columns import Columns
    from course_lib.data.registry import load

    chosen = config("shop")
    data = load(chosen.dataset)
    asides = _share_beside_missions()
    return {
        "products": f"{data.num_items:,}",
        "product_types": f"{data.items[Columns.TYPE].nunique():,}",
        "shoppers": f"{data.num_users:,}",
        "mean_purchases": f"{len(data.events) / data.num_users:.0f}",
        "purchases_between_interruptions": f"{1 / asides:.0f}",
        "batch_size": f"{chosen.training['batch_size']}",
        "epochs": f"{chosen.training['epochs']}",
        "history_length": f"{chosen.settings['history_length']}",
        "width": f"{chosen.settings['width']}",
        "uniform_loss": f"{math.log(data.num_items):.2f}",
    }


def shop_scores(result: Mapping[str, Any]) -> dict[str, str]:
    """The default run on the shop."""
    from course_lib.course.measures import measure

    return {
        "parameters": f"{result['parameters']:,}",
        "train_seconds": f"{result['seconds']['train']:.0f}",
        **_baselines(result),
        "sasrec_ndcg": _ndcg(result["metrics"]),
        "filtered_ndcg": _ndcg(result["oracle"]["filtered"]),
        "known_ndcg": _ndcg(result["oracle"]["known"]),
        "share_of_filtered_oracle": f"{measure('share_of_filtered_oracle', result).value:.0%}",
        "shuffle_cost": f"{measure('shuffle_cost', result).value:.0%}",
    }


def rival_scores(results: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """The other trained models on the shop, from their runs' results by name."""
    return {f"{name}_ndcg": _ndcg(results[name]["metrics"]) for name in RIVALS}


def journey_facts() -> dict[str, str]:
    """What Complete Journey says without any training; about two seconds.

    ``cj_counting_ndcg`` is the model that counts what each household has bought, personal-frequency.
    """
    import numpy as np

    from course_lib.data.registry import load
    from course_lib.data.splits import leave_one_out
    from course_lib.evaluation.protocol import evaluate
    from course_lib.models.base import model_class

    data = load(config(JOURNEY).dataset)
    split = leave_one_out(data)
    counting = model_class("personal-frequency").fit(split.train, data.num_items, {})

    test = split.test
    rows = np.repeat(np.arange(len(test)), test.histories.lengths)
    again = np.zeros(len(test), bool)
    again[rows[test.histories.items == test.targets[rows]]] = True
    return {
        "cj_products": f"{data.num_items:,}",
        "cj_households": f"{data.num_users:,}",
        "cj_repeat_share": f"{again.mean():.0%}",
        "cj_counting_ndcg": _ndcg(evaluate(counting.score, test).metrics),
    }


def journey_scores(result: Mapping[str, Any]) -> dict[str, str]:
    """The default run on Complete Journey."""
    return {**journey_baselines(result), "cj_sasrec_ndcg": _ndcg(result["metrics"])}


def journey_baselines(scores: Mapping[str, Any]) -> dict[str, str]:
    """The counted models there, from a run's result or from the references alone."""
    return {f"cj_{name}": value for name, value in _baselines(scores).items()}


def _share_beside_missions() -> float:
    """The chance that a purchase is an impulse or a refill, mean over all purchases of the first 2,000 shoppers."""
    import numpy as np

    from course_lib.shop.simulate import simulate
    from course_lib.shop.source import shop
    from course_lib.shop.world import Memory, moment

    world = shop()
    block = next(simulate(world, 2000))
    memory = Memory.empty(len(block.length), world)
    impulse, chances = world.parameters["need.impulse"], []
    for t in range(block.items.shape[1]):
        rows = np.flatnonzero(block.length > t)
        refill = moment(memory.take(rows), block.days[rows, t], world).refill_chance
        chances.append(impulse + (1 - impulse) * refill)
        memory.remember(rows, block.items[rows, t], block.days[rows, t], world)
    return float(np.concatenate(chances).mean())


def _baselines(result: Mapping[str, Any]) -> dict[str, str]:
    return {f"{name.replace('-', '_')}_ndcg": _ndcg(score) for name, score in result["baselines"].items()}


def _ndcg(metrics: Mapping[str, Any]) -> str:
    return f"{metrics['ndcg@10']['value']:.3f}"


def written(configs: Mapping[str, RunConfig], values: Mapping[str, str]) -> str:
    """The file's text; every value is a string, and a JSON string is a TOML string."""
    code = next(iter(configs.values())).code
    lines = [HEAD, "", "[source]", f"code = {json.dumps(code)}"]
    for name, one in configs.items():
        lines += ["", f"[source.{name}]", f"run = {json.dumps(one.run_id)}"]
        address = {"size": one.dataset.size, "version": one.dataset.version, "model": one.model, "seed": one.seed}
        lines += [f"{key} = {json.dumps(value)}" for key, value in {**address, **one.settings, **one.training}.items()]
    lines += ["", f"[{LESSON}]", *(f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in values.items())]
    return "\n".join(lines) + "\n"
