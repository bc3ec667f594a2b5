"""The course map: all lessons, what is done, and clicks only where there is something to open."""

from __future__ import annotations

from typing import Any

import pytest

from course_lib.figures import course_map


def test_only_ready_lessons_can_be_clicked(make: Any) -> None:
    figure = course_map(make.lessons(), {}, "en", make.groups("en"))
    with_data = [trace for trace in figure.plot()["data"] if "customdata" in trace]
    assert [trace["customdata"] for trace in with_data] == [["lesson_1", "lesson_2", "lesson_3"]]
    assert figure.frame["lesson"].tolist() == [f"lesson_{n}" for n in range(1, 15)]
    assert "14 lessons, 3 of them ready" in figure.alt


def test_progress_fills_the_ring(make: Any) -> None:
    progress = {"lesson_1": 0.25, "lesson_2": 1.7, "lesson_9": 0.5, "lesson_3": float("nan")}
    figure = course_map(make.lessons(), progress, "en", make.groups("en"))
    done = figure.frame.set_index("lesson")["progress"]
    assert done[["lesson_1", "lesson_2", "lesson_3", "lesson_9"]].tolist() == [0.25, 1, 0, 0]  # 9 is not ready
    arcs = [shape for shape in figure.plot()["layout"]["shapes"] if shape["type"] == "path"]
    assert len(arcs) == 1
    end = [float(number) for number in arcs[0]["path"].split("L")[-1].split(",")]
    assert end == pytest.approx([21, 0], abs=0.01)  # a quarter ends at three o'clock
    assert "Lesson 1 25%" in figure.alt


def test_narrow_is_one_column(make: Any) -> None:
    narrow = course_map(make.lessons(), {}, "zh", make.groups("zh"), narrow=True)
    assert narrow.frame["x"].nunique() == 1
    assert narrow.frame["y"].tolist() == list(range(14))
    wide = course_map(make.lessons(), {}, "zh", make.groups("zh"))
    assert wide.frame["x"].nunique() == 5
    assert wide.height < narrow.height


def test_each_group_is_named_once(make: Any) -> None:
    notes = course_map(make.lessons(), {}, "zh", make.groups("zh")).plot()["layout"]["annotations"]
    words = [note["text"] for note in notes]
    assert [words.count(name) for name in ("基础", "方法", "应用")] == [1, 1, 1]
