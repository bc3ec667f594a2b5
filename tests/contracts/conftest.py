"""One tiny run of each experiment, made once and read by all contract tests; a new file is covered by being there."""

from __future__ import annotations

import importlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from course_lib.experiments.catalogue import ExperimentCard, check_asked, experiment_card, experiment_cards
from course_lib.experiments.config import CONFIG, RunConfig
from course_lib.experiments.events import Folder
from course_lib.runs.execute import carry_out
from course_lib.runs.reader import RunReader
from course_lib.runs.view import RunView

TRAINED = [name for name, card in experiment_cards().items() if not card.light]
LIGHT = [name for name, card in experiment_cards().items() if card.light]


@dataclass(frozen=True)
class Made:
    """A tiny run: its configuration, its folder, and what a worker said of it."""

    config: RunConfig
    folder: Path
    events: list[dict[str, Any]]  # as the experiment told them
    view: RunView

    @property
    def card(self) -> ExperimentCard:
        return self.config.card

    @property
    def module(self) -> Any:
        """The experiment itself."""
        return importlib.import_module(self.card.module)

    def ask(self, at: int | None, **asked: Any) -> dict[str, Any]:
        """The answer of the artefact at a frame; None: the finished one."""
        question = check_asked(self.card, asked)
        answer: dict[str, Any] = self.module.answer(self.module.open(self.folder, at), question)
        return answer


def make(config: RunConfig, home: Path, stop_after: str | None = None) -> Made:
    """Carries a run out in ``home`` as a worker does; the first event called ``stop_after`` stops it."""
    folder = home / "runs" / config.run_id
    folder.mkdir(parents=True, exist_ok=True)
    (folder / CONFIG).write_text(config.to_json(), encoding="utf-8")
    module, events = importlib.import_module(config.card.module), []

    def told(config: RunConfig, folder: Folder) -> Any:
        for event in module.run(config, folder):
            events.append(event)
            yield event

    def wish() -> Any:
        return "stop" if stop_after and events and events[-1]["kind"] == stop_after else "go on"

    outcome = carry_out(folder, told, wish)
    assert outcome.state in ("finished", "stopped"), outcome.error
    return Made(config, folder, events, RunReader(folder).read().view)


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    """As in the workers: equal bits need one order of sums."""
    from course_lib.training.checkpoint import one_thread

    one_thread()


@pytest.fixture(scope="session")
def tiny_runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Made]:
    """The runs made so far, by experiment."""
    return {}


@pytest.fixture
def made(request: pytest.FixtureRequest, tiny_runs: dict[str, Made], tmp_path_factory: pytest.TempPathFactory) -> Made:
    """The tiny run of the experiment that the test is about."""
    name = request.node.callspec.params["experiment"]
    if name not in tiny_runs:
        tiny_runs[name] = make(RunConfig.tiny(name), tmp_path_factory.mktemp("contracts"))
    return tiny_runs[name]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """``experiment``: each one that trains; ``light``: each light one; ``any_experiment``: all."""
    for name, known in (("experiment", TRAINED), ("light", LIGHT), ("any_experiment", TRAINED + LIGHT)):
        if name in metafunc.fixturenames:
            metafunc.parametrize(name, known)


@pytest.fixture
def card(any_experiment: str) -> ExperimentCard:
    """What the experiment declares."""
    return experiment_card(any_experiment)


def weights(folder: Path) -> dict[str, bytes]:
    """Every file of weights in a run's folder."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*.safetensors"))}


def views(folder: Path) -> dict[str, Any]:
    """What is drawn of each frame."""
    return {
        path.parent.name: json.loads(path.read_text(encoding="utf-8"))
        for path in sorted(folder.glob("frames/*/view.json"))
    }


@pytest.fixture(scope="session")
def carry() -> Any:
    """The functions ``make(config, home, stop_after)``, ``weights(folder)`` and ``views(folder)``."""
    return make, weights, views
