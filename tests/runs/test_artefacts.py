"""What answers questions: any frame or the finished model, from memory where it can, never the wrong one."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from course_lib.errors import CourseError
from course_lib.experiments import next_item
from course_lib.experiments.config import CONFIG, RunConfig
from course_lib.experiments.events import Folder
from course_lib.explain.reading import read_history
from course_lib.runs import artefacts as module
from course_lib.runs.artefacts import Artefacts

HISTORY = [3, 1, 2]
PRODUCTS = 30
SETTINGS = {"width": 16, "layers": 2, "heads": 2, "history_length": 6, "dropout": 0.3}


def write_run(folder: Path, seed: int) -> list[Any]:
    """A run's folder as a run leaves it; the models of frame 0, frame 1 and the finished one, each of other weights."""
    config = RunConfig.make(settings=SETTINGS, seed=seed)
    models = [next_item.build(replace(config, seed=seed * 10 + n), PRODUCTS) for n in range(3)]
    for model in models:
        with torch.no_grad():
            model.bias.normal_()
    folder.mkdir(exist_ok=True)
    (folder / CONFIG).write_text(config.to_json(), encoding="utf-8")
    for at in (0, 1):
        Folder(folder).frame(at, {}, models[at].state_dict())
    models[2].save(folder / next_item.FINISHED)
    return models


@pytest.fixture(autouse=True, scope="module")
def few_products() -> Iterator[None]:
    """The catalogue that the models are of."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(next_item.registry, "load_items", lambda address: range(PRODUCTS))
        yield


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory: pytest.TempPathFactory, one_dataset: None) -> tuple[Path, list[Any]]:
    """The folder, and its three models in memory."""
    folder = tmp_path_factory.mktemp("run")
    return folder, write_run(folder, 1)


def answer(artefacts: Artefacts, folder: Path, at: int | None, history: Sequence[int] = HISTORY) -> dict[str, Any]:
    """Without the time it took."""
    found = artefacts.ask(folder, at, {"history": list(history), "k": 10})
    assert found.pop("ms") >= 0
    return found


def agree(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """The same list and attention, to rounding: a file's tensors lie elsewhere in memory, so last bits may differ."""
    return (
        [entry["item"] for entry in one["top"]] == [entry["item"] for entry in other["top"]]
        and all(a == pytest.approx(b, rel=2e-3, abs=1e-4) for a, b in zip(one["top"], other["top"], strict=True))
        and np.allclose(one["attention"], other["attention"], atol=2e-4)
    )


@pytest.mark.parametrize(("at", "place"), [(0, 0), (1, 1), (None, 2)])
def test_serves_every_frame_and_the_finished_model(
    at: int | None, place: int, run_folder: tuple[Path, list[Any]]
) -> None:
    folder, models = run_folder
    found = answer(Artefacts(), folder, at)
    assert agree(found, read_history(models[place], HISTORY))
    assert json.loads(json.dumps(found)) == found


def test_frames_are_not_mixed_up(run_folder: tuple[Path, list[Any]]) -> None:
    """One process, asked back and forth: scrubbing through the frames."""
    folder, models = run_folder
    artefacts = Artefacts()
    for at, place in ((0, 0), (None, 2), (1, 1), (0, 0), (None, 2)):
        assert agree(answer(artefacts, folder, at), read_history(models[place], HISTORY))
    assert not agree(answer(artefacts, folder, 0), answer(artefacts, folder, 1))


def test_the_length_of_the_list(run_folder: tuple[Path, list[Any]]) -> None:
    folder, _ = run_folder
    assert len(Artefacts().ask(folder, None, {"history": HISTORY, "k": 3})["top"]) == 3
    assert len(answer(Artefacts(), folder, None, [])["top"]) == 10


def test_unknown_products_are_refused(run_folder: tuple[Path, list[Any]]) -> None:
    artefacts = Artefacts()
    with pytest.raises(CourseError) as caught:
        answer(artefacts, run_folder[0], None, [1, 77])
    assert caught.value.key == "unknown_items"
    assert answer(artefacts, run_folder[0], None)["top"], "and the next question is answered"


def test_what_is_not_there_is_said(run_folder: tuple[Path, list[Any]], tmp_path: Path) -> None:
    """A frame that is not there has its sentence; of a folder that is not there the rooms above make one."""
    artefacts = Artefacts()
    with pytest.raises(OSError, match=r"config\.json"):
        answer(artefacts, tmp_path, None)
    with pytest.raises(CourseError) as caught:
        answer(artefacts, run_folder[0], 7)
    assert caught.value.key == "frame_missing"
    assert answer(artefacts, run_folder[0], 1)["top"]


def test_keeps_the_last_few_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The least recently asked goes first, is loaded again when asked again, and says the same."""
    folders = [tmp_path / f"run{n}" for n in range(3)]
    for n, folder in enumerate(folders):
        write_run(folder, seed=n + 1)
    loaded: list[tuple[Path, int | None]] = []

    opened = next_item.open

    def counted(folder: Path, at: int | None) -> Any:
        loaded.append((folder, at))
        return opened(folder, at)

    monkeypatch.setattr(next_item, "open", counted)
    monkeypatch.setattr(module, "KEPT", 3)
    artefacts = Artefacts()
    first = answer(artefacts, folders[0], None)
    answer(artefacts, folders[1], 0)
    answer(artefacts, folders[1], 1)
    assert len(loaded) == 3
    assert agree(answer(artefacts, folders[0], None), first)
    assert len(loaded) == 3, "in memory still"
    answer(artefacts, folders[2], None)  # the fourth: folder 1, frame 0 has not been asked for longest
    answer(artefacts, folders[0], None)
    answer(artefacts, folders[1], 1)
    assert len(loaded) == 4
    answer(artefacts, folders[1], 0)
    assert loaded[4:] == [(folders[1], 0)]
    assert len(artefacts._kept) == 3
    answer(artefacts, folders[2], None)  # went to make room
    assert loaded[5:] == [(folders[2], None)]
    assert agree(answer(artefacts, folders[0], None), first)


def test_a_string_is_a_path(run_folder: tuple[Path, list[Any]]) -> None:
    """The process that answers is asked with plain JSON."""
    artefacts = Artefacts()
    found = artefacts.ask(str(run_folder[0]), 1, {"history": HISTORY, "k": 10})  # type: ignore[arg-type]
    assert found["top"] == answer(artefacts, run_folder[0], 1)["top"]


def test_how_large_a_run_would_be() -> None:
    assert Artefacts().size(RunConfig.make(settings=SETTINGS)) == {
        "parameters": sum(p.numel() for p in next_item.build(RunConfig.make(settings=SETTINGS), PRODUCTS).parameters())
    }


def test_an_experiment_that_cannot_tell_its_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(next_item, "size")
    assert Artefacts().size(RunConfig.make()) == {}
