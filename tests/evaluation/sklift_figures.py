"""What scikit-uplift 0.5.1 says of a few campaigns: writes sklift_figures.json, which test_uplift.py reads.

    python -m venv /tmp/uplift && /tmp/uplift/bin/pip install scikit-uplift==0.5.1 && \
        /tmp/uplift/bin/python tests/evaluation/sklift_figures.py

It is no requirement of the tests: its last release is of 2022, and its plots do not import beside numpy 2 and
scikit-learn 1.9. Its metrics and models do.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklift.metrics import qini_auc_score, qini_curve, uplift_auc_score, uplift_curve
from sklift.models import ClassTransformation, SoloModel, TwoModels

CASES = {"fair": (80, 0.5, 0.2), "uneven": (60, 0.3, 0.2), "ties": (70, 0.5, 0.3), "rare": (120, 0.6, 0.03)}


def case(name: str) -> dict[str, Any]:
    """One campaign's numbers, drawn by its name."""
    shoppers, chance, base = CASES[name]
    rng = np.random.default_rng(list(name.encode()))
    x = np.round(rng.normal(size=(shoppers, 3)), 3)
    treated = rng.random(shoppers) < chance
    bought = rng.random(shoppers) < base * (1 + treated * (x[:, 0] > 0))
    score = np.round(x[:, 0] + rng.normal(size=shoppers), 0 if name == "ties" else 6)
    return {"x": x, "treated": treated.astype(int), "bought": bought.astype(int), "score": score}


def figures(one: dict[str, Any]) -> dict[str, Any]:
    """Everything that scikit-uplift says of it."""
    x, bought, treated, score = one["x"], one["bought"], one["treated"], one["score"]

    def base() -> LogisticRegression:
        return LogisticRegression(C=0.1, max_iter=1000, tol=1e-12)

    found = {
        "qini": qini_auc_score(bought, score, treated),
        "auuc": uplift_auc_score(bought, score, treated),
        "qini_curve": [part.tolist() for part in qini_curve(bought, score, treated)],
        "uplift_curve": [part.tolist() for part in uplift_curve(bought, score, treated)],
        "s": SoloModel(base()).fit(x, bought, treated).predict(x).tolist(),
        "t": TwoModels(base(), base()).fit(x, bought, treated).predict(x).tolist(),
        "transformed": ClassTransformation(base()).fit(x, bought, treated).predict(x).tolist(),
    }
    return {name: value.tolist() for name, value in one.items()} | found


if __name__ == "__main__":
    place = Path(__file__).with_suffix(".json")
    place.write_text(json.dumps({name: figures(case(name)) for name in CASES}), encoding="utf-8")
