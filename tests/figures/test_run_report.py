"""Reports on finished runs: complete, self-contained, the same for the same runs, and refused where there is none."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from course_lib.errors import CourseError
from course_lib.experiments.catalogue import experiment_cards
from course_lib.experiments.config import RunConfig
from course_lib.figures.run_report import CSV_COLUMNS, Report
from course_lib.runs.view import RunView
from course_lib.text import LANGUAGES, strings
from tests.figures.test_contract import a_view

RUNS = [a_view(), a_view("gru4rec", 0.3, 8000)]


class Page(HTMLParser):
    """What a browser would find: its tags, their attributes, its text outside scripts."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.inside = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.inside = tag

    def handle_data(self, data: str) -> None:
        if self.inside not in ("script", "style"):
            self.words.append(data)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_says_everything_and_needs_nothing_else(language: str) -> None:
    report = Report.of(RUNS, language)
    page = Page(report.html())
    words = " ".join(page.words)
    for view in RUNS:
        assert view.run_id in words
        assert f"{view.result['measures']['ndcg@10']['value']:.3f}" in words  # type: ignore[index]
    assert all(sentence in words for sentence in report.protocol().values())
    assert not [tag for tag, given in page.tags if "src" in given or "href" in given]
    drawn = [given["aria-label"] for tag, given in page.tags if given.get("role") == "img"]
    assert len(drawn) >= 2
    assert all(drawn)


def test_the_difference_of_two_runs_has_the_sign_that_their_scores_have() -> None:
    found = re.search(r"is from that of.*?</table>", Report.of(RUNS, "en").html(), re.DOTALL)
    assert found is not None
    assert "-0.100 (" in found[0]  # 0.3 against 0.4


def test_a_row_a_run_and_measure() -> None:
    rows = list(csv.DictReader(io.StringIO(Report.of(RUNS, "en").csv())))
    assert tuple(rows[0]) == CSV_COLUMNS
    told = {(row["run"], row["measure"]): float(row["value"]) for row in rows}
    for view in RUNS:
        assert view.result is not None
        for name, one in view.result["measures"].items():
            assert told.pop((view.run_id, name)) == one["value"]
    assert not told


def test_the_same_runs_give_the_same_bytes_and_each_stands_once() -> None:
    once, twice = Report.of(RUNS, "zh"), Report.of([*RUNS, RUNS[0]], "zh")
    assert once.html() == twice.html()
    assert once.csv() == twice.csv()


def test_runs_are_called_by_what_tells_them_apart() -> None:
    seeds = [replace(RUNS[0], run_id=f"{seed:016x}", config=replace(RUNS[0].config, seed=seed)) for seed in (1, 2)]  # type: ignore[type-var]
    names = Report.of(seeds, "en").names
    assert len(set(names)) == 2
    assert all(str(seed) in name for seed, name in zip((1, 2), names, strict=True))


def test_no_text_of_a_run_becomes_markup() -> None:
    config = RUNS[0].config
    assert config is not None
    odd = replace(RUNS[0], config=replace(config, settings={**config.settings, "blend": "</script><b>x"}))
    page = Report.of([odd, RUNS[1]], "en").html()
    assert "<b>x" not in page


@pytest.mark.parametrize(
    ("views", "key"),
    [
        ([], "report_of_nothing"),
        ([RunView("0" * 16, "missing")], "run_missing"),
        ([RunView("1" * 16, "running", RunConfig.tiny())], "report_unfinished"),
    ],
)
def test_what_cannot_be_reported_is_refused(views: list[RunView], key: str) -> None:
    with pytest.raises(CourseError) as refused:
        Report.of(views, "en")
    assert refused.value.key == key


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_experiment_says_how_it_measures(language: str) -> None:
    missing = [
        name
        for name, card in experiment_cards().items()
        if not card.light and f"protocol.{name}" not in strings(language)
    ]
    assert missing == []
