"""What two products truly are to each other: substitutes, complements, or nothing.

Two products of one type do the same job: who owns a durable hardly buys another, and of consumables one at a time is
enough. Two types that a mission needs complete each other. All others meet in a basket by chance.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from course_lib.shop.world import World

UNRELATED, COMPLEMENT, SUBSTITUTE = range(3)
RELATIONS = ("unrelated", "complement", "substitute")  # their names


def relations(world: World) -> NDArray[np.int8]:
    """(C, C) by product type: SUBSTITUTE within a type, COMPLEMENT between types of one mission, UNRELATED else."""
    of_mission = (world.stage_of >= 0).astype(np.int64)
    table = np.where(of_mission @ of_mission.T > 0, COMPLEMENT, UNRELATED).astype(np.int8)
    np.fill_diagonal(table, SUBSTITUTE)
    return table
