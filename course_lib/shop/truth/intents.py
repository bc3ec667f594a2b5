"""What every query asks for: the queries of the shop, made from its catalogue and from data/shop/queries.toml.

Kinds: ``head`` a product type by its name · ``tail`` with its line, or line and option · ``brand`` a brand, alone or
with a type · ``misspelt`` a slip of the input method or the keyboard, or pinyin left unconverted · ``need`` a situation
that names no product · ``synonym`` a type by a word that its titles do not use · ``mixed`` two languages in one query.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from course_lib.data.columns import Columns
from course_lib.shop.parts import SEARCH, catalogue_stream
from course_lib.shop.world import World

KINDS = ("head", "tail", "brand", "misspelt", "need", "synonym", "mixed")
LANGUAGES = ("zh", "en")
NONE = -1
# Neighbours on a QWERTY keyboard, for slips of the finger.
NEIGHBOURS = {
    "a": "sq", "b": "vn", "c": "xv", "d": "sf", "e": "wr", "f": "dg", "g": "fh", "h": "gj", "i": "uo", "j": "hk",
    "k": "jl", "l": "ko", "m": "n", "n": "bm", "o": "ip", "p": "o", "q": "wa", "r": "et", "s": "ad", "t": "ry",
    "u": "yi", "v": "cb", "w": "qe", "x": "zc", "y": "tu", "z": "xs",
}  # fmt: skip


@dataclass(frozen=True)
class Intent:
    """One query. ``line`` and ``option`` count within the type, ``need`` in queries.toml; NONE is not asked for."""

    text: str
    language: str  # "zh", "en", or "mixed", which shoppers of both languages type
    kind: str  # one of KINDS
    type: int = NONE
    brand: int = NONE
    line: int = NONE
    option: int = NONE
    need: int = NONE


def make_intents(world: World) -> tuple[Intent, ...]:
    """All queries, deterministic in the parameters. No two have the same text: the first that has it keeps it."""
    found: dict[str, Intent] = {}
    for intent in (*_by_type(world), *_by_product(world), *_by_brand(world), *_by_need(world), *_misspelt(world)):
        found.setdefault(intent.text.lower(), intent)
    return tuple(sorted(found.values(), key=lambda intent: KINDS.index(intent.kind)))


def _by_type(world: World) -> Iterator[Intent]:
    content = world.parameters.content
    for c, kind in enumerate(content["type"]):
        for language in LANGUAGES:
            yield Intent(kind[f"name_{language}"], language, "head", c)
    for c, kind in enumerate(content["type"]):
        for language in LANGUAGES:
            for words in content["wording"][kind["id"]][language]:
                yield Intent(words, language, "synonym", c)


def _by_product(world: World) -> Iterator[Intent]:
    """A line of a type, or a line and an option, as products that exist have them."""
    goods, kinds = world.catalogue, world.parameters.content["type"]
    offered = np.unique(np.column_stack([goods.type, goods.parts[:, 1:]]), axis=0).tolist()
    lines = sorted({(c, line, NONE) for c, line, _ in offered})
    for c, line, option in (*lines, *offered):
        kind = kinds[c]
        zh, en = f"{kind['lines_zh'][line]}{kind['name_zh']}", f"{kind['lines_en'][line]} {kind['name_en']}"
        if option != NONE:
            zh, en = f"{zh} {kind['options_zh'][option]}", f"{en} {kind['options_en'][option].replace(',', '')}"
        elif not kind["lines_zh"][line].isascii():  # "4K" is the same in both languages
            yield Intent(f"{kind['lines_zh'][line]} {kind['name_en']}", "mixed", "mixed", c, line=line)
        yield Intent(zh, "zh", "tail", c, line=line, option=option)
        yield Intent(en, "en", "tail", c, line=line, option=option)


def _by_brand(world: World) -> Iterator[Intent]:
    """A brand, and a brand with each type that it makes."""
    goods, content = world.catalogue, world.parameters.content
    for b, brand in enumerate(content["brand"]):
        for language in LANGUAGES:
            yield Intent(brand[f"name_{language}"], language, "brand", brand=b)
    for c, b in np.unique(np.column_stack([goods.type, goods.parts[:, 0]]), axis=0).tolist():
        kind, brand = content["type"][c], content["brand"][b]
        for language in LANGUAGES:
            yield Intent(f"{brand[f'name_{language}']} {kind[f'name_{language}']}", language, "brand", c, b)
        yield Intent(f"{brand['name_en']} {kind['name_zh']}", "mixed", "mixed", c, b)


def _by_need(world: World) -> Iterator[Intent]:
    for n, need in enumerate(world.parameters.content["need"]):
        for language in LANGUAGES:
            for words in need[language]:
                yield Intent(words, language, "need", need=n)


def _misspelt(world: World) -> Iterator[Intent]:
    """Chinese slips are written in queries.toml; English ones are made of types' and brands' names, in that order."""
    rng = catalogue_stream(world, SEARCH)
    content = world.parameters.content
    for c, kind in enumerate(content["type"]):
        for words in content["wording"][kind["id"]]["misspelt"]:
            yield Intent(words, "zh", "misspelt", c)
        right = Intent(kind["name_en"], "en", "misspelt", c)
        yield from (replace(right, text=slip(right.text, rng)) for _ in range(2))
    for b, brand in enumerate(content["brand"]):
        yield Intent(slip(brand["name_en"], rng), "en", "misspelt", brand=b)


def slip(text: str, rng: np.random.Generator) -> str:
    """``text`` with one slip of the finger in its longest word, never in the word's first letter.

    A letter dropped, doubled, swapped with the next, or replaced by its neighbour on the keyboard (Damerau, CACM 1964:
    such single slips are most of all misspellings).
    """
    words = text.split(" ")
    longest = max(range(len(words)), key=lambda n: len(words[n]))
    word = words[longest]
    while (wrong := _slip(word, rng)) == word:
        pass
    words[longest] = wrong
    return " ".join(words)


def _slip(word: str, rng: np.random.Generator) -> str:
    if len(word) < 3:
        return word + word[-1]
    at, kind = int(rng.integers(1, len(word) - 1)), int(rng.integers(4))
    here, after = word[at], word[at + 1]
    near = NEIGHBOURS.get(here.lower(), here)
    middle = (after, here + here + after, after + here, near[int(rng.integers(len(near)))] + after)[kind]
    return word[:at] + middle + word[at + 2 :]


def grades(world: World, intents: tuple[Intent, ...]) -> NDArray[np.int8]:
    """(Q, V) how relevant each product is to each query, 0 to 3. It follows from what is asked for, never from words.

    3  exact: of the type asked for, with the brand, line and option asked for; of the brand, where that is all
    2  substitute: of the type, but without something that was asked
    1  related: of a type that is kin to it (queries.toml); for a brand alone, another brand's product in one of its
       departments at its price tier
    0  irrelevant

    For a need, queries.toml says which types, with which attribute, are best (3), good (2) and related (1); a product
    without the attribute, or above the need's price, is one grade lower.

    Source of the scale: exact, substitute, complement, irrelevant (Reddy et al., Shopping Queries Dataset, 2022).
    """
    by_type, by_brand, by_need = _kin_grades(world), _tier_grades(world), _need_grades(world)
    goods = world.catalogue
    rows = []
    for intent in intents:
        if intent.need != NONE:
            rows.append(by_need[intent.need])
        elif intent.type == NONE:
            rows.append(by_brand[intent.brand])
        else:
            asked = np.array([intent.brand, intent.line, intent.option])
            whole = ((goods.parts == asked) | (asked == NONE)).all(1) & (goods.type == intent.type)
            rows.append(by_type[intent.type] + whole)
    return np.stack(rows).astype(np.int8)


def _kin_grades(world: World) -> NDArray[np.int8]:
    """(C, V) 2 for a product of the type, 1 for one of its kin."""
    content = world.parameters.content
    index = {kind["id"]: c for c, kind in enumerate(content["type"])}
    table = np.zeros((len(index), len(index)), np.int8)
    for group in content["kin"]:
        members = [index[name] for name in group["types"]]
        table[np.ix_(members, members)] = 1
    np.fill_diagonal(table, 2)
    by_product: NDArray[np.int8] = table[:, world.catalogue.type]
    return by_product


def _tier_grades(world: World) -> NDArray[np.int8]:
    """(B, V) 3 for a product of the brand, 1 for one of the same tier in the brand's departments."""
    brands = world.parameters.content["brand"]
    maker = world.catalogue.parts[:, 0]
    tier = np.array([brand["tier"] for brand in brands])[maker]
    department = world.catalogue.items[Columns.DEPARTMENT].to_numpy()
    rows = []
    for b, brand in enumerate(brands):
        like = (tier == brand["tier"]) & np.isin(department, brand["departments"])
        rows.append(np.where(maker == b, 3, like))
    return np.stack(rows).astype(np.int8)


def _need_grades(world: World) -> NDArray[np.int8]:
    """(needs, V)"""
    price = world.catalogue.items[Columns.PRICE].to_numpy()
    rows = []
    for need in world.parameters.content["need"]:
        row = np.zeros(len(price), np.int8)
        for name, grade in (("best", 3), ("good", 2), ("related", 1)):
            for entry in need.get(name, ()):
                of_type, has = _entry(world, entry)
                row = np.maximum(row, np.where(has, grade, np.where(of_type, grade - 1, 0)))
        rows.append(np.maximum(row - (price > need.get("under", np.inf)), 0))
    return np.stack(rows).astype(np.int8)


def _entry(world: World, entry: str) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which products are of an entry's type, and which of them have its attribute as well."""
    goods, kinds = world.catalogue, world.parameters.content["type"]
    name, _, attribute = entry.partition("/")
    c, kind = next((c, kind) for c, kind in enumerate(kinds) if kind["id"] == name)
    of_type = goods.type == c
    if not attribute:
        return of_type, of_type
    _known(kind, attribute, entry)
    lines = np.array([line == attribute for line in kind["lines_en"]])
    options = np.array([attribute in (option, *option.split(", ")) for option in kind["options_en"]])
    has = np.zeros(len(of_type), bool)
    has[of_type] = lines[goods.parts[of_type, 1]] | options[goods.parts[of_type, 2]]
    return of_type, has


def _known(kind: dict[str, Any], attribute: str, entry: str) -> None:
    """Raises ValueError for an attribute that no product of the type can have."""
    known = {*kind["lines_en"], *kind["options_en"], *(part for o in kind["options_en"] for part in o.split(", "))}
    if attribute not in known:
        raise ValueError(f"queries.toml asks for {entry}; {kind['id']} has {', '.join(sorted(known))}")
