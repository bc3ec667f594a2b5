"""Search engines: BM25 against a package, the sums by hand, and what a shop does with odd queries."""

from __future__ import annotations

import bm25s
import numpy as np
import pytest

from course_lib.data import registry
from course_lib.evaluation.search_engines import Engines, best_of, cleaned, fuse, has_words
from course_lib.shop.lexical import tokens
from course_lib.shop.published import shop


@pytest.fixture(scope="module")
def engines() -> Engines:
    return Engines.make(registry.load(registry.resolve("shop", "tiny")))


def test_words_are_as_the_package_bm25s_has_them(engines: Engines) -> None:
    """Its method "lucene" leaves out the constant factor k1 + 1; texts are cut by the course's own tokeniser."""
    items = shop().catalogue.items
    corpus = [tokens(f"{zh} {en}") for zh, en in zip(items["title_zh"], items["title_en"], strict=True)]
    peer = bm25s.BM25(method="lucene", k1=1.2, b=0.75)
    peer.index(corpus, show_progress=False)
    for query in ("篮球", "basketball shoes", "Brenlan 室内 basketball", "no such word at all"):
        known = [word for word in dict.fromkeys(tokens(query)) if word in engines.words.words]
        theirs = peer.get_scores(known) * 2.2 if known else np.zeros(len(items))
        np.testing.assert_allclose(engines.by_words([query])[0], theirs, rtol=1e-4, atol=1e-4)


def test_the_weighted_sum_by_hand() -> None:
    words = np.array([[4.0, 2.0, 0.0, 1.0]], np.float32)
    meaning = np.array([[0.2, 0.6, 0.4, 0.1]], np.float32)
    found = fuse(words, meaning, 0.5, 4)
    expected = [0.5 + 0.5 * 0.1 / 0.5, 0.25 + 0.5, 0.5 * 0.3 / 0.5, 0.125]
    np.testing.assert_allclose(found[0], expected, rtol=1e-5)
    assert fuse(words, meaning, 0.0, 4).argmax() == 0
    assert fuse(words, meaning, 1.0, 4).argmax() == 1


def test_reciprocal_ranks_by_hand() -> None:
    words = np.array([[4.0, 2.0, 0.0]], np.float32)
    meaning = np.array([[0.2, 0.6, 0.4]], np.float32)
    found = fuse(words, meaning, 0.5, 3, "ranks")
    expected = [0.5 / 61 + 0.5 / 63, 0.5 / 62 + 0.5 / 61, 0.5 / 62]
    np.testing.assert_allclose(found[0], expected, rtol=1e-5)


def test_candidates_leave_out_the_rest() -> None:
    assert best_of(np.array([[3.0, 1.0, 2.0]], np.float32), 2).tolist() == [[3.0, 0.0, 2.0]]
    assert best_of(np.array([[0.0, 0.0, 2.0]], np.float32), 2).tolist() == [[0.0, 0.0, 2.0]], "nothing is no candidate"


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("baksetball", "basketball"), ("kotchen knife", "kitchen knife"), ("帐蓬", "帐篷"), ("篮球", "")],
)
def test_slips_are_understood(engines: Engines, typed: str, meant: str) -> None:
    assert engines.meant(typed) == meant


def test_the_parts_of_the_words_add_up(engines: Engines) -> None:
    score = engines.by_words(["室内 basketball"])[0]
    item = int(score.argmax()) + 1
    assert sum(value for _, value in engines.why("室内 basketball", item)) == pytest.approx(
        float(score[item - 1]), rel=1e-4
    )


def test_an_emoji_finds_the_products_that_have_it(engines: Engines) -> None:
    items = shop().catalogue.items
    found = np.flatnonzero(engines.by_words(["🏀"])[0]) + 1
    assert found.tolist() == items.loc[items["emoji"] == "🏀", "item_id"].tolist() != []


@pytest.mark.parametrize(
    ("typed", "read"), [("", ""), (" 篮球\t\n ", "篮球"), ("a\x00b", "a b"), ("x" * 10_000, "x" * 300), ("\u2028", "")]
)
def test_any_text_is_one_line(typed: str, read: str) -> None:
    assert cleaned(typed) == read


def test_what_has_no_letter_has_no_meaning() -> None:
    assert not has_words("?! 😀")
    assert all(has_words(one) for one in ("баскетбол", "كرة", "バスケ", "42"))


def test_other_scripts_are_found_by_meaning_alone(engines: Engines) -> None:
    """The encoder reads sixteen languages, the words two."""
    assert not engines.by_words(["баскетбол"]).any()
    best = int(engines.by_meaning(engines.encode(["баскетбол"]))[0].argmax())
    assert shop().catalogue.items["product_type"].iloc[best] in ("basketball", "basketball_shoes")
