"""A learner's own file in a real browser: uploaded, accepted, trained on, deleted with a receipt."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from course_server import CourseServer
from lesson_page import LessonPage, until
from playwright.sync_api import Locator, Page, expect
from visitors import Visitors

from course_lib.data.intake.limits import UPLOAD_BYTES

HEADER = "客户编号,商品编号,下单时间,商品名称,类目,单价"
SIZES = "() => document.querySelector('[data-testid=stMain]').scrollWidth - window.innerWidth"


def rows() -> list[str]:
    """Sixty shoppers of eight purchases each, every shopper with a taste for one half of the products."""
    made = []
    for user in range(60):
        for n in range(8):
            item = (user % 2) * 12 + (user * 5 + n * 7) % 12
            made.append(
                f"客户{user},P{item},2024-03-{3 * n + 1:02d} 1{user % 9}:05,马克杯{item}号,家居 > 杯子,{item + 9}.5"
            )
    return made


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "小店订单.csv"
    path.write_bytes("\n".join([HEADER, *rows()]).encode("gb18030"))
    return path


def part(page: Page, name: str) -> Locator:
    return page.locator(f".st-key-my_data_{name}")


def open_page(visit: Visitors, **how: object) -> Page:
    visitor = visit(**how)
    visitor.page.goto(visitor.url)
    expect(visitor.page.locator("h1")).to_be_visible()
    link = visitor.page.get_by_role("link", name="我的数据" if how.get("language") == "zh" else "My data")
    link.focus()
    visitor.page.keyboard.press("Enter")
    expect(visitor.page.locator("h1")).to_have_text("我的数据" if how.get("language") == "zh" else "My data")
    return visitor.page


def serious(page: Page) -> list[str]:
    found = Axe().run(page).response["violations"]
    return [
        f"{rule['id']}: {rule['nodes'][0]['html'][:200]}" for rule in found if rule["impact"] in ("serious", "critical")
    ]


def still(page: Page) -> None:
    expect(page.locator("[data-test-script-state=running]")).to_have_count(0)
    until(page, "document.getAnimations().every(one => one.playState !== 'running')")


def test_from_a_file_to_a_trained_model_and_back_to_nothing(
    visit: Visitors, server: CourseServer, file: Path, seed: int
) -> None:
    page = open_page(visit, language="zh")
    page.locator("input[type=file]").set_input_files(file)
    expect(part(page, "accept").locator("button")).to_be_visible()
    expect(page.get_by_test_id("stMetricValue")).to_have_text(["480", "480", "0"])
    page.reload()
    expect(part(page, "accept").locator("button")).to_be_visible()  # a reload finds it
    name = part(page, "accept_row").get_by_role("textbox")
    name.fill("mugs")
    name.press("Tab")
    part(page, "accept").get_by_text("mugs").click()
    expect(part(page, "set_mugs")).to_contain_text("480 行 · 60 位顾客 · 24 件商品")
    still(page)
    assert serious(page) == []
    part(page, "open_mugs_user_understanding").locator("button").click()
    lesson = LessonPage(page, server.url)
    lesson.complete()
    expect(lesson.part("widget.data").get_by_role("combobox")).to_have_value(re.compile("^mugs（你的）"))
    expect(page).to_have_url(re.compile("dataset=mugs"))
    dataset = parse_qs(urlsplit(page.url).query)["dataset"][0]
    lesson.open(dataset=dataset, size="full", epochs=1, seed=seed, lang="zh").train().finish()
    assert all("马克杯" in title for title in lesson.list())
    (run,) = server.runs(seed)
    page.goto(f"{server.url}/my_data?lang=zh")
    part(page, "delete_mugs").locator("button").first.click()
    page.get_by_role("button", name="确认删除“mugs”").click()
    receipt = page.get_by_test_id("stAlert").first
    expect(receipt).to_contain_text(re.compile(r"已于 .+ 删除：数据集“mugs”.+ 1 次训练"))
    assert not run.exists()
    assert not list((server.home / "data").glob("*/mugs"))


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_a_phone_shows_every_step(visit: Visitors, server: CourseServer, file: Path, dark: bool) -> None:
    page = open_page(visit, width=390, dark=dark)
    still(page)
    assert page.evaluate(SIZES) <= 0
    assert serious(page) == []
    page.locator("input[type=file]").set_input_files(file)
    expect(part(page, "accept").locator("button")).to_be_visible()
    still(page)
    assert page.evaluate(SIZES) <= 0
    assert serious(page) == []
    part(page, "discard").locator("button").click()
    expect(page.get_by_test_id("stAlert")).to_contain_text("The upload was deleted")
    assert not [path for path in (server.home / "uploads").iterdir() if not path.name.startswith(".")]


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_file_that_is_too_large_is_told_why_in_the_learners_language(
    visit: Visitors, tmp_path: Path, language: str
) -> None:
    page = open_page(visit, language=language, width=390)
    drop = page.get_by_test_id("stFileUploaderDropzone")
    expect(page.get_by_test_id("stFileUploaderDropzoneInstructions")).to_be_hidden()  # they are in English
    large = tmp_path / "large.csv"
    with large.open("wb") as file:
        file.truncate(UPLOAD_BYTES + 1)
    page.locator("input[type=file]").set_input_files(large)
    expect(page.get_by_test_id("stFileChip")).to_have_attribute("aria-invalid", "true")
    said = drop.evaluate("one => getComputedStyle(one, '::after').content")
    assert ("超过了下面写明的上限" if language == "zh" else "larger than the limit below") in said
    assert page.evaluate(SIZES) <= 0


def test_the_preview_hands_no_formula_on(visit: Visitors, server: CourseServer, file: Path) -> None:
    """Streamlit's button under the table would write the file's own formulas into a CSV."""
    page = open_page(visit)
    page.locator("input[type=file]").set_input_files(file)
    expect(part(page, "accept").locator("button")).to_be_visible()
    page.get_by_test_id("stDataFrame").hover()
    expect(page.get_by_test_id("stElementToolbar")).to_be_hidden()
