"""Reasons under a recommendation, written from the catalogue's attributes by templates: what a model learns to write.

Each template needs some attributes; a product that lacks one gets the others. Written from true attributes, every
reason is true. A careless catalogue is imitated by ``wrong``: one attribute of the reason is another product's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np

from course_lib.evaluation.true_reasons import NEAR, Facts

BANDS = (30, 60, 120, 250, 500, 1000)  # edges of the price bands
TEMPLATES = {
    "en": (
        "{brand}'s {line} {type}, {option}, at about {price} {unit}.",
        "From the {department} department: {brand}'s {type}, at {band}.",
        "Looking for {type}? Here is one by {brand}, at {band}.",
        "Because you like {brand}: {line} {type}, {option}.",
        "For about {price} {unit}, {line} {type} by {brand}.",
        "At {band}: {type} from {brand}, {option}.",
        "New in the {department} department, {line} {type} at {band}.",
        "Chosen for you from the {department} department: {line} {type}, {option}, about {price} {unit}.",
        "From the {department} department: {type} at {band}.",
        "Chosen for you: {type}, about {price} {unit}.",
        "Chosen for you: {type}.",
    ),
    "zh": (
        "{brand}的{line}{type}，{option}，大约{price}{unit}。",
        "{department}类推荐：{brand}的{type}，{band}。",
        "想找{type}？这件来自{brand}，{band}。",
        "你喜欢{brand}：这是{line}{type}，{option}。",
        "大约{price}{unit}，买到{brand}的{line}{type}。",
        "{band}的{type}，来自{brand}，{option}。",
        "{department}类新品：{line}{type}，{band}。",
        "为你从{department}类挑选：{line}{type}，{option}，大约{price}{unit}。",
        "{department}类推荐：{type}，{band}。",
        "为你挑选：{type}，大约{price}{unit}。",
        "为你挑选：{type}。",
    ),
}
FULL = 8  # templates that say much; the others are for products that can fill fewer than ENOUGH of these
ENOUGH = 4


def attributes(facts: Facts, item: int) -> dict[str, str]:
    """What a template may say of a product, by slot; slots of which nothing is known are left out."""
    row, price = item - 1, facts.prices[item - 1]
    known = {
        "type": facts.types[row],
        "brand": facts.brands[row],
        "department": facts.departments[row].lower() if facts.language == "en" else facts.departments[row],
        "line": facts.lines[row],
        "option": facts.options[row],
    }
    if price is not None and price >= 1:
        known |= {"price": whole(price), "band": band(price, facts.language, facts.unit)}
    return {slot: said for slot, said in known.items() if said} | {"unit": facts.unit}


def whole(price: float) -> str:
    """A price without what "about" leaves out; a small one, which that would move far, with one decimal.

    >>> whole(61.9), whole(3.49), whole(5.9)
    ('62', '3.5', '6')
    """
    return f"{price:.0f}" if abs(round(price) - price) <= NEAR / 2 * price else f"{price:.1f}"


def band(price: float, language: str, unit: str) -> str:
    """The price band in words.

    >>> band(61.9, "en", "yuan"), band(61.9, "zh", "元"), band(3, "en", "dollars")
    ('between 60 and 120 yuan', '60到120元', 'under 30 dollars')
    """
    at = sum(price >= edge for edge in BANDS)
    if at == 0:
        return f"under {BANDS[0]} {unit}" if language == "en" else f"不到{BANDS[0]}{unit}"
    if at == len(BANDS):
        return f"over {BANDS[-1]} {unit}" if language == "en" else f"超过{BANDS[-1]}{unit}"
    low, high = BANDS[at - 1], BANDS[at]
    return f"between {low} and {high} {unit}" if language == "en" else f"{low}到{high}{unit}"


def usable(known: Mapping[str, str], language: str) -> list[str]:
    """The templates that a product with these attributes can fill; the full ones alone where there are enough."""
    fit = [one for one in TEMPLATES[language] if slots(one) <= known.keys()]
    full = [one for one in fit if one in TEMPLATES[language][:FULL]]
    return full if len(full) >= ENOUGH else fit


def slots(template: str) -> set[str]:
    """What a template asks for."""
    return set(re.findall(r"{(\w+)}", template))


def every_reason(facts: Facts, item: int) -> list[str]:
    """All reasons that may be written of a product."""
    known = attributes(facts, item)
    return [template.format(**known) for template in usable(known, facts.language)]


def write_reasons(
    facts: Facts, item: int, count: int, rng: np.random.Generator, noise: float = 0.0
) -> tuple[list[str], int]:
    """``count`` reasons for a product by different templates, as far as there are some, and how many of them are wrong.

    Each is wrong with chance ``noise``: one attribute that it names is taken from another product where that differs.
    Nothing can be written of a product without a type.
    """
    known = attributes(facts, item)
    fit = usable(known, facts.language)
    if not fit:
        return [], 0
    order = [fit[n] for n in rng.permutation(len(fit))]
    chosen = [order[n % len(order)] for n in range(count)]
    written, wrong = [], 0
    for template in chosen:
        said = known
        if rng.random() < noise:
            said = _careless(facts, known, sorted(slots(template) - {"unit"}), rng)
            wrong += said != known
        written.append(template.format(**said))
    return written, wrong


def _careless(facts: Facts, known: dict[str, str], named: Sequence[str], rng: np.random.Generator) -> dict[str, str]:
    """``known`` with one of the named attributes taken from another product; unchanged where none differs."""
    slot = named[int(rng.integers(len(named)))]
    for _ in range(20):
        other = attributes(facts, int(rng.integers(len(facts.titles))) + 1).get(slot)
        if other and other != known[slot]:
            return {**known, slot: other}
    return known


def request_for(facts: Facts, item: int) -> str:
    """What a language model of one's own is asked about a product: all that the catalogue says of it, the price too."""
    known = attributes(facts, item)
    unit = known.pop("unit")
    told = [facts.titles[item - 1], *(said for slot, said in known.items() if slot not in ("price", "band"))]
    told += [f"{known['price']} {unit}".strip()] if "price" in known else []
    said = ", ".join(dict.fromkeys(filter(None, told)))
    if facts.language == "zh":
        return f"商品：{said}\n用一句话写出推荐这件商品的理由，只说上面写明的事实。"
    return f"Product: {said}\nWrite one sentence that says why to recommend it. State only facts given above."
