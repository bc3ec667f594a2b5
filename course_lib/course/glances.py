"""What the Data page says of a dataset and of the shop's truth, computed in a process of its own and kept on disk.

The page needs a few kilobytes that take seconds, the dataset's histories and scipy to compute. The web process would
never give that memory back, and everybody would wait meanwhile. So ``python -m course_lib.course.glances`` computes
them, writes them as Parquet below ``Settings.datasets``, under a name that holds the version of data and code, and the
web process reads the result. Of a dataset that a learner added nothing is kept: it may be deleted, and then wholly.

A home that cannot be written, or a process that cannot be started, only costs what it cost before.
"""

from __future__ import annotations

import logging
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np
import pandas as pd

from course_lib.data import cache
from course_lib.data.dataset import Address
from course_lib.data.overview import Overview, Sample, make_overview
from course_lib.data.registry import load
from course_lib.runs.process import worker_environment
from course_lib.settings import PROJECT, load_settings, source_digest

if TYPE_CHECKING:  # they import scipy
    from course_lib.shop.truth.glance import Glance
    from course_lib.shop.truth.portrait import Portrait

LOG = logging.getLogger(__name__)
LONGEST_S = 600.0  # a process that takes longer hangs
T = TypeVar("T")
Frames = Mapping[str, pd.DataFrame]


@dataclass(frozen=True)
class Kind(Generic[T]):
    """One kind of thing to compute, from words that name it."""

    make: Callable[..., T]
    frames: Callable[[T], Frames]  # as it is written
    read: Callable[..., T]  # from the frames in the order of ``names``, after the words
    names: tuple[str, ...]


def overview_of(address: Address) -> Overview:
    """A dataset's overview; raises CourseError where it cannot be read."""
    words = (address.name, address.size, address.version)
    return _given(OVERVIEW, "overview", words, keep="~" not in address.name)


def portrait_of(user: int) -> Portrait:
    """One shopper's truth."""
    return _given(PORTRAIT, "portrait", (str(user),))


def glance_of() -> Glance:
    """The truth of the shop's other parts."""
    return _given(GLANCE, "glance", ())


def _given(kind: Kind[T], name: str, words: tuple[str, ...], keep: bool = True) -> T:
    if keep:
        folder = kept_at(name, words)
        found = cache.read(folder, kind.names)
        if found is None and _computed(name, words, folder):
            found = cache.read(folder, kind.names)
        return kind.make(*words) if found is None else kind.read(*words, *found)
    with tempfile.TemporaryDirectory(prefix="liverec-glance-") as place:
        folder = Path(place) / "found"
        found = cache.read(folder, kind.names) if _computed(name, words, folder) else None
        return kind.make(*words) if found is None else kind.read(*words, *found)


def kept_at(name: str, words: tuple[str, ...]) -> Path:
    """Where a result lies; other data or other code is another folder."""
    return load_settings().datasets / "glances" / "-".join([name, *words, source_digest("shop", "data")])


def _computed(name: str, words: tuple[str, ...], folder: Path) -> bool:
    """Has another process compute and write it; False where that did not work."""
    command = [sys.executable, "-m", "course_lib.course.glances", str(folder), name, *words]
    try:
        done = subprocess.run(
            command,
            cwd=PROJECT,
            env=worker_environment(load_settings()),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            timeout=LONGEST_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as problem:
        LOG.warning("%s is computed in the web process: %s", name, problem)
        return False
    if done.returncode:  # the web process will meet the same error, and say it to the reader
        LOG.warning("%s is computed in the web process: %s", name, done.stderr.decode(errors="replace")[-2000:])
    return done.returncode == 0


# ---- an overview


def _make_overview(name: str, size: str, version: str) -> Overview:
    return make_overview(load(Address(name, size, version)))


def _overview_frames(seen: Overview) -> Frames:
    rows = [
        (one.user, one.events, *event)
        for one in seen.samples
        for event in zip(one.items, one.times, one.baskets, strict=True)
    ]
    return {
        "facts": pd.DataFrame({"baskets": [seen.baskets], "first": [seen.first], "last": [seen.last]}),
        "shoppers": pd.DataFrame({"events": seen.per_shopper}),
        "products": pd.DataFrame({"events": seen.per_product}),
        "people": pd.DataFrame(
            {"user": [one.user for one in seen.samples], "events": [s.events for s in seen.samples]}
        ),
        "samples": pd.DataFrame(rows, columns=["user", "events", "item", "time", "basket"], dtype=np.int64),
    }


def _read_overview(name: str, size: str, version: str, *found: pd.DataFrame) -> Overview:
    facts, shoppers, products, people, rows = found
    baskets, first, last = (int(facts[column].iloc[0]) for column in ("baskets", "first", "last"))
    samples = []
    for user, events in zip(people["user"].tolist(), people["events"].tolist(), strict=True):
        own = rows[rows["user"] == user]
        items, times, ids = (tuple(own[column].tolist()) for column in ("item", "time", "basket"))
        samples.append(Sample(user, items, times, ids, events))
    per_shopper, per_product = (frame["events"].to_numpy(np.int64) for frame in (shoppers, products))
    address = Address(name, size, version)
    return Overview(address, baskets, first, last, per_shopper, per_product, tuple(samples))


# ---- a portrait


def _make_portrait(user: str) -> Portrait:
    from course_lib.shop.published import shop
    from course_lib.shop.truth.portrait import portrait

    return portrait(shop(), int(user))


def _portrait_frames(seen: Portrait) -> Frames:
    def by_step(name: str) -> pd.DataFrame:
        return pd.DataFrame({str(n): getattr(step, name) for n, step in enumerate(seen.steps)})

    plain = ("item", "day", "interest", "mission")
    rows = [(n, done) for n, step in enumerate(seen.steps) for done in step.bought]
    return {
        "facts": pd.DataFrame({"budget": [seen.budget]}),
        "taste": pd.DataFrame({"taste": seen.taste}),
        "steps": pd.DataFrame({name: [getattr(step, name) for step in seen.steps] for name in plain}),
        "bought": pd.DataFrame(rows, columns=["step", "done"]).astype({"step": np.int64, "done": bool}),
        **{name: by_step(name) for name in ("types", "known", "filtered")},
    }


def _read_portrait(user: str, *found: pd.DataFrame) -> Portrait:
    from course_lib.shop.truth.portrait import Portrait, Step

    facts, taste, steps, bought, types, known, filtered = found
    made = []
    for n, row in enumerate(steps.to_dict("records")):
        done = tuple(map(bool, bought.loc[bought["step"] == n, "done"].tolist()))
        chances = (frame[str(n)].to_numpy() for frame in (types, known, filtered))
        numbers = (int(row["item"]), float(row["day"]), int(row["interest"]), int(row["mission"]))
        made.append(Step(*numbers, done, *chances))
    return Portrait(int(user), taste["taste"].to_numpy(), float(facts["budget"].iloc[0]), tuple(made))


# ---- a glance at the other parts


def _make_glance() -> Glance:
    from course_lib.shop.published import shop
    from course_lib.shop.truth.glance import glance

    return glance(shop())


def _read_glance(*found: pd.DataFrame) -> Glance:
    from course_lib.shop.truth.glance import Glance

    return Glance(*found)


OVERVIEW = Kind(
    _make_overview, _overview_frames, _read_overview, ("facts", "shoppers", "products", "people", "samples")
)
PORTRAIT = Kind(
    _make_portrait,
    _portrait_frames,
    _read_portrait,
    ("facts", "taste", "steps", "bought", "types", "known", "filtered"),
)
_GLANCE = ("positions", "policies", "coupons", "liking", "searches", "tastes")
GLANCE = Kind(_make_glance, lambda seen: {name: getattr(seen, name) for name in _GLANCE}, _read_glance, _GLANCE)
KINDS: Mapping[str, Kind[Any]] = {"overview": OVERVIEW, "portrait": PORTRAIT, "glance": GLANCE}


def main(folder: str, name: str, *words: str) -> int:
    """Computes one thing and writes it as ``folder``."""
    kind = KINDS[name]
    cache.write(Path(folder), kind.frames(kind.make(*words)))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
