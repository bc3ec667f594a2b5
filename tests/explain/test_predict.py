"""The resident predictor: any epoch or the finished model, from memory where it can, never the wrong one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from course_lib.errors import CourseError
from course_lib.explain import predict as module
from course_lib.explain.predict import Predictor, load_model
from course_lib.explain.reading import read_history

HISTORY = [3, 1, 2]


def answer(predictor: Predictor, folder: Path, epoch: int | None, history: list[int] | None = None) -> dict[str, Any]:
    """Without the time it took."""
    found = predictor.predict(folder, epoch, HISTORY if history is None else history)
    assert found.pop("ms") >= 0
    return found


def agree(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """The same list and attention, to rounding: a file's tensors lie elsewhere in memory, so last bits may differ."""
    return (
        [entry["item"] for entry in one["top"]] == [entry["item"] for entry in other["top"]]
        and all(a == pytest.approx(b, rel=2e-3, abs=1e-4) for a, b in zip(one["top"], other["top"], strict=True))
        and np.allclose(one["attention"], other["attention"], atol=2e-4)
    )


@pytest.mark.parametrize(("epoch", "place"), [(0, 0), (1, 1), (None, 2)])
def test_serves_every_epoch_and_the_finished_model(
    epoch: int | None, place: int, run_folder: tuple[Path, list[Any]]
) -> None:
    folder, models = run_folder
    found = answer(Predictor(), folder, epoch)
    assert agree(found, read_history(models[place], HISTORY))
    assert json.loads(json.dumps(found)) == found


def test_epochs_are_not_mixed_up(run_folder: tuple[Path, list[Any]]) -> None:
    """One predictor, asked back and forth: scrubbing through the epochs."""
    folder, models = run_folder
    predictor = Predictor()
    for epoch, place in ((0, 0), (None, 2), (1, 1), (0, 0), (None, 2)):
        assert agree(answer(predictor, folder, epoch), read_history(models[place], HISTORY))
    assert not agree(answer(predictor, folder, 0), answer(predictor, folder, 1))


def test_the_length_of_the_list(run_folder: tuple[Path, list[Any]]) -> None:
    folder, _ = run_folder
    assert len(Predictor().predict(folder, None, HISTORY, k=3)["top"]) == 3
    assert len(Predictor().predict(folder, None, [])["top"]) == 10


def test_unknown_products_are_refused(run_folder: tuple[Path, list[Any]]) -> None:
    predictor = Predictor()
    with pytest.raises(CourseError) as caught:
        predictor.predict(run_folder[0], None, [1, 77])
    assert caught.value.key == "unknown_items"
    assert answer(predictor, run_folder[0], None)["top"], "and the next question is answered"


def test_what_is_not_there_is_an_os_error(run_folder: tuple[Path, list[Any]], tmp_path: Path) -> None:
    """The rooms above turn it into a sentence; a folder that comes back later is served."""
    predictor = Predictor()
    with pytest.raises(OSError, match=r"config\.json"):
        predictor.predict(tmp_path, None, HISTORY)
    with pytest.raises(OSError, match="007"):
        predictor.predict(run_folder[0], 7, HISTORY)
    assert answer(predictor, run_folder[0], 1)["top"]


def test_keeps_the_last_few_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write_run: Any) -> None:
    """The least recently asked goes first, is loaded again when asked again, and says the same."""
    folders = [tmp_path / f"run{n}" for n in range(3)]
    for n, folder in enumerate(folders):
        write_run(folder, seed=n + 1)
    loaded: list[tuple[Path, int | None]] = []

    def counted(folder: Path, epoch: int | None = None) -> Any:
        loaded.append((folder, epoch))
        return load_model(folder, epoch)

    monkeypatch.setattr(module, "load_model", counted)
    monkeypatch.setattr(module, "KEPT", 3)
    predictor = Predictor()
    first = answer(predictor, folders[0], None)
    answer(predictor, folders[1], 0)
    answer(predictor, folders[1], 1)
    assert len(loaded) == 3
    assert agree(answer(predictor, folders[0], None), first)
    assert len(loaded) == 3, "in memory still"
    answer(predictor, folders[2], None)  # the fourth: folder 1, epoch 0 has not been asked for longest
    answer(predictor, folders[0], None)
    answer(predictor, folders[1], 1)
    assert len(loaded) == 4
    answer(predictor, folders[1], 0)
    assert loaded[4:] == [(folders[1], 0)]
    assert len(predictor._models) == 3
    answer(predictor, folders[2], None)  # went to make room
    assert loaded[5:] == [(folders[2], None)]
    assert agree(answer(predictor, folders[0], None), first)


def test_a_string_is_a_path(run_folder: tuple[Path, list[Any]]) -> None:
    """The predictor's process is asked with plain JSON."""
    predictor = Predictor()
    found = predictor.predict(str(run_folder[0]), 1, HISTORY)  # type: ignore[arg-type]
    assert found["top"] == answer(predictor, run_folder[0], 1)["top"]
