"""The panel of the lab of reasons: as of every experiment that is asked about products, and a writer of one's own."""

from __future__ import annotations

from course_lib.ui.one_product import COMPARED, VIEWS, controls, shown, views
from course_lib.ui.own_writer import after

__all__ = ["COMPARED", "VIEWS", "after", "controls", "shown", "views"]
