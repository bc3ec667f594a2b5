"""What the lessons' prose says of the data without any run. ``shop.products`` is the method ``products`` of ``Shop``.

    products = {fact = "shop.products", as = "count"}

Imports stand inside the methods: ``--help`` imports every module of this folder.
"""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING, Any, ClassVar

from course_lib.errors import CourseError

if TYPE_CHECKING:
    from course_lib.data.dataset import Dataset


@functools.cache
def dataset(name: str) -> Dataset:
    """A dataset in the size that labs take."""
    from course_lib.data.registry import load, resolve

    return load(resolve(name))


class Facts:
    """The facts of one dataset: its public methods."""

    name: ClassVar[str]

    def products(self) -> float:
        """Products in the catalogue."""
        return dataset(self.name).num_items

    def shoppers(self) -> float:
        """People who bought something."""
        return dataset(self.name).num_users


class Shop(Facts):
    """The simulated shop."""

    name = "shop"

    def product_types(self) -> float:
        """Kinds of products."""
        from course_lib.data.columns import Columns

        return float(dataset(self.name).items[Columns.TYPE].nunique())

    def mean_purchases(self) -> float:
        """Purchases of a shopper, on average."""
        data = dataset(self.name)
        return len(data.events) / data.num_users

    def uniform_loss(self) -> float:
        """-log p where every product is equally likely, nats."""
        return math.log(dataset(self.name).num_items)

    def purchases_between_interruptions(self) -> float:
        """From one impulse or refill to the next: 1 / their chance, mean over the first 2,000 shoppers' purchases."""
        import numpy as np

        from course_lib.shop.published import shop
        from course_lib.shop.simulate import simulate
        from course_lib.shop.world import Memory, moment

        world = shop()
        block = next(simulate(world, 2000))
        memory = Memory.empty(len(block.length), world)
        impulse, chances = world.parameters["need.impulse"], []
        for t in range(block.items.shape[1]):
            rows = np.flatnonzero(block.length > t)
            refill = moment(memory.take(rows), block.days[rows, t], world).refill_chance
            chances.append(impulse + (1 - impulse) * refill)
            memory.remember(rows, block.items[rows, t], block.days[rows, t], world)
        return 1 / float(np.concatenate(chances).mean())


class Journey(Facts):
    """Complete Journey."""

    name = "complete-journey"

    def file_order_hits(self) -> float:
        """HR@10 of a chain for the next article of a basket, in the order of the files."""
        return self._trap("file_order")

    def random_order_hits(self) -> float:
        """The same, in a random order."""
        return self._trap("random_order")

    def _trap(self, order: str) -> float:
        """As course_lib.evaluation.basket_trap has measured it; a test measures it again."""
        import tomllib

        from course_lib.settings import PROJECT

        measured = tomllib.loads((PROJECT / "data/complete_journey/measured.toml").read_text(encoding="utf-8"))
        return float(measured["articles"][order]["value"])

    def repeat_share(self) -> float:
        """The share of test targets that the household has bought before."""
        import numpy as np

        from course_lib.data.splits import leave_one_out

        test = leave_one_out(dataset(self.name)).test
        rows = np.repeat(np.arange(len(test)), test.histories.lengths)
        again = np.zeros(len(test), bool)
        again[rows[test.histories.items == test.targets[rows]]] = True
        return float(again.mean())


def facts() -> dict[str, Any]:
    """Every fact by its name, as a function that computes it; found by walking the classes above."""
    return {
        f"{kind.__name__.lower()}.{name}": getattr(kind(), name)
        for kind in Facts.__subclasses__()
        for name in dir(kind)
        if not name.startswith("_") and callable(getattr(kind, name))
    }


def fact(name: str) -> float:
    """The value of a fact; raises CourseError with the known names."""
    known = facts()
    if name not in known:
        raise CourseError("unknown_measure", name=name, known=", ".join(known))
    return float(known[name]())
