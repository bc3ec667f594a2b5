"""The query encoder: what it is before training, what it reads, and that it learns a planted click."""

from __future__ import annotations

import pytest
import torch

from course_lib.models.query_encoder import RUNS, QueryEncoder, padded_runs, runs_of


def test_before_training_meaning_is_the_encoders_own() -> None:
    vectors = torch.nn.functional.normalize(torch.randn(3, 8, generator=torch.Generator().manual_seed(0)), dim=1)
    found = QueryEncoder(8, 4, "meaning")(vectors, torch.zeros(3, 1, dtype=torch.long))
    torch.testing.assert_close(found, vectors)


@pytest.mark.parametrize(("reads", "width"), [("both", 12), ("meaning", 8), ("letters", 4)])
def test_vectors_have_length_one(reads: str, width: int) -> None:
    torch.manual_seed(0)
    found = QueryEncoder(8, 4, reads)(torch.eye(8)[:3], padded_runs(["a", "ball", "篮球"]))
    assert found.shape == (3, width)
    torch.testing.assert_close(found.norm(dim=1), torch.ones(3))


def test_a_slip_spares_most_runs() -> None:
    right, slip, other = (set(runs_of(one)) for one in ("basketball", "baksetball", "detergent"))
    assert len(right & slip) > 2 * len(right & other)
    assert max(right) <= RUNS


def test_no_letter_is_no_nan() -> None:
    torch.manual_seed(0)
    found = QueryEncoder(8, 4, "letters")(torch.zeros(1, 8), torch.zeros(1, 3, dtype=torch.long))
    assert torch.isfinite(found).all()


def test_clicks_bring_a_query_near_its_product() -> None:
    torch.manual_seed(0)
    net = QueryEncoder(8, 8, "letters")
    queries, titles = padded_runs(["hoops", "soap"]), padded_runs(["basketball 7", "detergent 1L"])
    optimizer = torch.optim.Adam(net.parameters(), 0.05)
    for _ in range(40):
        found = net(torch.zeros(2, 8), queries) @ net(torch.zeros(2, 8), titles).T * net.scale.exp()
        loss = torch.nn.functional.cross_entropy(found, torch.tensor([0, 1]))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    unseen = net(torch.zeros(1, 8), padded_runs(["hoop"])) @ net(torch.zeros(2, 8), titles).T
    assert unseen[0, 0] > unseen[0, 1], "a word that shares its runs goes with it"
