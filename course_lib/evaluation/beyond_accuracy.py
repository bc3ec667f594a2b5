"""Metrics of lists beyond accuracy: how much they reach, how new, varied, surprising and fair they are.

    lists                                     # (N, K) item ids, best first; 0 is an empty place
    coverage(lists, V)                        # share of the catalogue that stands in anybody's list
    gini(appearances(lists, V))               # how unequally products are recommended
    novelty(lists, buyers(histories, V), N)   # (N,) bits: mean self-information
    intra_list_distance(lists, features)      # (N,) mean distance of two products of the list
    serendipity(lists, targets, counts)       # (N,) hits that popularity would not have made
    miscalibration(wanted, given)             # (N,) nats: how far the list is from the tastes in the history
    popularity_lift(...)                      # by group: how much more popular the list is than the history

Every function says which definition it has: under most of these names the literature has several. An empty place counts
for nothing, and a list without products has the value 0. Overviews: Kaminskas & Bridge, Diversity, Serendipity,
Novelty, and Coverage, TiiS 2016; Castells, Hurley & Vargas, Novelty and Diversity in Recommender Systems, 2015.

Legend: N shoppers, K places, V products, G categories, F features.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_lib.data.histories import Histories

Ids = NDArray[np.integer]
Values = NDArray[np.float64]
ALPHA = 0.01  # of the wanted proportions mixed into the given ones, as in Steck's paper
POPULAR = 0.2  # share of the catalogue, the most bought, that counts as popular
GROUPS = ("niche", "diverse", "blockbuster")  # by the share of popular products in a shopper's history
EDGE = 0.2  # share of the shoppers in the first and in the last group


def checked(lists: ArrayLike, num_items: int) -> NDArray[np.int64]:
    """``lists`` (N, K) as integers; raises ValueError for another shape or ids outside 0..``num_items``."""
    found = np.asarray(lists)
    if found.ndim != 2 or not np.issubdtype(found.dtype, np.integer):
        raise ValueError(f"lists {found.shape} of {found.dtype} must be item ids, (N, K)")
    if found.size and (found.min() < 0 or found.max() > num_items):
        raise ValueError(f"lists hold {found.min()}..{found.max()}; expected 0..{num_items}, 0 for an empty place")
    return found.astype(np.int64)


# The catalogue as a whole


def appearances(lists: ArrayLike, num_items: int) -> NDArray[np.int64]:
    """(V,) in how many places each product stands, item i at i - 1.

    >>> appearances([[2, 1], [2, 0]], 3).tolist()
    [1, 2, 0]
    """
    return np.bincount(checked(lists, num_items).ravel(), minlength=num_items + 1)[1:]


def coverage(lists: ArrayLike, num_items: int) -> float:
    """Share of the catalogue that stands in at least one list: aggregate diversity, divided by V.

    Source: Adomavicius & Kwon, Improving Aggregate Recommendation Diversity, TKDE 2012.

    >>> coverage([[2, 1], [2, 0]], 4)
    0.5
    """
    return float((appearances(lists, num_items) > 0).mean())


def gini(counts: ArrayLike) -> float:
    """The Gini coefficient of ``counts`` (V,): 0 where all are equal, (V - 1) / V where one product has everything.

    G = sum over i of (2 i - V - 1) x_i / (V sum x), x in rising order, i from 1. Products with 0 count. It falls as
    the total grows, even where nothing else changes: a hundred sales cannot reach a thousand products. Two models are
    to be compared at equal totals, see :func:`thinned`. Nothing counted is 0 by convention.
    Source: Fleder & Hosanagar, Blockbuster Culture's Next Rise or Fall, Management Science 2009.

    >>> gini([1, 1, 1, 1]), gini([0, 0, 0, 5])
    (0.0, 0.75)
    """
    numbers = np.sort(np.asarray(counts, np.float64))
    if numbers.ndim != 1 or not len(numbers) or not np.isfinite(numbers).all() or numbers[0] < 0:
        raise ValueError("counts must be one finite number from 0 on for each product, at least one")
    total, size = numbers.sum(), len(numbers)
    return float((2 * np.arange(1, size + 1) - size - 1) @ numbers / (size * total)) if total else 0.0


def thinned(counts: ArrayLike, total: int, seed: int = 0) -> NDArray[np.int64]:
    """(V,) ``total`` of the units in ``counts`` (V,), drawn without replacement: as if fewer had been sold.

    All of them where there are no more. The same draw for the same ``seed``. Source of the idea: rarefaction, Sanders,
    Marine Benthic Diversity, American Naturalist 1968.

    >>> thinned([3, 0, 2], 5).tolist()
    [3, 0, 2]
    """
    numbers = np.asarray(counts, np.int64)
    if total >= numbers.sum():
        return numbers
    drawn: NDArray[np.int64] = np.random.default_rng(seed).multivariate_hypergeometric(
        numbers, total, method="marginals"
    )
    return drawn


# Each list


def _mean(of_places: Values, lists: NDArray[np.int64]) -> Values:
    """(N,) mean of (N, K) over the filled places."""
    filled = lists > 0
    return np.asarray(np.where(filled, of_places, 0.0).sum(1) / np.maximum(filled.sum(1), 1), np.float64)


def buyers(histories: Histories, num_items: int) -> NDArray[np.int64]:
    """(V + 1,) how many shoppers have bought each product; at 0 nobody."""
    owner = np.repeat(np.arange(len(histories), dtype=np.int64), histories.lengths)
    pairs = np.unique(owner * (num_items + 1) + histories.items)
    found = np.bincount(pairs % (num_items + 1), minlength=num_items + 1)
    found[0] = 0
    return found


def novelty(lists: ArrayLike, bought_by: ArrayLike, shoppers: int) -> Values:
    """(N,) mean self-information of a list's products, in bits: -log2 of the share of shoppers who know each.

    ``bought_by`` (V + 1,) as :func:`buyers`; a product that nobody has bought counts as bought by one. 0 where
    everybody has bought everything in the list. Source: Zhou et al., Solving the apparent diversity-accuracy dilemma of
    recommender systems, PNAS 2010; the mean inverse user frequency of RecTools.

    >>> novelty([[1, 2]], [0, 4, 1], shoppers=4).tolist()  # known to all: 0 bits; to one of four: 2
    [1.0]
    """
    known = np.maximum(np.asarray(bought_by, np.float64), 1.0)
    rows = checked(lists, len(known) - 1)
    if shoppers < 1 or known.max() > shoppers:
        raise ValueError(f"a product is bought by {known.max():.0f} of {shoppers} shoppers")
    return _mean(-np.log2(known / shoppers)[rows], rows)


def intra_list_distance(lists: ArrayLike, features: ArrayLike) -> Values:
    """(N,) mean distance of two products of a list: the share of their features that differ; 0 for fewer than two.

    ``features`` (V + 1, F) numbers; row 0 is not read. The distance is Hamming's, divided by F. With department and
    type: 0 within a type, 1/2 within a department, else 1. Source: Ziegler et al., Improving Recommendation Lists
    Through Topic Diversification, WWW 2005 (there as similarity); RecTools' intra-list diversity is F times this.

    >>> intra_list_distance([[1, 2, 3]], [[0, 0], [1, 1], [1, 2], [2, 3]]).round(3).tolist()  # (1/2 + 1 + 1) / 3
    [0.833]
    """
    table = np.asarray(features)
    rows = checked(lists, len(table) - 1)
    if table.ndim != 2 or not table.shape[1]:
        raise ValueError(f"features {table.shape} must be (V + 1, F) with F from 1 on")
    total, pairs = np.zeros(len(rows)), np.zeros(len(rows))
    for one in range(rows.shape[1]):
        for other in range(one + 1, rows.shape[1]):
            both = (rows[:, one] > 0) & (rows[:, other] > 0)
            total += np.where(both, (table[rows[:, one]] != table[rows[:, other]]).mean(1), 0.0)
            pairs += both
    return np.asarray(total / np.maximum(pairs, 1), np.float64)


def popularity_ranks(counts: ArrayLike) -> NDArray[np.int64]:
    """(V + 1,) place of each product by ``counts`` (V + 1,), 1 the most bought; equals share one, none is left out.

    0 for what was never bought, and for padding.

    >>> popularity_ranks([0, 5, 9, 5, 0, 1]).tolist()
    [0, 2, 1, 2, 0, 3]
    """
    numbers = np.asarray(counts, np.int64)
    known = np.unique(numbers[1:][numbers[1:] > 0])
    ranks = len(known) - np.searchsorted(known, numbers)
    return np.where((numbers > 0) & (np.arange(len(numbers)) > 0), ranks, 0)


def serendipity(lists: ArrayLike, targets: ArrayLike, counts: ArrayLike) -> Values:
    """(N,) hits weighed by how little popularity explains them; the mean over a list's places.

    For a product at place i (from 1) of popularity rank r: max(p - p_any, 0) if it is the target, else 0, where p = (V
    + 1 - i) / V is how strongly it is recommended to this shopper and p_any = (V + 1 - r) / V how strongly to anybody;
    p_any is 0 for what nobody has bought. So a hit counts by how much higher it stands than among the bestsellers.
    This is RecTools' definition; "unexpected and relevant" follows Ge, Delgado-Battenfeld & Jannach, Beyond Accuracy,
    RecSys 2010. It needs a target, and a surprise that nobody took is worth nothing in it.

    ``targets`` (N,) item ids; ``counts`` (V + 1,) purchases of each product.
    """
    ranks = popularity_ranks(counts)
    size = len(ranks) - 1
    rows = checked(lists, size)
    wanted = np.asarray(targets, np.int64)
    if wanted.shape != rows.shape[:1]:
        raise ValueError(f"lists {rows.shape} and targets {wanted.shape} must have the same N")
    own = (size + 1 - np.arange(1, rows.shape[1] + 1)) / size
    anybody = np.where(ranks > 0, (size + 1 - ranks) / size, 0.0)[rows]
    hit = (rows == wanted[:, None]) & (rows > 0)
    return _mean(np.maximum(own - anybody, 0.0) * hit, rows)


# Calibration


def proportions(lists: ArrayLike, kind: ArrayLike, kinds: int) -> Values:
    """(N, G) share of each category in each row of ``lists`` (N, K); zeros for an empty one.

    ``kind`` (V + 1,) the category of each product, 0..G - 1; row 0 is not read.

    >>> proportions([[1, 2, 1, 0]], [9, 0, 1], 2).round(3).tolist()
    [[0.667, 0.333]]
    """
    numbers = np.asarray(kind, np.int64)
    rows = checked(lists, len(numbers) - 1)
    owner, place = np.nonzero(rows > 0)
    counts = np.bincount(owner * kinds + numbers[rows[owner, place]], minlength=len(rows) * kinds)
    table = counts.reshape(len(rows), kinds)
    return np.asarray(table / np.maximum(table.sum(1, keepdims=True), 1), np.float64)


def history_proportions(histories: Histories, kind: ArrayLike, kinds: int) -> Values:
    """(N, G) as :func:`proportions`, of everything that each shopper has bought, each purchase counting the same."""
    numbers = np.asarray(kind, np.int64)
    owner = np.repeat(np.arange(len(histories)), histories.lengths)
    table = np.bincount(owner * kinds + numbers[histories.items], minlength=len(histories) * kinds)
    table = table.reshape(len(histories), kinds)
    return np.asarray(table / np.maximum(table.sum(1, keepdims=True), 1), np.float64)


def miscalibration(wanted: ArrayLike, given: ArrayLike, alpha: float = ALPHA) -> Values:
    """(N,) Kullback-Leibler divergence of a list's proportions from those of the history, in nats; 0 is calibrated.

    KL(p || q') = sum over g of p_g log(p_g / q'_g),  q' = (1 - alpha) q + alpha p

    ``wanted`` p and ``given`` q are (N, G); alpha keeps it finite where the list lacks a category. 0 for a shopper
    without a history. Source: Steck, Calibrated Recommendations, RecSys 2018.

    >>> miscalibration([[0.5, 0.5]], [[0.5, 0.5]]).tolist()
    [0.0]
    """
    p, q = np.asarray(wanted, np.float64), np.asarray(given, np.float64)
    if p.ndim != 2 or p.shape != q.shape or not 0 < alpha < 1:
        raise ValueError(f"wanted {p.shape} and given {q.shape} must both be (N, G), alpha {alpha} within 0..1")
    mixed = (1 - alpha) * q + alpha * p
    ratio = np.divide(p, mixed, out=np.ones_like(p), where=p > 0)
    return np.asarray((p * np.log(ratio)).sum(1), np.float64)


# Popularity bias


def taste_groups(histories: Histories, bought_by: ArrayLike) -> NDArray[np.int64]:
    """(N,) the group of GROUPS of each shopper: the fifth with the smallest share of popular products in what they have
    bought (each product once), the fifth with the largest, and everybody between. Equals go in the shoppers' order.

    Popular is the fifth of the catalogue that most have bought, ``bought_by`` (V + 1,) as :func:`buyers`.
    Source: Abdollahpouri et al., The Unfairness of Popularity Bias in Recommendation, RMSE at RecSys 2019.
    """
    numbers = np.asarray(bought_by, np.int64)
    best = np.argsort(-numbers[1:], kind="stable")[: max(1, round(POPULAR * (len(numbers) - 1)))] + 1
    popular = np.zeros(len(numbers))
    popular[best] = 1.0
    order = np.argsort(profile_means(histories, popular), kind="stable")
    edge = round(EDGE * len(order))
    groups = np.ones(len(order), np.int64)
    groups[order[:edge]] = 0
    groups[order[len(order) - edge :]] = 2
    return groups


def profile_means(histories: Histories, value: ArrayLike) -> Values:
    """(N,) mean of ``value`` (V + 1,) over the different products that each shopper has bought; 0 where none."""
    numbers = np.asarray(value, np.float64)
    owner = np.repeat(np.arange(len(histories), dtype=np.int64), histories.lengths)
    pairs = np.unique(owner * len(numbers) + histories.items)
    whose, which = np.divmod(pairs, len(numbers))
    total = np.bincount(whose, weights=numbers[which], minlength=len(histories))
    return np.asarray(total / np.maximum(np.bincount(whose, minlength=len(histories)), 1), np.float64)


def list_means(lists: ArrayLike, value: ArrayLike) -> Values:
    """(N,) mean of ``value`` (V + 1,) over each list's products; 0 for an empty one."""
    numbers = np.asarray(value, np.float64)
    rows = checked(lists, len(numbers) - 1)
    return _mean(numbers[rows], rows)


def popularity_lift(given: ArrayLike, had: ArrayLike, groups: ArrayLike) -> dict[str, float]:
    """By group of GROUPS: GAP_q / GAP_p - 1, how much more popular lists are than histories; groups without members
    are left out.

    GAP is the group's average popularity: the mean over its shoppers of the mean popularity of their products, in
    their lists for q (``given`` (N,), :func:`list_means`) and in their histories for p (``had``,
    :func:`profile_means`), both of the share of shoppers who bought each product. 0 is no bias, 1 twice as popular.
    Source: Abdollahpouri et al. 2019, as :func:`taste_groups`.
    """
    q, p, group = np.asarray(given, np.float64), np.asarray(had, np.float64), np.asarray(groups)
    found = {}
    for number, name in enumerate(GROUPS):
        own = group == number
        if own.any() and p[own].mean() > 0:
            found[name] = float(q[own].mean() / p[own].mean() - 1)
    return found
