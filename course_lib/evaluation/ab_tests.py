"""A/B tests of two conversion rates: the fixed test, what looking at it early does, and tests made for early looks.

    compare([500, 560], [10_000, 10_000])              # z, p and the interval of the difference, once, at the end
    shoppers_needed(0.05, 0.05)                        # an arm, for 80% power: before the test
    stops(bounds("peeking", 28), still(28)).decided    # false alarms of who looks at each of 28 looks, exactly

n shoppers an arm, rates p and q = p (1 + lift). With the pooled rate r = (p + q) / 2, a test of one look has the power

    P(|z| >= 1.96) = Phi((|q - p| sqrt(n) - 1.96 s0) / s1) + Phi((-|q - p| sqrt(n) - 1.96 s0) / s1)
    s0^2 = 2 r (1 - r),    s1^2 = p (1 - p) + q (1 - q)

(Fleiss, Levin & Paik, Statistical Methods for Rates and Proportions, 2003, chapter 4). Looks in between make z a path.
With as many new shoppers at each look, S_k = z_k sqrt(k) is a random walk of normal steps, and a test is a boundary for
it. The chance of crossing follows by integrating from look to look (Armitage, McPherson & Rowe, Repeated Significance
Tests on Accumulating Data, JRSS A 1969): no simulation, so a slider answers at once. Four boundaries:

    fixed          1.96 at the last look, no other look counts
    peeking        1.96 at every look
    planned        c sqrt(K / k), c such that K looks raise 5% false alarms (O'Brien & Fleming, Biometrics 1979)
    always_valid   z^2 >= (1 + 1/r)(2 log(1 / 0.05) + log(1 + r)), r = 8.2 k / K: a mixture sequential probability ratio
                   test (Johari, Koomen, Pekelis & Walsh, Peeking at A/B Tests, KDD 2017). It holds at any number of
                   looks, planned or not, and for ever; planned looks cost less, but have to be kept to.

The variance r of the mixture is the one for which the boundary is lowest at look K (Howard, Ramdas, McAuliffe & Sekhon,
Time-Uniform, Nonparametric, Nonasymptotic Confidence Sequences, Annals of Statistics 2021, section 3.5).
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr, ndtri

from course_lib.errors import CourseError
from course_lib.evaluation.intervals import Interval

Values = NDArray[np.float64]
ALPHA, POWER = 0.05, 0.8
METHODS = ("fixed", "peeking", "planned", "always_valid")
FEWEST = 2  # shoppers an arm
TRICK = 500.0  # exponents up to which densities are moved by multiplying instead of computed anew


# One look


@dataclass(frozen=True)
class Comparison:
    """A treatment against a control, after one look."""

    difference: Interval  # of the rates, treatment - control, by Newcombe
    z: float  # by the pooled rate; 0 where nobody or everybody converted in both arms
    p: float  # two-sided


def compare(converted: ArrayLike, shoppers: ArrayLike, level: float = 1 - ALPHA) -> Comparison:
    """The two-proportion z test, and Newcombe's hybrid score interval of the difference.

    The interval has a width even where nobody or everybody converted (Newcombe, Interval Estimation for the Difference
    Between Independent Proportions, Statistics in Medicine 1998, method 10). Arms may be of unequal size.

    Args:
        converted: (2,) shoppers who converted, control first.
        shoppers: (2,) shoppers of each arm.
        level: of the interval.

    Raises CourseError: not two arms, an arm of fewer than two shoppers, impossible counts.

    >>> found = compare([0, 0], [50, 50])  # nobody bought: no evidence of a difference, which may still be several %
    >>> found.z, found.p, round(found.difference.high, 3)
    (0.0, 1.0, 0.071)
    """
    hits, n = _arms(converted, shoppers)
    rate = hits / n
    z = float(z_scores(hits, n))
    low, high = _wilson(rate, n, float(ndtri((1 + level) / 2)))
    gap = float(rate[1] - rate[0])
    down = math.hypot(rate[1] - low[1], high[0] - rate[0])
    up = math.hypot(high[1] - rate[1], rate[0] - low[0])
    return Comparison(Interval(gap, gap - down, gap + up), z, float(2 * ndtr(-abs(z))))


def z_scores(converted: ArrayLike, shoppers: ArrayLike) -> Values:
    """(...) z of many tests (..., 2), control first: difference of the rates over its standard error, rates pooled.

    0 where the pooled rate is 0 or 1: then the arms do not differ. Raises CourseError as :func:`compare`.
    """
    hits, n = _arms(converted, shoppers)
    pooled = hits.sum(-1) / n.sum(-1)
    error = np.sqrt(pooled * (1 - pooled) * (1 / n).sum(-1))
    gap = hits[..., 1] / n[..., 1] - hits[..., 0] / n[..., 0]
    found: Values = np.divide(gap, error, out=np.zeros_like(gap), where=error > 0)
    return found


def _arms(converted: ArrayLike, shoppers: ArrayLike) -> tuple[Values, Values]:
    hits, n = np.asarray(converted, np.float64), np.asarray(shoppers, np.float64)
    for given in (hits, n):
        if given.ndim < 1 or given.shape[-1] != 2:
            raise CourseError("ab_arms", arms=given.shape[-1] if given.ndim else 1)
    hits, n = np.broadcast_arrays(hits, n)
    if not (n >= FEWEST).all():
        raise CourseError("ab_shoppers", shoppers=f"{np.nanmin(n):g}", fewest=FEWEST)
    if not ((hits >= 0) & (hits <= n)).all():
        raise CourseError("ab_converted")
    return hits, n


def _wilson(rate: Values, n: Values, z: float) -> tuple[Values, Values]:
    """Wilson's score interval of each rate."""
    middle, room = rate + z * z / (2 * n), z * np.sqrt(rate * (1 - rate) / n + z * z / (4 * n * n))
    return (middle - room) / (1 + z * z / n), (middle + room) / (1 + z * z / n)


# Before the test


def rates(base: float, lift: float) -> tuple[float, float]:
    """(control, treatment) conversion rates; ``lift`` is relative. Raises CourseError unless both lie in (0, 1)."""
    other = base * (1 + lift)
    if not (0 < base < 1 and 0 < other < 1):
        raise CourseError("ab_rate", base=f"{base:.3g}", other=f"{other:.3g}")
    return base, other


def power(base: float, lift: float, control: float, treatment: float | None = None, alpha: float = ALPHA) -> float:
    """The chance that one look finds |z| above its critical value; for lift 0 that is ``alpha``.

    ``control`` and ``treatment`` are the shoppers of the arms, alike unless both are given.
    Raises CourseError for a rate outside (0, 1) and an arm of fewer than two.

    >>> round(power(0.05, 0.05, 20_000), 3)
    0.205
    """
    p, q = rates(base, lift)
    n, m = float(control), float(control if treatment is None else treatment)
    if min(n, m) < FEWEST:
        raise CourseError("ab_shoppers", shoppers=f"{min(n, m):g}", fewest=FEWEST)
    pooled = (n * p + m * q) / (n + m)
    s0 = math.sqrt(pooled * (1 - pooled) * (1 / n + 1 / m))
    s1 = math.sqrt(p * (1 - p) / n + q * (1 - q) / m)
    critical = -float(ndtri(alpha / 2)) * s0
    return float(ndtr((abs(q - p) - critical) / s1) + ndtr((-abs(q - p) - critical) / s1))


def shoppers_needed(base: float, lift: float, wanted: float = POWER, alpha: float = ALPHA) -> int:
    """Shoppers an arm for which one look has the power ``wanted``; the tail of the wrong sign does not count.

    Raises CourseError for a rate outside (0, 1), or no lift at all: no number is enough to find nothing.

    >>> shoppers_needed(0.05, 0.05)
    122124
    """
    p, q = rates(base, lift)
    if p == q:
        raise CourseError("ab_no_lift")
    s0, s1 = spreads(p, q)
    return math.ceil(((-float(ndtri(alpha / 2)) * s0 + float(ndtri(wanted)) * s1) / (q - p)) ** 2)


def spreads(p: float, q: float) -> tuple[float, float]:
    """s0 and s1: the standard deviation of a pair's difference if the rates were alike, and as they are."""
    pooled = (p + q) / 2
    return math.sqrt(2 * pooled * (1 - pooled)), math.sqrt(p * (1 - p) + q * (1 - q))


def fading_lift(lift: float, novelty: float, half_life: float, days: int) -> Values:
    """(days,) lift by day: lasting, plus ``novelty`` times as much on the first day, which halves each half-life.

    >>> fading_lift(0.1, 1.0, 2.0, 5).round(3).tolist()
    [0.2, 0.171, 0.15, 0.135, 0.125]
    """
    found: Values = lift * (1 + novelty * 0.5 ** (np.arange(days) / half_life))
    return found


# Many looks


def bounds(method: str, looks: int) -> Values:
    """(looks,) |z| from which the method calls a difference; infinite where it does not look.

    Raises ValueError for a method that is not in METHODS, and fewer than one look.
    """
    if method not in METHODS or looks < 1:
        raise ValueError(f"{method!r} with {looks} looks; known: {', '.join(METHODS)}, one look at least")
    once = -float(ndtri(ALPHA / 2))
    k = np.arange(1, looks + 1, dtype=np.float64)
    if method == "fixed":
        return np.where(k < looks, np.inf, once)
    if method == "peeking":
        return np.full(looks, once)
    if method == "planned":
        return obrien_fleming(looks) * np.sqrt(looks / k)
    demand = 2 * math.log(1 / ALPHA)
    best = demand
    for _ in range(50):  # r = demand + log(1 + r), where the boundary is lowest; the map contracts ninefold
        best = demand + math.log1p(best)
    r = best * k / looks
    return np.sqrt((1 + 1 / r) * (demand + np.log1p(r)))


@functools.lru_cache(maxsize=256)
def obrien_fleming(looks: int, alpha: float = ALPHA) -> float:
    """c, such that |z_k| >= c sqrt(looks / k) at any of the looks has the chance ``alpha`` where nothing differs.

    >>> round(obrien_fleming(5), 3)  # Jennison & Turnbull, Group Sequential Methods, 2000, table 2.3
    2.04
    """
    k = np.arange(1, looks + 1)

    def excess(c: float) -> float:
        return math.log(float(stops(c * np.sqrt(looks / k), still(looks)).decided[0]) / alpha)

    before, now = -float(ndtri(alpha / 2)), -float(ndtri(alpha / 2)) + 0.1
    error, then = excess(before), excess(now)
    while abs(then) > 1e-10 and now != before:  # secant: the log of the chance is almost straight in c
        before, now, error = now, now - then * (now - before) / (then - error), then
        then = excess(now)
    return now


def still(looks: int) -> Values:
    """(looks, 1) drift of a test in which nothing differs."""
    return np.zeros((looks, 1))


@dataclass(frozen=True)
class Stops:
    """When tests of K looks call a difference, for G drifts."""

    up: Values  # (K, G) chance to stop at look k with the treatment ahead
    down: Values  # (K, G) with the control ahead
    size: Values  # (K, G) sum over those that stop of |S_k| / k, their estimate of the drift a look

    @property
    def decided(self) -> Values:
        """(G,) chance that a difference is called at all: power, or false alarms where nothing differs."""
        found: Values = (self.up + self.down).sum(0)
        return found

    @property
    def wrong_sign(self) -> Values:
        """(G,) share of the differences called that have the control ahead (Gelman & Carlin's type S error)."""
        found: Values = self.down.sum(0) / self.decided
        return found

    @property
    def looks(self) -> Values:
        """(G,) mean number of looks until a difference is called or the test ends."""
        each, called = np.arange(1, len(self.up) + 1) / 1.0, self.up + self.down
        found: Values = each @ called + len(self.up) * (1 - called.sum(0))
        return found

    @property
    def estimate(self) -> Values:
        """(G,) mean absolute estimate of the drift a look, of the tests that call a difference.

        Over the true drift it is the exaggeration, or type M error (Gelman & Carlin, Beyond Power Calculations,
        Perspectives on Psychological Science 2014).
        """
        found: Values = self.size.sum(0) / self.decided
        return found


def stops(boundary: Values, drift: Values) -> Stops:
    """How tests with ``boundary`` (K,) on |z| end, for each column of ``drift`` (K, G): E[S_k - S_(k-1)].

    Steps of S have variance 1. The density of S among the tests that go on is known at Gauss-Legendre points between
    the boundaries and is carried from look to look; the error is below 1e-6. Infinite boundaries are not looked at.

    >>> bool(abs(stops(bounds("peeking", 7), still(7)).decided[0] - 0.166) < 0.001)  # Armitage et al., table 2
    True
    """
    K, G = drift.shape
    up, down, size = np.zeros((K, G)), np.zeros((K, G)), np.zeros((K, G))
    points, mass = np.zeros(1), np.ones((1, G))
    waited, step = 0, np.zeros(G)  # looks that do not count are joined with the next that does
    for k in range(K):
        waited, step = waited + 1, step + drift[k]
        if np.isinf(boundary[k]):
            continue
        spread, edge = math.sqrt(waited), boundary[k] * math.sqrt(k + 1)
        mean = points[:, None] + step
        above, below = (mean - edge) / spread, (-mean - edge) / spread
        over, under = ndtr(above), ndtr(below)
        up[k], down[k] = (mass * over).sum(0), (mass * under).sum(0)
        tails = spread * (_bell(above) + _bell(below)) + mean * (over - under)
        size[k] = (mass * tails).sum(0) / (k + 1)
        if k < K - 1:
            points, mass = _carried(points, mass, step, spread, edge)
        waited, step = 0, np.zeros(G)
    return Stops(up, down, size)


def _carried(points: Values, mass: Values, step: Values, spread: float, edge: float) -> tuple[Values, Values]:
    """Points (m,) between the boundaries after a step, and their mass (m, G), from points (n,) with mass (n, G)."""
    nodes, weights = _legendre(math.ceil(2.7 * edge / spread) + 12)
    onto, drift = nodes * edge, step / spread
    gap = (onto[:, None] - points[None]) / spread
    if np.abs(drift).max() * (np.abs(onto).max() + np.abs(points).max()) / spread < TRICK:
        # exp(-(gap - d)^2 / 2) = exp(-gap^2 / 2) exp(d onto) exp(-d points) exp(-d^2 / 2): one kernel for all drifts
        moved = np.exp(-gap * gap / 2) @ (np.exp(-points[:, None] / spread * drift) * mass)
        moved *= np.exp(onto[:, None] / spread * drift - drift * drift / 2)
    else:
        kernels = (np.exp(-((gap - one) ** 2) / 2) for one in drift)
        moved = np.stack([kernel @ mass[:, g] for g, kernel in enumerate(kernels)], axis=1)
    return onto, moved * (weights * edge / spread / math.sqrt(2 * math.pi))[:, None]


@functools.lru_cache(maxsize=512)
def _legendre(points: int) -> tuple[Values, Values]:
    """Points and weights of the quadrature on (-1, 1)."""
    found: tuple[Values, Values] = np.polynomial.legendre.leggauss(points)
    return found


def _bell(x: Values) -> Values:
    """Density of the standard normal distribution."""
    found: Values = np.exp(-x * x / 2) / math.sqrt(2 * math.pi)
    return found


# Tests that happen


def simulated(
    daily: tuple[Values, Values], shoppers: float, looks: int, tests: int, rng: np.random.Generator
) -> tuple[Values, Values]:
    """(tests, looks) z and difference of the rates of tests that are really drawn, a shopper a coin.

    ``daily`` are the rates of control and treatment, (days,) each; ``shoppers`` come to each arm in all, spread evenly
    over days and looks. Raises CourseError where the first look comes before two shoppers are there.
    """
    seen = np.round(np.arange(1, looks + 1) * shoppers / looks)
    new = np.diff(seen, prepend=0.0).astype(np.int64)
    hits = np.stack(
        [np.cumsum(rng.binomial(new, by_look(rate, looks), (tests, looks)), axis=1) for rate in daily], axis=-1
    )
    n = np.stack([seen, seen], axis=-1)
    z = z_scores(hits, n)  # refuses arms without shoppers
    gap: Values = (hits[..., 1] - hits[..., 0]) / n[:, 0]
    return z, gap


def by_look(daily: Values, looks: int) -> Values:
    """(looks,) means of ``daily`` (days,) over the time between looks, which need not fall on the ends of days."""
    days = len(daily)
    total = np.concatenate([[0.0], np.cumsum(daily)])
    found: Values = np.diff(np.interp(np.linspace(0, days, looks + 1), np.arange(days + 1), total)) * looks / days
    return found
