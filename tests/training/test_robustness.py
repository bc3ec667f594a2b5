"""The table of models by the shop's parameters: every job once, kept on disk, continued, judged by its intervals."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest

from course_lib.cli.measure import FILE as PROSE
from course_lib.cli.shop import FILE
from course_lib.evaluation.intervals import Interval
from course_lib.training import robustness
from course_lib.training.robustness import MAIN, METRIC, ORDER, Row, order_table
from tests.pools import InTurn

SCORES = dict(zip(ORDER, (0.04, 0.1, 0.34, 0.43, 0.47, 0.5), strict=True))


def test_every_shop_is_trained_once_and_the_rest_is_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, float, int]] = []

    def one_shop(parameter: str, factor: float, seed: int) -> dict[str, float]:
        asked.append((parameter, factor, seed))
        return {name: value + seed / 1000 for name, value in SCORES.items()}

    monkeypatch.setattr(robustness, "ProcessPoolExecutor", InTurn)
    monkeypatch.setattr(robustness, "_one_shop", one_shop)
    file = tmp_path / "order.jsonl"
    *steps, (done, total, rows) = order_table(file, seeds=(1, 2))
    jobs = 2 * (1 + 2 * len(MAIN))
    assert (done, total, len(asked), len(set(asked))) == (jobs, jobs, jobs, jobs)
    assert [step[0] for step in steps] == list(range(jobs + 1))
    assert [(row.parameter, row.factor) for row in rows[:3]] == [
        ("", 1.0),
        (next(iter(MAIN)), 0.5),
        (next(iter(MAIN)), 2.0),
    ]
    assert rows[0].scores["sasrec"].value == pytest.approx(0.4315)
    assert all(row.separate for row in rows)

    lines = file.read_text(encoding="utf-8").splitlines()
    file.write_text("\n".join(lines[:-3]) + "\n" + json.dumps({"key": "another version", "scores": {}}) + "\n")
    asked.clear()
    assert list(order_table(file, seeds=(1, 2)))[-1][2] == rows
    assert len(asked) == 3


def test_intervals_that_touch_are_not_separate() -> None:
    def row(markov: float) -> Row:
        scores = {**SCORES, "markov": markov}
        return Row("", 1.0, {name: Interval(value, value - 0.01, value + 0.01) for name, value in scores.items()})

    assert row(0.34).separate
    assert not row(0.415).separate
    assert not row(0.45).separate


def test_the_published_table_agrees_with_the_run_in_the_prose() -> None:
    """tests/course repeats that run; here the table's first row, which holds its seed, has to contain its scores."""
    table = tomllib.loads(FILE.read_text(encoding="utf-8"))["order"]["table"].splitlines()
    head, first = ([cell.strip() for cell in line.strip("|").split("|")] for line in (table[0], table[2]))
    row = dict(zip(head, first, strict=True))
    prose = tomllib.loads(PROSE.read_text(encoding="utf-8"))["user_understanding"]
    assert METRIC == "ndcg@10"
    assert row["separate"] == "yes"
    for name in ORDER:
        low, high = map(float, re.findall(r"\d\.\d+", row[name])[1:])
        assert low - 0.005 <= float(prose[f"{name.replace('-', '_')}_ndcg"]) <= high + 0.005, name
    assert len(table) == 2 + 1 + 2 * len(MAIN)
