"""The page "Data" in a browser: readable for everybody, as wide as a phone, with its choice in the address."""

from __future__ import annotations

import re

import pytest
from lesson_page import LessonPage
from playwright.sync_api import expect
from test_access import SIZES, serious, settle
from visitors import Visitors

PICTURES = ("activity", "popularity", "traits", "chances", "position", "policy", "coupon", "liking")


def open_data(visitor: LessonPage, query: str = "dataset=shop&size=tiny") -> LessonPage:
    visitor.page.goto(f"{visitor.url}/data?{query}")
    expect(visitor.page.locator(".datasets-table")).to_be_visible()
    settle(visitor)
    return visitor


def marks(visitor: LessonPage, picture: str) -> int:
    """How many points or bars of a figure are drawn."""
    return visitor.page.locator(f".st-key-datasets_{picture} .main-svg :is(.point, .cell, .hm image)").count()


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_everybody_can_read_it_and_every_picture_is_drawn(visit: Visitors, dark: bool) -> None:
    visitor = open_data(visit(dark=dark))
    for picture in PICTURES:
        figure = visitor.page.locator(f".st-key-datasets_{picture} .live-figure")
        expect(figure).to_have_count(1)
        expect(figure.locator("[role=img]").or_(figure.locator("xpath=self::*[@role='img']")).first).to_have_attribute(
            "aria-label", re.compile(r"\w{3}")
        )
        assert marks(visitor, picture) > 0, picture
    assert serious(visitor) == []


@pytest.mark.parametrize("language", ["en", "zh"])
def test_it_is_no_wider_than_a_phone(visit: Visitors, language: str) -> None:
    visitor = open_data(visit(width=390, language=language))
    assert visitor.page.evaluate(SIZES) == [0, 0]
    cell = visitor.page.locator(".datasets-table td").nth(1)
    assert cell.evaluate("node => getComputedStyle(node).display") == "block"


def test_the_choice_is_in_the_address_and_a_reload_keeps_it(visit: Visitors) -> None:
    visitor = open_data(visit())
    page = visitor.page
    page.locator(".st-key-datasets_dataset").get_by_role("combobox").click()
    page.get_by_role("option", name="Complete Journey (groceries)").click()
    expect(page).to_have_url(re.compile(r"dataset=complete-journey&size=small"))
    expect(page.get_by_text("The trap: order inside a basket")).to_be_visible()
    page.reload()
    expect(page.get_by_text("The trap: order inside a basket")).to_be_visible()
    expect(page.locator(".st-key-datasets_traits")).to_have_count(0)


def test_other_shoppers_and_another_purchase_come_without_a_new_page(visit: Visitors) -> None:
    visitor = open_data(visit())
    page = visitor.page
    heading = page.locator("h1")
    heading.evaluate("node => node.dataset.mine = 'yes'")
    page.locator(".st-key-datasets_others button").click()
    expect(page.get_by_text("Auntie Zhou ·")).to_be_visible()
    before = page.locator(".datasets-bought .product-title").inner_text()
    page.locator(".st-key-datasets_who").get_by_text("Meng").click()
    expect(page.locator(".datasets-bought .product-title")).not_to_have_text(before)
    expect(heading).to_have_attribute("data-mine", "yes")
