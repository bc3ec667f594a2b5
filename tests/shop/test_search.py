"""The search box: queries of every kind, an engine that can be beaten, clicks as stated, and the true relevance."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from course_lib.data.columns import Columns
from course_lib.shop import simulate as simulator
from course_lib.shop.lexical import LexicalEngine, tokens
from course_lib.shop.parts import liking
from course_lib.shop.search import (
    QUERY_COLUMNS,
    RANKED,
    RESULT_COLUMNS,
    SEARCH_COLUMNS,
    SHUFFLED,
    SearchLog,
    engine,
    queries_frame,
    search_log,
    search_logs,
)
from course_lib.shop.simulate import simulate
from course_lib.shop.truth import intents, search
from course_lib.shop.truth.intents import KINDS, LANGUAGES
from course_lib.shop.truth.search import GRADE, KIND, NEED, SearchTruth
from course_lib.shop.world import World, make_world

SHOPPERS = 3000


@pytest.fixture(scope="module")
def truth(world: World) -> SearchTruth:
    return search.search_truth(world)


@pytest.fixture(scope="module")
def queries(world: World) -> pd.DataFrame:
    return search.queries(world)


@pytest.fixture(scope="module")
def log(world: World) -> SearchLog:
    return search_log(world, SHOPPERS)


def grade_of(world: World, truth: SearchTruth, text: str) -> pd.Series:
    """Relevance of every product to a query, by item id."""
    row = next(n for n, intent in enumerate(truth.intents) if intent.text == text)
    return pd.Series(truth.grades[row], index=world.catalogue.items[Columns.ITEM])


def test_queries_of_every_kind_in_both_languages(queries: pd.DataFrame, world: World) -> None:
    assert set(queries[KIND]) == set(KINDS) == set(world.parameters["search.kinds"])
    found = queries.groupby([KIND, Columns.LANGUAGE]).size()
    for kind in KINDS[:-1]:
        assert all(found[kind, language] >= 80 for language in LANGUAGES)
    assert found["mixed", "mixed"] >= 80
    assert queries[Columns.TEXT].str.lower().is_unique
    assert (queries[Columns.TEXT].str.strip() == queries[Columns.TEXT]).all()
    assert "送给10岁孩子的礼物" in set(queries[Columns.TEXT])
    assert "gift for a ten-year-old" in set(queries[Columns.TEXT])
    chinese = queries[Columns.TEXT].str.contains(r"[一-鿿]")
    assert not chinese[queries[Columns.LANGUAGE] == "en"].any()
    mixed = queries[queries[KIND] == "mixed"][Columns.TEXT]
    assert (mixed.str.contains(r"[一-鿿]") & mixed.str.contains("[a-z]")).all()


def test_the_shop_knows_the_words_alone(world: World, queries: pd.DataFrame) -> None:
    frame = queries_frame(world)
    assert tuple(frame.columns) == QUERY_COLUMNS
    pd.testing.assert_frame_equal(frame, queries[list(QUERY_COLUMNS)])


def test_every_query_can_be_satisfied(truth: SearchTruth) -> None:
    assert (truth.grades.max(1) == 3).all()
    assert set(np.unique(truth.grades)) == set(search.GRADES)


def test_relevance_is_the_table_without_its_zeros(world: World, truth: SearchTruth) -> None:
    frame = search.relevance(world)
    again = np.zeros_like(truth.grades)
    again[frame[Columns.QUERY], frame[Columns.ITEM] - 1] = frame[GRADE]
    np.testing.assert_array_equal(again, truth.grades)
    assert frame[GRADE].between(1, 3).all()


def test_relevance_by_hand(world: World, truth: SearchTruth) -> None:
    """The definition, looked up in the titles instead of the catalogue's hidden parts."""
    items = world.catalogue.items.set_index(Columns.ITEM)
    kind, title = items[Columns.TYPE], items[Columns.TITLE_EN]
    kin = {"basketball_shoes", "jersey", "knee_pads", "pump"}

    grades = grade_of(world, truth, "basketball")
    assert (grades == np.where(kind == "basketball", 3, kind.isin(kin))).all()
    grades = grade_of(world, truth, "match basketball")
    exact = (kind == "basketball") & title.str.contains(" match basketball,")
    assert 0 < exact.sum() < 15
    assert (grades == np.where(exact, 3, np.where(kind == "basketball", 2, kind.isin(kin)))).all()
    text = next(one.text for one in truth.intents if one.text.startswith("match basketball size"))
    grades = grade_of(world, truth, text)
    exact &= title.str.endswith(text.removeprefix("match basketball "))
    assert (grades == np.where(exact, 3, np.where(kind == "basketball", 2, kind.isin(kin)))).all()

    tier = {brand["id"]: brand["tier"] for brand in world.parameters.content["brand"]}
    brand = items[Columns.BRAND]
    grades = grade_of(world, truth, "Kinlane")
    alike = (items[Columns.DEPARTMENT] == "sports") & (brand.map(tier) == tier["kinlane"])
    assert (grades == np.where(brand == "kinlane", 3, alike)).all()
    text = next(one.text for one in truth.intents if one.text.startswith("Kinlane ") and one.kind == "brand")
    name = text.removeprefix("Kinlane ")
    grades = grade_of(world, truth, text)
    of_type = items[Columns.TYPE_EN] == name
    assert ((grades == 3) == (of_type & (brand == "kinlane"))).all()
    assert (grades[of_type & (brand != "kinlane")] == 2).all()


def test_relevance_of_a_need(world: World, truth: SearchTruth) -> None:
    """Best, good and related from queries.toml; a grade less without the attribute, and above the price."""
    items = world.catalogue.items.set_index(Columns.ITEM)
    kind, title = items[Columns.TYPE], items[Columns.TITLE_EN]
    grades = grade_of(world, truth, "送给10岁孩子的礼物")
    assert (grades == grade_of(world, truth, "gift for a ten-year-old")).all()
    small = title.str.endswith("size 5")
    assert (grades[(kind == "basketball") & small] == 3).all()
    assert (grades[(kind == "basketball") & ~small] == 2).all()
    assert (grades[kind == "school_bag"] == 2).all()
    assert (grades[kind == "jersey"] == 1).all()
    assert (grades[kind.isin(["wok", "cat_food", "serum"])] == 0).all()
    grades = grade_of(world, truth, "small gift under 50 yuan")
    dear = items[Columns.PRICE] > 50
    assert (grades[(kind == "tea") & dear] == 2).all()
    assert (grades[(kind == "tea") & ~dear] == 3).all()
    assert (grades[(kind == "pet_bowl") & dear] == 0).all()


def test_the_same_need_in_other_words_is_as_relevant(truth: SearchTruth) -> None:
    """Relevance follows from what is meant: every wording of a type, a slip included, and of a need has one row."""
    by_meaning: dict[tuple[int, ...], np.ndarray] = {}
    several = 0
    for intent, row in zip(truth.intents, truth.grades, strict=True):
        meaning = (intent.type, intent.brand, intent.line, intent.option, intent.need)
        several += meaning in by_meaning
        np.testing.assert_array_equal(by_meaning.setdefault(meaning, row), row)
    assert several > 1000


def test_the_contents_of_queries_agree(world: World) -> None:
    """Every type has its words in both languages, and every type that a need or a kinship names exists."""
    content = world.parameters.content
    types = {kind["id"] for kind in content["type"]}
    assert set(content["wording"]) == types
    for words in content["wording"].values():
        assert all(words[name] for name in ("zh", "en", "misspelt"))
    assert {name for group in content["kin"] for name in group["types"]} <= types
    assert len({need["id"] for need in content["need"]}) == len(content["need"]) >= 60
    for need in content["need"]:
        entries = [entry for grade in ("best", "good", "related") for entry in need.get(grade, ())]
        assert need["best"]
        assert {entry.partition("/")[0] for entry in entries} <= types
        assert len(set(entries)) == len(entries), f"{need['id']} says something twice"
        assert set(need) <= {"id", "zh", "en", "best", "good", "related", "under"}


def test_an_unknown_attribute_is_refused(world: World) -> None:
    with pytest.raises(ValueError, match="basketball/size 9"):
        intents._entry(world, "basketball/size 9")


def test_slips_are_one_edit_away() -> None:
    """One letter dropped, doubled, replaced, or two swapped; the first letter stays."""
    rng = np.random.default_rng(0)
    seen = set()
    for word in ["wok", "basketball", "running shoes", "tea", "Kinlane", "pour-over set"] * 40:
        wrong = intents.slip(word, rng)
        assert wrong != word
        assert wrong[0] == word[0]
        same = next((n for n, (a, b) in enumerate(zip(word, wrong, strict=False)) if a != b), len(wrong))
        ours, theirs = word[same:], wrong[same:]
        if len(wrong) == len(word) - 1:
            kind, fits = "dropped", theirs == ours[1:]
        elif len(wrong) == len(word) + 1:
            kind, fits = "doubled", wrong[same] == wrong[same - 1] and theirs[1:] == ours
        elif theirs[:2] == ours[1::-1]:
            kind, fits = "swapped", theirs[2:] == ours[2:]
        else:
            kind, fits = "neighbour", theirs[0] in intents.NEIGHBOURS[ours[0].lower()] and theirs[1:] == ours[1:]
        assert fits, (word, wrong)
        seen.add(kind)
    assert seen == {"dropped", "doubled", "swapped", "neighbour"}


def test_tokens_of_both_languages() -> None:
    assert tokens("Brenlan 篮球鞋, Size-42") == ["brenlan", "篮球", "球鞋", "size", "42"]
    assert tokens("7号") == ["7", "号"]
    assert tokens("  ...") == []


def test_bm25_is_the_formula(world: World) -> None:
    items = world.catalogue.items.iloc[:200]
    titles = [tokens(f"{zh} {en}") for zh, en in zip(items[Columns.TITLE_ZH], items[Columns.TITLE_EN], strict=True)]
    mean = np.mean([len(title) for title in titles])
    k1, b = 1.5, 0.6
    asked = ["match basketball size 7", "篮球鞋 黑色", "basketball basketball", "nothing like it"]
    scores = LexicalEngine(items, k1, b).score(asked)
    for row, query in zip(scores, asked, strict=True):
        for n, title in enumerate(titles):
            expected = 0.0
            for word in tokens(query):
                with_word, tf = sum(word in other for other in titles), Counter(title)[word]
                idf = np.log(1 + (len(titles) - with_word + 0.5) / (with_word + 0.5))
                expected += idf * tf * (k1 + 1) / (tf + k1 * (1 - b + b * len(title) / mean))
            assert row[n] == pytest.approx(expected, rel=1e-5)


def test_search_returns_the_best_and_nothing_else(world: World) -> None:
    shop = engine(world)
    asked = ["basketball", "Kinlane 篮球", "zzz", ""]
    found, scores = shop.search(asked, 7), shop.score(asked)
    assert found.shape == (4, 7)
    assert (found[2:] == 0).all()
    for items, row in zip(found[:2], scores[:2], strict=True):
        best = row[items - 1]
        assert (np.diff(best) <= 0).all()
        assert best.min() >= np.delete(row, items - 1).max()
    assert shop.search([], 3).shape == (0, 3)
    assert (shop.search(["wok"], 2000) > 0).sum() == (shop.score(["wok"]) > 0).sum()


def test_a_better_search_has_something_to_win(world: World, truth: SearchTruth, queries: pd.DataFrame) -> None:
    """The engine does well where words suffice, and badly where they do not: NDCG@10 with gains 2^grade - 1."""
    found = engine(world).search(queries[Columns.TEXT].tolist())
    gain = np.where(found > 0, 2.0 ** truth.grades[np.arange(len(found))[:, None], found - 1] - 1, 0)
    discount = 1 / np.log2(np.arange(2, 12))
    ideal = np.sort(2.0**truth.grades - 1, axis=1)[:, ::-1][:, :10]
    ndcg = pd.Series((gain @ discount) / (ideal @ discount)).groupby(queries[KIND]).mean()
    assert (ndcg[["head", "tail", "brand", "mixed"]] > 0.9).all()
    assert ndcg["misspelt"] < 0.5
    assert (ndcg[[NEED, "synonym"]] < 0.2).all()


def test_the_log_has_observable_columns(log: SearchLog, queries: pd.DataFrame) -> None:
    assert tuple(log.searches.columns) == SEARCH_COLUMNS
    assert tuple(log.results.columns) == RESULT_COLUMNS
    assert log.searches[Columns.SEARCH].is_unique
    assert log.searches[Columns.USER].between(0, SHOPPERS - 1).all()
    assert log.searches.groupby(Columns.USER)[Columns.TIME].is_monotonic_increasing.all()
    assert (log.searches.groupby(Columns.USER)[Columns.LANGUAGE].nunique() == 1).all()
    spoken = queries[Columns.LANGUAGE].to_numpy()[log.searches[Columns.QUERY]]
    assert ((spoken == log.searches[Columns.LANGUAGE]) | (spoken == "mixed")).all()
    assert set(log.results[Columns.SEARCH]) <= set(log.searches[Columns.SEARCH])
    assert (log.results[Columns.CLICK] | ~log.results[Columns.BOUGHT]).all(), "bought without a click"


def test_results_are_the_engines(log: SearchLog, world: World, queries: pd.DataFrame) -> None:
    """In its order, or where the policy says so, the same ones shuffled; some searches find nothing."""
    found = engine(world).search(queries[Columns.TEXT].tolist(), world.parameters["search.shown"])
    shown = log.results.groupby(Columns.SEARCH)[Columns.ITEM].agg(list)
    position = log.results.groupby(Columns.SEARCH)[Columns.POSITION].agg(list)
    moved = 0
    for row in log.searches.itertuples(index=False):
        expected = [int(item) for item in found[row.query_id] if item]
        assert (row.search_id in shown) == bool(expected)
        if expected:
            assert position[row.search_id] == list(range(1, len(expected) + 1))
            assert sorted(shown[row.search_id]) == sorted(expected)
            assert shown[row.search_id] == expected or row.policy == SHUFFLED
            moved += shown[row.search_id] != expected
    assert moved > 0.5 * (log.searches[Columns.POLICY] == SHUFFLED).sum()
    assert set(log.searches[Columns.POLICY]) == {RANKED, SHUFFLED}


def test_deterministic_and_independent_of_the_shops_size(world: World, blocks_of: Callable[[int], None]) -> None:
    blocks_of(50)
    small, large = search_log(world, 70), search_log(world, 180)
    for name in ("searches", "results"):
        one, other = getattr(small, name), getattr(large, name)
        mine = other[other[Columns.SEARCH] < 70_000].reset_index(drop=True)
        pd.testing.assert_frame_equal(one, mine)
    again = search_log(world, 70, world.parameters["seed"])
    pd.testing.assert_frame_equal(small.results, again.results)
    assert not small.searches.equals(search_log(world, 70, 1).searches)
    assert len(list(search_logs(world, 101))) == 3


def test_queries_are_drawn_with_the_stated_chances(truth: SearchTruth) -> None:
    """Chi-square over the hundred most frequent queries and the rest, for a language and an interest."""
    np.testing.assert_allclose(truth.chances.sum(2), 1)
    n = 40_000
    rng = np.random.default_rng(1)
    for language, interest in ((0, 0), (1, 6)):
        whole = np.full(n, 1)
        drawn = search.draw_queries(truth, whole * language, whole * interest, rng.random(n))
        chance = truth.chances[language, interest]
        top = np.argsort(-chance)[:100]
        counts = np.bincount(drawn, minlength=len(chance))
        observed = np.append(counts[top], n - counts[top].sum())
        expected = n * np.append(chance[top], 1 - chance[top].sum())
        assert stats.chisquare(observed, expected).pvalue > 1e-3


def test_shares_of_kinds_and_languages(log: SearchLog, queries: pd.DataFrame, world: World) -> None:
    kinds = queries[KIND].to_numpy()[log.searches[Columns.QUERY]]
    for kind, share in world.parameters["search.kinds"].items():
        error = np.sqrt(share * (1 - share) / len(kinds))
        assert abs((kinds == kind).mean() - share) < 4 * error
    assert sum(world.parameters["search.kinds"].values()) == pytest.approx(1)
    speaks = log.searches.drop_duplicates(Columns.USER)[Columns.LANGUAGE] == "zh"
    assert abs(speaks.mean() - world.parameters["search.chinese"]) < 4 * np.sqrt(0.25 / len(speaks))


def test_clicks_and_purchases_come_with_the_stated_chances(log: SearchLog, world: World, truth: SearchTruth) -> None:
    """Expected counts by position and by grade, from what is true of each shopper, product and query."""
    rows = log.results.merge(log.searches, on=Columns.SEARCH)
    liked = np.concatenate(
        [liking(world, block.truth.taste, block.truth.budget) for block in simulate(world, SHOPPERS)]
    )
    item = rows[Columns.ITEM].to_numpy() - 1
    grade = truth.grades[rows[Columns.QUERY], item]
    attraction, purchase = search.click_chances(world, grade, liked[rows[Columns.USER], item])
    click = rows[Columns.POSITION].to_numpy() ** -world.parameters["search.attention"] * attraction
    for column, chance in ((Columns.CLICK, click), (Columns.BOUGHT, click * purchase)):
        happened = rows[column].to_numpy()
        for group in (rows[Columns.POSITION].to_numpy(), grade):
            for value in np.unique(group):
                mine = group == value
                spread = np.sqrt((chance[mine] * (1 - chance[mine])).sum())
                assert abs(happened[mine].sum() - chance[mine].sum()) < 4 * spread + 1


def test_shuffling_shows_the_effect_of_position(world: World) -> None:
    """Where results stand in random order, clicks fall as examination does."""
    shuffled = make_world(world.parameters.replaced("search.shuffled", 1.0))
    results = search_log(shuffled, SHOPPERS).results
    full = results.groupby(Columns.SEARCH)[Columns.ITEM].transform("size") == world.parameters["search.shown"]
    rate = results[full].groupby(Columns.POSITION)[Columns.CLICK].agg(["mean", "sum"])
    expected = search.examination(len(rate), world.parameters["search.attention"])
    error = expected * np.sqrt(1 / rate["sum"] + 1 / rate["sum"].iloc[0])
    assert (np.abs(rate["mean"] / rate["mean"].iloc[0] - expected) < 4 * error).all()


def test_memory_is_that_of_a_block(world: World, blocks_of: Callable[[int], None]) -> None:
    blocks_of(40)
    assert simulator.BLOCK == 40
    sizes = [len(log.searches) for log in search_logs(world, 400)]
    assert len(sizes) == 10
    assert max(sizes) < 40 * 20
