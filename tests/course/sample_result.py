"""A finished run's result, small enough to reckon with by hand."""

RESULT = {
    "model": "sasrec",
    "parameters": 90_000,
    "seconds": {"total": 14.2, "train": 12.9},
    "metrics": {
        "ndcg@10": {"value": 0.30, "low": 0.27, "high": 0.33},
        "hr@10": {"value": 0.5, "low": 0.5, "high": 0.5},
    },
    "baselines": {
        "markov": {"ndcg@10": {"value": 0.20, "low": 0.16, "high": 0.24}},
        "item-knn": {"ndcg@10": {"value": 0.18, "low": 0.15, "high": 0.21}},
    },
    "oracle": {"filtered": {"ndcg@10": {"value": 0.40, "low": 0.40, "high": 0.40}}},
}
