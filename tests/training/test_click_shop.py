"""The front page's log as rows: what x and y are, who is held out, and the true clicks of a ranking."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from course_lib.data.columns import Columns
from course_lib.errors import CourseError
from course_lib.shop.front_page import Visitors, front_page
from course_lib.shop.published import shop
from course_lib.shop.slates import slate_log
from course_lib.shop.truth.slates import best_values, ranked_values
from course_lib.training import click_edits, click_main
from course_lib.training.click_main import PLACES, Log
from course_lib.training.click_shop import Case, click_case, kept

LEARNED, HELD = 300, 100


@pytest.fixture(scope="module")
def case() -> Case:
    return click_case(shop(), LEARNED, HELD)


def test_rows_are_those_of_the_log_and_nobody_is_on_both_sides(case: Case) -> None:
    log = slate_log(shop(), LEARNED + HELD)
    ours = log[log[Columns.USER] < LEARNED]
    assert len(case.train.clicked) == len(ours) == LEARNED * 18, "six visits of three products"
    assert case.items[case.train.product.numpy()].tolist() == ours[Columns.ITEM].tolist()
    assert (case.train.place.numpy() + 1).tolist() == ours[Columns.POSITION].tolist()
    assert case.train.clicked.bool().tolist() == ours[Columns.CLICK].tolist()
    assert case.train.shopper.tolist() == ours[Columns.USER].tolist()
    assert len(case.test.clicked) == HELD * 18
    assert case.test.shopper.max() == HELD - 1
    assert len(case.train.shares) == LEARNED
    assert len(case.test.shares) == HELD


def test_a_row_of_x_says_who_what_and_where(case: Case) -> None:
    x = click_main.make_x(case.train, case.n)
    T = case.train.shares.shape[1]
    assert case.n == T, "one product of each type: what the attention edit relies on"
    assert x.shape == (len(case.train.clicked), T + case.n + PLACES)
    row = 17
    assert x[row, :T].tolist() == case.train.shares[case.train.shopper[row]].tolist()
    assert x[row, :T].sum() == pytest.approx(1.0, abs=1e-5)
    assert x[row, T:].nonzero()[:, 0].tolist() == [int(case.train.product[row]), case.n + int(case.train.place[row])]


def test_a_rankings_worth_is_that_of_the_shops_truth(case: Case) -> None:
    """The truth's own function, which knows nothing of this file, says the same of the same slates."""
    scores = np.random.default_rng(0).random((LEARNED + HELD, case.n))
    top = np.argsort(-scores, axis=1, kind="stable")[:, :PLACES]

    def ranker(guests: Visitors) -> np.ndarray:
        rows = np.arange(guests.first, guests.first + len(guests.histories)) % (LEARNED + HELD)
        return top[rows]

    truth = ranked_values(shop(), ranker, LEARNED + HELD)[LEARNED:]
    assert case.worth(scores[LEARNED:]) == pytest.approx(truth)
    assert case.worth(case.attractive) == pytest.approx(best_values(shop(), LEARNED + HELD)[LEARNED:])


def test_another_shop_has_other_shoppers_and_the_same_products(case: Case) -> None:
    other = click_case(shop(), LEARNED, HELD, number=1)
    assert other.items.tolist() == case.items.tolist() == front_page(shop()).items.tolist()
    assert not torch.equal(other.train.shares, case.train.shares)


def test_what_was_counted_by_hand(case: Case) -> None:
    chosen = case.train.product == 5
    assert case.counted()[5] == pytest.approx(float(case.train.clicked[chosen].mean()))


def test_rows_that_are_kept(case: Case) -> None:
    slates = case.train.clicked.view(-1, PLACES)
    some = kept(case.train, "with_click")
    assert len(some.clicked) == PLACES * int((slates.sum(1) > 0).sum())
    assert some.clicked.sum() == case.train.clicked.sum()
    assert torch.equal(kept(case.train, "all").clicked, case.train.clicked)


@pytest.mark.parametrize(("which", "key"), [("clicks_only", "clicks_all"), ("without_click", "clicks_none")])
def test_rows_of_one_kind_are_refused_in_a_sentence(case: Case, which: str, key: str) -> None:
    with pytest.raises(CourseError) as caught:
        kept(case.train, which)
    assert caught.value.key == key
    assert all(str(caught.value.params["rows"]) in caught.value.text(language) for language in ("zh", "en"))


def test_random_negatives_are_four_a_click_from_the_whole_page(case: Case) -> None:
    drawn = click_edits.random_negatives(case.train, case.n, torch.Generator().manual_seed(0))
    clicks = int(case.train.clicked.sum())
    assert len(drawn.clicked) == 5 * clicks
    assert drawn.clicked.sum() == clicks
    assert drawn.product[drawn.clicked == 0].unique().numel() == case.n
    shoppers = case.train.shopper[case.train.clicked == 1]
    assert torch.equal(drawn.shopper, shoppers.repeat(5))


def test_the_network_is_the_documents_by_numpy() -> None:
    """256-128-64-1 with ReLU and a sigmoid at the end, written out."""
    torch.manual_seed(0)
    net, x = click_main.Net(20), torch.rand(7, 20)
    values = x.numpy()
    weights = [layer for layer in net.layers if isinstance(layer, torch.nn.Linear)]
    assert [layer.out_features for layer in weights] == [256, 128, 64, 1]
    for number, layer in enumerate(weights):
        values = values @ layer.weight.detach().numpy().T + layer.bias.detach().numpy()
        if number < 3:
            values = np.maximum(values, 0)
    p = 1 / (1 + np.exp(-values[:, 0]))
    assert torch.sigmoid(net(x)).detach().numpy() == pytest.approx(p, abs=1e-6)
    y = torch.tensor([1.0, 0, 0, 1, 0, 0, 0])
    loss, accuracy = click_main.evaluate(net, x, y)
    truth = y.numpy() == 1
    assert loss == pytest.approx(-np.log(np.where(truth, p, 1 - p)).mean(), abs=1e-5)
    assert accuracy == pytest.approx(((p > 0.5) == truth).mean())


def test_pairwise_by_hand_and_without_a_click() -> None:
    logits, y = torch.tensor([2.0, 0.0, 1.0]), torch.tensor([1.0, 0.0, 0.0])
    by_hand = (np.log1p(np.exp(-2.0)) + np.log1p(np.exp(-1.0))) / 2
    assert float(click_edits.pairwise(logits, y)) == pytest.approx(by_hand, abs=1e-6)
    assert float(click_edits.pairwise(logits, torch.zeros(3))) == 0


def test_attention_by_hand() -> None:
    torch.manual_seed(0)
    net, n = click_edits.Attention(4 + 4 + PLACES, width=2), 4
    shares, product, place = torch.tensor([0.5, 0.5, 0.0, 0.0]), 2, 1
    x = torch.cat([shares, torch.eye(n)[product], torch.eye(PLACES)[place]])[None]
    asks = net.query.weight[:, product]
    weight = shares * torch.exp(net.key @ asks)
    wanted = (weight / weight.sum()) @ net.value
    own = net.own.weight[0, product] + net.own.weight[0, n + place] + net.own.bias[0]
    assert net(x).item() == pytest.approx((asks @ wanted + own).item(), abs=1e-4)


def test_fit_learns_what_is_there_and_visits_each_row_once_an_epoch() -> None:
    random = torch.Generator().manual_seed(0)
    x = torch.rand(200, 3, generator=random)
    y = (x[:, 0] > 0.5).float()
    net = click_edits.Logistic(3)
    seen: list[int] = []

    def loss(logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        seen.append(len(target))
        return click_main.loss(logits, target)

    told = list(click_main.fit(net, loss, x, y, 60, 64, 0.05, random))
    assert seen[:4] == [64, 64, 64, 8]
    assert [epoch for epoch, _ in told][::4] == list(range(1, 61))
    assert click_main.evaluate(net, x, y)[1] > 0.95


def test_a_log_is_left_as_it_is(case: Case) -> None:
    log: Log = click_main.negatives(case.train, case.n, torch.Generator())
    assert log is case.train
