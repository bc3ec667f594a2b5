"""The benchmarks still run: their smallest parts, the table, and the websocket tab against a page of a real server."""

from __future__ import annotations

import asyncio
import importlib
import itertools
import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import __main__ as command
from benchmarks import arithmetic, full_ranking, lesson, simulator, watchers
from benchmarks.load import Session
from benchmarks.memory import peak_mib
from benchmarks.processes import Server, load, machine, torch_in
from benchmarks.table import Row, above, below, markdown_table, number, percentile, text_table, width_of, write
from course_lib.course.lessons import load_course
from course_lib.data.histories import Histories
from course_lib.shop import logs
from course_lib.shop.logs import PARTS

PROJECT = Path(__file__).resolve().parent.parent


@pytest.mark.parametrize("path", sorted((PROJECT / "benchmarks").glob("*.py")), ids=lambda path: path.stem)
def test_every_module_can_be_imported(path: Path) -> None:
    assert importlib.import_module(f"benchmarks.{path.stem}").__doc__


def test_the_arithmetic_of_a_step_is_all_its_products_and_nothing_else() -> None:
    """Counted by hand for a batch of 2 by 3 places: forward, and twice as much backward; the loss takes six targets."""
    width, layers, heads, products = 8, 2, 2, 20
    own = {"width": width, "layers": layers, "heads": heads, "history_length": 3}
    histories = Histories.from_lists([[1, 2, 3, 4], [5, 6, 7, 8]] * 4)
    case = arithmetic.Case("small", lambda: (histories, products), own, 8, rounds=2)
    trainer, recorder = arithmetic.trainer_of(case), arithmetic.Recorder()
    inputs = torch.tensor([[1, 2, 3], [5, 6, 7]])
    with recorder:
        trainer.step(inputs, inputs + 1)
    bound = arithmetic.Bound(recorder)
    places, attention = 6, 2 * (2 * 3 * 3 * width)  # Q K^T and its use, two histories of three places
    forward = layers * (places * 12 * width**2 + attention) + places * width * (products + 1)
    assert bound.flops == 2 * 3 * forward
    row = arithmetic.measure_case(case)
    assert 0 < row.raw["products_s"][0] < sum(row.raw["steps_s"])
    assert row.raw["targets"] == 2 * 8 * 3


def test_events_are_timed_as_they_are_written() -> None:
    row = arithmetic.measure_events(rounds=20)
    assert len(row.raw["seconds"]) == 20
    assert row.met is not None


def test_full_ranking_is_measured_against_the_bare_product() -> None:
    ratio, memory = full_ranking.measure(shoppers=400, products=300, rounds=2)
    assert ratio.goal == "<= 1.2 x"
    assert len(ratio.raw["ours"]) == len(ratio.raw["bare"]) == 2
    assert min(*ratio.raw["ours"], *ratio.raw["bare"]) > 0
    assert memory.raw["peak_mib"] >= memory.raw["before_mib"] > 50
    assert memory.met is True
    assert {full_ranking.PART} == {ratio.part, memory.part} <= set(command.PARTS)


def test_the_simulator_is_measured_in_memory_and_on_disk() -> None:
    rows = simulator.measure(shoppers=200, sizes=(100, 200), repeats=1, part_size=100)
    assert [row.part for row in rows] == ["simulator"] * len(rows)
    first, small, large, time_row, memory_row, *parts = rows
    assert first.goal == "<= 2 s"
    assert first.raw["runs"][0]["events"] > 200 * 5
    assert large.raw["events"] > small.raw["events"] > 0
    assert large.raw["peak_mib"] >= large.raw["before_mib"] > 10
    assert time_row.met is not None
    assert memory_row.met is not None
    assert [row.what for row in parts] == [f"100 shoppers with {name}" for name in PARTS]
    for row, part in zip(parts, PARTS.values(), strict=True):
        assert all(row.raw["rows"][table] > 0 < row.raw["bytes"][table] for table in part.tables)


def test_the_long_form_grows_every_part_and_the_weeks(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes, grown = (30, 60), ("search", "departments")  # two parts stand for all
    monkeypatch.setattr(logs, "PARTS", {name: PARTS[name] for name in grown})
    rows = simulator.measure(shoppers=20, sizes=sizes, repeats=1, full=True)
    what = [row.what for row in rows[1 + len(sizes) + 2 :]]
    by_part = [
        [*(f"{size} shoppers with {name}" for size in sizes)]
        + [f"with {name}: {measured}, 60 against 30" for measured in ("processor time an event", "memory on top")]
        for name in grown
    ]
    weeks = [f"{size} shoppers, a week" for size in sizes]
    weeks += [f"weeks: {measured}, 60 against 30" for measured in ("processor time a visit", "memory on top a shopper")]
    assert what == [*itertools.chain.from_iterable(by_part), *weeks]
    small, large, *ratios = rows[-4:]
    assert 0 < small.raw["events"] < large.raw["events"]
    assert large.raw["peak_mib"] >= large.raw["before_mib"] > 10
    assert all(row.met is not None for row in ratios)


def test_weeks_that_do_not_fit_into_memory_are_left_out() -> None:
    before = Row("simulator", "w", "f", raw={"peak_mib": 1200.0, "before_mib": 200.0, "shoppers": 1})
    row = simulator.weeks_at(10**9, before)
    assert row.figure == "left out"
    assert not row.raw
    assert simulator.linear([before, row], (1, 10**9)) == []


def test_a_process_has_the_memory_of_its_own_and_none_of_its_parent() -> None:
    """A child of a large process must not begin with that size."""
    held = b"x" * 300 * 2**20
    code = "from benchmarks.memory import peak_mib; print(peak_mib())"
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert len(held) == 300 * 2**20
    assert 1 < float(done.stdout) < 100
    assert peak_mib() > 300


def test_a_row_says_whether_its_goal_is_met() -> None:
    assert below("p", "w", 1.0, 1.0).met is True
    assert below("p", "w", 1.1, 1.0).mark == "NO"
    assert above("p", "w", 95.0, 95.0, "%").goal == ">= 95 %"
    assert above("p", "w", 94.9, 95.0, "%").met is False
    assert Row("p", "w", "3").mark == ""


@pytest.mark.parametrize(
    ("value", "text"), [(0.0, "0"), (0.01234, "0.0123"), (1.5, "1.5"), (14.96, "15"), (1234.4, "1,234"), (100.0, "100")]
)
def test_numbers_have_three_digits(value: float, text: str) -> None:
    assert number(value) == text


@given(st.lists(st.floats(0, 1e6), min_size=1), st.sampled_from([0.5, 0.95, 1.0]))
def test_a_percentile_covers_its_share(values: list[float], share: float) -> None:
    limit = percentile(values, share)
    assert limit in values
    assert sum(value <= limit for value in values) >= share * len(values)
    assert sum(value < limit for value in values) < share * len(values)


def test_a_percentile_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="nothing"):
        percentile([], 0.5)


def test_the_table_is_printed_and_written(tmp_path: Path) -> None:
    rows = [
        below("pages", "p95, a|b", 0.4, 0.3, note="fifty tabs", raw={"p50": 0.1}),
        Row("lesson", "中文", "1"),
    ]
    printed = text_table(rows).splitlines()
    assert "(fifty tabs)" in printed[3]
    figures = [width_of(line[: line.index(figure)]) for line, figure in ((printed[2], "0.4 s"), (printed[4], "1"))]
    assert figures[0] == figures[1]  # aligned, though Chinese characters are wide
    paths = write(tmp_path / "new", rows, {"cores": 2})
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["bench.json", "bench.md"]
    record = json.loads(paths[0].read_text(encoding="utf-8"))
    assert record["machine"] == {"cores": 2}
    assert record["rows"][0]["raw"] == {"p50": 0.1}
    assert "a\\|b" in markdown_table(rows)
    assert "| NO | fifty tabs |" in paths[1].read_text(encoding="utf-8")


def test_the_lessons_own_configuration_is_measured() -> None:
    lab = load_course().lesson(lesson.LESSON).lab()
    config, long = lesson.lesson_config(), lesson.lesson_config(lesson.TIMES)
    assert config == lab.configs()[""]
    assert long.settings == {**config.settings, "epochs": lesson.TIMES * int(config.settings["epochs"])}
    assert (long.experiment, long.data, long.seed) == (config.experiment, config.data, config.seed)
    other = lesson.lesson_config(seed=7, epochs=3)
    assert (other.seed, other.settings["epochs"]) == (7, 3)
    assert len({watchers.BLOCKER, *range(watchers.FIRST_SEED, watchers.FIRST_SEED + 4), config.seed}) == 6


def test_a_runs_figures_become_rows() -> None:
    def result(value: float) -> dict[str, object]:
        score = {"ndcg@10": {"value": value, "low": value - 0.01, "high": value + 0.01}}
        bounds = {"known": {"ndcg@10": {"value": 0.6}}, "filtered": {"ndcg@10": {"value": 0.5}}}
        seconds = {"total": 11.0, "train": 9.0}
        return {"measures": score, "oracle": bounds, "seconds": seconds, "epochs": 5}

    seen = {"event": 0.01, "prepared": 0.4, "step": 1.0, "end": 12.0}
    short = {"seen": seen, "cpu": 11.5, "run": "0" * 16, "result": result(0.44), "curve": [0.1, 0.45]}
    long = {"result": result(0.48), "curve": [0.1, 0.5, 0.48]}
    rows = {row.what: row for row in lesson.rows_of(short, long, True, [0.005, 0.01])}
    assert rows["share of the filtered oracle"].figure == "88 %"
    assert rows["share of the filtered oracle"].met is False
    assert rows["share of 10 times the epochs"].figure == "91.7 %"
    assert rows["share of the best epoch of 10 times the epochs"].figure == "90 %"
    assert rows["edited history, runs.ask, p95"].figure == "10 ms"
    assert rows["the whole run"].met is True


def test_the_machine_is_described_without_its_name_or_paths() -> None:
    facts = machine()
    assert {"processor", "cores", "python", "torch"} <= set(facts)
    assert str(Path.home()) not in json.dumps(facts)
    assert load() >= 0


def test_a_tab_goes_from_page_to_page_of_a_real_server(tmp_path: Path) -> None:
    async def walk(url: str) -> tuple[list[float], set[str], int]:
        async with Session(url) as session:
            taken = [await session.open("", lang="en")]
            taken.append(await session.open(lesson.LESSON, lang="en"))
            keys = set(session.widgets)
            taken.append(await session.press(watchers.SKIP))
            assert watchers.SKIP not in session.widgets  # the page was drawn again, with what the press did
            taken.append(await session.open("my_progress", lang="en"))
            assert watchers.TRAIN not in session.widgets
            return taken, keys, session.bytes

    server = Server(tmp_path)
    try:
        server.wait_until_listening()
        taken, keys, received = asyncio.run(walk(server.url))
        assert torch_in(server.process.pid) is not True
        assert server.rss_mib() > 50
    finally:
        server.close()
    assert all(seconds > 0 for seconds in taken)
    assert {watchers.TRAIN, watchers.STOP, watchers.SKIP} <= keys
    assert received > 10_000
    assert not server.process.is_running()


def test_a_tab_refuses_servers_elsewhere() -> None:
    with pytest.raises(ValueError, match="not on this machine"):
        Session("http://example.org:8501")


def test_an_unknown_part_is_named(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["benchmarks", "speed"])
    with pytest.raises(SystemExit):
        command.main()
    assert "no part is called speed" in capsys.readouterr().err
