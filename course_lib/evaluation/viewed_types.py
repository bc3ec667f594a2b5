"""What was viewed says what is bought, if it does: a model's list, weighed by the types that somebody has looked at.

    score(i) = log p(i | purchases) + log ( P(c | type of i is bought next) / P(c | it is not) )

``c`` is what is known of views of the product's type: seen in this visit since its last purchase (2), seen within WEEK
in another visit that is kept under the same key (1), or not (0). The two chances are counted on earlier purchases: the
weights of a naive Bayes classifier (Hand & Yu, Idiot's Bayes: Not So Stupid After All?, International Statistical
Review 2001). In a shop where everybody buys what they view, the first ratio gives the type away.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from course_lib.data.histories import Histories, Score
from course_lib.evaluation.identity import FAR, Identity
from course_lib.shop.behaviour import STORE
from course_lib.shop.journeys import Integers

WEEK = 7 * 86_400  # seconds
MOST = 4000  # purchases that the ratios are counted on
Seen = NDArray[np.int8]


@dataclass(frozen=True)
class Ratios:
    """log P(c | bought) - log P(c | not), for c = 0, 1, 2."""

    weight: NDArray[np.float64]  # (3,)

    @classmethod
    def count(cls, seen: Seen, bought: Integers) -> Ratios:
        """From (R, T) what was seen before R purchases and (R,) the types bought; one is added to every count."""
        rows = np.arange(len(bought))
        own = np.bincount(seen[rows, bought], minlength=3) + 1.0
        every = np.bincount(seen.ravel(), minlength=3) + 1.0
        other = every - own + 1.0
        return cls(np.log(own / own.sum()) - np.log(other / other.sum()))


def seen_before(identity: Identity, rows: Integers, asked: Integers, kinds: int) -> Seen:
    """(R, T) what each way knows of views of each type before the purchases ``rows``, read under the keys ``asked``."""
    own = identity.journeys
    found = np.zeros((len(rows), kinds), np.int8)
    visit, moment = own.bought_in[rows], own.second[rows]
    key = identity.key[own.viewed_in]
    for line, wanted, low, mark in (
        (key, asked, moment - WEEK, 1),
        (own.viewed_in, visit, _last_in_visit(identity, rows), 2),
    ):
        order = np.lexsort((own.viewed, line))
        place = line[order] * FAR + own.viewed[order]
        begin = np.searchsorted(place, wanted * FAR + np.maximum(low, 0))
        end = np.maximum(np.searchsorted(place, wanted * FAR + moment), begin)
        row = np.repeat(np.arange(len(rows)), end - begin)
        view = order[np.arange(len(row)) + np.repeat(begin - np.cumsum(end - begin) + (end - begin), end - begin)]
        kept = key[view] >= 0
        if mark == 1:
            kept &= own.viewed_in[view] != visit[row]
        found[row[kept], own.type[view[kept]]] = mark
    return found


def _last_in_visit(identity: Identity, rows: Integers) -> Integers:
    """(R,) the second after the purchase before in the same visit, 0 where it is the first."""
    own = identity.journeys
    line = np.sort(own.bought_in * FAR + own.second)
    mine = own.bought_in[rows] * FAR + own.second[rows]
    before = line[np.maximum(np.searchsorted(line, mine) - 1, 0)]
    return np.where((before // FAR == own.bought_in[rows]) & (before < mine), before % FAR + 1, 0)


def ratios(identity: Identity, kind: Integers, seed: int) -> Ratios:
    """Counted on online purchases before the targets, ``kind`` (V,) being the products' types."""
    own = identity.journeys
    end = np.zeros(own.people, np.int64)
    end[own.buyer[identity.targets]] = own.second[identity.targets]
    key = identity.key[own.bought_in]
    rows = np.flatnonzero((own.second < end[own.buyer]) & (own.channel[own.bought_in] != STORE) & (key >= 0))
    rng = np.random.default_rng([seed, 47])
    rows = rng.permutation(rows)[:MOST]
    return Ratios.count(seen_before(identity, rows, key[rows], int(kind.max()) + 1), kind[own.item[rows] - 1])


def weighed(score: Score, identity: Identity, kind: Integers, seed: int) -> NDArray[np.float64]:
    """(N, V + 1) the model's log-probabilities before each target, plus the weight of what was viewed."""
    found = ratios(identity, kind, seed)
    seen = seen_before(identity, identity.targets, identity.asked, int(kind.max()) + 1)
    histories: Histories = identity.test().histories
    scores = np.array(score(histories), np.float64)
    scores[:, 1:] += found.weight[seen[:, kind]]
    return scores
