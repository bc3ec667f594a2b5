"""Data cards: both languages, gaps filled, card.md up to date, and broken cards named."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from course_lib.data.cards import load_card, page
from course_lib.errors import CourseError
from course_lib.settings import PROJECT

CARDS = sorted(path.parent.name for path in (PROJECT / "data").glob("*/card.toml"))
TOY = """
name = "toy"
url = "https://example.org"
title = { en = "Toy", zh = "玩具" }
rows = { users = 1234 }
[[section]]
title_en = "Rows"
title_zh = "行数"
en = "{users} users"
zh = "{users} 人"
"""


@pytest.mark.parametrize("name", CARDS)
def test_card_md_is_made_of_the_card(name: str) -> None:
    written = (PROJECT / "data" / name / "card.md").read_text(encoding="utf-8")
    assert written == page(load_card(name)), "run: python -m course_lib.data.cards"


@pytest.mark.parametrize("name", CARDS)
def test_both_languages_state_the_same_numbers(name: str) -> None:
    for section in load_card(name).sections:
        numbers = [sorted(re.findall(r"\d[\d,.]*\d|\d", section[language])) for language in ("zh", "en")]
        assert numbers[0] == numbers[1], section["title_en"]


def test_gaps_are_filled(tmp_path: Path) -> None:
    (tmp_path / "card.toml").write_text(TOY, encoding="utf-8")
    (tmp_path / "measured.toml").write_text("[types]\nfile_order = { value = 0.25, low = 0.2, high = 0.3 }\n")
    card = load_card("toy", tmp_path)
    assert "1,234 users" in card.markdown("en")
    assert card.markdown("zh", level=3).startswith("### 玩具\n\n#### 行数\n\n1,234 人")
    (tmp_path / "card.toml").write_text(TOY.replace("{users} users", "{types_file}"), encoding="utf-8")
    assert "0.250" in load_card("toy", tmp_path).markdown("en")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "card.toml"),
        ("name = ", "TOML"),
        (TOY.replace("{users} 人", "{cats} 只"), "cats"),
        ("name = 'x'", "rows"),
    ],
)
def test_a_broken_card_is_named(content: str | None, reason: str, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "card.toml").write_text(content, encoding="utf-8")
    with pytest.raises(CourseError, match=r"card\.toml") as caught:
        load_card("toy", tmp_path)
    assert reason in str(caught.value)
    assert "card.toml" in caught.value.text("zh")
