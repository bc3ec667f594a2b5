"""ranx from vectors to metrics: numpy's ten best of all scores as arrays, then ``ranx.evaluate``, compiled before."""

from __future__ import annotations

from importlib.metadata import version

import numpy as np
import ranx

from benchmarks.peers.protocol import begin
from benchmarks.peers.vectors import K, read_vectors


def main() -> None:
    """The worker: a step is one evaluation of all shoppers."""
    work, channel = begin(with_torch=False)
    shoppers, products, targets = read_vectors(work)
    N, items = len(targets), products[1:]
    relevant = np.stack([targets, np.ones(N, np.int64)], axis=1)[:, None].astype(np.float64)  # (N, 1, 2) id and gain

    def once() -> float:
        run = np.empty((N, K, 2))
        for start in range(0, N, 512):
            scores = shoppers[start : start + 512] @ items.T
            some = np.argpartition(scores, -K, axis=1)[:, -K:]
            values = np.take_along_axis(scores, some, 1)
            order = np.argsort(-values, axis=1)
            run[start : start + 512, :, 0] = np.take_along_axis(some, order, 1) + 1
            run[start : start + 512, :, 1] = np.take_along_axis(values, order, 1)
        wanted = [f"{name}@{K}" for name in ("hit_rate", "ndcg", "mrr")]
        found = ranx.evaluate(relevant, run, wanted, threads=work.settings.threads)
        return float(found[f"ndcg@{K}"])

    channel.ready(ndcg=once(), version=version("ranx"))
    while True:
        once()
        channel.step(N)


if __name__ == "__main__":
    main()
