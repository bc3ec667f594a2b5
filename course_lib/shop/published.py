"""The shop as published in data/shop."""

from __future__ import annotations

import functools

from course_lib.shop.parameters import load_parameters
from course_lib.shop.world import World, make_world


@functools.cache
def shop() -> World:
    """Made once a process."""
    return make_world(load_parameters())
