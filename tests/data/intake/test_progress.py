"""How far an intake is: the share grows with the rows that are done, not with the bytes that are read ahead."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from course_lib.data.intake.delimited import BLOCK
from course_lib.data.intake.limits import UPLOAD_MEMORY
from course_lib.data.intake.pipeline import look, prepare
from course_lib.settings import PROJECT

TAKE_IN = """
import json, resource, sys
from pathlib import Path
from benchmarks.memory import peak_mib
from course_lib.data.intake import store
from course_lib.data.intake.pipeline import look, prepare
store.save(prepare(look(Path(sys.argv[1]), "none")), "big")
used = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps([used.ru_utime + used.ru_stime, peak_mib() * 2**20]))
"""


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


@pytest.mark.parametrize(("rows", "seconds"), [(100_000, 5), (1_000_000, 30)])
def test_large_files_keep_to_their_time_and_memory(
    file: Callable[..., Path], tmp_path: Path, rows: int, seconds: int
) -> None:
    """A process of its own, from its start to the stored dataset; processor time, so that neighbours do not count."""
    lines = [
        f"user{n * 7919 % (rows // 15)},item{n * 31 % 9973},{1_700_000_000 + n},Product {n * 31 % 9973},{n % 97}.5"
        for n in range(rows)
    ]
    path = file("user_id,item_id,timestamp,title,price\n" + "\n".join(lines))
    home = {**os.environ, "LIVEREC_HOME": str(tmp_path / "home")}
    command = [sys.executable, "-c", TAKE_IN, str(path)]
    done = subprocess.run(command, cwd=PROJECT, env=home, capture_output=True, text=True, check=True, timeout=300)
    taken, most = json.loads(done.stdout.splitlines()[-1])
    assert taken < seconds
    assert most < UPLOAD_MEMORY
