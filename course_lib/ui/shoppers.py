"""The five shoppers who return in every lesson, as cards to choose from."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

import streamlit as st

from course_lib.runs.view import RunView, snapshot_view
from course_lib.shop import Persona, personas
from course_lib.ui.history_editor import replace_history
from course_lib.ui.lab_session import Lab
from course_lib.ui.shell import t


def choose_shopper(lab: Lab, view: RunView, place: str) -> None:
    """Cards to choose one shopper; the choice holds for the whole lab. A new shopper comes with their own history."""
    people = shoppers(view)

    def change(chosen: int) -> None:
        replace_history(lab, None)
        lab.update(shopper=chosen)

    with st.container(key=f"lab_shoppers_{place}_{lab.lesson.id}"):
        st.radio(
            t("look.shopper"),
            format_func=lambda n: f"{face_of(n, view)} {name_of(people[n], n, view, lab.language)}".strip(),
            captions=[blurb_of(people[n], n, view, lab.language) for n in range(len(people))],
            horizontal=True,
            **lab.widget(f"shopper.{place}", min(lab.state.shopper, len(people) - 1), change, list(range(len(people)))),
        )


def shopper_name(lab: Lab, view: RunView) -> str:
    """The name of the shopper chosen in the lab."""
    people = shoppers(view)
    n = min(lab.state.shopper, len(people) - 1)
    return name_of(people[n], n, view, lab.language)


def shoppers(view: RunView) -> list[Mapping[str, Any]]:
    """The shoppers in a run's snapshots: ``user``, ``history`` and so on; raises CourseError if none can be read."""
    return list(snapshot_view(view.run_id, view.snapshots[0])["shoppers"])


@functools.cache
def _personas() -> tuple[Persona, ...]:
    """The shop's five, put together once: a poll asks for a name, a face and a blurb of each."""
    return personas()


def name_of(shopper: Mapping[str, Any], n: int, view: RunView, language: str) -> str:
    """What to call a shopper: the persona's name in the shop, a household's number elsewhere."""
    known = _personas() if view.config is not None and view.config.dataset.name == "shop" else ()
    if n < len(known):
        return str(known[n].name(language))
    return t("look.household", number=shopper["user"] + 1)


def face_of(n: int, view: RunView) -> str:
    """A persona's emoji; households have none."""
    known = _personas() if view.config is not None and view.config.dataset.name == "shop" else ()
    return str(known[n].emoji) if n < len(known) else ""


def blurb_of(shopper: Mapping[str, Any], n: int, view: RunView, language: str) -> str:
    """One or two sentences about a shopper."""
    known = _personas() if view.config is not None and view.config.dataset.name == "shop" else ()
    if n < len(known):
        return str(known[n].blurb(language))
    return t("look.household_blurb", purchases=len(shopper["history"]))
