"""Five learners in one class, on screens and phones, in two languages: pooled guesses, one run, a lost line, an end."""

from __future__ import annotations

from lesson_page import LESSON
from playwright.sync_api import expect
from test_access import SIZES, serious, settle
from test_teach import GUESS, SHOWN_MS, join, press, secret, sign_in
from visitors import Visitors

__all__ = ["secret"]  # the fixture


def test_five_learners_through_a_class(visit: Visitors, secret: str, seed: int) -> None:
    teacher = visit()
    desk = sign_in(teacher, secret)
    link = desk.get_by_test_id("stCode").first.inner_text().strip()
    anna, bert, eva = visit(), visit(width=390, dark=True), visit()
    lin, chen = visit(width=390, language="zh"), visit(language="zh")
    learners = {"Anna": anna, "Bert": bert, "Eva": eva, "林小雨": lin, "陈晨": chen}
    for name, learner in learners.items():
        join(learner, link, name)
    settle(bert)
    assert serious(bert) == []
    assert bert.page.evaluate(SIZES) == [0, 0]
    for name in learners:
        expect(desk.locator(".teach-people")).to_contain_text(name, timeout=SHOWN_MS)

    # Five guesses are enough to be shown, and are shown to all who have guessed once the instructor reveals them.
    run = {"dataset": "shop", "size": "small", "epochs": 8, "seed": seed}
    for learner in learners.values():
        learner.open(**run)
        learner.choose(f"guess.{GUESS}", 2)  # all the same: counts of one or two are hidden
        learner.button(f"guess.{GUESS}.commit").click()
        expect(learner.button(f"guess.{GUESS}.commit")).to_have_count(0)
    pooled = f".st-key-class_answers-{LESSON}-{GUESS}"
    assert anna.page.locator(pooled).count() == 0
    desk.locator(".st-key-teaching-tab").get_by_text("Answers", exact=True).click()
    shown = desk.locator(f".st-key-teach_pooled_{LESSON}_{GUESS}")
    shown.get_by_role("button", name="Show to the class").click()
    for learner in (anna, lin):
        expect(learner.page.locator(f"{pooled} .main-svg").first).to_be_visible(timeout=SHOWN_MS)

    # One run for all: whoever presses second joins it, and one who stops it takes it from nobody.
    for learner in (anna, lin):
        learner.train()
    lin.button("stop").click()
    chen.train()
    for learner in (anna, chen):
        learner.finish()

    # The second device of one of them is in the class at once, and a line that was lost comes back.
    phone = visit.joined(anna.page, width=390)
    phone.page.goto(f"{phone.url}/classroom")
    expect(phone.page.locator("body")).to_contain_text("Anna")
    eva.page.context.set_offline(True)
    eva.page.wait_for_timeout(3_000)
    eva.page.context.set_offline(False)
    eva.page.reload()
    press(eva.complete().page, "class_help")
    first = desk.locator(".teach-people tbody tr").first
    expect(first).to_contain_text("Eva", timeout=SHOWN_MS)
    expect(first).to_contain_text("asks")

    # The end: everything given in the class is deleted, with a receipt, and the learners' pages say that it is over.
    desk.locator(".st-key-teaching-tab").get_by_text("Close", exact=True).click()
    desk.locator(".st-key-teach_delete button").first.click()
    desk.get_by_test_id("stCheckbox").locator("label").last.click()
    desk.locator(".st-key-teach_delete_go button").click()
    expect(teacher.alerts.first).to_contain_text("5")
    lin.page.goto(f"{lin.url}/classroom")
    expect(lin.page.locator(".st-key-class_join_nickname input")).to_be_visible()
