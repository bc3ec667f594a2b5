"""The simulated shop's truth on the page: one shopper as no model ever sees them, and the truth of the other parts."""

from __future__ import annotations

import functools
import threading
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from course_lib.course import glances
from course_lib.figures import shop_parts
from course_lib.figures import truth as figures
from course_lib.figures.base import Figure
from course_lib.figures.products import product, product_card
from course_lib.shop import personas
from course_lib.shop.published import shop
from course_lib.shop.source import sizes
from course_lib.text import text
from course_lib.ui import shell
from course_lib.ui.datasets import Choice
from course_lib.ui.drawn import Drawn, shared
from course_lib.ui.language import keep_choice
from course_lib.ui.live_figure import live_figure
from course_lib.ui.product_search import items_of
from course_lib.ui.shell import t
from course_lib.ui.this_run import one_run

if TYPE_CHECKING:  # they import scipy, half a second that a page without the truth need not wait for
    from course_lib.shop.truth.glance import Glance
    from course_lib.shop.truth.portrait import Portrait, Step

OTHER = -1  # in place of a persona: any shopper, by number
TYPES = 3  # likeliest product types that are named
WHO, NUMBER, WHEN = "datasets_who", "datasets_number", "datasets_when"  # keys of the widgets
_lock = threading.Lock()  # of learners who ask for the same truth at once, one computes and the others wait


def portrait_of(user: int) -> Portrait:
    """One shopper's truth, computed once for all learners."""
    with _lock:
        return _portrait(user)


@functools.lru_cache(maxsize=24)
def _portrait(user: int) -> Portrait:
    return glances.portrait_of(user)


def glance_of() -> Glance:
    """The truth of the other parts, computed once for all learners."""
    with _lock:
        return _glance()


@functools.cache
def _glance() -> Glance:
    return glances.glance_of()


# ---- one shopper


def shopper(choice: Choice) -> None:
    """Choose a shopper and one of the purchases, and see what was true just before it."""
    st.fragment(_shopper)(choice)


@one_run()
def _shopper(choice: Choice) -> None:
    user = _who(choice)
    with st.spinner(t("datasets.computing")):
        seen = portrait_of(user)
    last = len(seen.steps)
    number = st.slider(t("datasets.when"), 1, last, last, key=f"{WHEN}_{user}", help=t("datasets.when_help"))
    step = seen.steps[number - 1]
    lang, items = shell.language(), items_of(choice.address)
    left, right = st.columns([2, 3])
    with left:
        live_figure(
            shared(("traits", user, lang), seen, lambda: figures.traits(seen.taste.tolist(), seen.budget, lang)),
            key="datasets_traits",
        )
        st.markdown("\n\n".join(need(step)))
    with right:

        def chances(narrow: bool) -> Figure:
            return figures.next_chances(items, step.known, step.filtered, step.item, lang, narrow)

        live_figure(
            shared(("chances", user, number, lang), step, lambda: chances(False)),
            key="datasets_chances",
            narrow=shared(("chances", user, number, lang, "narrow"), step, lambda: chances(True)),
        )
    st.markdown(f"**{t('datasets.bought')}**")
    rank = int((step.known > step.known[step.item - 1]).sum()) + 1
    fact = t("datasets.bought_fact", chance=f"{step.known[step.item - 1]:.1%}", rank=rank)
    st.html(f'<div class="datasets-bought">{product_card(product(items, step.item, lang), lang, fact)}</div>')


def _who(choice: Choice) -> int:
    """One of the five, or any other by number."""
    from course_lib.shop.truth.portrait import MOST

    people = personas()
    five, most = len(people), min(MOST, sizes()[choice.size])
    lang = shell.language()
    st.session_state.setdefault(WHO, 0)
    keep_choice(WHO)
    first, second = st.columns([3, 1], vertical_alignment="bottom")
    chosen = first.pills(
        t("datasets.who"),
        [*range(five), OTHER],
        format_func=lambda n: (
            text("datasets.another", lang) if n == OTHER else f"{people[n].emoji} {people[n].name(lang)}"
        ),
        required=True,
        key=WHO,
        wrap=True,
    )
    if chosen != OTHER:
        return int(chosen or 0)
    number = second.number_input(
        t("datasets.number", low=five + 1, high=f"{most:,}"), five + 1, most, five + 1, key=f"{NUMBER}_{choice.size}"
    )
    return int(number) - 1


def need(step: Step) -> list[str]:
    """Interest, mission and what is needed next, as paragraphs of Markdown."""
    from course_lib.shop.truth.portrait import mission_types

    lang, content = shell.language(), shop().parameters.content
    name = f"name_{lang}"
    lines = [f"**{t('datasets.interest')}**{t('datasets.colon')}{content['interest'][step.interest][name]}"]
    if step.mission < 0:
        lines.append(f"**{t('datasets.mission')}**{t('datasets.colon')}{t('datasets.no_mission')}")
    else:
        stages: dict[int, list[str]] = {}
        for (stage, kind), bought in zip(mission_types(shop(), step.mission), step.bought, strict=True):
            stages.setdefault(stage, []).append(("✓ " if bought else "") + content["type"][kind][name])
        comma = t("figures.list_comma")
        steps = " → ".join(comma.join(types) for types in stages.values())
        lines.append(
            f"**{t('datasets.mission')}**{t('datasets.colon')}{content['mission'][step.mission][name]}  \n{steps}"
        )
    likely = [int(kind) for kind in np.argsort(-step.types, kind="stable")[:TYPES]]
    types = t("figures.list_comma").join(
        f"{content['type'][kind]['emoji']} {content['type'][kind][name]} {step.types[kind]:.0%}" for kind in likely
    )
    lines.append(f"**{t('datasets.need')}**{t('datasets.colon')}{types}")
    return lines


# ---- the other parts


def other_parts(choice: Choice) -> None:
    """One picture each of slates, policies, coupons, satisfaction, searches and departments."""
    with st.spinner(t("datasets.computing")):
        seen = glance_of()
    from course_lib.shop.truth.glance import correlation

    lang, items = shell.language(), items_of(choice.address)
    content = shop().parameters.content
    types = {row["id"]: row[f"name_{lang}"] for row in content["type"]}
    campaigns = {row["id"]: types[row["type"]] for row in content["campaign"]}
    departments = {row["id"]: row[f"name_{lang}"] for row in content["department"]}
    agreement = correlation(seen.liking)

    def drawn(name: str) -> Drawn:
        figure = {
            "position": lambda: figures.position_effect(seen.positions, lang),
            "policy": lambda: figures.policy_values(seen.policies, lang),
            "coupon": lambda: figures.coupon_classes(seen.coupons, campaigns, lang),
            "liking": lambda: figures.clicks_and_utility(seen.liking, items, agreement, lang),
            "search": lambda: shop_parts.result_grades(seen.searches, lang),
            "taste": lambda: shop_parts.shared_taste(seen.tastes, departments, lang),
        }[name]
        return shared(("glance", name, lang), seen, figure)

    for pair in (("position", "policy"), ("coupon", "liking"), ("search", "taste")):
        for column, name in zip(st.columns(2), pair, strict=True):
            with column:
                live_figure(drawn(name), key=f"datasets_{name}")
                st.caption(t(f"datasets.{name}_note", correlation=f"{agreement:.2f}"))
