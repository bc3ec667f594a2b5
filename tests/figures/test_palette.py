"""Contrast and colour-blindness: WCAG 2.1 asks 4.5 for text and 3 for lines and marks."""

from __future__ import annotations

import pytest

from course_lib.figures.palette import BASELINES, DARK, DEPARTMENTS, LIGHT, MODELS, Theme, alpha, contrast, style

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


def test_the_names_other_lessons_will_need_have_a_colour() -> None:
    assert {"sasrec", "bert4rec", "gru4rec", "ease", "matrix-factorization"} <= set(MODELS)
    assert (MODELS["sasrec"].light, MODELS["sasrec"].dark) == ("#0072b2", "#56b4e9")
    assert len({look.light for look in MODELS.values()}) == len(MODELS) - 1  # the two oracles share one, by dash


def test_alpha() -> None:
    assert alpha("#0072b2", 0.25) == "rgba(0,114,178,0.25)"
