"""Off-policy figures by the Open Bandit Pipeline, for tests/evaluation/test_off_policy.py; needs obp, which the course
does not install.

    python -m venv obp && obp/bin/pip install torch scikit-learn scipy pandas pyyaml tqdm
    obp/bin/pip install --no-deps --ignore-requires-python obp==0.5.7
    PYTHONPATH=. obp/bin/python tests/evaluation/obp_figures.py > tests/evaluation/obp_figures.json

obp 0.5.7 asks for Python below 3.10 and old versions of what it needs; its estimators are plain NumPy and run on newer
ones. Saito, Aihara, Matsutani & Narita, Open Bandit Dataset and Pipeline, NeurIPS 2021.
"""

from __future__ import annotations

import importlib.metadata
import json
import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

ROUNDS, ACTIONS, LOGGERS, CLIP = 500, 7, 3, 2.5
Array = NDArray[Any]


def inputs() -> dict[str, Array]:
    """A log of single actions by three policies, another policy, and a poor model of the reward; always the same."""
    random = np.random.default_rng(12)
    logging = random.dirichlet(np.full(ACTIONS, 0.7), (LOGGERS, ROUNDS)) * 0.9 + 0.1 / ACTIONS  # (L, N, A)
    made_by = random.integers(LOGGERS, size=ROUNDS)
    own = logging[made_by, np.arange(ROUNDS)]
    action = (random.random(ROUNDS)[:, None] > own.cumsum(1)).sum(1).clip(0, ACTIONS - 1)
    worth = random.random((ROUNDS, ACTIONS))
    at = np.arange(ROUNDS)
    return {
        "logging": logging, "made_by": made_by, "action": action,
        "reward": (random.random(ROUNDS) < worth[at, action]).astype(float),
        "propensity": own[at, action],
        "policy": random.dirichlet(np.full(ACTIONS, 0.5), ROUNDS),
        "model": 0.5 * worth + 0.5 * random.random((ROUNDS, ACTIONS)),
    }  # fmt: skip


def figures() -> dict[str, float]:
    """What obp makes of :func:`inputs`, by the names of the course's estimators."""
    from obp import ope

    one = inputs()
    given = {"reward": one["reward"], "action": one["action"], "position": np.zeros(ROUNDS, int)}
    given["action_dist"], model = one["policy"][:, :, None], one["model"][:, :, None]
    single = given | {"pscore": one["propensity"]}
    shares = np.bincount(one["made_by"], minlength=LOGGERS) / ROUNDS
    average = np.tensordot(shares, one["logging"], 1)[np.arange(ROUNDS), one["action"]]
    found = {
        "ips": ope.InverseProbabilityWeighting().estimate_policy_value(**single),
        "clipped_ips": ope.InverseProbabilityWeighting(lambda_=CLIP).estimate_policy_value(**single),
        "snips": ope.SelfNormalizedInverseProbabilityWeighting().estimate_policy_value(**single),
        "mixture_ips": ope.MultiLoggersBalancedInverseProbabilityWeighting().estimate_policy_value(
            **given, pscore_avg=average
        ),
        "dm": ope.DirectMethod().estimate_policy_value(**given, estimated_rewards_by_reg_model=model),
        "dr": ope.DoublyRobust().estimate_policy_value(**single, estimated_rewards_by_reg_model=model),
        "switch_dr": ope.SwitchDoublyRobust(lambda_=CLIP).estimate_policy_value(
            **single, estimated_rewards_by_reg_model=model
        ),
    }
    return {name: float(value) for name, value in found.items()}


if __name__ == "__main__":
    versions = {name: importlib.metadata.version(name) for name in ("obp", "numpy")} | {
        "python": sys.version.split()[0]
    }
    print(json.dumps({"versions": versions, "estimates": figures()}, indent=1))
