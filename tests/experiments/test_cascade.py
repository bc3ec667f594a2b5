"""A cascade: re-ranking against brute force, what a stage may and may not do, planted patterns, and refusals."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from course_lib.data import registry
from course_lib.data.columns import Columns
from course_lib.data.dataset import Address, Dataset
from course_lib.data.histories import Histories
from course_lib.errors import CourseError
from course_lib.evaluation.reranking import METHODS, dpp, mmr, relevance_of, similarity
from course_lib.experiments import cascade as experiment
from course_lib.experiments.catalogue import check_asked, experiment_card
from course_lib.experiments.config import RunConfig
from course_lib.experiments.events import Folder
from course_lib.models.catalogue import model_card
from course_lib.models.matrix_factorization import MatrixFactorizationModel
from course_lib.models.rankers import RANKERS, untrained_ranker
from course_lib.models.two_tower import TwoTowerConfig, TwoTowerModel
from course_lib.training.candidate_oracle import oracle_ranks_among
from course_lib.training.cascade import Cascade, ranks_in, types_in
from course_lib.training.stages import binary_loss, choice_loss, in_batch_loss

PRODUCTS = 40
SETTINGS = {"candidates": 10, "width": 16, "epochs": 6}


def planted(shoppers: int = 300, length: int = 8) -> Dataset:
    """After product n everybody buys n + 1, and after the last one the first; each purchase is a basket."""
    first = np.random.default_rng(0).integers(0, PRODUCTS, shoppers)
    items = (first[:, None] + np.arange(length)) % PRODUCTS + 1
    events = pd.DataFrame(
        {
            Columns.USER: np.repeat(np.arange(shoppers), length).astype(np.int32),
            Columns.ITEM: items.ravel().astype(np.int32),
            Columns.TIME: np.tile(np.arange(length) * 100_000, shoppers),
            Columns.BASKET: np.arange(shoppers * length),
        }
    )
    catalogue = pd.DataFrame({Columns.ITEM: np.arange(1, PRODUCTS + 1), Columns.TYPE: ["odd", "even"] * 20})
    return Dataset(Address("planted", "all", "0" * 12), events, catalogue)


def run(home: Path, monkeypatch: pytest.MonkeyPatch, seed: int = 1, **settings: Any) -> dict[str, Any]:
    data = planted()
    monkeypatch.setattr(registry, "load", lambda address: data)
    monkeypatch.setattr(registry, "load_items", lambda address: data.items)
    config = RunConfig.make("cascade", {"dataset": ("shop", "tiny")}, SETTINGS | settings, seed)
    home.mkdir(parents=True, exist_ok=True)
    (home / "config.json").write_text(config.to_json(), encoding="utf-8")
    return dict(list(experiment.run(config, Folder(home)))[-1])


def values(result: dict[str, Any]) -> dict[str, float]:
    return {name: one["value"] for name, one in result["measures"].items()}


def untrained(candidates: int = 10, ranker: str | None = None) -> Cascade:
    torch.manual_seed(0)
    retriever = TwoTowerModel(TwoTowerConfig(PRODUCTS, 8, 20)).eval()
    return Cascade(retriever, untrained_ranker(ranker, PRODUCTS, 8, 20, 0) if ranker else None, candidates)


# Re-ranking


def pools(lists: int, size: int, width: int = 6) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    vectors = rng.normal(size=(lists * size, width)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    scores = -np.sort(-rng.normal(size=(lists, size)).astype(np.float32), axis=1)
    return relevance_of(scores), similarity(vectors, np.arange(lists * size).reshape(lists, size))


@pytest.mark.parametrize("method", list(METHODS))
def test_without_diversity_the_order_stays(method: str) -> None:
    relevance, similar = pools(20, 12)
    assert (METHODS[method](relevance, similar, 12, 0.0) == np.arange(12)).all()


@pytest.mark.parametrize("method", list(METHODS))
def test_no_product_comes_twice(method: str) -> None:
    relevance, similar = pools(20, 12)
    similar[:, :, :] = 1  # all products have one vector
    for diversity in (0.3, 1.0):
        assert (np.sort(METHODS[method](relevance, similar, 12, diversity), axis=1) == np.arange(12)).all()


@pytest.mark.parametrize("diversity", [0.1, 0.5, 0.9, 1.0])
def test_greedy_dpp_is_that_of_brute_force_determinants(diversity: float) -> None:
    relevance, similar = pools(8, 7)
    for chosen, r, s in zip(dpp(relevance, similar, 5, diversity), relevance, similar.astype(np.float64), strict=True):
        best: list[int] = []
        for _ in range(5):
            rest = [i for i in range(7) if i not in best]
            volume = [np.linalg.slogdet(s[np.ix_([*best, i], [*best, i])])[1] for i in rest]
            gains = [(1 - diversity) * r[i] + diversity * v for i, v in zip(rest, volume, strict=True)]
            best.append(rest[int(np.argmax(gains))])
        assert chosen.tolist() == best


def test_mmr_by_hand() -> None:
    relevance = np.array([[1.0, 0.9, 0.5]], np.float32)
    similar = np.array([[[1, 1, 0], [1, 1, 0], [0, 0, 1]]], np.float32)
    assert mmr(relevance, similar, 3, 0.3).tolist() == [[0, 2, 1]]  # .7 * .5 beats .7 * .9 - .3
    assert mmr(relevance, similar, 3, 0.2).tolist() == [[0, 1, 2]]  # .8 * .9 - .2 beats .8 * .5


def test_more_diversity_gives_more_types() -> None:
    cascade = untrained(40)
    ranked = cascade.retrieve(Histories.from_lists([[1, 2], [3]]))
    kinds = np.arange(PRODUCTS) // 4
    with torch.no_grad():
        cascade.retriever.item.weight[1:] = torch.eye(10, 8)[torch.from_numpy(kinds)] + 0.01
    for method in METHODS:
        few, many = (types_in(cascade.rerank(ranked, method, d), kinds).mean() for d in (0.0, 0.9))
        assert many > few


# Stages


def test_the_batch_corrected_by_hand() -> None:
    wanted, vectors = torch.eye(2), torch.tensor([[1.0, 0.2], [0.5, 2.0]])
    log_q = torch.tensor([0.0, 0.8, 0.2]).log()
    logits = torch.tensor([[1.0, 0.5], [0.2, 2.0]]) - torch.tensor([0.8, 0.2]).log()
    expected = -(logits.log_softmax(1).diagonal().mean())
    loss = in_batch_loss(wanted, vectors, torch.zeros(2), torch.tensor([1, 2]), log_q)
    assert float(loss) == pytest.approx(float(expected))
    assert float(in_batch_loss(wanted, vectors, torch.zeros(2), torch.tensor([2, 2]), log_q)) == 0


def test_the_purchase_itself_is_no_negative() -> None:
    scores = torch.tensor([[1.0, 1.0, 0.0]])
    twin = torch.tensor([[True, False]])
    assert float(choice_loss(scores, twin)) == pytest.approx(float(-torch.tensor([1.0, 0.0]).log_softmax(0)[0]))
    own = torch.tensor([1.0, 0.0])
    expected = -(own.sigmoid()[0].log() + (1 - own.sigmoid()[1]).log()) / 2
    assert float(binary_loss(scores, twin)) == pytest.approx(float(expected))


@pytest.mark.parametrize("name", list(RANKERS))
def test_a_ranker_scores_each_place_by_its_past_alone(name: str) -> None:
    ranker = untrained_ranker(name, PRODUCTS, 8, 20, 0).eval()
    history, candidates = torch.tensor([[4, 9, 2, 7]]), torch.tensor([[[5, 6, 7]] * 4])
    with torch.no_grad():
        every = ranker(history, torch.arange(4), candidates)
        for place in range(4):
            alone = ranker(history[:, : place + 1], torch.tensor([place]), candidates[:, :1])
            padded = torch.cat([torch.zeros(1, 3, dtype=torch.long), history[:, : place + 1]], 1)
            behind = ranker(padded, torch.tensor([place + 3]), candidates[:, :1])
            assert torch.allclose(every[:, place], alone[:, 0], atol=1e-5)
            assert torch.allclose(alone, behind, atol=1e-5)


@pytest.mark.parametrize("name", list(RANKERS))
def test_a_ranker_never_adds_a_product(name: str) -> None:
    cascade = untrained(12, name)
    histories = Histories.from_lists([[1, 2, 3], [], [7] * 30])
    found = cascade.retrieve(histories)
    ranked = cascade.rank(histories, found)
    assert (np.sort(found.items, 1) == np.sort(ranked.items, 1)).all()
    assert (np.diff(ranked.scores, axis=1) <= 0).all()
    assert (np.diff(found.scores, axis=1) <= 0).all()
    final = cascade.rerank(ranked, "mmr", 0.5)
    assert all(set(one) <= set(all_of) for one, all_of in zip(final.tolist(), ranked.items.tolist(), strict=True))


def test_the_oracle_among_candidates() -> None:
    order = np.array([[0, 3, 1, 2, 4]], np.uint16)  # product 2 is likeliest, then 3, 1, 4
    for candidates, target, rank in (([1, 2, 3, 4], 1, 2), ([1, 4], 1, 0), ([4, 2], 4, 1), ([2, 3], 1, 4)):
        assert oracle_ranks_among(order, np.array([candidates]), np.array([target])).tolist() == [rank]


def test_a_target_that_is_not_listed_is_beyond_every_list() -> None:
    assert ranks_in(np.array([[5, 6], [5, 6]]), np.array([6, 7])).tolist() == [1, 12]


# Runs


def test_all_products_as_candidates_lose_nothing_in_retrieval(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    order = np.tile(np.arange(PRODUCTS + 1), (300, 1)).astype(np.uint16)
    monkeypatch.setattr(experiment, "oracle_order", lambda dataset: order)
    found = run(tmp_path, monkeypatch, candidates=PRODUCTS, epochs=1)["measures"]
    assert found["recall_candidates"]["value"] == 1
    assert set(found["lost_retrieval"].values()) == {0}


def test_losses_add_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    order = np.tile(np.arange(PRODUCTS + 1), (300, 1)).astype(np.uint16)
    monkeypatch.setattr(experiment, "oracle_order", lambda dataset: order)
    found = values(run(tmp_path, monkeypatch, epochs=1, diversity=0.8))
    targets = np.array([one[-1] for one in planted().histories()])
    best = np.where(targets <= 10, 1 / np.log2(targets + 1.0), 0).mean()
    lost = found["lost_retrieval"] + found["lost_ranking"] + found["lost_reranking"]
    assert best - lost == pytest.approx(found["ndcg_reranked@10"])


@pytest.mark.parametrize(("ranker", "least"), [("transformer", 0.8), ("din", 0.4)])  # DIN does not see the order
def test_a_planted_pattern_is_learned(
    ranker: str, least: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = values(run(tmp_path, monkeypatch, ranker=ranker, rerank="none", epochs=10))
    assert found["recall_candidates"] > 0.8
    assert found["ndcg@10"] > max(least, found["ndcg_retrieval@10"])
    assert found["ndcg_reranked@10"] == found["ndcg@10"]
    assert "lost_ranking" not in found, "without a truth nobody knows what was lost"


def test_every_choice_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("none", "mlp", "neumf", "mf"):
        for negatives in ("random", "candidates")[: 1 + (name == "mlp")]:
            home = tmp_path / f"{name}-{negatives}"
            found = values(run(home, monkeypatch, ranker=name, negatives=negatives, rerank="dpp", epochs=1))
            assert (found["ndcg@10"] == found["ndcg_retrieval@10"]) == (name == "none")
            artefact = experiment.open(home, None)
            stages = experiment.answer(artefact, {"history": [3, 4], "k": 5, "diversity": 0.5})["stages"]
            assert [one["stage"] for one in stages] == ["retrieve", "rank", "rerank"][:: 1 if name != "none" else 2]
    for retrieval in ("full-softmax", "in-batch"):
        assert run(tmp_path / retrieval, monkeypatch, ranker="none", retrieval=retrieval, epochs=1)["measures"]


def test_the_same_seed_gives_the_same_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, same, other = (
        values(run(tmp_path / name, monkeypatch, seed, epochs=1))
        for name, seed in (("one", 1), ("same", 1), ("other", 2))
    )
    told = [name for name in one if not name.endswith("seconds")]
    assert {name: one[name] for name in told} == {name: same[name] for name in told}
    assert one["ndcg@10"] != other["ndcg@10"]


def test_more_candidates_than_products_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CourseError) as caught:
        run(tmp_path, monkeypatch, candidates=100)
    assert caught.value.key == "too_many_candidates"
    for language in ("zh", "en"):
        assert "40" in caught.value.text(language)
        assert "100" in caught.value.text(language)


# Questions


def test_an_answer_tells_who_was_dropped_where() -> None:
    artefact = experiment.Artefact(untrained(12, "din"), "mmr")
    told = experiment.answer(artefact, {"history": [1, 2, 3], "k": 5, "diversity": 0.6})
    retrieve, rank, rerank = told["stages"]
    assert [one["into"] for one in told["stages"]] == [PRODUCTS, 12, 12]
    assert len(retrieve["products"]) == 12
    candidates = [one["item"] for one in retrieve["products"]]
    assert not set(retrieve["dropped"]) & set(candidates)
    assert {one["item"] for one in rank["products"]} | set(rank["dropped"]) <= set(candidates)
    assert [candidates[one["was"] - 1] for one in rank["products"]] == [one["item"] for one in rank["products"]]
    first = {one["item"] for one in rank["products"]}
    final = [one["item"] for one in rerank["products"]]
    assert set(rerank["dropped"]) == first - set(final)
    assert [one["item"] for one in told["list"]] == final
    assert len(set(final)) == 5


def test_without_diversity_the_answer_is_the_ranked_list() -> None:
    artefact = experiment.Artefact(untrained(12, "transformer"), "dpp")
    told = experiment.answer(artefact, {"history": [1, 2, 3], "k": 100, "diversity": 0.0})
    assert [one["item"] for one in told["list"]] == [one["item"] for one in told["stages"][1]["products"]]
    assert len(told["list"]) == 12, "there are no more candidates"


@pytest.mark.parametrize("ranker", [None, *RANKERS])
def test_odd_histories(ranker: str | None) -> None:
    card, artefact = experiment_card("cascade"), experiment.Artefact(untrained(12, ranker), "none")
    nothing = experiment.answer(artefact, check_asked(card, {"history": []}))
    assert len(nothing["list"]) == 10
    long, window = (
        experiment.answer(artefact, check_asked(card, {"history": one})) for one in ([5] * 980 + [3] * 20, [3] * 20)
    )
    assert long == window, "only the last twenty are read"
    with pytest.raises(CourseError) as caught:
        experiment.answer(artefact, check_asked(card, {"history": [1, PRODUCTS + 1]}))
    assert caught.value.key == "unknown_items"
    with pytest.raises(CourseError):
        check_asked(card, {"history": [1] * 1001})


def test_factors_that_know_nobody_keep_the_order() -> None:
    """Matrix factorisation has no shopper's vector without a history: all scores are zero."""
    card = model_card("matrix-factorization").settings
    settings = {name: setting.default for name, setting in card.items()} | {"factors": 4}
    histories = Histories.from_lists([[1, 2], [2, 3], [1, 3]])
    factors = MatrixFactorizationModel.fit(histories, PRODUCTS, settings, 0)
    cascade = Cascade(untrained().retriever, factors, 12)
    found = cascade.retrieve(Histories.from_lists([[], [1, 2]]))
    ranked = cascade.rank(Histories.from_lists([[], [1, 2]]), found)
    assert ranked.items[0].tolist() == found.items[0].tolist()
    assert experiment.answer(experiment.Artefact(cascade, "mmr"), {"history": [], "k": 3, "diversity": 0.0})["list"]
