"""The page "Make your own shop" under AppTest: languages, links, ready-made shops, bad input, a shop that is kept."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from lab_stage import Stage
from streamlit.testing.v1 import AppTest

from course_lib.data import registry
from course_lib.data.intake import store
from course_lib.errors import CourseError
from course_lib.runs import shop_maker
from course_lib.settings import PROJECT, load_settings
from course_lib.shop.made import KNOBS, PAGE_MOST, ready
from course_lib.text import LANGUAGES, text
from course_lib.ui import services, shop_desk

PAGE_FILE = PROJECT / "pages" / "make_shop.py"
PATIENCE_S = 60.0
SMALL = {"customers": "120", "purchases_each": "6"}


class Maker:
    """Carries out orders in a thread of the test; test_shop_desk.py has the process that does it for learners."""

    def __init__(self, command: object, role: str, environment: object, on_message: Any, on_death: Any) -> None:
        self.on_message = on_message

    def send(self, order: dict[str, Any]) -> bool:
        def work() -> None:
            def tell(share: float) -> None:
                self.on_message(self, {"id": order["id"], "share": share})

            try:
                found = {"answer": shop_maker.DOES[order["do"]](order, tell)}
            except CourseError as error:
                found = {"error": error.to_dict()}
            self.on_message(self, {"id": order["id"], **found})

        threading.Thread(target=work, daemon=True).start()
        return True

    def kill(self) -> None:
        pass

    def close(self) -> None:
        pass

    def join(self, patience_s: float) -> None:
        pass


@pytest.fixture(autouse=True)
def stage(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Stage]:
    monkeypatch.setenv("LIVEREC_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(shop_desk, "Child", Maker)
    stage, settings = Stage(), load_settings()
    monkeypatch.setitem(services._runs, settings, stage)
    yield stage
    if (taken := services._shop_desks.pop(settings, None)) is not None:
        taken.close()
    if (kept := services._stores.pop(settings.database_url, None)) is not None:
        kept.close()


def open_page(language: str = "en", **query: str) -> AppTest:
    page = AppTest.from_file(str(PAGE_FILE), default_timeout=60)
    page.query_params["lang"] = language
    for name, value in {**SMALL, **query}.items():
        page.query_params[name] = value
    return until(page, lambda page: "make_shop_others" in keys(page))


def until(page: AppTest, there: Callable[[AppTest], bool]) -> AppTest:
    """What the fragments do in a browser: the page is drawn again until it is there."""
    end = time.monotonic() + PATIENCE_S
    while True:
        page.run()
        assert not page.exception
        if there(page):
            return page
        assert time.monotonic() < end, said(page)
        time.sleep(0.1)


def keys(page: AppTest) -> set[str]:
    return {str(button.key) for button in page.button}


def said(page: AppTest) -> str:
    kinds = (page.title, page.header, page.markdown, page.caption, page.info, page.warning, page.error, page.success)
    return "\n".join(str(element.value) for kind in kinds for element in kind)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_shop_is_shown_at_once(language: str) -> None:
    page = open_page(language)
    assert page.title[0].value == text("make_shop.title", language)
    assert "120" in said(page)
    assert {slider.key for slider in page.slider} == {f"make_shop_{name}" for name in KNOBS if name != "customers"}
    assert all(slider.help for slider in page.slider)
    assert not page.error
    assert not page.warning


def test_a_ready_made_shop_fills_the_form() -> None:
    page = open_page()
    page.button(key="make_shop_ready_long_memory").click().run()
    assert not page.exception
    values = next(one.shop.values for one in ready() if one.id == "long_memory")
    assert {slider.key: slider.value for slider in page.slider} == {
        f"make_shop_{name}": value for name, value in values.items() if name != "customers"
    }
    page.button(key="make_shop_reset").click().run()
    assert page.slider(key="make_shop_interruptions").value == KNOBS["interruptions"].default


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_bad_link_is_said_and_the_rest_holds(language: str) -> None:
    page = open_page(language, plan_order="99", sales_skew="2.0", seed="<b>")
    assert len(page.warning) == 2
    assert text("setting.plan_order", language) in page.warning[0].value
    assert "\\<b>" in page.warning[1].value  # escaped: words, no markup
    assert page.slider(key="make_shop_sales_skew").value == 2.0
    assert page.slider(key="make_shop_plan_order").value == 5.0


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("customers", [0, -5, 10**9])
def test_a_shop_of_nothing_is_said_and_nothing_lost(language: str, customers: int) -> None:
    page = open_page(language, sales_skew="2.0")
    page.number_input(key="make_shop_customers").set_value(customers).run()
    assert not page.exception
    assert text("setting.customers", language) in page.error[0].value
    assert page.slider(key="make_shop_sales_skew").value == 2.0
    assert "make_shop_save" not in keys(page)


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_has_no_effect_is_said(language: str) -> None:
    page = open_page(language, interruptions="1.0", plan_order="0")
    assert any(text("setting.plan_order", language) in info.value for info in page.info)


def test_a_million_are_told_before() -> None:
    page = open_page()
    page.number_input(key="make_shop_customers").set_value(1_000_000).run()
    until(page, lambda page: "1,000,000" in said(page))
    page.button(key="make_shop_save").click().run()
    assert f"{PAGE_MOST:,}" in page.error[0].value
    assert "customers=1000000" in page.error[0].value.replace("\\", "")
    assert not list(store.added("local"))


@pytest.mark.parametrize("name", ["", "My Shop", "<b>x</b>", "shop", "../up", "店"])
def test_a_name_that_cannot_be_is_said(name: str) -> None:
    page = open_page()
    page.text_input(key="make_shop_name").set_value(name).run()
    page.button(key="make_shop_save").click().run()
    assert len(page.error) == 1
    assert "<b>" not in page.error[0].value.replace("\\<", "")
    assert page.number_input(key="make_shop_customers").value == 120
    assert not list(store.added("local"))


def test_a_shop_is_kept_and_the_labs_offer_it() -> None:
    page = open_page(plan_order="0")
    page.text_input(key="make_shop_name").set_value("loose").run()
    page.button(key="make_shop_save").click().run()
    until(page, lambda page: bool(page.success))
    (card,) = store.added("local")
    assert (card.name, card.counts["users"], card.shop["values"]["plan_order"]) == ("loose", 120, 0.0)
    assert card.key in registry.trainable("local")
    assert card.key not in registry.trainable("somebody-else")
    page.run()
    assert text("setting.plan_order", "en") in said(page)
    assert "my_data_open_loose_orientation" in keys(page)
    page.text_input(key="make_shop_name").set_value("loose").run()  # taken now
    page.button(key="make_shop_save").click().run()
    assert "loose" in page.error[0].value
