"""Orders whose first line alone names the customer and the moment, as Shopify and merged cells write them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

FILLED = ("user", "time", "clock", "basket")  # roles that a line may leave to the order's first


class FillDown:
    """Finds the lines of an order that leave customer or moment to its first line, from batch to batch."""

    def __init__(self) -> None:
        self._last: dict[str, str] = {}  # by role: what the order's first line says

    def filled(self, text: Mapping[str, pa.Array]) -> tuple[dict[str, pa.Array], NDArray[np.bool_]]:
        """The columns with gaps filled, and which rows had gaps that could be.

        Args:
            text: by role, trimmed text of equal length; "" where nothing is written.
        """
        size = len(text["user"])
        present = [role for role in FILLED if role in text]
        lists = {role: [self._last.get(role, ""), *text[role].to_pylist()] for role in present}
        gaps = np.array([one == "" for one in lists["user"]])
        gaps[0] = not self._last
        first = np.maximum.accumulate(np.where(gaps, 0, np.arange(size + 1)))
        same = np.ones(size + 1, bool)
        if "basket" in lists:
            baskets = lists["basket"]
            same = np.array([not own or own == baskets[at] for own, at in zip(baskets, first, strict=True)])
        else:  # nothing says that the lines belong together, unless the moment is left out too
            same = np.array([not one for one in lists["time"]])
        held = np.array([bool(lists["user"][at]) for at in first])
        rows = gaps & same & held
        rows[0] = False
        out = dict(text)
        for role in present:
            values = [
                lists[role][at] if fill and not own else own
                for own, at, fill in zip(lists[role], first, rows, strict=True)
            ]
            out[role] = pa.array(values[1:], pa.string())
        self._last = {role: lists[role][first[-1]] for role in present} if held[-1] else {}
        return out, rows[1:]
