"""What a split lets a model know too early: three protocols, and trainings that tell one leak from another.

A protocol says which basket of each shopper is asked for, what may be learned, and what is read when it is asked:

    global time     the first basket from a moment on    learned: all before the moment     read: what came before
    leave-one-out   each shopper's last basket           learned: everything else           read: what came before
    random          any basket of each shopper           learned: everything else           read: everything else

No protocol learns from the baskets that it asks for, nor reads them. Yet the last two learn from other shoppers' later
purchases, and the last one also learns from and reads what the same shopper bought later. Because they ask for other
purchases too, their scores differ for a reason that is no leak. To tell the two apart, :class:`Parted` keeps the
targets and changes only what is learned. Shoppers are divided at random into halves, those asked and the others:

    honest     all that was bought before the moment
    later      besides, what the others bought from then on; whole others are left out until no more is learned from
    more       the same with nobody left out
    own        all before the moment, and what the half that is asked bought from then on, its targets left out
    read       as ``own``, and the history that is read is everything but the target's basket

``own`` holds about as many later purchases as ``more``, and all but the shopper's own are other people's in both.
Then the halves change places, so that everybody is asked.

A basket is a set, as in course_lib/data/splits.py: its target is one of its products at random, and the whole basket is
kept out of what is learned and read. Sources: Ji et al., A Critical Study on Data Leakage in Recommender System Offline
Evaluation, TOIS 2023; Meng et al., Exploring Data Splitting Strategies for the Evaluation of Recommendation Models,
RecSys 2020.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from course_lib.data.columns import Columns
from course_lib.data.dataset import Dataset
from course_lib.data.histories import Histories, Holdout, Score
from course_lib.data.splits import basket_order
from course_lib.errors import CourseError
from course_lib.evaluation.metrics import ndcg
from course_lib.evaluation.protocol import evaluate

GLOBAL, LAST, RANDOM = PROTOCOLS = ("global-time", "leave-one-out", "random")
STEPS = ("honest", "later", "more", "own", "read")
Integers = NDArray[np.int64]
Mask = NDArray[np.bool_]
Values = NDArray[np.float64]
Fit = Callable[[Histories], Score]  # learns from N histories, one a shopper


@dataclass(frozen=True)
class Log:
    """All purchases as E lines in B baskets of N shoppers, in order; inside a basket the order is random."""

    items: NDArray[np.int32]  # (E,)
    starts: Integers  # (B + 1,) basket b is lines starts[b]:starts[b + 1]
    users: Integers  # (B,) whose basket it is
    times: Integers  # (B,) second at which it began
    first: Integers  # (N + 1,) shopper n has baskets first[n]:first[n + 1]

    @classmethod
    def make(cls, dataset: Dataset, shoppers: int = 0, seed: int = 0) -> Log:
        """The first ``shoppers`` of a dataset, 0 for all; ``seed`` draws the order inside baskets."""
        count = min(shoppers, dataset.num_users) if shoppers else dataset.num_users
        events = dataset.events[dataset.events[Columns.USER].to_numpy() < count]
        order = basket_order(events, seed)
        user, basket, time = (
            events[name].to_numpy(np.int64)[order] for name in (Columns.USER, Columns.BASKET, Columns.TIME)
        )
        new = np.flatnonzero((user[1:] != user[:-1]) | (basket[1:] != basket[:-1])) + 1
        starts = np.concatenate([np.zeros(min(len(user), 1), np.int64), new])
        times = np.minimum.reduceat(time, starts) if len(time) else time
        first = np.searchsorted(user[starts], np.arange(count + 1))
        return cls(
            events[Columns.ITEM].to_numpy(np.int32)[order], np.append(starts, len(user)), user[starts], times, first
        )

    @property
    def shoppers(self) -> int:
        """N."""
        return len(self.first) - 1

    @property
    def sizes(self) -> Integers:
        """(B,) lines of each basket."""
        return np.diff(self.starts)

    def learned(self, kept: Mask) -> Histories:
        """The lines of the baskets ``kept`` (B,), a history a shopper; empty ones for who has none."""
        sizes = self.sizes
        counts = np.bincount(self.users[kept], weights=sizes[kept], minlength=self.shoppers).astype(np.int64)
        return Histories(self.items[np.repeat(kept, sizes)], np.concatenate([[0], np.cumsum(counts)]))

    def asked(self, targets: Integers, everything: bool = False) -> Holdout:
        """A product of each basket in ``targets``, asked after the same shopper's earlier baskets.

        With ``everything`` after all of the shopper's other baskets, later ones too.
        """
        users = self.users[targets]
        low, stop = self.starts[self.first[users]], self.starts[targets]
        high = self.starts[self.first[users + 1]] if everything else stop
        lengths = high - low
        offsets = np.concatenate([[0], np.cumsum(lengths)])
        lines = np.arange(offsets[-1]) + np.repeat(low - offsets[:-1], lengths)
        own = (lines >= np.repeat(stop, lengths)) & (lines < np.repeat(self.starts[targets + 1], lengths))
        left = np.concatenate([[0], np.cumsum(~own)])[offsets]
        item = self.items[self.starts[targets + 1] - 1]  # the last line of a random order: a random product
        return Holdout(users.astype(np.int32), Histories(self.items[lines[~own]], left), item)

    def moment(self, quantile: float) -> int:
        """The second before which a share ``quantile`` of all lines was bought."""
        return int(np.quantile(np.repeat(self.times, self.sizes), quantile, method="higher")) if len(self.items) else 0


@dataclass(frozen=True)
class Protocol:
    """What one way of splitting asks for, learns from and reads."""

    name: str
    targets: Integers  # (N',) baskets, at most one a shopper
    kept: Mask  # (B,) baskets that are learned from
    everything: bool  # whether later baskets of the same shopper are read

    def holdout(self, log: Log) -> Holdout:
        """The targets as questions."""
        return log.asked(self.targets, self.everything)


def protocol(log: Log, name: str, moment: int, random: np.random.Generator) -> Protocol:
    """One of PROTOCOLS, as it is commonly used; ``random`` draws the baskets of the random split.

    Asked are shoppers with a basket before the target; with another basket, in the random split.
    Raises CourseError where nobody can be asked.
    """
    first, counts = log.first[:-1], np.diff(log.first)
    kept = np.ones(len(log.users), bool)
    if name == GLOBAL:
        kept = log.times < moment
        targets = late_targets(log, name, moment, random)
    else:
        many = counts >= 2
        place = counts - 1 if name == LAST else np.floor(random.random(log.shoppers) * counts).astype(np.int64)
        targets = (first + place)[many]
        kept[targets] = False
    if not len(targets):
        raise CourseError("leakage_nobody_asked", split=name)
    return Protocol(name, targets, kept, name == RANDOM)


def late_targets(log: Log, name: str, moment: int, random: np.random.Generator) -> Integers:
    """The basket from ``moment`` on that a protocol asks of each shopper who has baskets before it too.

    The first, the last or any: of the same shoppers for every protocol, so that only the targets differ.
    """
    before = np.bincount(log.users[log.times < moment], minlength=log.shoppers)
    after = np.diff(log.first) - before
    place = {GLOBAL: np.zeros_like(after), LAST: after - 1}.get(name)
    if place is None:
        place = np.floor(random.random(log.shoppers) * after).astype(np.int64)
    targets: Integers = (log.first[:-1] + before + place)[(before > 0) & (after > 0)]
    return targets


@dataclass(frozen=True)
class Parted:
    """The same targets after trainings that differ in one thing each."""

    log: Log
    moment: int
    asked_first: Mask  # (N,) the half that is asked first
    left_out: Integers  # (N,) the order in which whole shoppers are left out

    @classmethod
    def make(cls, log: Log, moment: int, random: np.random.Generator) -> Parted:
        """Divides the shoppers."""
        return cls(log, moment, random.random(log.shoppers) < 0.5, random.permutation(log.shoppers))

    def kept(self, step: str, asked: Mask, targets: Integers) -> Mask:
        """(B,) the baskets that ``step``, one of STEPS, learns from when the shoppers ``asked`` (N,) are asked."""
        log = self.log
        early, ours = log.times < self.moment, asked[log.users]
        if step == "honest":
            return early
        if step in ("own", "read"):
            kept = early | ours
            kept[targets] = False
            return kept
        kept = early | ~ours
        if step == "later":
            kept &= ~self._spared(kept, int(log.sizes[early].sum()), asked)[log.users]
        return kept

    def _spared(self, kept: Mask, most: int, asked: Mask) -> Mask:
        """(N,) others who are left out, as few as bring the lines that are kept to at most ``most``."""
        sizes = np.bincount(self.log.users[kept], weights=self.log.sizes[kept], minlength=self.log.shoppers)
        others = self.left_out[~asked[self.left_out]]
        count = np.searchsorted(np.cumsum(sizes[others]), sizes.sum() - most) + 1 if sizes.sum() > most else 0
        spared = np.zeros(self.log.shoppers, bool)
        spared[others[:count]] = True
        return spared

    def scores(self, fit: Fit, names: tuple[str, ...], targets: dict[str, Integers]) -> dict[str, dict[str, Values]]:
        """``{protocol: {step: (N',)}}``: NDCG@10 of each of the protocol's ``targets`` after each step's training."""
        honest = fit(self.log.learned(self.kept("honest", self.asked_first, targets[names[0]])))
        found: dict[str, dict[str, Values]] = {
            name: {step: np.zeros(len(targets[name])) for step in STEPS} for name in names
        }
        for name in names:
            found[name]["honest"] = ndcg_of(honest, self.log.asked(targets[name]))
        for asked in (self.asked_first, ~self.asked_first):
            models: dict[str, Score] = {}
            for name in names:
                rows = asked[self.log.users[targets[name]]]
                if not rows.any():
                    continue
                own = targets[name][rows]
                for step in ("later", "more"):  # they do not hang on the targets, which are not learned from anyway
                    if step not in models:
                        models[step] = fit(self.log.learned(self.kept(step, asked, own)))
                models["own"] = fit(self.log.learned(self.kept("own", asked, own)))
                for step in STEPS[1:]:
                    questions = self.log.asked(own, everything=step == "read" and name == RANDOM)
                    found[name][step][rows] = ndcg_of(models["own" if step == "read" else step], questions)
        return found


def ndcg_of(score: Score, holdout: Holdout) -> Values:
    """(N,) NDCG@10 of each target."""
    return ndcg(evaluate(score, holdout).ranks)
