"""What experiments share that are asked about products: which product, at which frame, its neighbours, and types."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from course_lib.data import registry
from course_lib.data.columns import Columns
from course_lib.errors import CourseError
from course_lib.experiments.config import RunConfig
from course_lib.experiments.events import Folder


def product_asked(asked: Mapping[str, Any], count: int) -> int | None:
    """The last of ``asked["items"]``, None where there is none.

    Raises CourseError for products that a catalogue of ``count`` does not have.
    """
    unknown = [item for item in asked["items"] if not 1 <= item <= count]
    if unknown:
        raise CourseError("unknown_items", items=", ".join(map(str, unknown[:10])))
    return int(asked["items"][-1]) if asked["items"] else None


def view_at(folder: Path, at: int | None) -> dict[str, Any]:
    """The view of frame ``at``, or of the last one; a frame that is being written does not count."""
    if at is None:
        at = max(int(path.name) for path in (folder / "frames").iterdir() if path.name.isdigit())
    return Folder(folder).view(at)


def type_numbers(items: pd.DataFrame) -> NDArray[np.integer] | None:
    """(V,) a number for each product's type, -1 where it has none; None where no product has one."""
    types = items.get(Columns.TYPE)
    return None if types is None or types.isna().all() else types.astype("category").cat.codes.to_numpy()


@dataclass(frozen=True)
class Neighbours:
    """Lists of neighbours that a run has kept in its views: ``{"neighbours", "scores", "new"}``."""

    neighbours: list[list[int]]  # of item 1, 2, ..., best first
    scores: list[list[float]]
    new: frozenset[int]  # products that training did not see
    kinds: list[str]  # product types; empty where there are none

    @classmethod
    def read(cls, folder: Path, at: int | None) -> Neighbours:
        """Those of frame ``at`` of a run in ``folder``, or of the end."""
        view = view_at(folder, at)
        items = registry.load_items(RunConfig.read(folder).data["dataset"])
        kinds = items[Columns.TYPE].fillna("").astype(str).tolist() if Columns.TYPE in items else []
        return cls(view["neighbours"], view["scores"], frozenset(view["new"]), kinds)

    def answer(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """``{"item", "new", "near": [{"item", "score", "role"}]}`` for the last of ``asked["items"]``.

        The role is "substitute" for a product of the same type, else "complement"; "" where there are no types. Raises
        CourseError for products that the catalogue does not have.
        """
        item = product_asked(asked, len(self.neighbours))
        if item is None:
            return {"item": None, "new": False, "near": []}

        def role(other: int) -> str:
            own, its = (self.kinds[n - 1] if self.kinds else "" for n in (item, other))
            return ("substitute" if own == its else "complement") if own and its else ""

        both = zip(self.neighbours[item - 1], self.scores[item - 1], strict=True)
        listed = [{"item": other, "score": score, "role": role(other)} for other, score in both][: asked["k"]]
        return {"item": item, "new": item in self.new, "near": listed}
