"""The published tables: what is expected, files in the published formats, a pattern that is learned, refusals."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from benchmarks import published
from benchmarks.published import compared, lasting, main, newest, parse
from benchmarks.published_data import UnusableError, chosen, core, counts_of, read
from benchmarks.published_data import published as expected
from course_lib.data.histories import Histories
from course_lib.data.splits import leave_one_out
from course_lib.evaluation.protocol import Evaluation

ITEMS, USERS = 24, 120


@pytest.fixture(autouse=True)
def threads_as_before() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def cycles() -> list[list[int]]:
    """Histories of 6 to 11 items, none twice, in which item n + 1 follows item n."""
    return [[(user + place) % ITEMS + 1 for place in range(6 + user % 6)] for user in range(USERS)]


def rating_lines(histories: list[list[int]]) -> list[str]:
    """As in ratings.dat: a user's lines in no order of time, ids with gaps; two ratings share each second."""
    lines = []
    for user, history in enumerate(histories, 1):
        seconds = [978300000 + 60 * (place // 2) for place in range(len(history))]
        own = [
            f"{user * 3}::{item * 10}::{1 + item % 5}::{second}" for item, second in zip(history, seconds, strict=True)
        ]
        lines += own[4:] + own[:4]
    return lines


def movielens(folder: Path, lines: list[str] | None = None) -> Path:
    """The unpacked folder of MovieLens 1M."""
    folder.mkdir(exist_ok=True)
    rare = ["3::9990::5::978300000"]  # an item that the filter removes
    (folder / "ratings.dat").write_text("\n".join(lines or rating_lines(cycles()) + rare) + "\n", encoding="utf-8")
    (folder / "movies.dat").write_bytes("10::Café (1995)::Comedy\n".encode("latin-1"))
    (folder / "README").write_text("SUMMARY\n", encoding="utf-8")
    return folder


def beauty(folder: Path, text: str = "") -> Path:
    """A file of S3-Rec: user id, then item ids in order of time."""
    path = folder / "Beauty.txt"
    lines = [f"{user} {' '.join(map(str, history))}" for user, history in enumerate(cycles(), 1)]
    path.write_text(text or "\n".join(lines) + "\n", encoding="utf-8")
    return path


def small(monkeypatch: pytest.MonkeyPatch, **training: Any) -> None:
    """Makes the made-up files the published task, with settings that learn them in seconds."""
    events = sum(map(len, cycles()))
    tasks = {
        name: replace(
            expected()[name],
            users=USERS,
            items=ITEMS,
            events=events,
            figures={"ndcg": 1.0, "hr": 1.0},
            model={"width": 16, "layers": 1, "heads": 1, "history_length": 10, "dropout": 0.0},
            training={
                **expected()[name].training,
                "epochs": 30,
                "batch_size": 16,
                "learning_rate": 0.02,
                "negatives": 16,
                **training,
            },
        )
        for name in expected()
    }
    monkeypatch.setattr(published, "published", lambda: tasks)


def result(capsys: pytest.CaptureFixture[str], *line: object) -> dict[str, Any]:
    assert main([*map(str, line), "--threads", "1", "--json"]) == 0
    record: dict[str, Any] = json.loads(capsys.readouterr().out)
    return record


def refusal(capsys: pytest.CaptureFixture[str], *line: object) -> str:
    """The one sentence on standard error after what was told before it."""
    assert main([*map(str, line), "--threads", "1"]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    return printed.err.splitlines()[-1]


def test_what_is_expected_is_what_was_published() -> None:
    """By the papers' repositories, in the order NDCG@10, HR@10, users, items, events."""
    known = {
        name: (one.figures["ndcg"], one.figures["hr"], one.users, one.items, one.events)
        for name, one in expected().items()
    }
    assert known == {
        "ml-1m": (0.1821, 0.3152, 6040, 3416, 999611),
        "beauty": (0.0531, 0.0921, 22363, 12101, 198502),
        "sports": (0.0314, 0.0569, 35598, 18357, 296337),
        "toys": (0.0580, 0.0970, 19412, 11924, 167597),
    }
    for one in expected().values():
        assert one.tolerance == 0.05
        assert one.source
        assert one.verified
        assert one.unverified
        assert one.page.startswith("https://")
        assert one.settings(7)[1]["epochs"] == 7
    assert expected()["ml-1m"].seconds == 45 * 60


def test_every_setting_is_the_recipe() -> None:
    model, training = expected()["ml-1m"].settings()
    assert model == {"width": 64, "layers": 2, "heads": 1, "history_length": 200, "dropout": 0.1}
    recipe = {"epochs": 100, "batch_size": 128, "learning_rate": 0.001, "weight_decay": 0.0, "patience": 10}
    assert {name: training[name] for name in recipe} == recipe
    assert (training["loss"], training["schedule"]) == ("softmax", "constant")
    amazon = [expected()[name].settings() for name in ("beauty", "sports", "toys")]
    assert amazon[0] == amazon[1] == amazon[2]
    model, training = amazon[0]
    assert (model["layers"], model["history_length"], model["dropout"]) == (1, 50, 0.2)
    assert (training["loss"], training["negatives"], training["epochs"], training["patience"]) == (
        "sampled",
        256,
        200,
        50,
    )


def test_ratings_are_sorted_by_time_and_equal_times_keep_the_files_order(tmp_path: Path) -> None:
    dataset = read(movielens(tmp_path / "ml-1m"), expected()["ml-1m"])
    assert counts_of(dataset) == {"users": USERS, "items": ITEMS, "events": sum(map(len, cycles()))}  # 9990 is gone
    assert [history.tolist() for history in dataset.histories()] == cycles()
    split = leave_one_out(dataset)
    assert split.test.targets.tolist() == [history[-1] for history in cycles()]
    assert split.validation.targets.tolist() == [history[-2] for history in cycles()]


def test_equal_times_in_another_order_are_another_history(tmp_path: Path) -> None:
    lines = [f"1::{item}::5::{second}" for item, second in [(7, 20), (5, 10), (6, 10), (9, 20), (8, 20)]]
    dataset = read(movielens(tmp_path / "ml-1m", lines), replace(expected()["ml-1m"], core=0))
    assert dataset.histories()[0].tolist() == [1, 2, 3, 5, 4]  # 5 and 6, then 7, 9 and 8 as they stand


def test_the_folder_the_file_and_the_zip_are_the_same(tmp_path: Path) -> None:
    folder = movielens(tmp_path / "ml-1m")
    with zipfile.ZipFile(tmp_path / "ml-1m.zip", "w") as archive:
        for path in folder.iterdir():
            archive.write(path, f"ml-1m/{path.name}")
    renamed = tmp_path / "mine.dat"
    renamed.write_bytes((folder / "ratings.dat").read_bytes())
    want = expected()["ml-1m"]
    whole = read(folder, want)
    for path in (folder / "ratings.dat", renamed, tmp_path / "ml-1m.zip"):
        assert read(path, want).events.equals(whole.events)


def test_removing_rare_items_may_make_users_rare() -> None:
    user = np.array([0, 0, 0, 1, 1, 1, 2, 2])
    item = np.array([0, 1, 2, 0, 1, 3, 2, 3])
    assert core(user, item, 2).all()
    kept = core(user, item, 3)  # items 2 and 3 go, then every user
    assert not kept.any()
    assert core(np.array([0, 0, 0, 1, 1]), np.array([0, 1, 2, 0, 1]), 2).tolist() == [True, True, False, True, True]


def test_sequences_keep_their_order(tmp_path: Path) -> None:
    dataset = read(beauty(tmp_path), expected()["beauty"])
    assert [history.tolist() for history in dataset.histories()] == cycles()
    path = beauty(tmp_path, "9 30 10 20\n4 20 30\n\n")  # ids with gaps, users as they come, an empty line at the end
    assert [history.tolist() for history in read(path, expected()["beauty"]).histories()] == [[3, 1, 2], [2, 3]]


def test_the_file_is_found_by_its_name(tmp_path: Path) -> None:
    beauty(tmp_path)
    (tmp_path / "Toys_and_Games.txt").write_text("1 2 3\n", encoding="utf-8")
    assert chosen(tmp_path, expected()["beauty"]).name == "Beauty.txt"
    with pytest.raises(UnusableError, match=r"holds no file called Sports_and_Outdoors\.txt"):
        chosen(tmp_path, expected()["sports"])
    (tmp_path / "old").mkdir()
    beauty(tmp_path / "old")
    with pytest.raises(UnusableError, match=r"holds 2 files called Beauty\.txt"):
        chosen(tmp_path, expected()["beauty"])


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (
            ["1::2::5::978300000", "1::2::5", "1::3::4::978300000"],
            "ratings.dat, line 2: '1::2::5' is not UserID::MovieID",
        ),
        (["1::2::5::978300000", "1::two::5::978300000"], "ratings.dat, line 2: 'MovieID two' is not UserID::MovieID"),
        (["1::2::5::978300000", "1::3::5::-4"], "line 2: 'Timestamp -4' is not"),
        (
            ["userId,movieId,rating,timestamp", "1,2,5,978300000"],
            "line 1: 'a line of 1 columns' is not UserID::MovieID",
        ),
        (["1::2::5::978300000", "1::3::5::978300001"], "no user and item has 5 events or more"),
    ],
)
def test_ratings_that_are_none_are_refused_by_line(
    lines: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sentence = refusal(capsys, "ml-1m", movielens(tmp_path / "ml-1m", lines))
    assert said in sentence
    assert sentence.endswith("give ratings.dat as it comes from https://grouplens.org/datasets/movielens/1m/.")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1 2 3\n2 B00A 4\n", "Beauty.txt, line 2: '2 B00A 4' holds something else than whole numbers"),
        ("1 2 3\n2\n", "line 2: user 2 has no items"),
        ("1 5\n1 6\n1 7\n", "line 2: user 1 has a line already, number 1"),  # SASRec's form: a line an event
        ("1 2 -3\n", "line 1: '1 2 -3' holds something else"),
        ("%PDF-1.7 1 2\n", "Beauty.txt is a PDF"),
        ("\n", "nothing is left"),
    ],
)
def test_sequences_that_are_none_are_refused_by_line(
    text: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert said in refusal(capsys, "beauty", beauty(tmp_path, text))


def test_paths_to_nothing_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "There is no file" in refusal(capsys, "ml-1m", tmp_path / "nowhere")
    (tmp_path / "empty.txt").touch()
    for task in ("ml-1m", "beauty"):
        assert "empty.txt is empty" in refusal(capsys, task, tmp_path / "empty.txt")
    (tmp_path / "folder").mkdir()
    assert "holds no file called ratings.dat" in refusal(capsys, "ml-1m", tmp_path / "folder")
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        archive.writestr("ml-1m/ratings.dat", "1::2::5::978300000\n" * 1000, zipfile.ZIP_DEFLATED)
    (tmp_path / "cut.zip").write_bytes(whole.getvalue()[:-30])
    assert "cut.zip cannot be unpacked" in refusal(capsys, "ml-1m", tmp_path / "cut.zip")


def test_other_counts_are_refused_unless_wanted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = movielens(tmp_path / "ml-1m")
    sentence = refusal(capsys, "ml-1m", path)
    assert "has 120 users, 24 items, 1,020 events" in sentence
    assert "the published task has 6,040 users, 3,416 items, 999,611 events" in sentence
    assert "--anyway" in sentence
    assert main(["ml-1m", str(path), "--anyway", "--epochs", "1", "--threads", "1"]) == 0
    printed = capsys.readouterr()
    assert "Not compared: 120 users, 24 items, 1,020 events are another task" in printed.out
    assert "0.1821 ±" not in printed.out
    assert "expected NDCG@10 0.1821 ± 5%" in printed.err
    assert "training on 1 thread" in printed.err
    assert "epoch 1/1: loss" in printed.err
    assert "\r" not in printed.err


@pytest.mark.parametrize("task", ["ml-1m", "beauty"])
def test_a_planted_pattern_is_learned_and_compared(
    task: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    small(monkeypatch, patience=10)
    path = movielens(tmp_path / "ml-1m") if task == "ml-1m" else beauty(tmp_path)
    record = result(capsys, task, path, "--seed", 3)
    assert record["ndcg"]["value"] > 0.95
    assert record["within"] is True
    assert record["same_task"] is True
    assert record["in_time"] is (True if task == "ml-1m" else None)
    assert record["ndcg"]["low"] <= record["ndcg"]["value"] <= record["ndcg"]["high"]
    assert (record["seed"], record["threads"]) == (3, 1)
    assert record["validation"][0] < 0.5  # before training
    assert record["kept_epoch"] == int(np.argmax(record["validation"])) > 0
    assert record["settings"]["training"]["loss"] == ("softmax" if task == "ml-1m" else "sampled")
    if task == "ml-1m":
        again = result(capsys, task, path, "--seed", 3)
        assert (again["validation"], again["ndcg"]) == (record["validation"], record["ndcg"])


def test_a_figure_that_is_missed_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    small(monkeypatch, learning_rate=0.00001)
    assert main(["beauty", str(beauty(tmp_path)), "--epochs", "1", "--threads", "1"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1].startswith("Not within the tolerance of 5%: NDCG@10 is ")
    assert lines[-1].endswith("below the published 1.0000.")
    row = next(line for line in lines if "NDCG@10" in line)
    assert "1.0000 ± 5%" in row
    assert row.endswith("NO")


def test_items_of_the_history_are_never_the_answer(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = [f"{user} {user} {user + 1} {user} {user + 1} {user}\n" for user in range(1, 20)]
    path = beauty(tmp_path, "".join(lines))
    assert result(capsys, "beauty", path, "--anyway", "--epochs", 1)["hr"]["value"] == 0


def scripted(monkeypatch: pytest.MonkeyPatch, scores: list[float]) -> list[torch.Tensor]:
    """Validation scores as given; returns the weights that each question was answered with, the test's last."""
    weights: list[torch.Tensor] = []

    def evaluate(score: Any, holdout: object, k: int) -> Evaluation:
        weights.append(score.__self__.item.weight.detach().clone())
        value = scores[len(weights) - 1] if len(weights) <= len(scores) else 0.5
        metric = {"value": value, "low": value, "high": value}
        return Evaluation({"ndcg@10": metric, "hr@10": metric}, np.zeros(1, np.int64), np.zeros(1), 0.0, k)

    monkeypatch.setattr(published, "unseen", lambda score: score)
    monkeypatch.setattr(published, "evaluate", evaluate)
    return weights


def test_training_stops_when_patience_is_over_and_the_best_epoch_is_tested(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    small(monkeypatch, patience=3)
    weights = scripted(monkeypatch, [0.1, 0.2, 0.4, 0.3, 0.4, 0.3])
    record = result(capsys, "beauty", beauty(tmp_path))
    assert (record["epochs"], record["kept_epoch"]) == (5, 2)
    assert record["ended"] == "3 epochs without a better validation score"
    assert len(weights) == 7
    assert torch.equal(weights[-1], weights[2])
    assert not torch.equal(weights[-1], weights[5])


def test_no_epoch_begins_that_would_end_too_late(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    small(monkeypatch)
    path = beauty(tmp_path)
    monkeypatch.setattr("benchmarks.published.time.perf_counter", iter(range(0, 10**9, 2)).__next__)
    record = result(capsys, "beauty", path, "--max-seconds", 1)
    assert (record["epochs"], record["ended"]) == (1, "no time for another epoch")
    assert record["max_seconds"] == 1
    record = result(capsys, "beauty", path, "--max-seconds", 0, "--epochs", 3)
    assert (record["epochs"], record["ended"]) == (3, "all epochs done")


def test_ctrl_c_ends_with_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    small(monkeypatch)

    def interrupted(*_: object) -> Mapping[str, Any]:
        raise KeyboardInterrupt

    monkeypatch.setattr(published, "train", interrupted)
    assert main(["beauty", str(beauty(tmp_path)), "--threads", "1"]) == 130
    assert capsys.readouterr().err.endswith("Stopped. Nothing was kept; the same command begins anew.\n")


def test_the_recipe_learns_from_the_newest_events_only() -> None:
    cut = newest(Histories.from_lists([[1, 2, 3, 4], [5], [], [6, 7, 8]]), 3)
    assert [history.tolist() for history in cut] == [[2, 3, 4], [5], [], [6, 7, 8]]


@pytest.mark.parametrize(("found", "met"), [(0.95, True), (1.05, True), (0.9499, False), (1.0501, False), (1.0, True)])
def test_the_tolerance_holds_in_both_directions(found: float, met: bool) -> None:
    assert compared(0.1821 * found, 0.1821, 0.05)[0] is met


def test_times_in_words() -> None:
    assert [lasting(seconds) for seconds in (0, 99, 100, 2700, 5940, 6000)] == [
        "0 s", "99 s", "2 min", "45 min", "99 min", "1 h 40 min",
    ]  # fmt: skip


def test_help_names_the_tasks_and_a_wrong_number_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parse(["--help"])
    assert ended.value.code == 0
    printed = capsys.readouterr().out
    for name, one in expected().items():
        assert f"  {name}" in printed
        assert one.file in printed
    for line in (["books", "x"], ["ml-1m"], ["ml-1m", "x", "--threads", "0"], ["ml-1m", "x", "--epochs", "few"]):
        with pytest.raises(SystemExit) as ended:
            parse(line)
        assert ended.value.code == 2
    assert "invalid whole number from 1 value: 'few'" in capsys.readouterr().err
