"""What a policy would earn, from the log of another: inverse propensity, its tamed forms, a model, and both at once.

    log = Log(reward, propensity, target)          # (N, K) each: N slates of K positions; K is 1 for single actions
    ips(log).mean()                                # the estimate: every estimator gives one number a slate
    estimates(log, Predictions(shown, expected))   # all of them, with bootstrap intervals
    normal_estimates(log, predictions)             # the same with normal intervals, in a few milliseconds

A slate's reward is the sum over its positions, and what happens at a position depends on that position and the product
there alone (the position-based model). Then the chances of a product *at its position* are enough; those of whole
slates, much smaller, are not needed (Li, Abbasi-Yadkori, Kveton, Muthukrishnan, Vinay & Wen, KDD 2018).

Legend: c reward, p the chance under the policy that made the log, t the chance under the policy that is asked about,
w = t / p the weight, m the chance under all policies together that made the log, q a model's guess of the reward; n
slates, j positions, i products.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_lib.errors import CourseError
from course_lib.evaluation.intervals import LEVEL, RESAMPLES, Interval, bootstrap_ratio

Values = NDArray[np.float64]
CLIP = 10.0  # largest weight that clipping leaves
SUM = 1e-6  # how far from 1 the chances at a position may add up
ESTIMATORS = ("ips", "clipped_ips", "snips", "mixture_ips", "dm", "dr", "switch_dr")
# Those whose intervals are about the true value. The others are off by a bias that no interval of theirs knows of:
# where weights are cut there is a bias downwards, and a model may be wrong anywhere.
UNBIASED = ("ips", "snips", "mixture_ips", "dr")


@dataclass(frozen=True)
class Log:
    """``N`` slates: what came of each position, and how likely what stood there was. A single action is a slate of one.

    Raises CourseError for a chance that is none, naming its slate and position; ValueError for wrong shapes.
    """

    reward: Values  # (N, K) clicks, or whatever is to be added up
    propensity: Values  # (N, K) chance of what was shown, at its position, under the policy that made the log
    target: Values  # (N, K) chance of the same thing under the policy that is asked about
    mixture: Values | None = None  # (N, K) chance under all policies together that made it: mixed_propensity

    def __post_init__(self) -> None:
        names = ("reward", "propensity", "target", *(("mixture",) if self.mixture is not None else ()))
        for name in names:
            given = np.asarray(getattr(self, name), np.float64)
            object.__setattr__(self, name, given[:, None] if given.ndim == 1 else given)
        shape = self.reward.shape
        if len(shape) != 2 or 0 in shape or {getattr(self, name).shape for name in names} != {shape}:
            shapes = ", ".join(f"{name} {getattr(self, name).shape}" for name in names)
            raise ValueError(f"{shapes}: they differ, or there is nothing")
        _check("off_policy_reward", self.reward, np.isfinite(self.reward))
        for chances in (self.propensity, self.mixture):
            if chances is not None:
                _check("off_policy_propensity", chances, (chances > 0) & (chances <= 1))
        _check("off_policy_target", self.target, (self.target >= 0) & (self.target <= 1))

    def __len__(self) -> int:
        return len(self.reward)

    @property
    def weights(self) -> Values:
        """(N, K) w = t / p. At each position their mean is 1 but for chance, if the log could show what t shows."""
        w: Values = self.target / self.propensity
        return w

    @property
    def mixture_weights(self) -> Values:
        """(N, K) t / m; the same as :attr:`weights` where one policy made the whole log."""
        w: Values = self.weights if self.mixture is None else self.target / self.mixture
        return w


@dataclass(frozen=True)
class Predictions:
    """What a model of the reward says of the same slates. It must not have learned from those that it is used on."""

    shown: Values  # (N, K) of what was shown: q(i_nj, j)
    expected: Values  # (N, K) of what the asked policy would show: sum over i of t(i at j) q(i, j)

    def __post_init__(self) -> None:
        for name in ("shown", "expected"):
            given = np.asarray(getattr(self, name), np.float64)
            object.__setattr__(self, name, given[:, None] if given.ndim == 1 else given)
            _check("off_policy_prediction", getattr(self, name), np.isfinite(getattr(self, name)))


def _check(key: str, values: Values, good: NDArray[np.bool_]) -> None:
    if not good.all():
        slate, position = (int(place[0]) for place in np.nonzero(~good))
        raise CourseError(key, slate=slate + 1, position=position + 1, value=f"{values[slate, position]:.6g}")


def ips(log: Log) -> Values:
    """(N,) sum over j of w c: without bias, and wild where weights are large.

    Inverse propensity scoring. Source: Horvitz & Thompson, Journal of the American Statistical Association 1952.

    >>> ips(Log([1.0, 0.0], [0.5, 0.5], [0.25, 0.75])).tolist()
    [0.5, 0.0]
    """
    worth: Values = (log.weights * log.reward).sum(1)
    return worth


def clipped_ips(log: Log, most: float = CLIP) -> Values:
    """(N,) sum over j of min(w, most) c: calmer, and too low where weights are cut. Raises ValueError for most <= 0.

    Source: Ionides, Truncated Importance Sampling, Journal of Computational and Graphical Statistics 2008.
    """
    if not most > 0:
        raise ValueError(f"most is {most}; a weight must be allowed to be above 0")
    worth: Values = (np.minimum(log.weights, most) * log.reward).sum(1)
    return worth


def snips(log: Log) -> Values:
    """(N,) sum over j of w c / (mean of w at j): weights made to average 1, as they should.

    A little biased for few slates, but it never leaves the range of the rewards. Source: Swaminathan & Joachims,
    NeurIPS 2015. Raises CourseError where the asked policy would have shown nothing of what a position had.
    """
    worth: Values = (log.weights * log.reward / _weighing(log).mean(0)).sum(1)
    return worth


def mixture_ips(log: Log) -> Values:
    """(N,) sum over j of t / m c: without bias, and calmer than :func:`ips` where several policies made the log.

    A product that its own policy shows rarely, and another one often, is no surprise in the log as a whole: its weight
    is small here and large there. Source: the balanced estimator of Agarwal, Basu, Schnabel & Joachims, Effective
    Evaluation Using Logged Bandit Feedback from Multiple Loggers, KDD 2017; the balance heuristic of Veach & Guibas,
    SIGGRAPH 1995.
    """
    worth: Values = (log.mixture_weights * log.reward).sum(1)
    return worth


def mixed_propensity(chances: ArrayLike, made_by: ArrayLike) -> Values:
    """(N, K) m = sum over l of n_l / n p_l, of what was shown.

    ``chances`` is (L, N, K), p_l under each of the L logging policies, also under those that did not show it; and
    ``made_by`` (N,) says which policy, from 0, made each slate. Raises ValueError for wrong shapes or numbers.

    >>> mixed_propensity([[[0.5], [0.5]], [[0.1], [0.3]]], [0, 1]).tolist()
    [[0.3], [0.4]]
    """
    p, maker = np.asarray(chances, np.float64), np.asarray(made_by)
    if p.ndim != 3 or maker.shape != p.shape[1:2] or not len(maker) or not ((maker >= 0) & (maker < len(p))).all():
        raise ValueError(f"chances {p.shape} and made_by {maker.shape}: expected (L, N, K) and (N,) of 0 to L - 1")
    mixed: Values = np.tensordot(np.bincount(maker, minlength=len(p)) / len(maker), p, 1)
    return mixed


def direct_method(predictions: Predictions) -> Values:
    """(N,) sum over j and i of t(i at j) q(i, j): as good as the model and as wrong, for it looks at no reward."""
    worth: Values = predictions.expected.sum(1)
    return worth


def doubly_robust(log: Log, predictions: Predictions) -> Values:
    """(N,) the direct method + sum over j of w (c - q): without bias whatever the model, calm where the model is good.

    Source: Dudik, Langford & Li, ICML 2011. Raises ValueError where the predictions are of other slates.
    """
    _same(log, predictions)
    worth: Values = direct_method(predictions) + (log.weights * (log.reward - predictions.shown)).sum(1)
    return worth


def switch_dr(log: Log, predictions: Predictions, most: float = CLIP) -> Values:
    """(N,) the direct method + sum over j of [w <= most] w (c - q): the log corrects the model where it knows enough.

    Where a weight is above ``most`` the model has the last word: less luck, and the model's own error instead.
    Source: Wang, Agarwal & Dudik, Optimal and Adaptive Off-policy Evaluation in Contextual Bandits, ICML 2017. Raises
    ValueError for most <= 0, or predictions of other slates.
    """
    _same(log, predictions)
    if not most > 0:
        raise ValueError(f"most is {most}; a weight must be allowed to be above 0")
    kept = np.where(log.weights <= most, log.weights, 0.0)
    worth: Values = direct_method(predictions) + (kept * (log.reward - predictions.shown)).sum(1)
    return worth


def effective_size(log: Log) -> Values:
    """(K,) how many slates of equal weight would know as much at each position: (sum of w)^2 / sum of w^2.

    Source: Kish, Survey Sampling, 1965. Raises CourseError as :func:`snips`.

    >>> effective_size(Log([1, 0], [0.5, 0.5], [0.5, 0.0])).tolist()
    [1.0]
    """
    w = _weighing(log)
    size: Values = w.sum(0) ** 2 / (w**2).sum(0)
    return size


def estimates(
    log: Log,
    predictions: Predictions | None = None,
    groups: ArrayLike | None = None,
    most: float = CLIP,
    resamples: int = RESAMPLES,
    seed: int = 0,
    level: float = LEVEL,
) -> dict[str, Interval]:
    """Each of ESTIMATORS with its bootstrap interval; without ``predictions`` those that need no model.

    "mixture_ips" is among them where the log has a mixture. ``most`` is the clip, and where switch-DR switches.
    ``groups`` (N,) says which slates hang together, such as a shopper's: whole groups are resampled then, or the
    intervals would be too narrow. The self-normalised estimate is normalised anew in each resample. No interval knows
    of a bias: that of the direct method is narrow, and its model may be wrong all the same.
    Raises what the estimators raise.
    """
    return {
        name: bootstrap_ratio(_by_group(above, groups), _by_group(below, groups), resamples, seed, level)
        for name, (above, below) in _parts(log, predictions, most).items()
    }


def normal_estimates(
    log: Log, predictions: Predictions | None = None, most: float = CLIP, level: float = LEVEL
) -> dict[str, Interval]:
    """As :func:`estimates` for slates that do not hang together, with normal intervals instead of the bootstrap's.

        R = sum over m of A_m / B_m
        s = the standard deviation over n of  sum over m of (a_nm - A_m / B_m b_nm) / B_m
        R ± z s / sqrt(N)

    A_m and B_m are means over the slates; where B is 1 this is the mean ± z s / sqrt(N). Source: the delta method,
    Owen, Monte Carlo Theory, Methods and Examples, 2013, chapter 9.2. Raises CourseError for a single slate, which
    tells nothing of how slates differ, and what the estimators raise.
    """
    from scipy.special import ndtri  # scipy.stats takes a second to import

    if len(log) < 2:
        raise CourseError("off_policy_one_slate")
    z = float(ndtri((1 + level) / 2))
    found = {}
    for name, (above, below) in _parts(log, predictions, most).items():
        top, bottom = above.mean(0), below.mean(0)
        part = ((above - top / bottom * below) / bottom).sum(1)
        value, half = float((top / bottom).sum()), z * float(part.std(ddof=1)) / float(np.sqrt(len(log)))
        found[name] = Interval(value, value - half, value + half)
    return found


def _parts(log: Log, predictions: Predictions | None, most: float) -> dict[str, tuple[Values, Values]]:
    """By estimator, numerators and denominators (N, M) each: the estimate is the sum of the ratios of their means."""
    one = np.ones((len(log), 1))
    parts = {
        "ips": (ips(log)[:, None], one),
        "clipped_ips": (clipped_ips(log, most)[:, None], one),
        "snips": (log.weights * log.reward, _weighing(log)),
    }
    if log.mixture is not None:
        parts["mixture_ips"] = mixture_ips(log)[:, None], one
    if predictions is not None:
        parts["dm"] = direct_method(predictions)[:, None], one
        parts["dr"] = doubly_robust(log, predictions)[:, None], one
        parts["switch_dr"] = switch_dr(log, predictions, most)[:, None], one
    return parts


def check_support(target: ArrayLike, logged: ArrayLike, names: Mapping[int, str] | None = None) -> None:
    """Raises CourseError where the asked policy shows what the logging policy never would: no log can tell of that.

    ``target`` and ``logged`` are (..., K, n) chances of n products at K positions; ``names`` their names by column.
    Names the product and position that the asked policy shows most, and how much of what it shows is missing in all.
    """
    asked, seen = np.broadcast_arrays(np.asarray(target, np.float64), np.asarray(logged, np.float64))
    for chances in (asked, seen):
        if (chances < 0).any() or not (np.abs(chances.sum(-1) - 1) < SUM).all():
            raise ValueError("chances must not be below 0, and those at one position must add up to 1")
    missing = np.where(seen > 0, 0.0, asked).reshape(-1, *asked.shape[-2:]).mean(0)  # (K, n)
    if missing.any():
        position, column = np.unravel_index(int(missing.argmax()), missing.shape)
        name = names[int(column)] if names is not None else str(int(column) + 1)
        share = f"{missing.sum() / len(missing):.2%}"
        raise CourseError("off_policy_support", item=name, position=int(position) + 1, share=share)


def click_rates(
    position: ArrayLike, item: ArrayLike, reward: ArrayLike, shape: tuple[int, int], strength: float = 50.0
) -> Values:
    """(K, n) a simple model of the reward: the mean of each product at each position, drawn towards a product of two.

        q(j, i) = (rewards + strength * prior) / (times shown + strength),   prior = mean of j * mean of i / mean of all

    ``position`` and ``item`` are (R,) from 0, ``reward`` (R,), ``shape`` (K, n). A product's own mean is drawn towards
    that of all in the same way. The prior is the position-based model: being looked at times being attractive.
    """
    K, n = shape
    at, of, worth = np.asarray(position), np.asarray(item), np.asarray(reward, np.float64)
    if not len(worth) or not len(at) == len(of) == len(worth):
        raise ValueError(f"{len(at)} positions, {len(of)} items, {len(worth)} rewards: not alike, or none")
    cell = at * n + of
    times = np.bincount(cell, minlength=K * n).reshape(K, n)
    total = np.bincount(cell, worth, minlength=K * n).reshape(K, n)
    mean = worth.mean()
    of_position = (total.sum(1) + strength * mean) / (times.sum(1) + strength)
    of_item = (total.sum(0) + strength * mean) / (times.sum(0) + strength)
    prior = of_position[:, None] * of_item / mean if mean else np.zeros((K, n))
    found: Values = (total + strength * prior) / (times + strength)
    return found


def _weighing(log: Log) -> Values:
    """The weights, none of whose columns is empty."""
    w = log.weights
    if (empty := np.flatnonzero(w.sum(0) == 0)).size:
        raise CourseError("off_policy_no_overlap", position=int(empty[0]) + 1)
    return w


def _same(log: Log, predictions: Predictions) -> None:
    if not log.reward.shape == predictions.shown.shape == predictions.expected.shape:
        raise ValueError(
            f"log {log.reward.shape}, predictions {predictions.shown.shape} and {predictions.expected.shape}: not alike"
        )


def _by_group(values: Values, groups: ArrayLike | None) -> Values:
    """(G, M) sums of the rows of each group, or the rows themselves."""
    if groups is None:
        return values
    number = np.unique(np.asarray(groups), return_inverse=True)[1]
    if number.shape != (len(values),):
        raise ValueError(f"groups {number.shape} and slates ({len(values)},): expected one group a slate")
    return np.stack([np.bincount(number, column) for column in values.T], axis=1)
