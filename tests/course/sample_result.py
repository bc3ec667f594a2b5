"""A finished run's result, small enough to reckon with by hand."""

RESULT = {
    "measures": {
        "ndcg@10": {"value": 0.30, "low": 0.27, "high": 0.33},
        "hr@10": {"value": 0.5, "low": 0.5, "high": 0.5},
        "over_markov": {"value": 0.10, "low": 0.05, "high": 0.15},
        "share_of_filtered_oracle": {"value": 0.75, "low": 0.675, "high": 0.825},
        "parameters": {"value": 90_000, "low": 90_000, "high": 90_000},
        "seconds": {"value": 12.9, "low": 12.9, "high": 12.9},
    },
    "parameters": 90_000,
    "seconds": {"total": 14.2, "train": 12.9},
}
