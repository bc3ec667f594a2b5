"""What shoppers search for and what the shop sees of it: queries, results shown, clicks, purchases.

    queries = queries_frame(world)                      # every query that anybody types
    for log in search_logs(world, 4000):                # a block of shoppers at a time
        log.searches, log.results

A search comes within the day before one of the shopper's purchases, drawn evenly, out of the interest that the shopper
has then. It is a need of its own: what is bought from the results is not among the shop's other events, and these do
not depend on it. The results are those of the shop's engine (lexical.py, BM25), best first. In a small share of the
searches (POLICY "shuffled") the same results stand in random order: that is how position's effect can be measured.
How clicks and purchases come about is in truth/search.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from course_lib.data.columns import Columns
from course_lib.shop.lexical import LexicalEngine
from course_lib.shop.parts import SEARCH, liking, whole_blocks
from course_lib.shop.simulate import DAY, Block
from course_lib.shop.truth.intents import LANGUAGES, make_intents
from course_lib.shop.truth.search import SearchTruth, click_chances, draw_queries, examination, search_truth
from course_lib.shop.world import World

RANKED, SHUFFLED = "ranked", "shuffled"
QUERY_COLUMNS = (Columns.QUERY, Columns.TEXT)
SEARCH_COLUMNS = (
    Columns.SEARCH, Columns.USER, Columns.TIME, Columns.LANGUAGE, Columns.QUERY, Columns.POLICY,
)  # fmt: skip
RESULT_COLUMNS = (Columns.SEARCH, Columns.POSITION, Columns.ITEM, Columns.CLICK, Columns.BOUGHT)


@dataclass(frozen=True)
class SearchLog:
    """Searches by shopper and time, and their results by search and position. A search may have no result at all."""

    searches: pd.DataFrame  # SEARCH_COLUMNS
    results: pd.DataFrame  # RESULT_COLUMNS


def queries_frame(world: World) -> pd.DataFrame:
    """The queries as the shop knows them: QUERY and TEXT."""
    texts = [intent.text for intent in make_intents(world)]
    return pd.DataFrame({Columns.QUERY: np.arange(len(texts), dtype=np.int32), Columns.TEXT: texts})


def engine(world: World) -> LexicalEngine:
    """The shop's own search engine."""
    return LexicalEngine(world.catalogue.items, world.parameters["search.k1"], world.parameters["search.b"])


def search_logs(world: World, shoppers: int, seed: int | None = None) -> Iterator[SearchLog]:
    """The searches of ``shoppers``, block by block; ``seed`` defaults to the shop's own."""
    truth = search_truth(world)
    found = engine(world).search([intent.text for intent in truth.intents], world.parameters["search.shown"])
    for block, rng in whole_blocks(world, SEARCH, shoppers, seed):
        yield _block_log(world, truth, found, block, rng, shoppers)


def search_log(world: World, shoppers: int, seed: int | None = None) -> SearchLog:
    """All of it at once."""
    logs = list(search_logs(world, shoppers, seed))
    return SearchLog(
        pd.concat([log.searches for log in logs], ignore_index=True),
        pd.concat([log.results for log in logs], ignore_index=True),
    )


def _block_log(
    world: World, truth: SearchTruth, found: NDArray[np.int32], block: Block, rng: np.random.Generator, shoppers: int
) -> SearchLog:
    """One block: who searches when for what, in which order results stand, what is clicked and bought."""
    numbers = world.parameters.numbers["search"]
    N = len(block.length)
    language = (rng.random(N) >= numbers["chinese"]).astype(np.int64)
    count = rng.poisson(numbers["searches_mean"], N)
    users = np.repeat(np.arange(N), count)  # (n,)
    n = len(users)
    event = (rng.random(n) * block.length[users]).astype(np.int64)
    days = block.days[users, event].astype(np.float64) - rng.random(n)
    order = np.lexsort((days, users))
    event, days = event[order], days[order]  # the users are in order already
    interest = block.truth.interest[users, event].astype(np.int64)
    query = draw_queries(truth, language[users], interest, rng.random(n))

    shown = found[query]  # (n, K)
    shuffled = rng.random(n) < numbers["shuffled"]
    key = np.where(shuffled[:, None], rng.random(shown.shape), np.arange(shown.shape[1]))
    key = np.where(shown > 0, key, np.inf)  # empty places stay last
    shown = np.take_along_axis(shown, np.argsort(key, axis=1, kind="stable"), 1)

    liked = liking(world, block.truth.taste, block.truth.budget)[users[:, None], shown - 1]
    attraction, purchase = click_chances(world, truth.grades[query[:, None], shown - 1], liked)
    looked = examination(shown.shape[1], numbers["attention"])
    clicked = (rng.random(shown.shape) < looked * attraction) & (shown > 0)
    bought = clicked & (rng.random(shown.shape) < purchase)

    wanted = users + block.first < shoppers
    number = np.arange(n) - (np.cumsum(count) - count)[users]
    search = (users + block.first).astype(np.int64) * 1000 + number
    start = int(pd.Timestamp(world.parameters["shopper.start_date"]).timestamp())
    columns = (
        search,
        (users + block.first).astype(np.int32),
        start + np.round(days * DAY).astype(np.int64),
        np.array(LANGUAGES)[language[users]],
        query.astype(np.int32),
        np.where(shuffled, SHUFFLED, RANKED),
    )
    row, place = np.nonzero((shown > 0) & wanted[:, None])
    results = (search[row], (place + 1).astype(np.int16), shown[row, place], clicked[row, place], bought[row, place])
    return SearchLog(
        pd.DataFrame({name: values[wanted] for name, values in zip(SEARCH_COLUMNS, columns, strict=True)}),
        pd.DataFrame(dict(zip(RESULT_COLUMNS, results, strict=True))),
    )
