"""TIGER's encoder-decoder: every answer a real product, probabilities that belong together, a pattern learned."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as draw

from course_lib.data.histories import Histories, Holdout
from course_lib.errors import CourseError
from course_lib.evaluation.protocol import summarise
from course_lib.experiments.product_words import Words
from course_lib.experiments.tiger import Artefact, Trainer, answer, build, frame_steps, ranks, search
from course_lib.models.code_trie import Trie
from course_lib.models.tiger import TigerModel

SIZES = (4, 3, 2)
EVERY = np.array(list(itertools.product(*(range(size) for size in SIZES))))
SMALL = {"width": 16, "layers": 1, "heads": 2, "history_length": 4, "batch_size": 32, "rate": 0.01, "epochs": 12}


def made(words: np.ndarray = EVERY, seed: int = 1, **more: Any) -> Artefact:
    """An untrained model of a small catalogue."""
    model = build(Words(words, SIZES), {**SMALL, **more}, seed)
    return Artefact(model, Trie(words, SIZES))


def ask(artefact: Artefact, history: list[int], **more: Any) -> dict[str, Any]:
    return answer(artefact, {"history": history, "k": 10, "beam": 20, "temperature": 1.0, **more})


@settings(deadline=None, max_examples=15)
@given(draw.lists(draw.integers(0, len(EVERY) - 1), min_size=2, unique=True), draw.integers(0, 3), draw.integers(1, 30))
def test_every_answer_is_a_real_product_and_none_comes_twice(some: list[int], seed: int, beam: int) -> None:
    artefact = made(EVERY[some], seed)
    history = [1 + n % len(some) for n in range(3)]
    for asked in ([], history):
        listed = [one["item"] for one in ask(artefact, asked, beam=beam)["list"]]
        assert listed
        assert len(set(listed)) == len(listed)
        assert set(listed) <= set(range(1, len(some) + 1))


def test_the_whole_catalogue_has_probability_one() -> None:
    """Each level's softmax is over that level's codes, so all words together are certain."""
    found = search(made(), Histories.from_lists([[], [3, 5], [1, 2, 3, 4, 5, 6]]), len(EVERY))
    assert torch.allclose(found.scores.exp().sum(1), torch.ones(3), atol=1e-5)


def test_a_history_means_the_same_beside_longer_ones() -> None:
    """Padding is not read."""
    artefact = made()
    alone = search(artefact, Histories.from_lists([[7, 2]]), 5)
    beside = search(artefact, Histories.from_lists([[7, 2], [1, 2, 3, 4], []]), 5)
    assert torch.equal(alone.items[0], beside.items[0])
    assert torch.allclose(alone.scores[0], beside.scores[0], atol=1e-5)


def test_writing_and_learning_agree_on_a_word() -> None:
    """Code after code in a beam has the scores that the loss sees at once, before each level is normalised alone."""
    artefact = made()
    model, items = artefact.model.eval(), torch.tensor([[3, 5]])
    with torch.inference_mode():
        tokens, mask = model.read(items)
        wanted = model.tokens(model.words[torch.tensor([9])])
        start = torch.cat([wanted.new_zeros(1, 1), wanted[:, :-1]], 1)
        every = model.t5(input_ids=tokens, attention_mask=mask, decoder_input_ids=start).logits[0]
        writing = model.after(Histories.from_lists([[3, 5]]))
        state = writing.wanted[:, None]
        for level, size in enumerate(SIZES):
            begin = model.begins[level]
            assert torch.allclose(writing.logits(level, state)[0, 0], every[level, begin : begin + size], atol=1e-5)
            state = writing.after(level, state, model.words[9, level].reshape(1, 1))


def test_weights_are_kept_once_and_come_back() -> None:
    model = made().model
    weights = model.state_dict()
    assert sum("embed_tokens" in name or "lm_head" in name for name in weights) == 0
    again = TigerModel.from_weights(weights)
    asked = Histories.from_lists([[1, 2, 3]])
    one, other = (search(Artefact(each, Trie(EVERY, SIZES)), asked, 5) for each in (model, again))
    assert torch.equal(one.scores, other.scores)
    assert again.t5.lm_head.weight is again.t5.shared.weight


def test_a_pattern_is_learned() -> None:
    """Item n + 1 follows item n: after training it stands first."""
    count = len(EVERY)
    histories = [[(start + n) % count + 1 for n in range(6)] for start in range(count)] * 4
    artefact = made()
    trainer = Trainer(artefact.model, Histories.from_lists(histories), SMALL, 1)
    for _ in range(SMALL["epochs"]):
        events = list(trainer.epoch([trainer.steps_per_epoch]))
        assert all(event["loss"] > 0 for event in events)
    assert trainer.progress.losses[-1] < 0.7 * trainer.progress.losses[0]
    asked = Holdout(np.arange(count), Histories.from_lists([[n, n % count + 1] for n in range(1, count + 1)]),
                    np.array([(n + 1) % count + 1 for n in range(1, count + 1)], np.int32))  # fmt: skip
    assert summarise(ranks(artefact, asked, 20))["ndcg@10"]["value"] > 0.5, "an untrained one has .19"


def test_every_purchase_is_a_target_once_an_epoch_and_sees_its_own_past_only() -> None:
    train = Histories.from_lists([[1, 2, 3], [], [4, 5, 6, 7, 8, 9], [10]])
    trainer = Trainer(made().model, train, {**SMALL, "batch_size": 8}, 1)
    drawn = np.concatenate(list(trainer.batches(0)))
    assert sorted(drawn.tolist()) == list(range(10))
    assert not np.array_equal(drawn, np.concatenate(list(trainer.batches(1))))
    assert trainer.begun.tolist() == [0, 0, 0, 3, 3, 3, 3, 3, 3, 9]


def test_products_that_it_does_not_know_are_refused() -> None:
    with pytest.raises(CourseError) as caught:
        ask(made(), [1, 999])
    assert caught.value.key == "unknown_items"


def test_frames_stand_close_in_the_first_epoch() -> None:
    assert frame_steps(16, 3) == [0, 4, 8, 16, 32, 48]
