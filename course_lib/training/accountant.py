"""How much noise a promise takes: (epsilon, delta)-differential privacy of many noisy steps on random shoppers.

A training is (eps, delta)-private for shoppers if for every set of models S and any one shopper

    P(training with the shopper gives a model in S) <= e^eps P(training without gives one in S) + delta

(Dwork, McSherry, Nissim & Smith, Calibrating Noise to Sensitivity, TCC 2006). Each step adds up gradients of length at
most C, of shoppers drawn with chance q each, and adds Gaussian noise of deviation sigma C. What T such steps promise
together is computed by Opacus, numerically (Gopi, Lee & Wutschitz, Numerical Composition of Differential Privacy,
NeurIPS 2021). A step without a draw (q = 1) has a formula, which the tests hold it to.
"""

from __future__ import annotations

import functools
import warnings

DELTA = 1e-5  # chance that the promise may fail: well below one in the number of shoppers
PRECISION = 0.004  # of epsilon
LEAST, MOST = 0.2, 400.0  # deviations tried


def epsilon_of(noise: float, rate: float, steps: int, delta: float = DELTA, near: float = 1.0) -> float:
    """The epsilon that ``steps`` steps with ``noise`` (sigma) and the chance ``rate`` (q) spend; ``near`` is about
    where it is expected, and decides how finely it is computed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of opacus, about orders that this accountant does not use
        from opacus.accountants import PRVAccountant

        accountant = PRVAccountant()
        accountant.history = [(noise, rate, steps)]
        return float(accountant.get_epsilon(delta, eps_error=PRECISION * max(near, 0.3)))


@functools.lru_cache(maxsize=64)
def noise_for(epsilon: float, rate: float, steps: int, delta: float = DELTA) -> float:
    """The smallest deviation sigma, to half a percent, that keeps ``steps`` steps within ``epsilon``."""
    low, high = LEAST, 1.0
    while epsilon_of(high, rate, steps, delta, epsilon) > epsilon and high < MOST:
        low, high = high, 2 * high
    while high - low > 0.005 * low:
        middle = (low + high) / 2
        if epsilon_of(middle, rate, steps, delta, epsilon) > epsilon:
            low = middle
        else:
            high = middle
    return high
