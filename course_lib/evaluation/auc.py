r"""AUC over one list, over all lists in one pot, and GAUC: the mean of the shoppers' own AUCs, weighted by impressions.

    AUC  = (right pairs + tied pairs / 2) / pairs        a pair: one relevant product and one that is not
    GAUC = \sum_u w_u AUC_u / \sum_u w_u                 w_u: how often shopper u was shown a product

The AUC is the chance that of such a pair the relevant product has the higher score (Hanley & McNeil, The meaning and
use of the area under a receiver operating characteristic (ROC) curve, Radiology 1982). Pooled over shoppers it also
compares products that were never in one list, so a model that only knows who buys much looks good. GAUC compares inside
a list alone (Zhu et al., Optimized Cost per Click in Taobao Display Advertising, KDD 2017).

Conventions, which the tests hold:

- Ties count half, so one score for everything gives exactly 0.5. The metrics of a list (metrics.py) place the target
  last among its equals instead, and give such a model 0: there a place in the list is at stake, here a comparison.
- A shopper whose products are all relevant, or all not, has no pair and no AUC: GAUC leaves that shopper out, and the
  impressions too. Where nobody is left it is an error, never 0.5.
- -inf is a score below all others, +inf one above; NaN is an error.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_lib.errors import CourseError

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Pairs:
    """How many pairs of a relevant product and another there are, by which of them has the higher score."""

    right: float  # the relevant one
    tied: float
    all: float

    @property
    def auc(self) -> float:
        """In [0, 1]; raises CourseError ``auc_one_class`` where there is no pair."""
        if not self.all:
            raise CourseError("auc_one_class")
        return (self.right + self.tied / 2) / self.all


@dataclass(frozen=True)
class Grouped:
    """A GAUC and whom it is of."""

    value: float
    aucs: tuple[float | None, ...]  # of each shopper; None where there is no pair
    weights: tuple[float, ...]  # impressions, as given

    @property
    def left_out(self) -> int:
        """Shoppers without a pair."""
        return self.aucs.count(None)


def count_pairs(scores: ArrayLike, relevant: ArrayLike, weights: ArrayLike | None = None) -> Pairs:
    """The pairs among N products in O(N log N).

    Args:
        scores: (N,) higher is better; -inf and +inf are scores.
        relevant: (N,) true or false.
        weights: (N,) how often each product was shown; a pair counts as often as both together. 1 unless given.

    Raises CourseError ``scores_not_numbers`` for NaN, ValueError for shapes that do not fit or a negative weight.

    >>> count_pairs([0.9, 0.8, 0.8, 0.1], [True, True, False, False])
    Pairs(right=3.0, tied=1.0, all=4.0)
    """
    score, hit = np.asarray(scores, np.float64), np.asarray(relevant, bool)
    weight = np.ones(score.shape) if weights is None else np.asarray(weights, np.float64)
    if score.ndim != 1 or hit.shape != score.shape or weight.shape != score.shape:
        raise ValueError(
            f"scores {score.shape}, relevant {hit.shape}, weights {weight.shape}; expected three times (N,)"
        )
    if np.isnan(score).any():
        raise CourseError("scores_not_numbers")
    if not (np.isfinite(weight) & (weight >= 0)).all():
        raise ValueError("weights are numbers of impressions: finite and not negative")
    order = np.argsort(score[~hit], kind="stable")
    others = score[~hit][order]
    below = np.concatenate([[0.0], np.cumsum(weight[~hit][order])])  # weight of the first n others
    under, upto = (below[np.searchsorted(others, score[hit], side)] for side in ("left", "right"))
    own = weight[hit]
    return Pairs(float(own @ under), float(own @ (upto - under)), float(own.sum() * below[-1]))


def auc(scores: ArrayLike, relevant: ArrayLike, weights: ArrayLike | None = None) -> float:
    """AUC of N products; arguments and errors as :func:`count_pairs`, and ``auc_one_class`` where there is no pair.

    >>> auc([0.9, 0.8, 0.8, 0.1], [True, True, False, False])
    0.875
    >>> auc([7, 7, 7], [True, False, False])  # cannot tell them apart: chance
    0.5
    """
    return count_pairs(scores, relevant, weights).auc


def gauc(scores: ArrayLike, relevant: ArrayLike, shoppers: ArrayLike, impressions: ArrayLike | None = None) -> Grouped:
    """GAUC of N products that were shown to S shoppers.

    Args:
        scores: (N,) as in :func:`count_pairs`.
        relevant: (N,) true or false.
        shoppers: (N,) to whom each was shown; any labels that can be sorted.
        impressions: (N,) how often each product was shown; 1 unless given. A shopper's weight is the sum of theirs.

    Returns the value with the AUC and the weight of each shopper, in the order of their sorted labels. Raises as
    :func:`count_pairs`, and CourseError ``gauc_no_shopper`` where no shopper has a pair.

    >>> gauc([3, 2, 1, 9, 8], [True, False, True, False, True], [1, 1, 1, 2, 2]).aucs
    (0.5, 0.0)
    >>> gauc([3, 2, 1, 9, 8], [True, False, True, False, True], [1, 1, 1, 2, 2]).value  # (3 * .5 + 2 * 0) / 5
    0.3
    """
    score, hit, who = np.asarray(scores, np.float64), np.asarray(relevant, bool), np.asarray(shoppers)
    shown = np.ones(score.shape) if impressions is None else np.asarray(impressions, np.float64)
    if who.shape != score.shape:
        raise ValueError(f"shoppers {who.shape}; expected {score.shape}, one label a product")
    aucs: list[float | None] = []
    weights: list[float] = []
    for one in np.unique(who):
        mine = who == one
        pairs = count_pairs(score[mine], hit[mine], shown[mine])
        aucs.append(pairs.auc if pairs.all else None)
        weights.append(float(shown[mine].sum()))
    counted = [(weight, own) for weight, own in zip(weights, aucs, strict=True) if own is not None]
    if not counted:
        raise CourseError("gauc_no_shopper", shoppers=len(aucs))
    value = sum(weight * own for weight, own in counted) / sum(weight for weight, _ in counted)
    return Grouped(float(value), tuple(aucs), tuple(weights))
