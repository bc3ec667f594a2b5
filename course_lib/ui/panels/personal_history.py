"""The panel of a wish: a line to type in, a shopper, the weight of the words, and what each side makes of it."""

from __future__ import annotations

from course_lib.ui.search_columns import VIEWS, below, controls, shown, views

__all__ = ["VIEWS", "below", "controls", "shown", "views"]
