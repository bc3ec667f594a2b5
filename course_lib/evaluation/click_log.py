"""The shop's searches as a table: what stood at each place, what was clicked, and what a place is worth.

    log = ClickLog.make(dataset, task)
    chances, low, high = examined(log)     # (10,) of being looked at, against the first place, from shuffled searches

In the shuffled searches every result stands at every place equally often, so what differs between places is the place:

    examination_j = clicks a result at place j / clicks a result at place 1

(randomised results: Joachims, Swaminathan & Schnabel, Unbiased Learning-to-Rank with Biased Feedback, WSDM 2017).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from course_lib.data import registry
from course_lib.data.columns import Columns
from course_lib.data.dataset import Dataset
from course_lib.evaluation.search_task import PLACES, SearchTask

FLOOR = 0.02  # least chance that a place counts with: a place without a click would weigh without end
RESAMPLES = 500
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class ClickLog:
    """``S`` searches with results, in the log's order."""

    query: NDArray[np.int64]  # (S,) row of the task
    user: NDArray[np.int64]  # (S,)
    shuffled: NDArray[np.bool_]  # (S,)
    items: NDArray[np.int64]  # (S, 10) ids, 0 where nothing stood
    clicked: NDArray[np.bool_]  # (S, 10)
    attraction: Floats  # (S, 10) the true chance of a click once looked at, of the average shopper

    @classmethod
    def make(cls, dataset: Dataset, task: SearchTask) -> ClickLog:
        """From the tables of the shop and its truth; searches that found nothing are left out."""
        from course_lib.shop.published import shop
        from course_lib.shop.truth.search import queries

        searches = registry.load_table(dataset.address, "searches")
        results = registry.load_table(dataset.address, "results")
        texts = queries(shop())[Columns.TEXT].tolist()
        row_of = {text: row for row, text in enumerate(task.texts)}
        rows = np.array([row_of.get(text, -1) for text in texts], np.int64)
        place = results[Columns.POSITION].to_numpy(np.int64) - 1
        number = {one: n for n, one in enumerate(searches[Columns.SEARCH].tolist())}
        search = results[Columns.SEARCH].map(number).to_numpy(np.int64)
        items = np.zeros((len(searches), PLACES), np.int64)
        clicked = np.zeros((len(searches), PLACES), bool)
        items[search, place] = results[Columns.ITEM].to_numpy(np.int64)
        clicked[search, place] = results[Columns.CLICK].to_numpy(bool)
        query = rows[searches[Columns.QUERY].to_numpy(np.int64)]
        kept = (items[:, 0] > 0) & (query >= 0)
        user = searches[Columns.USER].to_numpy(np.int64)
        shuffled = (searches[Columns.POLICY] == "shuffled").to_numpy()
        attraction = attractions(task, query[kept], items[kept])
        return cls(query[kept], user[kept], shuffled[kept], items[kept], clicked[kept], attraction)

    def __len__(self) -> int:
        return len(self.query)

    def first(self, size: int) -> ClickLog:
        """The first so many searches."""
        return ClickLog(
            self.query[:size], self.user[:size], self.shuffled[:size], self.items[:size], self.clicked[:size],
            self.attraction[:size],
        )  # fmt: skip


def attractions(task: SearchTask, query: NDArray[np.int64], items: NDArray[np.int64]) -> Floats:
    """(S, 10) the true chance of a click once looked at, by relevance alone; 0 where nothing stands."""
    from course_lib.shop.published import shop

    chances = np.asarray(shop().parameters.numbers["search"]["attraction"])
    grade = np.rint(np.log2(task.gains[query[:, None], items - 1] + 1)).astype(np.int64)
    found: Floats = np.where(items > 0, chances[grade], 0.0)
    return found


def examined(log: ClickLog, seed: int = 0) -> tuple[Floats, Floats, Floats]:
    """(10,) chances of being looked at against the first place, with the ends of a bootstrap's interval.

    1 everywhere where no shuffled search was clicked at the first place: then nothing can be told.
    """
    rows = np.flatnonzero(log.shuffled)
    shown, clicked = log.items[rows] > 0, log.clicked[rows] & (log.items[rows] > 0)
    value = _relative(clicked.sum(0), shown.sum(0))
    if not len(rows):
        return value, value, value
    rng = np.random.default_rng(seed)
    drawn = []
    for _ in range(RESAMPLES):
        times = np.bincount(rng.integers(0, len(rows), len(rows)), minlength=len(rows))
        drawn.append(_relative(times @ clicked, times @ shown))
    low, high = np.quantile(drawn, [0.025, 0.975], axis=0)
    return value, np.minimum(low, value), np.maximum(high, value)


def _relative(clicks: NDArray[np.integer], shown: NDArray[np.integer]) -> Floats:
    rate = np.divide(clicks, shown, out=np.zeros(len(clicks)), where=shown > 0)
    if rate[0] <= 0:
        return np.ones(len(rate))
    found: Floats = np.maximum(rate / rate[0], FLOOR)
    return found


def click_rates(log: ClickLog) -> Floats:
    """(10,) clicks a result by place in the searches that were not shuffled, against the first place."""
    rows = ~log.shuffled
    return _relative((log.clicked[rows] & (log.items[rows] > 0)).sum(0), (log.items[rows] > 0).sum(0))
