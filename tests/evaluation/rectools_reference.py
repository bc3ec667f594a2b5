"""Makes rectools_reference.json, against which test_beyond_accuracy.py holds our metrics. Not run by the tests.

    python -m venv rectools-environment && rectools-environment/bin/pip install rectools==0.19.0
    rectools-environment/bin/python tests/evaluation/rectools_reference.py tests/evaluation/rectools_reference.json

The inputs are drawn here and stored with the answers, so the tests need neither RecTools nor the same random numbers.
Kullback-Leibler divergences are SciPy's ``entropy``: RecTools has none.
"""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

SHOPPERS, PRODUCTS, K = 40, 30, 7


def inputs() -> dict[str, Any]:
    """Histories with repeats and products that nobody buys, lists, targets, and two features of each product."""
    rng = np.random.default_rng(7)
    weights = np.where(np.arange(PRODUCTS) < 25, 1 / np.arange(1, PRODUCTS + 1), 0)
    histories = [
        (rng.choice(PRODUCTS, rng.integers(1, 15), p=weights / weights.sum()) + 1).tolist() for _ in range(SHOPPERS)
    ]
    lists = [(rng.permutation(PRODUCTS)[:K] + 1).tolist() for _ in range(SHOPPERS)]
    targets = [int(rng.choice(one)) if rng.random() < 0.7 else int(rng.integers(1, PRODUCTS + 1)) for one in lists]
    features = [[int(kind // 3), int(kind)] for kind in rng.integers(0, 9, PRODUCTS)]
    return {"histories": histories, "lists": lists, "targets": targets, "features": features}


def answers(given: dict[str, Any]) -> dict[str, Any]:
    """What RecTools and SciPy say of the inputs."""
    import pandas as pd

    metrics: Any = importlib.import_module("rectools.metrics")
    distances: Any = importlib.import_module("rectools.metrics.distances")
    entropy: Any = importlib.import_module("scipy.stats").entropy
    catalog = list(range(1, PRODUCTS + 1))
    reco = pd.DataFrame(
        [(user, item, rank) for user, one in enumerate(given["lists"]) for rank, item in enumerate(one, 1)],
        columns=["user_id", "item_id", "rank"],
    )
    before = pd.DataFrame(
        [(user, item) for user, one in enumerate(given["histories"]) for item in one], columns=["user_id", "item_id"]
    )
    asked = pd.DataFrame({"user_id": range(SHOPPERS), "item_id": given["targets"]})
    table = pd.DataFrame(given["features"], index=catalog, columns=["department", "type"]).astype(float)
    hamming = distances.PairwiseHammingDistanceCalculator(table)
    departments = 1 + max(one[0] for one in given["features"])
    shares = [
        [
            np.bincount([given["features"][item - 1][0] for item in one], minlength=departments) / len(one)
            for one in many
        ]
        for many in (given["histories"], given["lists"])
    ]
    return {
        "coverage": metrics.CatalogCoverage(k=K, normalize=True).calc(reco, catalog),
        "novelty": metrics.MeanInvUserFreq(k=K).calc_per_user(reco, before).tolist(),
        "distance": metrics.IntraListDiversity(k=K, distance_calculator=hamming).calc_per_user(reco).tolist(),
        "serendipity": metrics.Serendipity(k=K).calc_per_user(reco, asked, before, catalog).tolist(),
        "popularity": metrics.AvgRecPopularity(k=K).calc_per_user(reco, before.drop_duplicates()).tolist(),
        "divergence": [float(entropy(p, 0.99 * q + 0.01 * p)) for p, q in zip(*shares, strict=True)],
    }


if __name__ == "__main__":
    given = inputs()
    versions = {
        name: importlib.import_module("importlib.metadata").version(name) for name in ("rectools", "pandas", "scipy")
    }
    record = {"versions": versions, "k": K, "products": PRODUCTS, "inputs": given, "answers": answers(given)}
    Path(sys.argv[1]).write_text(json.dumps(record) + "\n", encoding="utf-8")
