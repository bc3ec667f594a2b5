"""The panel of every experiment that a query is put to."""

from __future__ import annotations

from course_lib.ui.search_columns import VIEWS, below, controls, shown, views

__all__ = ["VIEWS", "below", "controls", "shown", "views"]
