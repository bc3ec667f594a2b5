"""Scaling laws: loss as a power of size, fitted to a few runs, and what it says of the next one.

    L(x) = E + A x^-a        x parameters or training targets, E the floor that no model passes, a the exponent

    law = fit_power_law([12_000, 25_000, 67_000], [4.74, 4.32, 3.97], floor=3.33)
    law.exponent                       # Interval
    law.predict(182_000)               # Interval for the loss of one more run
    law.judge(182_000, 3.92).outside   # whether that run left the law

Kaplan et al., Scaling Laws for Neural Language Models, 2020 (arXiv 2001.08361) fit E = 0; Hoffmann et al., Training
Compute-Optimal Large Language Models, NeurIPS 2022, fit E with the rest. On the simulated shop E is known: the oracle's
loss. Fitted by least squares on log L; intervals are Gauss-Newton's, with Student's t for the few points that there are
(Seber & Wild, Nonlinear Regression, 1989, chapter 5). They speak of the scatter about the law, not of a law that bends.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_lib.errors import CourseError
from course_lib.evaluation.intervals import LEVEL, Interval

Values = NDArray[np.float64]
STARTS = (0.0, 0.3, 0.6, 0.8, 0.9, 0.97, 0.99)  # a free floor is looked for from these shares of the lowest loss
FIRST = 4  # runs, the smallest, that the law is fitted to when it is asked where it stops


@dataclass(frozen=True)
class Verdict:
    """One more run against the law of the others."""

    size: float
    loss: float  # nats, as measured
    expected: Interval  # nats, by the law

    @property
    def gap(self) -> float:
        """Nats above (or, negative, below) what the law expects."""
        return self.loss - self.expected.value

    @property
    def outside(self) -> bool:
        """Whether the loss lies outside the law's interval."""
        return not self.expected.low <= self.loss <= self.expected.high


@dataclass(frozen=True)
class PowerLaw:
    """A fitted law. ``parameters`` are log A', a and, where it is free, E, with x in units of ``unit``."""

    floor: Interval  # E in nats; low == value == high where it was given
    scale: Interval  # A in nats, the excess loss at x = 1
    exponent: Interval  # a
    r2: float  # share of the variance of log L that the law explains
    points: int
    parameters: Values
    covariance: Values
    spread: float  # standard deviation of log L about the law
    unit: float

    @property
    def free(self) -> bool:
        """Whether the floor was fitted."""
        return len(self.parameters) == 3

    def predict(self, size: float) -> Interval:
        """The loss of one more run of that size with the interval in which it should lie. Raises CourseError
        ``scaling_values`` for a size that is not above 0."""
        if not (np.isfinite(size) and size > 0):
            raise CourseError("scaling_values")
        value, slopes = _log_loss(self.parameters, np.log(np.array([size]) / self.unit), self.floor.value)
        slope = slopes[0, : len(self.parameters)]
        variance = max(float(slope @ self.covariance @ slope), 0.0) + self.spread**2
        half = _t(self.points - len(self.parameters)) * variance**0.5
        middle = float(value[0])
        return Interval(float(np.exp(middle)), float(np.exp(middle - half)), float(np.exp(middle + half)))

    def judge(self, size: float, loss: float) -> Verdict:
        """A run that took no part in the fit, against the law."""
        return Verdict(float(size), float(loss), self.predict(size))


def fit_power_law(sizes: ArrayLike, losses: ArrayLike, floor: float | None = 0.0) -> PowerLaw:
    """The law through runs of different size.

    Args:
        sizes: (N,) parameters or training targets, above 0.
        losses: (N,) test losses in nats, above 0.
        floor: E, such as 0 or the oracle's loss; None: fitted too.

    Raises CourseError: ``scaling_points`` for fewer points than the law has numbers, plus one; ``scaling_values`` for
    what is not a positive number; ``scaling_flat`` where all losses are equal; ``scaling_floor`` for a loss at or
    below the floor; ``scaling_floor_free`` where the points do not say where the floor is.
    """
    x, y = np.asarray(sizes, np.float64), np.asarray(losses, np.float64)
    if x.shape != y.shape or x.ndim != 1:
        raise ValueError(f"sizes {x.shape} and losses {y.shape}: one loss a size")
    count = 3 if floor is None else 2
    if len(np.unique(x)) <= count:
        raise CourseError("scaling_points", points=len(np.unique(x)), needed=count + 1)
    if not (np.isfinite(x).all() and np.isfinite(y).all() and (x > 0).all() and (y > 0).all()):
        raise CourseError("scaling_values")
    if np.ptp(y) == 0:
        raise CourseError("scaling_flat")
    if floor is not None and (not np.isfinite(floor) or floor < 0 or y.min() <= floor):
        raise CourseError("scaling_floor", loss=f"{y.min():.3f}", floor=f"{floor:.3f}")
    unit = float(np.exp(np.log(x).mean()))
    parameters, slopes, rest = _least_squares(np.log(x / unit), np.log(y), floor)
    freedom = len(x) - count
    spread = float(np.sqrt(rest @ rest / freedom))
    information = slopes.T @ slopes
    if np.linalg.cond(information) > 1e13:
        raise CourseError("scaling_floor_free")
    covariance: Values = np.asarray(spread**2 * np.linalg.inv(information), np.float64)
    half = _t(freedom) * np.sqrt(np.diag(covariance))
    a = _around(parameters[1], half[1])
    to_one = np.array([1.0, np.log(unit)] + [0.0] * (count - 2))  # log A = log A' + a log unit
    log_a, half_a = float(to_one @ parameters), _t(freedom) * float(np.sqrt(to_one @ covariance @ to_one))
    return PowerLaw(
        floor=Interval(floor, floor, floor)
        if floor is not None
        else Interval(
            float(parameters[2]),
            float(max(parameters[2] - half[2], 0.0)),
            float(min(parameters[2] + half[2], y.min())),
        ),
        scale=Interval(*(float(np.exp(np.clip(log, -700, 700))) for log in (log_a, log_a - half_a, log_a + half_a))),
        exponent=a,
        r2=float(1 - rest @ rest / ((np.log(y) - np.log(y).mean()) ** 2).sum()),
        points=len(x),
        parameters=parameters,
        covariance=covariance,
        spread=spread,
        unit=unit,
    )


def first_bend(sizes: Sequence[float], losses: Sequence[float], floor: float, first: int = FIRST) -> Verdict | None:
    """Where the law stops: the smallest run above the interval that the law of the ``first`` smallest gives for it, or
    None. Raises as :func:`fit_power_law` does."""
    order = np.argsort(sizes, kind="stable")
    x, y = np.asarray(sizes, np.float64)[order], np.asarray(losses, np.float64)[order]
    law = fit_power_law(x[:first], y[:first], floor)
    verdicts = (law.judge(size, loss) for size, loss in zip(x[first:], y[first:], strict=True))
    return next((verdict for verdict in verdicts if verdict.loss > verdict.expected.high), None)


def _log_loss(parameters: Values, z: Values, floor: float) -> tuple[Values, Values]:
    """(N,) log(E + exp(log A' - a z)) and its derivatives (N, 3) by log A', a and E."""
    bottom = parameters[2] if len(parameters) == 3 else floor
    excess = np.exp(parameters[0] - parameters[1] * z)
    loss = bottom + excess
    return np.log(loss), np.stack([excess / loss, -z * excess / loss, 1 / loss], axis=1)


def _least_squares(z: Values, log_loss: Values, floor: float | None) -> tuple[Values, Values, Values]:
    """The best parameters (P,), the derivatives there (N, P) and what is left of each point (N,)."""
    from scipy.optimize import least_squares  # takes a moment to import, and most pages never ask

    lowest = float(np.exp(log_loss.min()))
    best = None
    for bottom in [floor] if floor is not None else [share * lowest for share in STARTS]:
        slope, height = np.polyfit(z, np.log(np.exp(log_loss) - bottom), 1)
        start, low, high = [height, -slope], [-np.inf, -np.inf], [np.inf, np.inf]
        if floor is None:
            start, low, high = [*start, bottom], [*low, 0.0], [*high, lowest]
        found = least_squares(
            lambda p: _log_loss(p, z, floor or 0.0)[0] - log_loss,
            start,
            lambda p: _log_loss(p, z, floor or 0.0)[1][:, : len(p)],
            bounds=(low, high),
            x_scale="jac",
            ftol=1e-14,
            xtol=1e-14,
            gtol=1e-14,
        )
        if best is None or found.cost < best.cost:
            best = found
    assert best is not None
    parameters = np.asarray(best.x, np.float64)
    value, slopes = _log_loss(parameters, z, floor or 0.0)
    return parameters, slopes[:, : len(parameters)], log_loss - value


def _t(freedom: int) -> float:
    """Student's t for a two-sided interval."""
    from scipy.special import stdtrit

    return float(stdtrit(freedom, (1 + LEVEL) / 2))


def _around(value: float, half: float) -> Interval:
    return Interval(float(value), float(value - half), float(value + half))
