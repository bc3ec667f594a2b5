"""A made-up file with one line a user, as large as Amazon's Beauty in the S3-Rec form, for whoever does not have that.

    python -m benchmarks.sequences beauty-made-up.txt

It has the size and the shape of the file, and none of its content: lengths of at least five with a long tail, items
whose popularity follows a power law (Zipf), and a next item that depends on the last one (Markov), so that there is
something to learn. What a model scores on it says nothing about the real one.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

USERS, ITEMS, EVENTS = 22_363, 12_101, 198_502  # of Beauty.txt
SHORTEST = 5  # items of a user, as the 5-core filter leaves them
FOLLOWS = 0.4  # chance that an item follows from the one before
AFTER = (0.6, 0.3, 0.1)  # which of its three followers it is
FLAT, FALL = 30, 0.7  # popularity is (rank + FLAT) ** -FALL


def sequences(users: int = USERS, items: int = ITEMS, events: int = EVENTS, seed: int = 1) -> list[NDArray[np.int64]]:
    """One array of item ids 1..``items`` a user, ``events`` in all, every item at least once.

    Raises ValueError where there are too few events for that.
    """
    if events < max(users * SHORTEST, items):
        raise ValueError(f"{events} events are too few for {users} users of {SHORTEST} and {items} items")
    rng = np.random.default_rng(seed)
    more = rng.multinomial(events - users * SHORTEST, rng.dirichlet(np.full(users, 0.7)))
    lengths = SHORTEST + more
    chance = (np.arange(items) + FLAT) ** -FALL
    names = rng.permutation(items)  # an item's number says nothing about its popularity
    drawn = names[rng.choice(items, events, p=chance / chance.sum())]
    followers = rng.integers(0, items, (items, len(AFTER)))
    which = rng.choice(len(AFTER), events, p=AFTER)
    follows = rng.random(events) < FOLLOWS
    follows[np.concatenate([[0], np.cumsum(lengths)[:-1]])] = False  # a line begins anew
    for place in np.flatnonzero(follows):
        drawn[place] = followers[drawn[place - 1], which[place]]
    _complete(drawn, items)
    return np.split(drawn + 1, np.cumsum(lengths)[:-1])


def _complete(drawn: NDArray[np.int64], items: int) -> None:
    """Gives each item that nobody has a place of the item that most have."""
    counts = np.bincount(drawn, minlength=items)
    for item in np.flatnonzero(counts == 0):
        most = int(counts.argmax())
        drawn[np.flatnonzero(drawn == most)[-1]] = item
        counts[most], counts[item] = counts[most] - 1, 1


def write(path: Path, lines: Sequence[NDArray[np.int64]]) -> None:
    """Writes user ids from 1 on, each with its items."""
    text = "".join(f"{user} {' '.join(map(str, line.tolist()))}\n" for user, line in enumerate(lines, 1))
    path.write_text(text, encoding="ascii")


def main(line: Sequence[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sequences", description=__doc__.splitlines()[0])
    parser.add_argument("path", type=Path, help="the file to write")
    for name, value in (("users", USERS), ("items", ITEMS), ("events", EVENTS), ("seed", 1)):
        parser.add_argument(f"--{name}", type=int, default=value, help=f"{value:,} unless given")
    asked = parser.parse_args(line)
    try:
        write(asked.path, sequences(asked.users, asked.items, asked.events, asked.seed))
    except (ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
