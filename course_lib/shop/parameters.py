"""The shop's parameters and content, read from data/shop/*.toml and checked (limits.py).

``load_parameters()`` returns the shop as published. ``Parameters.scaled("need.impulse", 2.0)`` returns the same shop
with one number changed, which is how the data card shows that the order of the models does not hang on it.
"""

from __future__ import annotations

import copy
import functools
import hashlib
import json
import tomllib
from dataclasses import dataclass
from typing import Any

from course_lib.settings import PROJECT
from course_lib.shop.limits import check, check_all

FOLDER = PROJECT / "data" / "shop"
FILES = ("parameters", "catalogue", "missions", "interests", "personas", "campaigns", "queries")


@dataclass(frozen=True)
class Parameters:
    """Everything that decides what happens in the shop: ``numbers`` are parameters.toml, ``content`` the rest."""

    numbers: dict[str, Any]
    content: dict[str, Any]  # department, type, brand, mission, interest, persona, need, kin: lists; wording: a table

    def __getitem__(self, path: str) -> Any:
        """A number by its path, as in ``parameters["need.impulse"]``."""
        value: Any = self.numbers
        for part in path.split("."):
            value = value[part]
        return value

    def replaced(self, path: str, value: Any) -> Parameters:
        """The same shop with one number replaced; raises CourseError for a value that it cannot have."""
        numbers = copy.deepcopy(self.numbers)
        *parents, last = path.split(".")
        table = numbers
        for part in parents:
            table = table[part]
        if last not in table:
            raise KeyError(path)
        check(path, value, table[last])
        table[last] = value
        return Parameters(numbers, self.content)

    def scaled(self, path: str, factor: float) -> Parameters:
        """The same shop with one number multiplied."""
        return self.replaced(path, self[path] * factor)

    def digest(self) -> str:
        """12 hexadecimal digits over every parameter."""
        canonical = json.dumps([self.numbers, self.content], sort_keys=True, default=str)
        return hashlib.sha256(canonical.encode()).hexdigest()[:12]


@functools.cache
def load_parameters() -> Parameters:
    """The shop as published in data/shop; raises CourseError for a number that it cannot have."""
    tables = {name: tomllib.loads((FOLDER / f"{name}.toml").read_text(encoding="utf-8")) for name in FILES}
    content = {key: value for name in FILES[1:] for key, value in tables[name].items()}
    check_all(tables["parameters"])
    return Parameters(tables["parameters"], content)
