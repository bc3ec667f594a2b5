"""On the way out nothing is a formula, and everything else is what it was."""

from __future__ import annotations

import csv
import io

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_lib.data.intake.export import STARTS, to_csv


@pytest.mark.parametrize("start", [*STARTS, " =", "  @"])
def test_formulas_are_text(start: str) -> None:
    frame = pd.DataFrame({f"{start}cmd|' /C calc'!A0": [f"{start}1+1", "mug"], "price": [-1.5, 2.0]})
    head, first, second = csv.reader(io.StringIO(to_csv(frame), newline=""))
    assert head[0].startswith("'")
    assert first == [f"'{start}1+1", "-1.5"]
    assert second == ["mug", "2.0"]


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20), min_size=1))
def test_every_cell_is_harmless_and_else_unchanged(cells: list[str]) -> None:
    rows = list(csv.reader(io.StringIO(to_csv(pd.DataFrame({"x": cells, "n": 1})), newline="")))
    for cell, (written, _) in zip(cells, rows[1:], strict=True):
        assert not written.lstrip(" ").startswith(STARTS)
        assert written in (cell, f"'{cell}")
