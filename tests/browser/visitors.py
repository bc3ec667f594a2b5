"""Browsers that visit the course, and a watch on what they ask for and complain of."""

from __future__ import annotations

from urllib.parse import urlsplit

from course_server import CourseServer
from lesson_page import LessonPage
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

TIMEOUT_MS = 60_000  # two tests share two cores
TINY = {"dataset": "shop", "size": "tiny"}  # 400 shoppers: an epoch takes less than half a second
HOSTS = ("localhost", "127.0.0.1", "")  # the last for data: and blob:


class Visitors:
    """Opens browsers on the course and watches what they ask for and complain of."""

    def __init__(self, browser: Browser, server: CourseServer) -> None:
        self.browser, self.server = browser, server
        self.contexts: list[BrowserContext] = []
        self.asked: set[str] = set()  # hosts
        self.trouble: list[str] = []

    def __call__(self, width: int = 1280, dark: bool = False, language: str = "en") -> LessonPage:
        """A new browser, as private as on another machine."""
        phone = width < 500
        context = self.browser.new_context(
            viewport={"width": width, "height": 844 if phone else 900},
            color_scheme="dark" if dark else "light",
            locale="zh-CN" if language == "zh" else "en-US",
            is_mobile=phone,
            has_touch=phone,
        )
        context.set_default_timeout(TIMEOUT_MS)
        self.contexts.append(context)
        context.route(lambda url: urlsplit(url).hostname not in (*HOSTS, None), self._refuse)
        context.on("request", lambda request: self.asked.add(urlsplit(request.url).hostname or ""))
        page = context.new_page()
        page.on("websocket", lambda socket: self.asked.add(urlsplit(socket.url).hostname or ""))
        page.on("pageerror", lambda error: self.trouble.append(f"error in the page: {error}"))
        page.on("console", lambda message: self._hear(message.type, message.text, message.location["url"]))
        return LessonPage(page, self.server.url)

    def joined(self, first: Page, width: int = 1280, language: str = "en") -> LessonPage:
        """Another browser of the person who sits at ``first``, by the link that My progress offers there."""
        tab = first.context.new_page()
        tab.goto(f"{self.server.url}/my_progress")
        tab.locator(".st-key-progress_join_make button").click()
        link = tab.get_by_test_id("stCode").inner_text().strip()
        tab.close()
        other = self(width, language=language)
        other.page.goto(link)
        other.page.get_by_role("button").click()
        expect(other.page.locator(".st-key-shell_header")).to_be_visible()
        return other

    def _refuse(self, route: Route) -> None:
        self.asked.add(urlsplit(route.request.url).hostname or "")
        route.abort()

    def _hear(self, kind: str, words: str, where: str) -> None:
        # Streamlit looks for its own addresses below the page's first and finds them one level up.
        if kind == "error" and "/_stcore/" not in where:
            self.trouble.append(f"console: {words} ({where})")

    def close(self) -> None:
        """Closes all browsers and holds what must be true of every visit."""
        outside = self.asked - set(HOSTS)
        traces = [page.url for page in self.pages() if "Traceback" in page.locator("body").inner_text()]
        for context in self.contexts:
            context.close()
        assert not outside, f"asked other hosts: {outside}"
        assert not self.trouble, self.trouble
        assert not traces, f"a traceback on {traces}"

    def pages(self) -> list[Page]:
        """Every open tab."""
        return [page for context in self.contexts for page in context.pages]
