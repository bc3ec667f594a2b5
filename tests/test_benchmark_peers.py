"""The comparison with peers: the textbook loop learns, workers keep the protocol, and what is held equal is equal."""

from __future__ import annotations

import re
import xml.etree.ElementTree
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from packaging.requirements import Requirement

from benchmarks.peers import data, environments, ours, report
from benchmarks.peers.compare import Finding, same_targets, throughput, to_quality
from benchmarks.peers.environments import MissingError
from benchmarks.peers.growth_ours import made_up
from benchmarks.peers.pictures import bars, lines, ranges
from benchmarks.peers.protocol import Settings, Work, left_padded, read_work, write_work
from benchmarks.peers.textbook import Textbook, TextbookGRU4Rec, TextbookSASRec, loader_of, train_epoch
from benchmarks.peers.vectors import write_vectors
from benchmarks.peers.workers import (
    CONTENDERS,
    FLAT,
    MODEL,
    OTHER_MODELS,
    OURS,
    RECBOLE,
    REPLAY,
    TEXTBOOK,
    Contender,
    Worker,
)
from course_lib.data.histories import Histories, Holdout, Split
from course_lib.settings import PROJECT

ITEMS = 12
FILES = sorted((PROJECT / "benchmarks" / "peers").glob("*.txt"))


def cycles(count: int = 40) -> list[NDArray[np.int64]]:
    """Histories of 3 to 9 items in which item n + 1 follows item n, and 1 follows the last."""
    return [np.arange(n, n + 3 + n % 7) % ITEMS + 1 for n in range(count)]


def split() -> Split:
    """:func:`cycles` with the next item as the target."""
    histories = cycles()
    targets = np.array([history[-1] % ITEMS + 1 for history in histories], np.int32)
    packed = Histories.from_lists([history.tolist() for history in histories])
    holdout = Holdout(np.arange(len(histories), dtype=np.int32), packed, targets)
    return Split("leave-one-out", packed, holdout, holdout)


def small(**changes: object) -> Settings:
    """Settings that train in a blink."""
    return Settings(**{"num_items": ITEMS, "width": 16, "length": 5, "batch": 8, "learning_rate": 0.01, **changes})  # type: ignore[arg-type]


def work_of(tmp_path: Path, settings: Settings) -> tuple[Path, Work]:
    path = write_work(tmp_path / "work", settings, cycles(), cycles())
    return path, read_work(path)


def test_work_is_cut_to_what_a_model_learns_from_and_sees(tmp_path: Path) -> None:
    path = write_work(
        tmp_path, small(), [np.array([1, 2, 3, 4, 5, 6, 7]), np.array([8]), np.array([9, 10])], [np.arange(1, 9)]
    )
    work = read_work(path)
    assert work.settings == small()
    assert [history.tolist() for history in work.train] == [
        [2, 3, 4, 5, 6, 7],
        [9, 10],
    ]  # L + 1; one item has no target
    assert work.targets == 5 + 1
    assert [history.tolist() for history in work.asked] == [[4, 5, 6, 7, 8]]
    assert left_padded(work.train, 3).tolist() == [[5, 6, 7], [0, 9, 10]]
    table = work.scores(np.array([[0.5, 0.25]]), [3, 1])
    assert table[0, [1, 3]].tolist() == [0.25, 0.5]
    assert np.isneginf(np.delete(table[0], [1, 3])).all()


@pytest.mark.parametrize("kind", [TextbookSASRec, TextbookGRU4Rec])
def test_the_textbook_loop_learns_and_counts_real_targets(kind: type[Textbook], tmp_path: Path) -> None:
    torch.manual_seed(0)
    _, work = work_of(tmp_path, small(dropout=0.0))
    model, counts = kind(work.settings), []
    optimizer = torch.optim.Adam(model.parameters(), lr=work.settings.learning_rate)
    loader = loader_of(work)
    first = train_epoch(model, loader, optimizer, counts.append)
    assert sum(counts) == work.targets == sum(min(len(history) - 1, 5) for history in cycles())
    assert len(counts) == 40 / 8
    for _ in range(30):
        last = train_epoch(model, loader, optimizer, counts.append)
    assert last < 0.2 < 1.5 < first
    best = model.score(torch.from_numpy(left_padded(work.asked, 5))).argmax(1) + 1
    assert (best == split().validation.targets).mean() > 0.95


def test_the_textbook_model_sees_neither_the_future_nor_padding() -> None:
    torch.manual_seed(0)
    model = TextbookSASRec(small(heads=2)).eval()
    inputs = torch.tensor([[0, 0, 3, 4, 5]])
    with torch.no_grad():
        whole = model(inputs)
        changed = inputs.clone()
        changed[0, -1] = 9
        torch.testing.assert_close(model(changed)[:, :-1], whole[:, :-1])
        model.item.weight[0] = 7.0  # padding's own vector
        torch.testing.assert_close(model(inputs)[:, 2:], whole[:, 2:])


@pytest.mark.parametrize("contender", [OURS, TEXTBOOK], ids=lambda one: one.module)
def test_a_worker_keeps_the_protocol(contender: Contender, tmp_path: Path) -> None:
    path, work = work_of(tmp_path, small())
    worker = Worker(contender.module, contender.environment, path, threads=1)
    try:
        assert worker.facts["targets"] == work.targets
        assert worker.facts["parameters"] > ITEMS * 16
        one, two = worker.epoch(), worker.epoch()
        assert (one["epoch"], two["epoch"]) == (1, 2)
        assert one["targets"] == two["targets"] == work.targets
        assert one["steps"] == 5
        scores = np.load(two["scores"])
        assert scores.shape == (len(work.asked), ITEMS + 1)
        assert np.isneginf(scores[:, 0]).all()
        assert np.isfinite(scores[:, 1:]).all()
        steps = worker.steps(0.05)
        assert steps["seconds"] >= 0.05
        assert steps["targets"] > 0 < steps["steps"]
        assert steps["peak_mib"] >= worker.facts["rss_mib"] > 10
    finally:
        worker.close()
    assert worker.process.poll() is not None


def test_a_worker_that_cannot_start_says_why(tmp_path: Path) -> None:
    path, _ = work_of(tmp_path, small())
    with pytest.raises(MissingError, match="No module named"):
        Worker("no_such_peer", None, path, threads=1)


def test_throughput_and_quality_by_turns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def not_to_be_had(name: str) -> Path:
        raise MissingError(f"no {name} here")

    monkeypatch.setattr("benchmarks.peers.workers.environment", not_to_be_had)
    said: list[str] = []
    settings = {"": small(batch=16)}
    found = throughput([OURS, TEXTBOOK, FLAT], split(), settings, tmp_path / "a", 0.05, 2, said.append)
    assert [len(one.rates) for one in found] == [2, 2, 0]
    assert found[2].missing == "no rectools here"
    assert found[0].epoch_s > 0
    assert len(said) == 4
    reached = to_quality([TEXTBOOK, FLAT], split(), settings, tmp_path / "b", 0.3, True, 60.0, said.append)
    assert reached[0].reached is not None
    seconds, values = zip(*reached[0].curve, strict=True)
    assert list(seconds) == sorted(seconds)
    assert values[-1] >= 0.3 > max([0.0, *values[:-1]])
    assert reached[1].missing == "no rectools here"


def installed(contender: Contender) -> bool:
    """Whether a peer's environment is there as the files want it; tests make none."""
    assert contender.environment
    stamp = environments.cache() / contender.environment / "installed.txt"
    wanted = "\n".join(environments.requirements(contender.environment))
    return stamp.exists() and stamp.read_text(encoding="utf-8") == wanted


PEERS = [
    *[("sasrec", one) for one in (FLAT, MODEL, REPLAY, RECBOLE)],
    *[(model, one) for model, some in OTHER_MODELS.items() for one in some if one.environment],
]


@pytest.mark.parametrize(("model", "contender"), PEERS, ids=lambda one: getattr(one, "name", one))
def test_a_peer_learns_from_the_same_targets(model: str, contender: Contender, tmp_path: Path) -> None:
    if not installed(contender):
        pytest.skip(f"{contender.name} is not installed: python -m benchmarks.peers.environments")
    path, work = work_of(tmp_path, small(batch=64, model=model, mask_share=0.4))
    worker = Worker(contender.module, contender.environment, path, threads=1)
    try:
        expected = work.targets if model != "bert4rec" else items_read(contender, work)
        assert worker.facts["targets"] == expected  # as its own data says
        answer = worker.epoch()
        assert answer["targets"] == expected  # as its batches say
        scores = np.load(answer["scores"])
        assert scores.shape == (len(work.asked), ITEMS + 1)
        assert np.isfinite(scores[:, 1:]).all()
    finally:
        worker.close()


def items_read(contender: Contender, work: Work) -> int:
    """What a BERT4Rec reads in an epoch: each history's last L items; in RecBole's, what stands before each target."""
    L = work.settings.length
    if contender.environment == "recbole":
        return sum(min(before, L) for history in work.train for before in range(1, len(history)))
    return sum(min(len(history), L) for history in work.train)


@pytest.mark.parametrize("model", OTHER_MODELS)
def test_our_other_models_count_what_they_learn_from(model: str, tmp_path: Path) -> None:
    path, work = work_of(tmp_path, small(model=model))
    trainer = ours.trainer_of(work.settings, ours.histories_of(work.train))
    worker = Worker("ours", None, path, threads=1)
    try:
        twice = 2 * sum(len(history) for history in work.train)  # with gaps anywhere, and with the newest item hidden
        assert worker.facts["targets"] == (twice if model == "bert4rec" else work.targets)
        assert worker.epoch()["targets"] == pytest.approx(worker.facts["targets"], rel=0.02)
        assert worker.facts["parameters"] == sum(one.numel() for one in trainer.model.parameters())
        assert trainer.model.config.model_type == model
    finally:
        worker.close()


def test_contenders_that_learn_from_different_targets_are_refused() -> None:
    same = [Finding(OURS, {"targets": 5}), Finding(FLAT, missing="not installed"), Finding(TEXTBOOK, {"targets": 5})]
    assert same_targets(same) == 5
    with pytest.raises(ValueError, match="different targets"):
        same_targets([*same, Finding(MODEL, {"targets": 6})])


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_requirements_are_pinned_and_name_no_host(path: Path) -> None:
    ours = {
        one.name: str(one.specifier)
        for line in (PROJECT / "requirements.txt").read_text(encoding="utf-8").splitlines()
        if (text := line.partition("#")[0].strip())
        for one in [Requirement(text)]
    }
    found = {one.name: str(one.specifier) for one in map(Requirement, environments.requirements(path.stem))}
    assert next(iter(found.values())).startswith("==")
    assert all(found.values())
    assert found.get("torch", ours["torch"]) == ours["torch"]  # the same version as ours
    assert "://" not in path.read_text(encoding="utf-8")


def test_every_contender_has_its_file_and_its_requirements() -> None:
    for one in (*CONTENDERS, *(one for some in OTHER_MODELS.values() for one in some)):
        assert (PROJECT / "benchmarks" / "peers" / f"{one.module}.py").exists()
        assert one.environment is None or PROJECT / "benchmarks" / "peers" / f"{one.environment}.txt" in FILES


def test_an_install_that_fails_is_reported_without_addresses_and_paths(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environments, "run_pip", lambda *_: (_ for _ in ()).throw(MissingError("no matching version")))
    monkeypatch.setenv("LIVEREC_BENCH_CACHE", str(tmp_path))
    (tmp_path / "ranx" / "bin").mkdir(parents=True)
    (tmp_path / "ranx" / "bin" / "python").touch()
    with pytest.raises(MissingError, match="no matching version"):
        environments.environment("ranx")
    assert not (tmp_path / "ranx" / "installed.txt").exists()
    words = environments.reason("Looking\nERROR: nothing at https://example.org/simple or /home/me/wheels for x==1\n")
    assert words == "ERROR: nothing at ... or ... for x==1"


def test_ml_100k_keeps_the_order_of_equal_times(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = ["7\t50\t3\t10", "5\t242\t3\t30", "7\t9\t1\t10", "5\t50\t4\t20", "7\t242\t2\t10", "5\t9\t2\t30"]
    file = tmp_path / "data" / "ml-100k.inter"
    file.parent.mkdir()
    file.write_text("user_id:token\titem_id:token\trating:float\ttimestamp:float\n" + "\n".join(rows) + "\n")
    monkeypatch.setenv("LIVEREC_BENCH_CACHE", str(tmp_path))
    dataset = data.ml_100k()
    assert dataset.num_items == 3
    assert [history.tolist() for history in dataset.histories()] == [[2, 3, 1], [2, 1, 3]]
    assert data.split_of(dataset).test.targets.tolist() == [1, 3]
    assert "2 users, 3 products, 6 events" in data.describe(dataset, data.split_of(dataset))


def test_ndcg_leaves_out_what_was_seen_only_where_asked(tmp_path: Path) -> None:
    holdout = Holdout(np.array([0], np.int32), Histories.from_lists([[2, 3]]), np.array([1], np.int32))
    scores = np.array([[-np.inf, 1.0, 3.0, 2.0]], np.float32)
    np.save(tmp_path / "scores.npy", scores)
    assert data.ndcg(scores, holdout, seen=True) == pytest.approx(1 / np.log2(4))
    assert data.ndcg(tmp_path / "scores.npy", holdout, seen=False) == 1.0
    assert scores[0, 2] == 3.0


def finding(contender: Contender, rate: float) -> Finding:
    facts = {"targets": 100, "parameters": 7, "rss_mib": 9.0, "version": "1", "torch": "2"}
    return Finding(contender, facts, [rate / 2, rate, rate * 2], [rate], 12.0)


def test_ratios_are_against_the_fastest_and_say_what_is_missed() -> None:
    found = [finding(OURS, 90.0), finding(FLAT, 20.0), finding(MODEL, 30.0), Finding(REPLAY, missing="no wheel")]
    rows = {row.what: row for row in report.speed_rows("case", found, 50)}
    assert rows["case: times RecTools' fastest"].figure == "3"
    assert rows["case: times RecTools' fastest"].met is True
    assert rows["case: times replay-rec's"].figure == "not measured"
    assert rows["case: replay-rec SasRec"].note == "no wheel"
    assert "1.11 s an epoch" in rows["case: LiveRec"].note
    long = {row.what: row for row in report.speed_rows("case", found, 200)}["case: times RecTools' fastest"]
    assert (long.met, long.note) == (False, "missed: 75 % of the goal")
    assert len(report.speed_rows("case", found, None)) == len(found)


def test_seconds_to_quality_need_every_seed() -> None:
    def seed(contender: Contender, reached: float | None) -> Finding:
        return Finding(contender, reached=reached, curve=[(1.0, 0.01), (reached or 9.0, 0.06 if reached else 0.04)])

    rows = {
        row.what.rpartition("05: ")[2]: row
        for row in report.quality_rows(
            {
                "LiveRec": [seed(OURS, 2.0), seed(OURS, 3.0), seed(OURS, 4.0)],
                "RecBole SASRec, rate 0.001": [seed(RECBOLE, 60.0)],
                "replay-rec SasRec": [seed(REPLAY, 5.0), seed(REPLAY, None)],
                "textbook loop": [Finding(TEXTBOOK, missing="gone")],
            }
        )
    }
    assert rows["LiveRec"].figure == "3 s"
    assert rows["replay-rec SasRec"].figure == "not reached"
    assert rows["textbook loop"].note == "gone"
    assert rows["times fewer than RecBole's"].figure == "20"
    assert "missed: 66.7 % of the goal" in rows["times fewer than RecBole's"].note
    stopped = report.quality_rows({"LiveRec": [seed(OURS, 0.1)], "RecBole SASRec": [seed(RECBOLE, None)]})[0]
    assert (stopped.figure, stopped.met) == ("90", True)
    assert "at least so many" in stopped.note


@pytest.mark.parametrize(
    "picture",
    [
        bars("Speed & <size>", {"case": {"LiveRec": 5.0, "other": 2.5}}, "LiveRec"),
        ranges("Quality", {"shop": {"ease": (0.3, 0.25, 0.35), "oracle": (5.0, 4.9, 5.1)}, "empty": {}}),
        lines("growth", "products", "targets", {"softmax": [(10, 5.0), (1000, 1.0)], "sampled": [(1000, 4.0)]}),
    ],
)
def test_pictures_are_well_formed_and_carry_their_values(picture: str) -> None:
    root = xml.etree.ElementTree.fromstring(picture)
    words = [node.text for node in root.iter() if node.text]
    assert "5" in words
    width, height = (float(root.attrib[name]) for name in ("width", "height"))
    for node in root.iter():
        assert 0 <= float(node.attrib.get("x", 0)) <= width
        assert 0 <= float(node.attrib.get("y", 0)) <= height


def test_made_up_histories_have_the_sizes_asked_for() -> None:
    full, mixed = made_up(50, 30, 9, full=True), made_up(50, 30, 9, full=False)
    assert set(full.lengths) == {9}
    assert 2 <= mixed.lengths.min() < mixed.lengths.max() <= 9
    assert full.items.min() == 1
    assert full.items.max() <= 30
    assert np.bincount(full.items)[1] > np.bincount(full.items, minlength=31)[20]  # Zipf: the first is the commonest


def test_our_evaluation_worker_agrees_with_a_plain_sort(tmp_path: Path) -> None:
    path = write_vectors(tmp_path / "v", 1, users=70, items=40)
    worker = Worker("evaluate_ours", None, path, 1)
    try:
        with np.load(tmp_path / "v" / "vectors.npz") as arrays:
            scores = arrays["shoppers"] @ arrays["products"][1:].T
            order = np.argsort(-scores, axis=1) + 1
            ranks = np.argmax(order == arrays["targets"][:, None], axis=1)
        expected = np.where(ranks < 10, 1 / np.log2(ranks + 2), 0).mean()
        assert worker.facts["ndcg"] == pytest.approx(expected)
        assert worker.steps(0.01)["targets"] % 70 == 0
    finally:
        worker.close()


def test_the_packages_files_name_no_machine() -> None:
    for path in (PROJECT / "benchmarks" / "peers").iterdir():
        if path.suffix in (".py", ".txt"):
            assert not re.search(r"/root|/home|/tmp/|https://", path.read_text(encoding="utf-8")), path.name
