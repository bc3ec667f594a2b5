"""RecTools' evaluation from vectors to metrics: ``TorchRanker``'s ten best in a frame, then ``calc_metrics``.

With ``extra["fast"]`` its ``fast_transformers.compute_metrics`` on tensors, whose NDCG is divided by what ten hits
would give and so is a tenth to a fifth of the usual one; ``ndcg`` multiplies it back.
"""

from __future__ import annotations

from importlib.metadata import version

import numpy as np
import pandas as pd
import torch
from rectools import Columns
from rectools.fast_transformers import compute_metrics
from rectools.metrics import MRR, NDCG, HitRate, calc_metrics
from rectools.models.rank import Distance, TorchRanker

from benchmarks.peers.protocol import begin
from benchmarks.peers.vectors import K, read_vectors

IDEAL = float((1 / np.log2(np.arange(K) + 2)).sum())


def main() -> None:
    """The worker: a step is one evaluation of all shoppers."""
    work, channel = begin()
    shoppers, products, targets = read_vectors(work)
    N = len(targets)
    wanted = pd.DataFrame({Columns.User: np.arange(N), Columns.Item: targets})
    metrics = {"hr": HitRate(K), "ndcg": NDCG(K, divide_by_achievable=True), "mrr": MRR(K)}
    items, answers, users = torch.from_numpy(products[1:]), torch.from_numpy(targets), torch.from_numpy(shoppers)

    def frame() -> float:
        ranker = TorchRanker(Distance.DOT, "cpu", users, items)
        who, what, _ = ranker.rank(np.arange(N), K)
        ranks = np.tile(np.arange(1, K + 1), N)
        reco = pd.DataFrame({Columns.User: who, Columns.Item: what + 1, Columns.Rank: ranks})
        return float(calc_metrics(metrics, reco, wanted)["ndcg"])

    def fast() -> float:
        best = torch.cat([(some @ items.T).topk(K).indices + 1 for some in users.split(512)])
        return float(compute_metrics(best, answers)[f"NDCG@{K}"]) * IDEAL

    once = fast if work.settings.extra.get("fast") else frame
    channel.ready(ndcg=once(), version=version("rectools"))
    while True:
        once()
        channel.step(N)


if __name__ == "__main__":
    main()
