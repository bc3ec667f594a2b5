"""What runs of the search experiments tell, made up for the pictures' contract."""

from __future__ import annotations

from typing import Any


def _around(value: float) -> dict[str, float]:
    return {"value": value, "low": value - 0.01, "high": value + 0.01}


ALONE = {"words": 0.75, "letters": 0.8, "meaning": 0.77}
SCORES = {"words": 0.75, "before": 0.77, "both_before": 0.83, "trained": 0.85, "both": 0.86}
RANKERS = {"naive": 0.6, "corrected": 0.78, "from_truth": 0.8, "as_shown": 0.7}
FEATURES = ["words", "letters", "meaning", "sales", "price"]
VIEW: dict[str, Any] = {
    "shuffled": 300, "features": FEATURES,
    "rankers": {name: [0.9, 0.8, 0.3, 0.2, -0.1] for name in ("naive", "corrected", "from_truth")},
    "places": {
        name: [1.0, 0.6 + shift, 0.4 + shift]
        for name, shift in {"value": 0.0, "low": -0.05, "high": 0.05, "truth": 0.01, "ranked": -0.1}.items()
    },
}  # fmt: skip
KINDS = {
    kind: {name: _around(0.5 + n / 20) for n, name in enumerate((*ALONE, *SCORES))}
    | {"gap": _around(-0.1), "over_words": _around(0.1)}
    for kind in ("head", "misspelt", "zh_en")
}
EVENT = {"alone": ALONE, "weight": 0.3, "score": 0.82, "searches": 900, **SCORES, **RANKERS}  # of a frame
MEASURED = {name: _around(value) for name, value in {**SCORES, **RANKERS}.items()}
RESULT = {"table": KINDS, "pools": [{"candidates": 10, "score": 0.8}, {"candidates": 100, "score": 0.83}], "view": VIEW}
