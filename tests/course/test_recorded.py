"""Recorded runs are of the labs as they are now, whole, and a missing one is a sentence."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from course_lib.course.lessons import Lesson, load_course
from course_lib.course.recorded import FILE, LISTED, NEAR, read_recorded
from course_lib.data.columns import Columns
from course_lib.data.registry import load_items, resolve
from course_lib.errors import CourseError

RECORDED = [lesson for lesson in load_course().lessons if lesson.recorded is not None]
EVERY = pytest.mark.parametrize(
    "lesson", [one for one in RECORDED if one.recorded and one.recorded.histories], ids=lambda one: one.id
)
OF_PRODUCTS = pytest.mark.parametrize(
    "lesson", [one for one in RECORDED if one.recorded and one.recorded.products], ids=lambda one: one.id
)


def test_some_lesson_plays_a_recorded_run() -> None:
    assert "user_understanding" in {lesson.id for lesson in RECORDED}, "home opens with it"


@EVERY
def test_it_is_the_run_of_the_lab_as_it_is_now(lesson: Lesson) -> None:
    """A changed model, setting or dataset makes another run: ``python -m course_lib record`` makes the file anew."""
    assert lesson.recorded is not None
    own = lesson.lab(lesson.recorded.lab).configs()
    assert read_recorded(lesson.id)["run"] == own[""].run_id


@EVERY
def test_it_holds_what_the_page_plays(lesson: Lesson) -> None:
    assert lesson.recorded is not None
    record, items = read_recorded(lesson.id), load_items(resolve("shop"))
    epochs = [frame["epoch"] for frame in record["frames"]]
    assert epochs == sorted(set(epochs))
    assert epochs[0] == 0
    assert all(0 <= frame["score"] <= 1 for frame in record["frames"])
    assert not record["lines"] or set(record["lines"]) >= {"popularity", "markov"}  # none where no baselines are told
    types = items[Columns.TYPE].tolist()
    for asked, told in zip(lesson.recorded.histories, record["histories"], strict=True):
        assert tuple(types[item - 1] for item in told["items"]) == asked.types
        assert len(told["lists"]) == len(record["frames"])
        for row in told["lists"]:
            assert len(row) == LISTED
            chances = [chance for _, chance in row]
            assert chances == sorted(chances, reverse=True)
            assert all(1 <= item <= len(items) for item, _ in row)
    first, second = (told["lists"][-1] for told in record["histories"])
    assert [item for item, _ in first] != [item for item, _ in second], "the swap must show"


@OF_PRODUCTS
def test_neighbours_are_of_the_lab_s_runs_as_they_are_now(lesson: Lesson) -> None:
    assert lesson.recorded is not None
    record, items = read_recorded(lesson.id), load_items(resolve("shop"))
    own = lesson.lab(lesson.recorded.lab).configs()
    configs = {id: own[id] for id in lesson.recorded.runs}
    assert record["runs"] == {id: config.run_id for id, config in configs.items()}
    types = items[Columns.TYPE].tolist()
    assert tuple(types[one["item"] - 1] for one in record["products"]) == lesson.recorded.products
    for one in record["products"]:
        assert all(len(set(near)) in (0, NEAR) and one["item"] not in near for near in one["near"].values())
        assert len({tuple(near) for near in one["near"].values()}) == len(configs), "each run has an answer of its own"


@pytest.mark.parametrize(
    "content",
    [
        None,
        "",
        "no JSON",
        "[]",
        "{}",
        '{"runs": {"a": "b"}, "products": [{"item": 1, "near": {}}]}',
        '{"frames": [], "histories": [1, 2]}',
        '{"frames": [1], "histories": [1]}',
    ],
)
def test_a_missing_or_broken_file_is_one_sentence(tmp_path: Path, content: str | None) -> None:
    (tmp_path / "alpha").mkdir()
    if content is not None:
        (tmp_path / "alpha" / FILE).write_text(content, encoding="utf-8")
    with pytest.raises(CourseError) as caught:
        read_recorded("alpha", tmp_path)
    assert caught.value.key == "recorded_missing"
    assert all("alpha" in caught.value.text(language) for language in ("zh", "en"))


def test_a_file_made_anew_is_read_anew(tmp_path: Path) -> None:
    (tmp_path / "alpha").mkdir()
    path = tmp_path / "alpha" / FILE
    for run in ("a", "b"):
        path.write_text(json.dumps({"run": run, "frames": [1], "histories": [1, 2]}), encoding="utf-8")
        os.utime(path, (1, 1 if run == "a" else 2))
        assert read_recorded("alpha", tmp_path)["run"] == run
