"""Contrast and colour-blindness: WCAG 2.1 asks 4.5 for text and 3 for lines and marks."""

from __future__ import annotations

import pytest

from course_lib.errors import CourseError
from course_lib.figures.base import model_name
from course_lib.figures.palette import BASELINES, DARK, DEPARTMENTS, LIGHT, MODELS, Theme, alpha, contrast, style
from course_lib.models.catalogue import model_cards

PAGES = pytest.mark.parametrize("page", [LIGHT, DARK], ids=["light", "dark"])


def test_contrast_is_that_of_the_standard() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)  # the well-known grey that just fails
    assert contrast("#ffffff", "#777777") == contrast("#777777", "#ffffff")


@PAGES
@pytest.mark.parametrize("name", sorted(MODELS))
def test_models_can_be_read_as_lines_and_as_labels(page: Theme, name: str) -> None:
    assert contrast(style(name).colour(page), page.background) >= 4.5  # labels have the line's colour


@PAGES
@pytest.mark.parametrize("place", range(len(DEPARTMENTS)))
def test_departments_can_be_seen(page: Theme, place: int) -> None:
    assert contrast(DEPARTMENTS[place].colour(page), page.background) >= 3


@PAGES
def test_text_can_be_read(page: Theme) -> None:
    for colour in (page.ink, page.muted, page.accent, page.done):
        assert contrast(colour, page.background) >= 4.5
    assert contrast(page.ink, page.surface) >= 4.5
    assert contrast(page.muted, page.surface) >= 4.5


def test_colour_never_stands_alone() -> None:
    assert len({mark.symbol for mark in DEPARTMENTS}) == len(DEPARTMENTS)
    assert len({style(name).dash for name in (*BASELINES, "oracle.known", "oracle.filtered", "sasrec")}) == 6


def test_every_model_has_a_colour_and_a_name() -> None:
    assert len(model_cards()) >= 9
    for name in {*model_cards(), *MODELS}:
        assert style(name) is MODELS[name]
        assert model_name(name, "zh") != name


def test_a_model_without_a_colour_is_refused_not_drawn_in_anothers() -> None:
    with pytest.raises(CourseError, match=r"two-back.*MODELS in course_lib/figures/palette\.py"):
        style("two-back")


def test_colours_are_those_of_the_course() -> None:
    assert (MODELS["sasrec"].light, MODELS["sasrec"].dark) == ("#0072b2", "#56b4e9")
    assert len({look.light for look in MODELS.values()}) == len(MODELS) - 1  # the two oracles share one, by dash


def test_alpha() -> None:
    assert alpha("#0072b2", 0.25) == "rgba(0,114,178,0.25)"
