"""What mlxtend 0.25.0 says of a few sets of baskets: writes mlxtend_figures.json, which test_association.py reads.

    python -m venv /tmp/mlxtend && /tmp/mlxtend/bin/pip install mlxtend==0.25.0 && \
        /tmp/mlxtend/bin/python tests/evaluation/mlxtend_figures.py

It is no requirement of the tests: the rules of pairs are all that is compared, and they do not change.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from mlxtend.frequent_patterns import apriori, association_rules, fpgrowth

CASES = {"small": (60, 8, 4), "large": (400, 25, 9), "single": (80, 6, 1), "rare": (300, 40, 3)}


def baskets(name: str) -> list[list[int]]:
    """One set of baskets, drawn by its name; a product may lie in a basket twice."""
    count, products, mean = CASES[name]
    rng = np.random.default_rng(list(name.encode()))
    share = rng.dirichlet(np.full(products, 0.7))
    sizes = 1 + rng.poisson(mean - 1, count)
    return [(rng.choice(products, size, p=share) + 1).tolist() for size in sizes]


def figures(some: list[list[int]]) -> dict[str, Any]:
    """Every rule from one product to one other that occurs: support, confidence and lift."""
    products = sorted({item for one in some for item in one})
    table = pd.DataFrame([[item in one for item in products] for one in some], columns=products)
    least = 0.5 / len(some)
    found = apriori(table, min_support=least, use_colnames=True, max_len=2)
    again = fpgrowth(table, min_support=least, use_colnames=True, max_len=2)
    assert dict(zip(found.itemsets, found.support, strict=True)) == dict(
        zip(again.itemsets, again.support, strict=True)
    )
    rules = (
        association_rules(found, metric="support", min_threshold=least)
        if (found.itemsets.map(len) == 2).any()
        else pd.DataFrame(columns=["antecedents", "consequents", "support", "confidence", "lift"])
    )
    rows = [
        [*map(int, row.antecedents), *map(int, row.consequents), row.support, row.confidence, row.lift]
        for row in rules.itertuples()
    ]
    return {"baskets": some, "rules": rows}


if __name__ == "__main__":
    place = Path(__file__).with_suffix(".json")
    place.write_text(json.dumps({name: figures(baskets(name)) for name in CASES}), encoding="utf-8")
