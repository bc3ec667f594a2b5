"""The truth behind the search box: what each query asks for, what is relevant to it, and what makes a shopper click.

    queries(world)      which kind each query is, and what it asks for
    relevance(world)    the graded relevance of queries and products, as evaluation reads it
    click_chances(...)  what course_lib/shop/search.py draws clicks and purchases from

A result at position j is looked at with chance j^-attention, whatever it is; once looked at it is clicked, and once
clicked it is bought, with chances that rise with its relevance g and with the shopper's own liking l of it within its
type (the position-based click model: Richardson, Dominowska & Ragno, Predicting Clicks, WWW 2007):

    P(click)         = j^-attention * sigmoid(logit(attraction_g) + liking * l)
    P(bought | click) =               sigmoid(logit(purchase_g)   + liking * l)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from course_lib.data.columns import Columns
from course_lib.shop.parts import SEARCH, interest_types, logistic
from course_lib.shop.truth.intents import KINDS, LANGUAGES, NONE, Intent, grades, make_intents
from course_lib.shop.world import Floats, Ints, World

GRADES = (0, 1, 2, 3)
GRADE, KIND, NEED = "grade", "kind", "need"


@dataclass(frozen=True)
class SearchTruth:
    """``Q`` queries and all that is true of them."""

    intents: tuple[Intent, ...]  # Q
    grades: NDArray[np.int8]  # (Q, V) 0 irrelevant .. 3 exact, as defined in intents.grades
    chances: NDArray[np.float64]  # (2, K, Q) of each query, for a shopper of a language and an interest


def search_truth(world: World) -> SearchTruth:
    """Everything, deterministic in the shop's parameters."""
    intents = make_intents(world)
    relevant = grades(world, intents)
    return SearchTruth(intents, relevant, _query_chances(world, intents, relevant))


def queries(world: World) -> pd.DataFrame:
    """A row a query: QUERY, TEXT, ``kind`` (intents.KINDS), LANGUAGE ("zh", "en" or "mixed"), TYPE, BRAND and ``need``.

    What is not asked for is an empty string.
    """
    content = world.parameters.content

    def name(table: str, n: int) -> str:
        return "" if n == NONE else str(content[table][n]["id"])

    rows = [
        (one.text, one.kind, one.language, name("type", one.type), name("brand", one.brand), name("need", one.need))
        for one in make_intents(world)
    ]
    frame = pd.DataFrame(rows, columns=[Columns.TEXT, KIND, Columns.LANGUAGE, Columns.TYPE, Columns.BRAND, NEED])
    frame.insert(0, Columns.QUERY, np.arange(len(frame), dtype=np.int32))
    return frame


def relevance(world: World) -> pd.DataFrame:
    """A row for each query and each product relevant to it: QUERY, ITEM, ``grade`` (1, 2 or 3; any other pair is 0).

    3 exact, 2 substitute, 1 related: see :func:`course_lib.shop.truth.intents.grades`.
    """
    table = grades(world, make_intents(world))
    query, item = np.nonzero(table)
    return pd.DataFrame(
        {
            Columns.QUERY: query.astype(np.int32),
            Columns.ITEM: (item + 1).astype(np.int32),
            GRADE: table[query, item],
        }
    )


def examination(positions: int, attention: float) -> NDArray[np.float64]:
    """(positions,) the chance j^-attention that the product at position j = 1, 2, ... is looked at."""
    looked: NDArray[np.float64] = np.arange(1, positions + 1, dtype=np.float64) ** -attention
    return looked


def click_chances(
    world: World, grade: NDArray[np.int8], liked: Floats
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """P(click | looked at) and P(bought | clicked) of results with these grades and likings (arrays of one shape).

    ``liked`` is from :func:`course_lib.shop.parts.liking`.
    """
    numbers = world.parameters.numbers["search"]
    moved = numbers["liking"] * liked.astype(np.float64)

    def chances(by_grade: list[float]) -> NDArray[np.float64]:
        odds = np.log(by_grade) - np.log1p(-np.asarray(by_grade))
        return logistic(odds[grade] + moved)

    return chances(numbers["attraction"]), chances(numbers["purchase"])


def _query_chances(world: World, intents: tuple[Intent, ...], relevant: NDArray[np.int8]) -> NDArray[np.float64]:
    """(2, K, Q) how a shopper of each language and interest chooses a query.

    The kind by its share in parameters.toml; then within the kind, among the queries of the language and the mixed
    ones, by r^-exponent of a random rank r (heads: all alike) times how often the shopper's interest asks for the
    types of the query's exact products.
    """
    numbers = world.parameters.numbers["search"]
    rng = np.random.default_rng([world.parameters["seed"], SEARCH, 0, 2])
    exact = np.add.reduceat(relevant == 3, world.first_item[:-1], axis=1, dtype=np.float64)  # (Q, C)
    asked = exact / exact.sum(1, keepdims=True)
    demand = (1 - numbers["wander"]) * interest_types(world) + numbers["wander"] * world.demand.mean(0)
    weights = (asked @ demand.T).T  # (K, Q)
    kind = np.array([intent.kind for intent in intents])
    language = np.array([intent.language for intent in intents])
    rank = np.ones(len(intents))
    for name in KINDS[1:]:
        for spoken in (*LANGUAGES, "mixed"):
            those = np.flatnonzero((kind == name) & (language == spoken))
            rank[those] = rng.permutation(len(those)) + 1
    weights = weights * rank ** -numbers["exponent"]
    chances = np.zeros((len(LANGUAGES), *weights.shape))
    for n, spoken in enumerate(LANGUAGES):
        for name, share in numbers["kinds"].items():
            those = (kind == name) & ((language == spoken) | (language == "mixed"))
            chances[n][:, those] = share * weights[:, those] / weights[:, those].sum(1, keepdims=True)
    chances /= chances.sum(2, keepdims=True)
    return chances


def draw_queries(truth: SearchTruth, language: Ints, interest: Ints, uniform: NDArray[np.float64]) -> Ints:
    """(n,) a query for each shopper of ``language`` (index of LANGUAGES) and ``interest``, by numbers from [0, 1)."""
    cumulative = np.cumsum(truth.chances, axis=2)
    chosen = np.zeros(len(uniform), np.int64)
    for n in range(cumulative.shape[0]):
        for k in range(cumulative.shape[1]):
            rows = (language == n) & (interest == k)
            chosen[rows] = np.searchsorted(cumulative[n, k], uniform[rows] * cumulative[n, k, -1], side="right")
    last: Ints = np.minimum(chosen, cumulative.shape[2] - 1)
    return last
