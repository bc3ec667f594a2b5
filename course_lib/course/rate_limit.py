"""How often something may be tried: codes are short enough to be read aloud, so guessing has to be slow.

    allow(store, f"resume {address}", per=10, seconds=600)      # raises CourseError too_many_tries at the 11th
    allow(store, "resume", per=60, seconds=600)                 # of everybody together

Tries that were let through are rows in the database, so all web processes count together and a restart forgets
nothing. One that is refused is no row, and does not lengthen the wait. What was tried, an address for instance, is
kept as a keyed hash; rows that count no more are deleted by later tries.
"""

from __future__ import annotations

import hashlib
import math
import threading
import time
import weakref
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from course_lib.course import tables
from course_lib.course.installation_key import keyed_hash
from course_lib.course.store import Store
from course_lib.errors import CourseError

LONGEST_S = 24 * 3600.0  # no limit looks further back
SKEW_S = 60.0  # seconds by which the clocks of web processes may differ
SWEEP = 64  # every so many tries, all that is too old is deleted
KNOWN = 10_000  # limits known to be reached, kept in memory so that a flood of guesses does not reach the database

_lock = threading.Lock()
_reached: weakref.WeakKeyDictionary[sa.Engine, OrderedDict[str, float]] = weakref.WeakKeyDictionary()  # until when


def allow(store: Store, what: str, per: int, seconds: float) -> None:
    """Notes one try of ``what``, of which ``per`` are allowed in any ``seconds``.

    Args:
        store: where the tries of all web processes are counted.
        what: what is limited, and for whom: "resume 192.0.2.7". It always has the same limit.
        per: tries; at least 1.
        seconds: the length of the window, at most a day.

    Raises CourseError ``too_many_tries`` with ``seconds`` to wait, and what the store raises.
    """
    if per < 1 or not 0 < seconds <= LONGEST_S:
        raise ValueError(f"{per} tries in {seconds} s")
    check(store, what, seconds)
    name, now = keyed_hash("tries", what), time.time()
    # Most tries of a flood are seen to be too many without the lock of a writer.
    wait = _wait(store.read(_newest(name, now, seconds, per)), per, now, seconds)

    def work(connection: sa.Connection) -> None:
        nonlocal wait
        if connection.dialect.name == "postgresql":  # SQLite's writers wait for each other anyway
            lock = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big", signed=True)
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(lock)))
        rows = connection.execute(_newest(name, now, seconds, per)).all()
        wait = _wait(rows, per, now, seconds)
        if wait is None:
            table = tables.tries
            key = connection.execute(table.insert().values(what=name, at=now)).inserted_primary_key
            old = (table.c.what == name) & (table.c.at <= now - seconds)
            if key is not None and int(key[0]) % SWEEP == 0:  # of others too, who may never come again
                old = old | (table.c.at < now - LONGEST_S) | (table.c.at > now + SKEW_S)
            connection.execute(table.delete().where(old))

    if wait is None:
        store.write(work)
    if wait is not None:
        with _lock:
            reached = _reached.setdefault(store.engine, OrderedDict())
            reached[what] = now + wait
            reached.move_to_end(what)
            while len(reached) > KNOWN:
                reached.popitem(last=False)
        raise _refusal(wait)


def check(store: Store, what: str, seconds: float) -> None:
    """Raises what :func:`allow` would, where this process knows already that the limit is reached; notes no try.

    Asked of the limit on everybody together before that on one address, so that a flood leaves no rows behind.
    """
    now = time.time()
    with _lock:
        until = _reached.setdefault(store.engine, OrderedDict()).get(what, 0.0)
    if now < until <= now + seconds:
        raise _refusal(until - now)


def _newest(name: str, now: float, seconds: float, per: int) -> sa.Select[tuple[float]]:
    """The times of the last ``per`` tries in the window. One far in the future was made before a clock was put back."""
    at = tables.tries.c.at
    within = (tables.tries.c.what == name) & (at > now - seconds) & (at <= now + SKEW_S)
    return sa.select(at).where(within).order_by(at.desc()).limit(per)


def _wait(rows: Sequence[sa.Row[Any]], per: int, now: float, seconds: float) -> float | None:
    """Seconds until the oldest of ``per`` tries leaves the window; None where there is room."""
    return min(max(rows[-1][0] + seconds - now, 1.0), seconds) if len(rows) >= per else None


def _refusal(wait: float) -> CourseError:
    return CourseError("too_many_tries", seconds=math.ceil(wait))
