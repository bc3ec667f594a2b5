"""The lesson as a learner handles it: by what stands on the page, in either language."""

from __future__ import annotations

import re
import time
from typing import Any
from urllib.parse import urlencode

from playwright.sync_api import Locator, Page, expect

LESSON, LAB = "user_understanding", "train"
OWNERS = {"guess": f"guess-{LESSON}", "quiz": f"lesson-{LESSON}-quiz", "finish": f"lesson-{LESSON}-finish"}
CURVE_NAME = "next_item.learning_curve.train"
CURVE = """node => node.data && node.data.find(trace => trace.name === "SASRec")?.x.length || 0"""

RUN_MS = 120_000  # a run may wait for its worker, which reads torch first: long on a busy machine


def until(page: Page, condition: str, argument: Any = None, timeout_ms: float = 60_000) -> None:
    """Waits until a JavaScript condition holds on the page.

    ``Page.wait_for_function`` would have the page itself evaluate the text, which the course's policy forbids.
    """
    end = time.monotonic() + timeout_ms / 1000
    while not page.evaluate(condition, argument):
        assert time.monotonic() < end, f"still not so: {condition}"
        page.wait_for_timeout(20)


class LessonPage:
    """One browser tab on the lesson "User understanding"."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.url = url

    def open(self, **link: Any) -> LessonPage:
        """Follows a link to the lab; returns when the last part of the page is there."""
        query = f"?{urlencode(link)}" if link else ""
        return self.go(f"{self.url}/{LESSON}{query}")

    def go(self, address: str) -> LessonPage:
        """Opens a complete address of the lesson."""
        self.page.goto(address)
        return self.complete()

    def reload(self) -> LessonPage:
        """F5."""
        self.page.reload()
        return self.complete()

    def complete(self) -> LessonPage:
        """Waits until the page has been drawn down to the next lesson."""
        expect(self.button("finish")).to_be_attached()
        expect(self.page.locator("[data-test-script-state=running]")).to_have_count(0)
        return self

    def part(self, name: str) -> Locator:
        """What the lab calls ``name``; a name that begins with guess, quiz or finish is the lesson's own."""
        return self.page.locator(self._place(name))

    def _place(self, name: str) -> str:
        first, _, rest = name.replace(".", "-").partition("-")
        owner = OWNERS.get(first, f"lab-{LESSON}-{LAB}-{first}")
        return f".st-key-{owner}{'-' if rest else ''}{rest}"

    def button(self, name: str) -> Locator:
        """The button ``name``."""
        return self.part(name).locator("button")

    def figure(self, name: str) -> Locator:
        """The node into which Plotly draws."""
        return self.part(f"figure.{name}").locator(".live-figure")

    @property
    def lab(self) -> Locator:
        """The lab with its frame: form, buttons and run."""
        return self.page.locator(f".st-key-lab_{LESSON}_{LAB}")

    @property
    def status(self) -> Locator:
        """The line above the bar: where the run stands."""
        return self.lab.get_by_test_id("stProgress")

    @property
    def titles(self) -> Locator:
        """The products that the model recommends in Look inside, best first."""
        return self.page.locator(f".lab-list:not(.st-key-lab_{LESSON}_{LAB} *) .product-title")

    @property
    def live_titles(self) -> Locator:
        """The products in the lab's own list, best first."""
        return self.lab.locator(".lab-list .product-title")

    def tab(self, name: str) -> LessonPage:
        """Chooses what stands beside the lab's first picture."""
        self.part("tab").get_by_text(name, exact=True).click()
        return self

    @property
    def history(self) -> Locator:
        """The products in the history editor, oldest first."""
        return self.part("editor").locator("ol.history > li[data-id]")

    @property
    def search(self) -> Locator:
        """The editor's search field."""
        return self.part("editor").locator("input")

    @property
    def epoch(self) -> Locator:
        """The slider of Look inside."""
        return self.part("widget.frame.look").get_by_role("slider")

    @property
    def live_epoch(self) -> Locator:
        """The lab's slider, while the run trains and after."""
        return self.part("widget.frame.train").get_by_role("slider")

    @property
    def alerts(self) -> Locator:
        """Every coloured sentence on the page."""
        return self.page.get_by_test_id("stAlert")

    def choose(self, name: str, place: int) -> LessonPage:
        """Takes the option at ``place`` (0 is the first) of the question or guess ``name``."""
        option = self.part(name).get_by_role("radio").nth(place)
        option.check(force=True)  # the page draws its own circle over the browser's
        expect(option).to_be_checked()
        return self

    def options(self, name: str) -> list[str]:
        """What the selectbox ``name`` offers."""
        self._open(name)
        offered = self.page.get_by_role("option").all_inner_texts()
        self.page.keyboard.press("Escape")
        expect(self.page.get_by_role("option")).to_have_count(0)
        return offered

    def pick(self, name: str, option: str) -> LessonPage:
        """Takes the option of the selectbox ``name``."""
        self._open(name)
        self.page.get_by_role("option", name=option, exact=True).click()
        expect(self.part(name).get_by_role("combobox")).to_have_value(option)
        return self

    def _open(self, name: str) -> None:
        box = self.part(name).get_by_role("combobox")
        for _ in range(5):  # a page that is just being drawn closes it again
            box.click()
            try:
                expect(self.page.get_by_role("option").first).to_be_visible(timeout=3_000)
            except AssertionError:
                continue
            return

    def skip_guesses(self) -> LessonPage:
        """Skips the guesses if they are open, so that Train can be pressed."""
        if self.part("guess.skip").count():  # its place; the button itself is drawn a moment later
            self.button("guess.skip").click()
            expect(self.part("guess.skip")).to_have_count(0)
        expect(self.button("train")).to_be_enabled()
        return self

    def train(self) -> LessonPage:
        """Presses Train, and Skip before it where the guesses are open; waits until the run is there."""
        self.skip_guesses().button("train").click()
        expect(self.status).to_be_visible()
        return self

    def reach(self, epoch: int) -> LessonPage:
        """Waits until the run is under way in ``epoch`` or a later one."""
        later = "|".join(str(number) for number in range(epoch, 101))
        expect(self.status).to_have_text(
            re.compile(rf"Epoch ({later})(\.\d)? of|第 ?({later})(\.\d)? ?轮，"), timeout=RUN_MS
        )
        return self

    def finish(self) -> LessonPage:
        """Waits until the run has ended well and can be looked at."""
        expect(self.status).to_have_text(re.compile(r"^\s*(Finished in|完成，用时)"), timeout=RUN_MS)
        expect(self.history.first).to_be_attached()
        expect(self.titles).to_have_count(10)
        return self.complete()

    def stop(self) -> LessonPage:
        """Presses Stop and waits until the run has stopped."""
        self.button("stop").click()
        expect(self.button("stop")).to_be_disabled()
        return self

    def points(self, name: str = CURVE_NAME) -> int:
        """Scores in the learning curve now."""
        return int(self.figure(name).evaluate(CURVE))

    def points_above(self, count: int) -> int:
        """Waits until the learning curve has more than ``count`` points; how many it has then."""
        where = f"{self._place(f'figure.{CURVE_NAME}')} .live-figure"
        until(
            self.page, f"([where, count]) => ({CURVE})(document.querySelector(where) ?? {{}}) > count", [where, count]
        )
        return self.points()

    def list(self) -> list[str]:
        """The titles of the ten products."""
        expect(self.titles).to_have_count(10)
        return self.titles.all_inner_texts()
