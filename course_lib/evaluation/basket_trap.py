"""How much the order of lines inside a basket gives away: one Markov chain on the files' order and on a random one.

    python -m course_lib.evaluation.basket_trap     # measures, and writes data/complete_journey/measured.toml

Each household's last basket is held out, and the chain guesses every line of it from the line before. In the files the
lines of a basket are sorted by article number. The purchases are the same and the chain is the same, so whatever it
gains on the files' order comes from article numbers, not from shoppers. Measured for product types, the course's items,
and for articles, where it is worst.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from course_lib.data import complete_journey
from course_lib.data.columns import EVENT_COLUMNS, Columns
from course_lib.data.histories import Histories, Holdout, Score
from course_lib.data.splits import as_sets
from course_lib.evaluation.intervals import Interval, bootstrap
from course_lib.evaluation.metrics import hit_rate
from course_lib.evaluation.protocol import evaluate
from course_lib.settings import PROJECT

COMMAND = "Written by: python -m course_lib.evaluation.basket_trap"
MEASURED = PROJECT / "data" / "complete_journey" / "measured.toml"
BLEND = 10.0  # weight of popularity, in transitions; the same everywhere


def markov(train: Histories, num_items: int) -> Score:
    """A first-order chain: how often item j came right after the history's last item, smoothed by popularity."""
    size = num_items + 1
    inside = np.ones(max(len(train.items) - 1, 0), bool)
    ends = train.offsets[1:-1]
    inside[ends[(ends > 0) & (ends < len(train.items))] - 1] = False  # no pair across two shoppers
    pairs = (train.items[:-1][inside], train.items[1:][inside])
    counts = sparse.csr_matrix((np.ones(len(pairs[0])), pairs), shape=(size, size))
    popularity = np.bincount(train.items, minlength=size) / max(len(train.items), 1)

    def score(histories: Histories) -> NDArray[np.float64]:
        rows = counts[histories.padded(1)[:, 0]]
        return np.asarray((rows.toarray() + BLEND * popularity) / (np.asarray(rows.sum(axis=1)) + BLEND))

    return score


def next_line(events: pd.DataFrame, num_items: int) -> Interval:
    """HR@10 of the chain for every line of each user's last basket, given the line before it in ``events``."""
    user, item = events[Columns.USER].to_numpy(np.int64), events[Columns.ITEM].to_numpy(np.int32)
    basket = events[Columns.BASKET].to_numpy(np.int64)
    ends = np.searchsorted(user, np.arange(user[-1] + 1), side="right") - 1  # (N,) each user's last line
    held = basket == basket[ends][user]
    lengths = np.bincount(user[~held], minlength=user[-1] + 1)
    train = Histories(item[~held], np.concatenate([[0], np.cumsum(lengths)]))
    asked = np.flatnonzero(held[1:] & held[:-1] & (user[1:] == user[:-1]))  # line n stands before line n + 1
    before = Histories(item[asked], np.arange(len(asked) + 1))
    holdout = Holdout(user[asked].astype(np.int32), before, item[asked + 1])
    return bootstrap(hit_rate(evaluate(markov(train, num_items), holdout).ranks))


def file_order(numbers: pd.Series, bought: pd.DataFrame) -> pd.DataFrame:
    """Events of ``numbers`` (1-based item of each line of ``bought``, NaN for none), baskets in the files' order."""
    known = numbers.notna().to_numpy()
    bought = bought[known]
    events = pd.DataFrame(
        {
            Columns.USER: np.unique(bought["household_id"], return_inverse=True)[1].astype(np.int32),
            Columns.ITEM: numbers[known].to_numpy(np.int32),
            Columns.TIME: bought["transaction_timestamp"].to_numpy("datetime64[s]").astype(np.int64),
            Columns.BASKET: bought["basket_id"].to_numpy(np.int64),
        }
    ).drop_duplicates([Columns.BASKET, Columns.ITEM])
    events = events.sort_values([Columns.USER, Columns.TIME, Columns.BASKET], kind="stable", ignore_index=True)
    return events[list(EVENT_COLUMNS)]


def measured() -> str:
    """The text of ``measured.toml``: takes about four seconds."""
    bought = complete_journey.lines()
    households = bought.groupby("product_id")["household_id"].nunique()
    articles = households.index[households >= complete_journey.HOUSEHOLDS]
    levels = {
        "types": (bought[Columns.ITEM], int(bought[Columns.ITEM].max())),
        "articles": (bought["product_id"].map(pd.Series(range(1, len(articles) + 1), articles)), len(articles)),
    }
    lines = ["# HR@10 of a first-order Markov chain for the next line of a basket, all of 2017.", f"# {COMMAND}"]
    for level, (numbers, num_items) in levels.items():
        events = file_order(numbers, bought)
        lines += ["", f"[{level}]"]
        for name, rate in (
            ("file_order", next_line(events, num_items)),
            ("random_order", next_line(as_sets(events), num_items)),
        ):
            lines.append(f"{name} = {{ value = {rate.value:.4f}, low = {rate.low:.4f}, high = {rate.high:.4f} }}")
    return "\n".join([*lines, ""])


def main(path: Path = MEASURED) -> None:
    """Measures and writes."""
    text = measured()
    path.write_text(text, encoding="utf-8")
    sys.stdout.write(text)


if __name__ == "__main__":
    main()
