r"""Was this shopper in the training data? Attacks on a trained model, and how well they tell members from outsiders.

    loss        guess "member" where the model finds a shopper's own history likely
    reference   guess "member" where it finds it likelier than a model does that has never seen either of them

The second asks what only membership explains: some histories are easy for every model. Sources: Yeom, Giacomelli,
Fredrikson & Jha, Privacy Risk in Machine Learning, CSF 2018 (the loss); Carlini et al., Membership Inference Attacks
From First Principles, IEEE S&P 2022 (a reference, and the share caught at few false alarms).

An attack gives each shopper a score, higher for "member". From m members and n outsiders

    AUC        the chance that a member scores above an outsider, ties half: 0.5 for a guess
    variance   var(V) / m + var(W) / n,   V: outsiders below each member, W: members above each outsider, as shares

(DeLong, DeLong & Clarke-Pearson, Comparing the areas under two or more correlated ROC curves, Biometrics 1988).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from course_lib.data.dataset import Dataset
from course_lib.data.histories import Histories, Holdout
from course_lib.data.splits import leave_one_out
from course_lib.errors import CourseError
from course_lib.evaluation.intervals import Interval

Numbers = NDArray[np.float64]
STREAM = 17  # random stream that draws who is a member
OTHERS = 3000  # outsiders, and shoppers of the reference, at most
FEWEST = 4  # shoppers of each kind
NORMAL = 1.959963985  # of a 95% interval


@dataclass(frozen=True)
class Crowd:
    """Who was learned from, who was not, and whom a reference model may learn from; nobody is in two groups."""

    members: Histories
    outsiders: Histories
    reference: Histories
    member_users: NDArray[np.int64]
    outsider_users: NDArray[np.int64]
    test: Holdout  # the outsiders' next purchases: equal in all runs, whoever the members are

    @classmethod
    def make(cls, dataset: Dataset, members: int, seed: int) -> Crowd:
        """Drawn from the shoppers with two purchases or more to learn from; outsiders first, so that any number of
        members is compared with the same ones.

        Raises CourseError where the dataset has fewer shoppers than that takes.
        """
        split = leave_one_out(dataset)
        able = split.test.users[split.train.lengths[split.test.users] >= 2].astype(np.int64)
        order = np.random.default_rng([seed, STREAM]).permutation(able)
        others = min(OTHERS, len(order) // 4)
        most = len(order) - 2 * others
        if members > most or others < FEWEST:
            raise CourseError("too_few_shoppers_to_hide", name=dataset.address.name, members=members, most=most)
        parts = np.split(order, [others, 2 * others, 2 * others + members])
        outside, reference, inside = (np.sort(part) for part in parts[:3])
        rows = np.searchsorted(split.test.users, outside)
        train = split.train
        return cls(
            train.take(inside), train.take(outside), train.take(reference), inside, outside, split.test.take(rows)
        )

    def some(self, count: int) -> Crowd:
        """The first members and outsiders, for a look on the way."""
        inside, outside = (np.arange(min(count, len(group))) for group in (self.members, self.outsiders))
        return Crowd(
            self.members.take(inside), self.outsiders.take(outside), self.reference, self.member_users[inside],
            self.outsider_users[outside], self.test.take(outside),
        )  # fmt: skip


@dataclass(frozen=True)
class Attack:
    """One attack's scores."""

    members: Numbers  # (m,)
    outsiders: Numbers  # (n,)

    def auc(self) -> Interval:
        """With its interval; of one member or one outsider it may be anything.

        >>> Attack(np.array([3.0, 2.0]), np.array([1.0, 2.0])).auc().value
        0.875
        """
        V, W = _above(self.members, self.outsiders), 1 - _above(self.outsiders, self.members)
        value = float(V.mean())
        if min(len(V), len(W)) < 2:
            return Interval(value, 0.0, 1.0)
        half = NORMAL * math.sqrt(V.var(ddof=1) / len(V) + W.var(ddof=1) / len(W))
        return Interval(value, max(value - half, 0.0), min(value + half, 1.0))

    def threshold(self, alarms: float) -> float:
        """The score above which at most the share ``alarms`` of outsiders is called a member."""
        return float(np.sort(self.outsiders)[::-1][math.floor(alarms * len(self.outsiders))])

    def caught(self, alarms: float) -> Interval:
        """The share of members above that threshold; Wilson's interval (JASA 1927)."""
        m, level = len(self.members), self.threshold(alarms)
        share = float((self.members > level).mean())
        middle = (share + NORMAL**2 / (2 * m)) / (1 + NORMAL**2 / m)
        half = NORMAL * math.sqrt(share * (1 - share) / m + NORMAL**2 / (4 * m * m)) / (1 + NORMAL**2 / m)
        return Interval(share, min(middle - half, share), max(middle + half, share))

    def histogram(self, bins: int = 40) -> dict[str, Any]:
        """``{"edges", "members", "outsiders"}``: shares of each in ``bins`` of equal width, extremes in the outer."""
        both = np.concatenate([self.members, self.outsiders])
        low, high = np.quantile(both, [0.002, 0.998])
        edges = np.linspace(low, high if high > low else low + 1e-6, bins + 1)
        shares = {
            name: (np.histogram(np.clip(some, edges[0], edges[-1]), edges)[0] / len(some)).round(5).tolist()
            for name, some in (("members", self.members), ("outsiders", self.outsiders))
        }
        return {"edges": edges.round(5).tolist(), **shares}


def _above(ours: Numbers, theirs: Numbers) -> Numbers:
    """(len(ours),) the share of ``theirs`` below each of ``ours``, equal ones half."""
    order = np.sort(theirs)
    low, high = (np.searchsorted(order, ours, side) for side in ("left", "right"))
    found: Numbers = (low + high) / (2 * len(order))
    return found
