"""The table of datasets: whole, in both languages, and true to the formats and the course map."""

from __future__ import annotations

import re

import pytest

from course_lib.course.course_map import read_map
from course_lib.data.intake.formats import formats
from course_lib.data.listing import ALL, COLUMNS, entries, entry_of, markdown, row
from course_lib.data.registry import built_in
from course_lib.settings import PROJECT
from course_lib.text import LANGUAGES

LESSONS = {entry.id: dict(entry.titles) for entry in read_map(PROJECT / "data" / "course.toml").entries}


def test_every_built_in_dataset_and_every_format_is_there_once() -> None:
    names = [name for entry in entries() for name in entry.names]
    assert len(names) == len(set(names))
    assert set(names) == {*built_in(), *formats()}
    assert [entry.names for entry in entries()].count(()) == 1  # the learner's own


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_cell_says_something(language: str) -> None:
    titles = {lesson: names[language] for lesson, names in LESSONS.items()}
    for entry in entries():
        cells = row(entry, language, titles)
        assert len(cells) == len(COLUMNS)
        assert all(cell.strip() for cell in cells)
        assert all("|" not in cell and "\n" not in cell for cell in cells)
        assert set(entry.lessons) <= {ALL, *LESSONS}
    assert markdown(language, titles).count("\n") == len(entries()) + 2


def test_sizes_are_those_that_the_formats_publish() -> None:
    for name, one in formats().items():
        for count in one.published.values():
            for language in LANGUAGES:
                assert f"{count:,}" in entry_of(name).sizes[language], name


def test_a_format_has_the_licence_of_the_table() -> None:
    for name, one in formats().items():
        assert one.licences == entry_of(name).licences


def test_a_licence_that_is_not_confirmed_says_where_to_look() -> None:
    for entry in entries():
        english, chinese = entry.licences["en"], entry.licences["zh"]
        assert english.startswith("Not confirmed") == chinese.startswith("未能确认")
        if english.startswith("Not confirmed"):
            assert re.search(r"[Cc]heck at https://\S+", english)
            assert "https://" in chinese


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(KeyError):
        entry_of("nothing")
