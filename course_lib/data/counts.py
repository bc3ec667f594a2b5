"""How large a dataset is, without reading it where somebody has counted already: what a recipe is made of."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from course_lib.data.dataset import Address


@dataclass(frozen=True)
class Counts:
    """What is known of a dataset before it is read."""

    users: int
    items: int
    events: int
    baskets: int  # as many as events where each has a time of its own

    @property
    def each(self) -> float:
        """Purchases of a shopper, on average."""
        return self.events / max(self.users, 1)

    @property
    def targets(self) -> int:
        """Purchases to learn from, about: the last two baskets of each shopper are held out, and the first is given."""
        basket = self.events / max(self.baskets, 1)
        return max(1, round(self.events - self.users * min(max(0.0, self.each - 0.1), 1 + 2 * basket)))


@functools.lru_cache(maxsize=32)
def counts_of(address: Address) -> Counts:
    """From the card of an added dataset, else counted; raises CourseError where it has no histories."""
    from course_lib.data.columns import Columns  # pandas, which a recipe alone does not need
    from course_lib.data.intake import store
    from course_lib.data.registry import load

    card = store.find(address.name)
    if card is not None and card.version == address.version:
        return Counts(*(int(card.counts[name]) for name in ("users", "items", "events", "baskets")))
    dataset = load(address)
    baskets = int(dataset.events[Columns.BASKET].nunique())
    return Counts(dataset.num_users, dataset.num_items, len(dataset.events), baskets)
