"""Two models that were each trained with several seeds, and how often a single comparison of them is right.

    trials = Trials.make(ours, theirs)              # (S, N) and (T, N): a value for each seed and test shopper
    trials.wrong(shoppers=1000, seeds=1)            # the chance that such a comparison picks the worse model
    trials.half_widths(shoppers=1000)               # of its interval: paired, unpaired, and with the seeds in it

A comparison draws ``seeds`` trainings of either model and ``shoppers`` test shoppers, all with replacement from those
that are there, and picks the model with the higher mean. For given trainings its difference D is a mean over shoppers,
so by the central limit theorem

    D ~ Normal(d, s^2 / n),    d the difference of these trainings on all N shoppers, s its deviation over shoppers

and the chance to pick the worse one is Phi(-d sqrt(n) / s) where d has the right sign, and more than a half where it
has not: more shoppers make such a comparison surer of the wrong model. The chances are averaged over pairs of
trainings, every pair with one seed each, DRAWS of them with more. "Right" is the difference of the means over all
trainings and all shoppers: the best that is known, and itself an estimate.

Source: Bouthillier et al., Accounting for Variance in Machine Learning Benchmarks, MLSys 2021; for the share of wrong
decisions Sanderson & Zobel, Information Retrieval System Evaluation: Effort, Sensitivity, and Reliability, SIGIR 2005.

Legend: S and T trainings of the two models, N shoppers measured, n shoppers of an imagined comparison.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_lib.evaluation.intervals import over_seeds

Values = NDArray[np.float64]
Z = 1.959964  # of a normal interval at 95%
POWER = 0.841621  # of a normal, at 80%
DRAWS = 2000


@dataclass(frozen=True)
class Trials:
    """What is needed of all values: each training's mean and how trainings vary together over shoppers."""

    ours: Values  # (S,) means over the N shoppers
    theirs: Values  # (T,)
    together: Values  # (S + T, S + T) covariance over shoppers
    shoppers: int  # N

    @classmethod
    def make(cls, ours: ArrayLike, theirs: ArrayLike) -> Trials:
        """From (S, N) and (T, N) values of the same shoppers in the same order.

        Raises ValueError for other shapes, fewer than two trainings of a model, or fewer than two shoppers: of one
        there is nothing to see of how they differ.
        """
        a, b = np.asarray(ours, np.float64), np.asarray(theirs, np.float64)
        if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[1]:
            raise ValueError(f"ours {a.shape} and theirs {b.shape}; expected (S, N) and (T, N), the same shoppers")
        if len(a) < 2 or len(b) < 2:
            raise ValueError(f"{len(a)} and {len(b)} trainings; at least two of either model show how they differ")
        if a.shape[1] < 2:
            raise ValueError(f"{a.shape[1]} shopper(s); at least two show how they differ")
        both = np.concatenate([a, b])
        if not np.isfinite(both).all():
            raise ValueError("values must be finite")
        return cls(a.mean(1), b.mean(1), np.cov(both, bias=True), a.shape[1])

    @property
    def difference(self) -> float:
        """Ours less theirs, over all trainings and shoppers: what counts as right."""
        return float(self.ours.mean() - self.theirs.mean())

    def pairs(self, seeds: int) -> tuple[Values, Values]:
        """(P,) differences of comparisons with so many seeds each, and (P,) their deviations over shoppers."""
        S, T = len(self.ours), len(self.theirs)
        if seeds == 1:
            ours, theirs = np.divmod(np.arange(S * T), T)  # every pair
            weights = np.concatenate([np.eye(S)[ours], -np.eye(T)[theirs]], axis=1)
        else:
            random = np.random.default_rng(seeds)
            drawn = [random.multinomial(seeds, np.full(some, 1 / some), DRAWS) / seeds for some in (S, T)]
            weights = np.concatenate([drawn[0], -drawn[1]], axis=1)
        return weights @ np.concatenate([self.ours, self.theirs]), self._deviations(weights)

    def _deviations(self, weights: Values) -> Values:
        """(P,) over shoppers, of each weighted sum (P, S + T) of trainings."""
        return np.asarray(np.sqrt(np.maximum(((weights @ self.together) * weights).sum(1), 0)))

    def wrong(self, shoppers: int, seeds: int = 1) -> float:
        """The chance that a comparison picks the model that is worse by :attr:`difference`; a tie counts half.

        0.5 where the two do not differ. Raises ValueError for fewer than one shopper or seed.
        """
        return self.wrong_by_shoppers([shoppers], seeds)[0]

    def wrong_by_shoppers(self, shoppers: Sequence[int], seeds: int = 1) -> list[float]:
        """:meth:`wrong` for several numbers of shoppers, from the same draws of trainings."""
        if min(shoppers) < 1 or seeds < 1:
            raise ValueError(f"{min(shoppers)} shoppers and {seeds} seeds; at least one of each")
        d, s = self.pairs(seeds)
        d = d * np.sign(self.difference)
        return [float(below_zero(d, s / n**0.5).mean()) for n in shoppers]

    def covered(self, shoppers: int) -> float:
        """How often the paired interval of two trainings, mean ± 1.96 s / √n, holds :attr:`difference`."""
        d, s = self.pairs(1)
        deviation = s / shoppers**0.5
        off = d - self.difference
        held = below_zero(off - Z * deviation, deviation) - below_zero(off + Z * deviation, deviation)
        return float(np.where(deviation > 0, held, off == 0).mean())

    def half_widths(self, shoppers: int, seeds: int = 1) -> dict[str, float]:
        """Half of a 95% interval of the difference, in the mean over comparisons.

        ``paired`` and ``unpaired`` speak of other shoppers only, ``whole`` of other trainings too.
        """
        _, s = self.pairs(seeds)
        apart = np.sqrt(np.diag(self.together))
        S = len(self.ours)
        alone = np.sqrt((apart[:S, None] ** 2 + apart[None, S:] ** 2) / shoppers)
        moved = (self.ours.var(ddof=1) + self.theirs.var(ddof=1)) / seeds
        return {
            "paired": Z * float(s.mean()) / shoppers**0.5,
            "unpaired": Z * float(alone.mean()),
            "whole": Z * float(np.sqrt((s**2).mean() / shoppers + moved)),
        }

    def needed(self) -> dict[str, float]:
        """Shoppers for an interval clear of 0 in 80% of comparisons, if trainings did not differ among themselves.

        n = ((1.96 + 0.84) s / difference)^2 with the deviation s of ``paired`` and of ``unpaired`` values. Empty where
        there is no difference to find. Source: Cohen, Statistical Power Analysis for the Behavioral Sciences, 1988.
        """
        if not self.difference:
            return {}
        widths = self.half_widths(1)
        return {name: ((1 + POWER / Z) * widths[name] / self.difference) ** 2 for name in ("paired", "unpaired")}

    def false_alarms(self) -> tuple[int, int]:
        """Of how many pairs of trainings of the *same* model, on the N shoppers, and how many are called different:
        the paired 95% interval does not hold 0. ``(pairs, called different)``."""
        S, T = len(self.ours), len(self.theirs)
        means = np.concatenate([self.ours, self.theirs])
        pairs = [*itertools.combinations(range(S), 2), *itertools.combinations(range(S, S + T), 2)]
        weights = np.zeros((len(pairs), S + T))
        for row, (i, j) in enumerate(pairs):
            weights[row, [i, j]] = 1.0, -1.0
        far = np.abs(weights @ means) > Z * self._deviations(weights) / self.shoppers**0.5
        return len(pairs), int(far.sum())

    def over_seeds(self) -> dict[str, float]:
        """:attr:`difference` with Student's interval over trainings, which were drawn in pairs; S and T must be equal.

        Its shoppers are those that were asked: that others would give other numbers is not in it.
        """
        return over_seeds((self.ours - self.theirs).tolist()).to_dict()


def below_zero(mean: Values, deviation: Values) -> Values:
    """P(X < 0) of normal X; where nothing varies 1, 0, or a half at 0 exactly.

    >>> below_zero(np.array([0.0, 1.0]), np.array([1.0, 0.0])).tolist()
    [0.5, 0.0]
    """
    from scipy.special import ndtr

    fixed = np.where(mean == 0, 0.5, np.asarray(mean < 0, np.float64))
    safe = np.where(deviation > 0, deviation, 1.0)
    return np.asarray(np.where(deviation > 0, ndtr(-mean / safe), fixed))
