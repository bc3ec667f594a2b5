"""The simulated shop: catalogue, shoppers, and its truth (the oracle).

Begin with ``world.py``, the rules, and ``simulate.py``, which lets shoppers buy by them; the parameters stand in
data/shop. ``truth`` is the one door to what only the simulator knows.
"""

from __future__ import annotations

from dataclasses import dataclass

from course_lib.shop.parameters import load_parameters


@dataclass(frozen=True)
class Persona:
    """One of the five shoppers who return in every lesson; persona ``n`` is user ``n`` of the shop."""

    id: str
    emoji: str
    names: dict[str, str]  # by language
    blurbs: dict[str, str]

    def name(self, language: str) -> str:
        """What the shop calls them."""
        return self.names[language]

    def blurb(self, language: str) -> str:
        """Who they are, in a sentence or two."""
        return self.blurbs[language]


def personas() -> tuple[Persona, ...]:
    """The five, in user order."""
    return tuple(
        Persona(
            row["id"],
            row["emoji"],
            {"zh": row["name_zh"], "en": row["name_en"]},
            {"zh": row["blurb_zh"], "en": row["blurb_en"]},
        )
        for row in load_parameters().content["persona"]
    )
