"""The page's source is what runs: the lesson's list quotes it, and each edit's difference is of the two sources."""

from __future__ import annotations

import re

import pytest

from course_lib.course.lessons import FOLDER
from course_lib.course.project_source import (
    BESIDE,
    EDITS,
    KERAS,
    MAIN,
    SETTINGS,
    beside,
    difference,
    edited,
    part,
    project_source,
)  # fmt: skip
from course_lib.experiments.catalogue import experiment_card


def table(language: str) -> list[tuple[list[str], list[str]]]:
    """The code on both sides of each arrow of the lesson's list."""
    text = (FOLDER / "practice" / f"{language}.md").read_text(encoding="utf-8")
    found = []
    for line in (one for one in text.split("\n") if " → " in one):
        keras, ours = line.split(" → ")
        spans = re.match(r"(?:`[^`]+` ?)+", ours)
        assert spans is not None, line
        found.append((re.findall(r"`([^`]+)`", keras), re.findall(r"`([^`]+)`", spans[0])))
    return found


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_list_quotes_both_sources(language: str) -> None:
    rows = table(language)
    assert len(rows) == 11
    quoted = [code for keras, _ in rows for code in keras if code != "fit"]
    assert all(code in KERAS for code in quoted)
    assert len(quoted) == 10, "every line of the listing that does something"
    ours = [code for _, torch in rows for code in torch]
    assert all(code in project_source() for code in ours)


def test_the_lists_are_the_same_in_both_languages() -> None:
    assert table("zh") == table("en")


def test_every_choice_of_the_experiment_is_an_edit_or_the_projects_own() -> None:
    card = experiment_card("click_mlp")
    for setting in SETTINGS:
        own, *others = card.own_settings[setting].choices
        assert edited({setting: own}) == []
        assert difference({setting: own}) == ""
        for choice in others:
            ((ours, instead),) = edited({setting: choice})
            lines = difference({setting: choice}).split("\n")
            assert f"+++ click_edits.py: {instead}" in lines[1]
            assert lines[0].startswith(f"--- click_main.py: {ours}")
            assert all(line[1:] in part(MAIN, ours) for line in lines[2:] if line.startswith("-"))
            assert all(line[1:] in part(EDITS, instead) for line in lines[2:] if line.startswith("+"))


def test_the_dropped_layer_is_all_that_no_layer_drops() -> None:
    changed = [line for line in difference({"net": "no_layer"}).split("\n")[2:] if line[:1] in "+-" and "nn." in line]
    assert [line.replace(" ", "") for line in changed if "class" not in line] == [
        "-nn.Linear(256,128),", "-nn.ReLU(),", "-nn.Linear(128,64),", "+nn.Linear(256,64),"
    ]  # fmt: skip


def test_edits_add_up() -> None:
    both = difference({"loss": "pairwise", "net": "attention"})
    assert difference({"loss": "pairwise"}) in both
    assert difference({"net": "attention"}) in both


def test_what_stands_beside_the_listing_is_what_runs() -> None:
    assert beside().startswith("class Net")
    assert all(part(MAIN, name) in beside() and part(MAIN, name) in project_source() for name in BESIDE)


def test_a_part_that_is_not_there() -> None:
    with pytest.raises(KeyError):
        part(MAIN, "nothing")
