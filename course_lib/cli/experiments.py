"""``python -m course_lib experiments``: what a lab can run; what each reads, sets, measures and answers."""

from __future__ import annotations

import argparse
import json
from typing import Any

from course_lib.cli.console import OK, note, say, sentence, table
from course_lib.experiments.catalogue import ExperimentCard, broken_experiments, experiment_cards
from course_lib.models.catalogue import Setting


def register(commands: Any) -> None:
    """Adds ``experiments``."""
    parser = commands.add_parser("experiments", help=say("help_experiments"), description=say("help_experiments"))
    parser.add_argument("--json", action="store_true", help=say("help_json"))
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """One row an experiment; a file that cannot be read is told on standard error."""
    cards = experiment_cards().values()
    for error in broken_experiments().values():
        note(sentence(error))
    if arguments.json:
        print(json.dumps([as_record(card) for card in cards], ensure_ascii=False))
        return OK
    rows = [(card.name, say("yes") if card.light else "", ", ".join(card.data), card.summary) for card in cards]
    print(table((say("column_name"), say("column_light"), say("column_data"), ""), rows))
    return OK


def as_record(card: ExperimentCard) -> dict[str, Any]:
    """An experiment as JSON: ``settings`` are those of every run it may make, with default and range or choices."""
    return {
        "name": card.name,
        "summary": card.summary,
        "light": card.light,
        "data": dict(card.data),
        "chooses": {choice: list(card.choices(choice)) for choice in card.chooses},
        "settings": {name: _setting(one) for name, one in card.every_setting.items()},
        "measures": dict(card.measures),
        "asks": {name: _setting(one) if isinstance(one, Setting) else one for name, one in card.asks.items()},
        "tiny": dict(card.tiny),
    }


def _setting(setting: Setting) -> dict[str, Any]:
    if setting.choices:
        return {"default": setting.default, "choices": list(setting.choices)}
    return {"default": setting.default, "low": setting.low, "high": setting.high}
