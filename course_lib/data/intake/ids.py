"""Ids that are not what they seem: "Guest" is many people, 1.23E+11 was a number once, 12345.0 is 12345."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

# What a shop writes where nobody has signed in, in lower case
GUESTS = frozenset(
    {
        "guest", "guests", "guest user", "guest checkout", "anonymous", "anon", "anonymous user", "unknown",
        "unknown user",
        "unregistered", "not registered", "no account", "walk-in", "walk in", "walkin", "walk-in customer", "cash",
        "cash customer", "cash sale", "default", "default customer", "customer", "n.n.", "gast", "gastkunde", "invité",
        "invitado", "非会员", "非会员顾客", "散客", "游客", "匿名", "匿名用户", "匿名买家", "访客", "未登录", "未注册",
        "普通顾客", "零售客户", "00000000-0000-0000-0000-000000000000",
    }
)  # fmt: skip
NUMBERS = frozenset({"0", "-1", "9999", "99999", "999999", "9999999", "99999999", "999999999"})  # and zeros alone
OUTLIER = 3.0  # times the rows of a usual user, from which such a number stands for many
FEWEST = 10  # rows
SCIENTIFIC = r"(?i)^\d(?:[.,]\d+)?e\+?\d{1,2}$"
POINT_ZERO = r"^(\d+)\.0+$"


def without_point(column: pa.Array) -> tuple[pa.Array, NDArray[np.bool_]]:
    """Ids with "12345.0" as "12345", as a table writes whole numbers once a cell is empty; and which these were."""
    changed = np.asarray(pc.match_substring_regex(column, POINT_ZERO))
    return (pc.replace_substring_regex(column, POINT_ZERO, r"\1") if changed.any() else column), changed


def scientific(column: pa.Array) -> NDArray[np.bool_]:
    """Which ids a spreadsheet has shortened to a power of ten: different ids may have become one."""
    return np.asarray(pc.match_substring_regex(column, SCIENTIFIC))


def guest(names: list[str], rows: NDArray[np.int64]) -> int | None:
    """The place of the user with most rows who is nobody in particular; None where there is none.

    Args:
        names: ids by place.
        rows: (n,) rows of each.
    """
    usual = float(np.median(rows[rows > 0])) if (rows > 0).any() else 0.0
    found = [
        place
        for place, name in enumerate(names)
        if rows[place] > 1
        and (
            name.strip().casefold() in GUESTS
            or ((name in NUMBERS or not name.strip("0")) and rows[place] >= max(FEWEST, OUTLIER * usual))
        )
    ]
    return max(found, key=lambda place: int(rows[place]), default=None)
