"""Look inside: scrubbing, another shopper, the edited history and the list that follows."""

from __future__ import annotations

import pytest
from lab_page import helps, key, link, lists, nothing_broke, open_page, scrub, set_stage, tiny, told, words
from lab_stage import Stage, history_of, last_frame

from course_lib.data.registry import load_items, resolve
from course_lib.errors import CourseError
from course_lib.figures.products import shelf
from course_lib.text import text
from course_lib.ui.history_editor import card, shuffled
from course_lib.ui.product_search import items_of, search
from course_lib.ui.ranked_list import moves, ranked_list

BOTH = pytest.mark.parametrize("language", ["zh", "en"])
SHOP = resolve("shop", "tiny")


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch, tmp_path) -> Stage:
    stage = set_stage(monkeypatch, tmp_path)
    stage.put(tiny(), "finished")
    return stage


@BOTH
def test_scrubbing_changes_the_list_and_the_link(stage, language) -> None:
    items = load_items(SHOP)
    page = open_page(language)
    whole = last_frame(tiny())
    slider = told(page, "widget.frame.look")
    assert [slider[name] for name in ("first", "frame", "newest", "last")] == [0, whole, whole, whole]
    assert slider["names"][1] == text("lab.epoch_name", language, epoch="0.5"), "frames within an epoch"
    scrub(page, "look", 0)
    nothing_broke(page)
    assert items[f"title_{language}"].iat[99] in lists(page)  # product 100 leads the list at frame 0 only
    assert "frame=0" in link(page)
    scrub(page, "look", 3)
    assert items[f"title_{language}"].iat[99] not in lists(page)
    assert stage.asked == []  # the history is as it was: the frame has the answer


@BOTH
def test_another_shopper_comes_with_their_own_history(stage, language) -> None:
    page = open_page(language, history="5-6-7")
    page.selectbox(key=key("widget.shopper.look")).set_value(2).run()
    nothing_broke(page)
    assert "shopper=2" in link(page)
    assert "history=" not in link(page)


@BOTH
def test_an_edited_history_from_a_link_asks_the_model_itself(stage, language) -> None:
    page = open_page(language, history="5-6-7", frame="4")
    nothing_broke(page)
    assert stage.asked == [(tiny().run_id, 4, [5, 6, 7])]
    titles = load_items(SHOP)[f"title_{language}"]
    assert titles.iat[7] in lists(page)  # the stage answers with the products after the newest
    assert text("look.move_new", language) in lists(page)
    assert text("look.edited_help", language) in helps(page)
    page.button(key=key("reset")).click().run()
    assert "history=" not in link(page)
    assert text("look.list_help", language) in helps(page)


@BOTH
def test_shuffling_keeps_the_products(stage, language) -> None:
    page = open_page(language)
    page.button(key=key("shuffle")).click().run()
    nothing_broke(page)
    (_, _, asked) = stage.asked[-1]
    assert sorted(asked) == history_of(0)
    assert asked != history_of(0)


@BOTH
def test_emptying_asks_for_a_product_and_nothing_of_the_model(stage, language) -> None:
    page = open_page(language)
    page.button(key=key("clear")).click().run()
    nothing_broke(page)
    assert text("look.empty_history", language) in words(page)
    assert "history=&" in link(page)
    assert page.button(key=key("clear")).disabled
    assert stage.asked == []


@BOTH
def test_products_that_the_shop_lacks_are_named_once(stage, language) -> None:
    page = open_page(language, history="5-999999")
    assert not page.exception
    assert CourseError("unknown_items", items="999999").text(language) in words(page)
    assert "history=" not in link(page)
    assert stage.asked == []


@BOTH
def test_an_empty_history_asks_for_a_product(stage, language) -> None:
    page = open_page(language, history="")
    nothing_broke(page)
    assert text("look.empty_history", language) in words(page)


def test_shuffled_is_another_order_where_there_is_one() -> None:
    assert all(shuffled((1, 2)) == (2, 1) for _ in range(20))
    assert shuffled((4, 4)) == (4, 4)
    assert shuffled(()) == ()


@pytest.mark.parametrize("query", ["篮球", "basketball", "BASKETBALL", "  basketball  "])
def test_search_finds_a_type_in_either_language(query: str) -> None:
    items = load_items(SHOP)
    found = search(SHOP, query)
    assert len(found) == 8
    assert all("篮球" in items["product_type_zh"].iat[item - 1] for item in found)


def test_search_needs_every_word_and_forgives_a_missing_space() -> None:
    items = load_items(SHOP)
    shoes = search(SHOP, "basketball shoes")
    assert shoes
    assert all("shoe" in items["product_type_en"].iat[item - 1] for item in shoes)
    assert search(SHOP, "便宜篮球")  # no title holds it as one word
    assert search(SHOP, "") == []
    assert search(SHOP, "zzzz") == []


def test_moves_by_hand() -> None:
    assert moves([7, 5, 9], [5, 6, 7]) == [2, -1, None]


def test_titles_are_escaped() -> None:
    items = load_items(SHOP).head(3).copy()
    items["title_en"] = ["<script>alert(1)</script>", 'x" onload="y', "plain"]
    drawn = ranked_list(items, [{"item": n, "p": 0.1} for n in (1, 2, 3)], "en", "shop", before=[3, 2, 1], target=2)
    assert "<script" not in drawn
    assert 'onload="y' not in drawn
    assert card(items, 1, "shop", "en")["title"] == "<script>alert(1)</script>"  # written by textContent in the browser


def test_all_pages_share_one_catalogue_and_what_is_made_from_it() -> None:
    items = items_of(SHOP)
    assert items_of(resolve("shop", "tiny")) is items  # with a copy a call, each poll would draw each map anew
    assert shelf(items_of(SHOP)) is shelf(items)
