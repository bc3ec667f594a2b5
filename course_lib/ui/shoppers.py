"""The shoppers who are followed through a run: whom to look at, and what to call them."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from course_lib.errors import CourseError
from course_lib.runs.view import RunView, frame_view
from course_lib.shop import Persona, personas
from course_lib.text import text
from course_lib.ui.history_editor import replace_history
from course_lib.ui.lab import Lab
from course_lib.ui.shell import t

SHOP = "shop"


def followed(view: RunView) -> list[Mapping[str, Any]]:
    """Those in a run's frames who are followed, or their baskets; none where no frame can be read yet."""
    if not view.frames:
        return []
    try:
        return list(frame_view(view.run_id, view.frames[0]).get("shoppers", ()))
    except CourseError:
        return []


def shopper_choice(lab: Lab, view: RunView, people: Sequence[Mapping[str, Any]], place: str) -> None:
    """The shoppers of a run's frames to choose from. A new shopper comes with their own history.

    ``place`` tells the choice of one step of the lesson from another's.
    """
    options = list(range(len(people)))

    def change(chosen: int) -> None:
        if chosen not in options:  # a name in the language just left, sent while the page was drawn in the other one
            return
        replace_history(lab, None)
        lab.update(shopper=chosen)

    chosen = min(lab.state.shopper, len(people) - 1)
    st.selectbox(
        t("look.shopper"),
        format_func=lambda n: f"{_face(n, view)} {name_of(people[n], n, view, lab.language)}".strip(),
        help="\n".join(f"- {_blurb(people[n], n, view, lab.language)}" for n in options),
        **lab.widget(f"shopper.{place}", chosen, change, options),
    )


@functools.cache
def _personas() -> tuple[Persona, ...]:
    """The shop's five, put together once: a poll asks for a name, a face and a blurb of each."""
    return personas()


def _known(view: RunView) -> tuple[Persona, ...]:
    dataset = view.config.dataset if view.config is not None else None
    return _personas() if dataset is not None and dataset.name == SHOP else ()


def name_of(shopper: Mapping[str, Any], n: int, view: RunView, language: str) -> str:
    """What to call a shopper: the persona's name in the shop, elsewhere a household's or a customer's number."""
    known = _known(view)
    if n < len(known):
        return str(known[n].name(language))
    own = view.config is not None and "~" in (view.config.dataset.name if view.config.dataset else "")
    return text("look.customer" if own else "look.household", language, number=shopper["user"] + 1)


def _face(n: int, view: RunView) -> str:
    """A persona's emoji; others have none."""
    known = _known(view)
    return str(known[n].emoji) if n < len(known) else ""


def _blurb(shopper: Mapping[str, Any], n: int, view: RunView, language: str) -> str:
    """One or two sentences about a shopper."""
    known = _known(view)
    if n < len(known):
        return f"{known[n].name(language)}: {known[n].blurb(language)}"
    return f"{name_of(shopper, n, view, language)}: {t('look.household_blurb', purchases=len(shopper['history']))}"
