"""How a page speaks of a made shop: its parameters by name, and errors about them in the reader's words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from course_lib.data.intake.store import Card
from course_lib.errors import CourseError
from course_lib.figures.names import setting_name
from course_lib.shop.made import KNOBS
from course_lib.text import strings, text


def said(error: CourseError, language: str) -> str:
    """The sentence for ``error``, a parameter called as the form calls it; where My data has its own, that one."""
    params: dict[str, Any] = dict(error.params)
    if params.get("name") in KNOBS:
        params["name"] = setting_name(str(params["name"]), language)
    elif params.get("name") == "seed":
        params["name"] = text("make_shop.seed", language)
    own = strings(language).get(f"my_data.error_{error.key}")
    renamed = CourseError(error.key, **params)
    return renamed.text(language) if own is None else own.format(**renamed.gaps())


def made_of(card: Card, language: str) -> str:
    """What a made shop was made of: the parameters that differ from the simulated shop's, and the seed."""
    values: Mapping[str, Any] = card.shop.get("values", {})
    changed = {
        name: value
        for name, value in values.items()
        if name in KNOBS and value != KNOBS[name].default and name != "customers"
    }
    comma = text("figures.list_comma", language)
    told = comma.join(
        text("make_shop.value", language, name=setting_name(name, language), value=f"{value:g}")
        for name, value in changed.items()
    )
    told = told or text("make_shop.as_published", language)
    return text("make_shop.made_of", language, seed=card.shop.get("seed", ""), values=told)


def link_to(card: Card) -> dict[str, str]:
    """What a link to the page carries so that its form holds this shop's parameters."""
    values: Mapping[str, Any] = card.shop.get("values", {})
    return {name: str(value) for name, value in values.items() if name in KNOBS} | {
        "seed": str(card.shop.get("seed", 1))
    }
