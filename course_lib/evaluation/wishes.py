"""Wishes in words: searches of the shop, with what the shopper had bought before and three answers to "was it right?".

    wishes = Wishes.make(dataset, split)
    wishes.ndcg("bought", scores)     # (N,) of scores (N, V)

Searches made after the part of a shopper's history that a model learns from, at most one a shopper for each answer:

    bought   the first product bought from the results, of searches that ended so: the shop's engine, which reads words,
             chose what could be bought
    meant    graded relevance of the query, 0 to 3, from the shop's truth: what the words ask for, whoever asks. Of
             searches drawn at random, those that found nothing among them
    next     the next purchase outside the search, as in all other lessons; of the same searches as "meant"

The search is drawn out of the interest that the shopper has at that time (shop/search.py), but is a need of its own: it
changes nothing in what is bought next.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from course_lib.data import registry
from course_lib.data.columns import Columns
from course_lib.data.dataset import Dataset
from course_lib.data.histories import Histories, Split
from course_lib.errors import CourseError
from course_lib.evaluation.metrics import ndcg, rank_of_target
from course_lib.evaluation.search_task import SearchTask

TRUTHS = ("bought", "meant", "next")
DRAWN = 1500  # searches of "meant" and "next"
FEWEST = 5  # searches without which there is nothing to average
Scores = NDArray[np.float32]


@dataclass(frozen=True)
class Wishes:
    """``N`` searches."""

    task: SearchTask  # row n is search n: its query, kind and graded gains
    histories: Histories  # N, what was bought before the search
    drawn: NDArray[np.bool_]  # (N,) at random: those that "meant" and "next" are of
    bought: NDArray[np.int64]  # (N,) item ids, 0 where none is asked for
    next: NDArray[np.int64]  # (N,)

    def __len__(self) -> int:
        return len(self.bought)

    @classmethod
    def make(cls, dataset: Dataset, split: Split) -> Wishes:
        """Of the shop; raises CourseError ``too_few_wishes`` where there are fewer than FEWEST searches."""
        from course_lib.shop.published import shop
        from course_lib.shop.truth.search import KIND, queries, search_truth

        results = registry.load_table(dataset.address, "results")
        got = results[results[Columns.BOUGHT]].drop_duplicates(Columns.SEARCH)
        searches = registry.load_table(dataset.address, "searches").merge(
            got[[Columns.SEARCH, Columns.ITEM]], on=Columns.SEARCH, how="left"
        )
        whole = dataset.histories()
        times = dataset.events[Columns.TIME].to_numpy()
        user = searches[Columns.USER].to_numpy()
        start, end = whole.offsets[user], whole.offsets[user + 1]
        before = np.array(
            [
                np.searchsorted(times[a:b], moment, side="right")
                for a, b, moment in zip(start, end, searches[Columns.TIME], strict=True)
            ],
            np.int64,
        )
        late = (before >= np.maximum(split.train.lengths[user], 1)) & (start + before < end)
        searches = searches.assign(before=before, row=np.arange(len(searches)))[late]
        ended = searches.dropna(subset=Columns.ITEM).drop_duplicates(Columns.USER)
        order = np.random.default_rng(0).permutation(len(searches))
        drawn = searches.iloc[order].drop_duplicates(Columns.USER)[:DRAWN]
        if min(len(ended), len(drawn)) < FEWEST:
            raise CourseError("too_few_wishes", searches=min(len(ended), len(drawn)), fewest=FEWEST)
        searches = searches[searches["row"].isin(ended["row"]) | searches["row"].isin(drawn["row"])]
        bought = searches[Columns.ITEM].where(searches["row"].isin(ended["row"])).fillna(0).to_numpy(np.int64)
        at_random = searches["row"].isin(drawn["row"]).to_numpy()
        chosen = searches["row"].to_numpy()
        start, before = start[chosen], before[chosen]
        past = [whole.items[a : a + n].tolist() for a, n in zip(start, before, strict=True)]
        frame, truth = queries(shop()), search_truth(shop())
        asked = searches[Columns.QUERY].to_numpy()
        frame = frame.iloc[asked]
        task = SearchTask(
            frame[Columns.TEXT].tolist(), frame[KIND].to_numpy(str), frame[Columns.LANGUAGE].to_numpy(str),
            np.ones(len(asked), np.int64), np.exp2(truth.grades[asked].astype(np.float32)) - 1,
        )  # fmt: skip
        following = whole.items[start + before].astype(np.int64)
        return cls(task, Histories.from_lists(past), at_random, bought, following)

    def of(self, truth: str) -> NDArray[np.bool_]:
        """(N,) the searches that have an answer of this kind."""
        return self.bought > 0 if truth == "bought" else self.drawn

    def ndcg(self, truth: str, scores: Scores) -> NDArray[np.float64]:
        """(M,) NDCG@10 of scores (N, V) by one of TRUTHS, of the M searches that have it; 0 is "not found"."""
        rows = self.of(truth)
        if truth == "meant":
            return self.task.take(rows).ndcg(scores[rows])
        targets = (self.bought if truth == "bought" else self.next)[rows]
        padded = np.concatenate([np.zeros((len(targets), 1), np.float32), scores[rows]], axis=1)
        return ndcg(rank_of_target(padded, targets), k=10)


def mixed_scores(words: Scores, history: Scores, weight: float) -> Scores:
    """(N, V) ``weight * words / max + (1 - weight) * history / max``, each over its own row; none is below 0.

    >>> mixed_scores(np.array([[0.0, 4.0]]), np.array([[0.5, 0.25]]), 0.5).tolist()
    [[0.5, 0.75]]
    """
    parts = [one / np.maximum(one.max(axis=1, keepdims=True), 1e-9) for one in (words, history)]
    found: Scores = weight * parts[0] + (1 - weight) * parts[1]
    return found
