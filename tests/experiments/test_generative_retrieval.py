"""Generative retrieval on the shop: every answer a real product, learned or not, and what is refused."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as draw

from course_lib.data import registry
from course_lib.data.dataset import Address, Dataset
from course_lib.data.histories import Histories
from course_lib.data.splits import leave_one_out
from course_lib.errors import CourseError
from course_lib.experiments import generative_retrieval
from course_lib.experiments.config import RunConfig
from course_lib.experiments.events import Folder
from course_lib.experiments.product_words import CODES, Words, product_words
from course_lib.models.code_head import LENGTH, CodeHead, CodeModel
from course_lib.models.code_trie import Beams, Trie, beam_search, beam_tree

SIZES, WIDTH = (4, 3, 3), 8
EVERY = list(itertools.product(*(range(size) for size in SIZES)))  # all words there can be
ASKED = {"history": [3, 1, 2], "k": 10, "beam": 20, "trie": "on", "temperature": 1.0}

some_words = draw.lists(draw.sampled_from(EVERY), min_size=1, max_size=len(EVERY), unique=True)
seeds = draw.integers(0, 9)


def a_head(seed: int) -> CodeHead:
    """An untrained head whose scores differ clearly."""
    torch.manual_seed(seed)
    head = CodeHead(SIZES, WIDTH).eval()
    for parameter in head.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    return head


def wanted(seed: int, shoppers: int = 3) -> torch.Tensor:
    return torch.randn(shoppers, WIDTH, generator=torch.Generator().manual_seed(seed))


def found(words: Sequence[Sequence[int]], seed: int, beam: int, **more: Any) -> Beams:
    return beam_search(a_head(seed), wanted(seed), Trie(np.array(words), SIZES), beam, **more)


# The trie


@given(some_words)
def test_a_trie_has_the_words_of_its_products_and_no_others(words: list[tuple[int, ...]]) -> None:
    trie = Trie(np.array(words), SIZES)
    for word in EVERY:
        node = torch.tensor(0)
        for table, code in zip(trie.child, word, strict=True):
            node = table[node.long(), code]
        expected = words.index(word) + 1 if word in words else 0
        assert int(trie.items[node.long()]) == expected


@given(some_words)
def test_every_beginning_in_the_trie_goes_on(words: list[tuple[int, ...]]) -> None:
    for table in Trie(np.array(words), SIZES).child:
        assert (table[:-1] >= 0).any(1).all()
        assert (table[-1] < 0).all(), "from outside there is no way back"


def test_two_products_with_one_word_are_refused() -> None:
    with pytest.raises(ValueError, match="2 different words"):
        Trie(np.array([[0, 0, 0], [1, 0, 0], [0, 0, 0]]), SIZES)


# The beam


@settings(deadline=None, max_examples=50)
@given(some_words, seeds, draw.integers(1, 40))
def test_every_answer_is_a_real_product_and_none_comes_twice(
    words: list[tuple[int, ...]], seed: int, beam: int
) -> None:
    beams = found(words, seed, beam)
    for items, scores in zip(beams.items.tolist(), beams.scores.tolist(), strict=True):
        there = [item for item, score in zip(items, scores, strict=True) if score > -math.inf]
        assert all(1 <= item <= len(words) for item in there)
        assert len(set(there)) == len(there) >= 1
        assert len(there) <= beam
        assert scores == sorted(scores, reverse=True)
        assert not any(items[len(there) :]), "where no beam is, there is no product"
    assert (beams.invalid() == 0).all()


@settings(deadline=None, max_examples=50)
@given(some_words, seeds, draw.sampled_from([1.0, 0.3, 4.0]))
def test_a_beam_as_wide_as_the_catalogue_is_the_exhaustive_list(
    words: list[tuple[int, ...]], seed: int, temperature: float
) -> None:
    beams, head = found(words, seed, len(EVERY), temperature=temperature), a_head(seed).requires_grad_(False)
    for row, state in enumerate(wanted(seed)):
        scores = []
        for word in words:
            now, score = state, 0.0
            for level, code in enumerate(word):
                score += float((head.logits(level, now) / temperature).log_softmax(-1)[code])
                if level + 1 < len(word):
                    now = head.after(level, now, torch.tensor(code))
            scores.append(score)
        listed = beams.items[row][: len(words)].tolist()
        assert sorted(listed) == list(range(1, len(words) + 1))
        assert [scores[item - 1] for item in listed] == pytest.approx(sorted(scores, reverse=True), abs=1e-3)
        assert beams.scores[row][: len(words)].tolist() == pytest.approx(sorted(scores, reverse=True), abs=1e-3)


@settings(deadline=None, max_examples=50)
@given(some_words, seeds)
def test_without_the_trie_every_word_is_written_and_those_of_nobody_are_known(
    words: list[tuple[int, ...]], seed: int
) -> None:
    beams = found(words, seed, len(EVERY), bound=False)
    assert beams.scores.exp().sum(1).tolist() == pytest.approx([1.0] * 3, abs=1e-4)
    assert beams.invalid().tolist() == pytest.approx([1 - len(words) / len(EVERY)] * 3)
    assert [sorted(filter(None, row)) for row in beams.items.tolist()] == [list(range(1, len(words) + 1))] * 3


@settings(deadline=None, max_examples=50)
@given(some_words, seeds, draw.integers(1, 40), draw.booleans())
def test_a_tree_has_parents_before_children_and_their_beginnings(
    words: list[tuple[int, ...]], seed: int, beam: int, bound: bool
) -> None:
    beams = found(words, seed, beam, bound=bound)
    nodes = beam_tree(beams, 0, 5)
    leaves = [node for node in nodes if "item" in node]
    assert len(leaves) == min(5, int(beams.scores[0].isfinite().sum()))
    assert sorted((node["item"] or 0 for node in leaves), key=str) == sorted(
        beams.items[0][: len(leaves)].tolist(), key=str
    )
    assert len({tuple(node["prefix"]) for node in nodes}) == len(nodes)
    for number, node in enumerate(nodes):
        assert node["valid"] == any(word[: len(node["prefix"])] == tuple(node["prefix"]) for word in words)
        if node["parent"] is None:
            assert len(node["prefix"]) == 1
        else:
            assert node["parent"] < number
            assert nodes[node["parent"]]["prefix"] == node["prefix"][:-1]
            assert node["score"] <= nodes[node["parent"]]["score"] + 1e-5
    if bound:
        assert all(words[leaf["item"] - 1] == tuple(leaf["prefix"]) for leaf in leaves)


def test_a_trie_without_products_ends_without_an_answer() -> None:
    beams = found(np.empty((0, 3), np.int64), 0, 5)  # type: ignore[arg-type]
    assert not beams.scores.isfinite().any()
    assert not beams.items.any()
    assert beam_tree(beams, 0, 5) == []
    assert beams.ranks(torch.tensor([1, 2, 3]), 99).tolist() == [99, 99, 99]


def test_a_trie_of_some_products_answers_with_their_numbers() -> None:
    trie = Trie(np.array([[0, 0, 1], [3, 2, 0]]), SIZES, np.array([7, 40]))
    beams = beam_search(a_head(0), wanted(0), trie, 10)
    assert [sorted(filter(None, row)) for row in beams.items.tolist()] == [[7, 40]] * 3


# Words


@pytest.fixture(scope="module")
def shop() -> Dataset:
    return registry.load(registry.resolve("shop", "tiny"))


@pytest.fixture(scope="module")
def made(shop: Dataset) -> dict[str, Words]:
    """The shop's words of each kind."""
    return {ids: product_words(shop, ids, 1) for ids in ("semantic", "behaviour", "taxonomy", "random")}


@pytest.mark.parametrize("ids", ["semantic", "behaviour", "taxonomy", "random"])
def test_every_product_has_a_word_of_its_own(ids: str, shop: Dataset, made: dict[str, Words]) -> None:
    words = made[ids]
    assert len(np.unique(words.codes, axis=0)) == shop.num_items
    assert ((words.codes >= 0) & (words.codes < np.array(words.sizes))).all()


def test_random_words_are_the_semantic_ones_dealt_out_anew(shop: Dataset, made: dict[str, Words]) -> None:
    semantic, random = made["semantic"], made["random"]
    assert np.array_equal(semantic.codes, product_words(shop, "semantic", 1).codes)
    assert sorted(map(tuple, semantic.codes)) == sorted(map(tuple, random.codes))
    assert (semantic.codes != random.codes).any(1).mean() > 0.9


def test_the_first_code_of_a_catalogue_word_is_the_type(shop: Dataset, made: dict[str, Words]) -> None:
    first = made["taxonomy"].codes[:, 0]
    assert len(set(zip(first, shop.items["product_type"], strict=True))) == shop.items["product_type"].nunique()


def test_words_by_behaviour_know_nothing_of_held_out_purchases(shop: Dataset, made: dict[str, Words]) -> None:
    """Whatever everybody's last two purchases are, the words stay; those of what is learned from do not."""
    place = shop.events.groupby("user_id").cumcount(ascending=False)
    other = shop.num_items + 1 - shop.events["item_id"]
    held_out = shop.events.assign(item_id=shop.events["item_id"].where(place >= 2, other))
    learned = shop.events.assign(item_id=shop.events["item_id"].where(place < 2, other))
    same, different = (
        product_words(Dataset(shop.address, events, shop.items), "behaviour", 1) for events in (held_out, learned)
    )
    assert np.array_equal(made["behaviour"].codes, same.codes)
    assert not np.array_equal(made["behaviour"].codes, different.codes)


def test_products_that_are_bought_together_begin_alike(shop: Dataset, made: dict[str, Words]) -> None:
    """Neighbours in training histories share the first code more often than any two products do."""
    train = leave_one_out(shop).train
    pairs = np.array([pair for history in train for pair in itertools.pairwise(history.tolist())]) - 1
    first = made["behaviour"].codes[:, 0]
    near = (first[pairs[:, 0]] == first[pairs[:, 1]]).mean()
    chance = (first[pairs[:, 0]] == first[np.random.default_rng(0).permutation(pairs[:, 1])]).mean()
    assert near > 2 * chance


def changed(shop: Dataset, products: int | None = None, **columns: Any) -> Dataset:
    """The shop with other columns, and with only its first products."""
    items = shop.items.assign(**columns)
    return Dataset(Address("odd", "all", "0" * 12), shop.events, items if products is None else items.head(products))


@pytest.mark.parametrize(
    ("ids", "columns", "products", "key"),
    [
        ("semantic", {"title_zh": "", "title_en": None}, None, "words_no_titles"),
        ("random", {"title_zh": "", "title_en": None}, None, "words_no_titles"),
        ("semantic", {"title_zh": "7", "title_en": "7", "item_code": 7}, None, "words_no_titles"),  # codes for titles
        ("behaviour", {}, CODES - 1, "catalogue_below_codebook"),
        ("taxonomy", {"product_type": None}, None, "no_types"),
        ("semantic", {}, CODES - 1, "catalogue_below_codebook"),
        ("taxonomy", {"product_type": "x", "brand": None, "price": np.nan}, None, "words_too_alike"),
    ],
)
def test_what_gives_no_words_is_refused_in_a_sentence(
    ids: str, columns: dict[str, Any], products: int | None, key: str, shop: Dataset
) -> None:
    with pytest.raises(CourseError) as caught:
        product_words(changed(shop, products, **columns), ids, 1)
    assert caught.value.key == key
    for language in ("zh", "en"):
        assert "odd" in caught.value.text(language)


# Runs


def run(home: Path, seed: int = 1, **chosen: Any) -> dict[str, Any]:
    """A small run on the smallest shop, with the words that are made soonest; its result."""
    small = {"ids": "taxonomy", "epochs": 2, "width": 16}
    config = RunConfig.make("generative_retrieval", {"dataset": ("shop", "tiny")}, {**small, **chosen}, seed=seed)
    *_, last = generative_retrieval.run(config, Folder(home))
    assert last["kind"] == "result"
    return dict(last)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of one run."""
    folder = tmp_path_factory.mktemp("generative")
    run(folder)
    return folder


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of one that has learned something: few shoppers, but many epochs."""
    folder = tmp_path_factory.mktemp("learned")
    run(folder, epochs=12, width=32)
    return folder


def last_frame(home: Path) -> int:
    return max(int(path.name) for path in (home / "frames").iterdir())


def test_training_teaches_it_to_write_products(learned: Path) -> None:
    folder = Folder(learned)
    first, last = folder.view(0), folder.view(last_frame(learned))
    assert first["invalid"] > 0.9
    assert last["invalid"] < 0.7
    assert last["ndcg@10"] > first["ndcg@10"] + 0.1
    assert all(after < before for before, after in zip(first["losses"], last["losses"], strict=True))
    assert first["beams"] == []
    assert [one["beam"] for one in last["beams"] if "ndcg@10" in one] == [1, 5, 10, 20]
    assert [one["beam"] for one in last["beams"] if "invalid" in one] == [10, 20, 50, 100]


def test_a_frame_opens_the_model_as_it_was(home: Path) -> None:
    first, end = (generative_retrieval.answer(generative_retrieval.open(home, at), ASKED) for at in (0, None))
    last = generative_retrieval.answer(generative_retrieval.open(home, last_frame(home)), ASKED)
    assert first["list"] != end["list"]
    assert last == end


def test_an_untrained_model_with_the_trie_names_products_and_without_it_none(home: Path) -> None:
    artefact = generative_retrieval.open(home, 0)
    assert len(generative_retrieval.answer(artefact, ASKED)["list"]) == 10
    free = generative_retrieval.answer(artefact, {**ASKED, "trie": "off"})
    assert free["invalid"] >= 18
    assert len(free["tree"]) > 20
    assert any(not node["valid"] for node in free["tree"])


@settings(deadline=None, max_examples=25)
@given(
    history=draw.lists(draw.integers(1, 1260), max_size=30), k=draw.integers(1, 100), beam=draw.integers(1, 100),
    trie=draw.sampled_from(["on", "off"]), temperature=draw.floats(0.1, 5),
)  # fmt: skip
def test_any_question_has_an_answer_of_different_products(home: Path, history: list[int], **asked: Any) -> None:
    answer = generative_retrieval.answer(generative_retrieval.open(home, None), {"history": history, **asked})
    items = [one["item"] for one in answer["list"]]
    assert len(set(items)) == len(items) <= asked["k"]
    if asked["trie"] == "on":
        assert len(items) == min(asked["k"], asked["beam"])
        assert answer["invalid"] == 0
    scores = [one["score"] for one in answer["list"]]
    assert scores == sorted(scores, reverse=True)
    assert all(one["p"] == pytest.approx(math.exp(one["score"]), rel=1e-3, abs=1e-30) for one in answer["list"])


def test_a_temperature_makes_the_list_flatter_or_steeper(home: Path) -> None:
    artefact = generative_retrieval.open(home, None)
    best = [generative_retrieval.answer(artefact, {**ASKED, "temperature": t})["list"][0]["p"] for t in (0.2, 1.0, 5.0)]
    assert best == sorted(best, reverse=True)


def test_of_a_long_history_the_last_places_are_read(home: Path) -> None:
    artefact, long = generative_retrieval.open(home, None), [1 + n % 1260 for n in range(1000)]
    whole, end = (generative_retrieval.answer(artefact, {**ASKED, "history": one}) for one in (long, long[-LENGTH:]))
    assert whole == end


def test_without_a_history_what_is_bought_most_comes_first(learned: Path, shop: Dataset) -> None:
    bought = np.bincount(leave_one_out(shop).train.items, minlength=shop.num_items + 1)
    artefact = generative_retrieval.open(learned, None)
    listed = generative_retrieval.answer(artefact, {**ASKED, "history": []})["list"]
    assert bought[[one["item"] for one in listed]].mean() > 2 * bought[1:].mean()


def test_padding_changes_no_answer(home: Path) -> None:
    model = generative_retrieval.open(home, None).model
    alone, beside = (model.wanted(Histories.from_lists(lists)) for lists in ([[5, 6]], [[5, 6], list(range(1, 15))]))
    assert torch.allclose(alone[0], beside[0], atol=1e-5)


def test_products_that_are_not_there_are_named(home: Path) -> None:
    with pytest.raises(CourseError) as caught:
        generative_retrieval.answer(generative_retrieval.open(home, None), {**ASKED, "history": [1, 1261]})
    assert caught.value.key == "unknown_items"
    assert "1261" in caught.value.text("zh")


def test_the_same_seed_gives_the_same_run_and_another_one_not(home: Path, tmp_path: Path) -> None:
    run(tmp_path / "again")
    run(tmp_path / "other", seed=2)
    again, other = (generative_retrieval.open(tmp_path / name, None).model.state_dict() for name in ("again", "other"))
    for name, tensor in generative_retrieval.open(home, None).model.state_dict().items():
        assert torch.equal(tensor, again[name]), name
    assert not torch.equal(again["nothing"], other["nothing"])


def test_without_the_trie_words_of_nobody_take_places(tmp_path: Path) -> None:
    bound, free = (run(tmp_path / trie, trie=trie)["measures"] for trie in ("on", "off"))
    assert free["invalid"] == bound["invalid"]
    assert free["ndcg@10"]["value"] <= bound["ndcg@10"]["value"]


def test_a_rate_that_is_too_high_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    forward = CodeModel.forward

    def astray(self: CodeModel, ids: torch.Tensor) -> tuple[torch.Tensor, list[torch.Tensor]]:
        wanted, attention = forward(self, ids)
        return wanted * float("nan") if self.training else wanted, attention

    monkeypatch.setattr(CodeModel, "forward", astray)
    with pytest.raises(CourseError) as caught:
        run(tmp_path)
    assert caught.value.key == "training_diverged"
    assert caught.value.text("zh") != caught.value.text("en")
