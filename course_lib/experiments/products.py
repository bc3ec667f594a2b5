"""What experiments share that are asked about products: which product, at which frame, and the products' types."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from course_lib.data.columns import Columns
from course_lib.errors import CourseError
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
