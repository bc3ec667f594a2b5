"""How far an intake is: the share grows with the rows that are done, not with the bytes that are read ahead."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

from course_lib.data.intake.delimited import BLOCK
from course_lib.data.intake.pipeline import look, prepare


def test_the_share_follows_the_rows(file: Callable[..., Path]) -> None:
    rows = [f"shopper{n % 5_000},product{n % 97},{1_700_000_000 + n},{'x' * 40}" for n in range(300_000)]
    path = file("user_id,item_id,timestamp,note\n" + "\n".join(rows))
    blocks = path.stat().st_size // BLOCK
    assert blocks >= 4
    told: list[float] = []
    seen = look(path, "none", tick=told.append)
    looked = len(told)
    made = prepare(seen, tick=told.append)
    assert made.report.rows_kept == 300_000
    assert all(before <= after for before, after in pairwise(told))
    assert told[0] >= 0
    assert told[-1] == 1.0
    reading = {share for share in told[looked:] if told[looked - 1] < share < 0.7}
    assert len(reading) >= blocks - 1  # a step for each block: nothing jumps ahead of what is done
