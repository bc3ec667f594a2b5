"""What an experiment tells and keeps: frames whole or not at all, and a sentence for what is not there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from course_lib.errors import CourseError
from course_lib.experiments.events import Folder, exact, frame_folder, plan, result


def test_a_frame_is_written_whole_and_read_back(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    event = folder.frame(3, {"epoch": 0.25, "lists": [[1, 2]]}, {"w": torch.ones(2)}, epoch=0.25)
    assert event == {"kind": "frame", "at": 3, "epoch": 0.25}
    assert folder.view(3) == {"epoch": 0.25, "lists": [[1, 2]]}
    assert torch.equal(folder.weights(3)["w"], torch.ones(2))
    assert [path.name for path in (tmp_path / "frames").iterdir()] == ["0003"]


def test_a_frame_written_again_takes_the_place_of_the_first(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.frame(0, {"first": True}, {"w": torch.ones(2)})
    folder.frame(0, {"first": False})
    assert folder.view(0) == {"first": False}
    with pytest.raises(CourseError) as caught:
        folder.weights(0)
    assert caught.value.key == "frame_missing"


def test_a_torn_draft_is_no_frame_and_is_no_hindrance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process died, or the disk was full, while a frame was being written."""
    folder = Folder(tmp_path)
    folder.frame(1, {"old": True})

    def half(self: Path, text: str, encoding: str) -> int:
        self.write_bytes(text.encode()[:3])
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_text", half)
        for at in (1, 2):
            with pytest.raises(OSError, match="No space"):
                folder.frame(at, {"new": True})
    assert folder.view(1) == {"old": True}
    with pytest.raises(CourseError) as caught:
        folder.view(2)
    assert caught.value.key == "frame_missing"
    for at in (1, 2):
        folder.frame(at, {"new": True})
        assert folder.view(at) == {"new": True}
    assert sorted(path.name for path in (tmp_path / "frames").iterdir()) == ["0001", "0002"]


@pytest.mark.parametrize("damage", ["", "{", "[]", "7", "\x00"])
def test_a_damaged_frame_is_said(tmp_path: Path, damage: str) -> None:
    folder = Folder(tmp_path)
    folder.frame(0, {})
    (frame_folder(tmp_path, 0) / "view.json").write_text(damage)
    with pytest.raises(CourseError) as caught:
        folder.view(0)
    assert caught.value.key == "run_corrupt"
    assert "frames/0000/view.json" in caught.value.text("zh")


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    for ask in (Folder(tmp_path).view, Folder(tmp_path).weights):
        with pytest.raises(CourseError) as caught:
            ask(4)
        assert caught.value.params["frame"] == 4


def test_plan_and_result_are_plain() -> None:
    assert plan({"test": ("score", 3.0)}, step=2, test=1) == {
        "kind": "plan", "counts": {"step": 2, "test": 1}, "like": {"test": ["score", 3.0]},
    }  # fmt: skip
    assert list(plan(step=2, frame=1)["counts"]) == ["step", "frame"], "the first measures progress"
    told = result({"parameters": exact(7)}, epochs=2)
    assert told == {"kind": "result", "measures": {"parameters": {"value": 7, "low": 7, "high": 7}}, "epochs": 2}
    assert json.loads(json.dumps(told)) == told


def test_answers_are_kept(tmp_path: Path) -> None:
    Folder(tmp_path).keep_answers([({"k": 1}, {"top": [3]})])
    assert json.loads((tmp_path / "answers.json").read_text()) == [{"asked": {"k": 1}, "answer": {"top": [3]}}]
