"""Make your own shop: the parameters as sliders, what comes of them at once, and the shop as a dataset."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import streamlit as st

from course_lib.data.intake import store
from course_lib.errors import CourseError
from course_lib.figures.names import setting_name
from course_lib.shop.made import GROUPS, KNOBS, PAGE_MOST, MadeShop, Ready, from_query, ready
from course_lib.text import strings
from course_lib.ui import datasets, notices, services, shell
from course_lib.ui.address import keep_address
from course_lib.ui.make_shop_words import said
from course_lib.ui.shell import t
from course_lib.ui.shop_desk import Making
from course_lib.ui.this_run import one_run

POLL_S = 0.5
IN_A_ROW = 2
CHOSEN = "make_shop_chosen"  # session: values and seed, for a return to the page and for what a widget cannot keep
TROUBLES = "make_shop_troubles"  # session: what in the link could not be read
READY = "make_shop_opened"  # session: the ready-made shop that was opened last


def form() -> MadeShop | None:
    """The ready-made shops and the parameters; None where what was typed cannot be, which is said."""
    _enter()
    for error in st.session_state.get(TROUBLES, ()):
        st.warning(shell.plain(said(error, shell.language())))
    _ready_made()
    for group, names in GROUPS.items():
        st.markdown(f"**{t(f'make_shop.group_{group}')}**")
        for start in range(0, len(names), IN_A_ROW):
            row = names[start : start + IN_A_ROW]
            for name, column in zip(row, st.columns(IN_A_ROW), strict=False):
                with column:
                    _widget(name)
    left, right = st.columns(2, vertical_alignment="bottom")
    with left:
        _number("seed", t("make_shop.seed"), t("make_shop.seed_help"))
    with right:
        st.button(t("make_shop.reset"), key="make_shop_reset", on_click=shell.guarded(_reset, "make_shop_reset"))
    shell.told("make_shop_reset")
    chosen: dict[str, Any] = st.session_state[CHOSEN]
    try:
        made = MadeShop.of({name: chosen[name] for name in KNOBS}, chosen["seed"])
    except CourseError as error:
        st.error(shell.plain(said(error, shell.language())))
        return None
    for name, because in made.idle():
        words = {"name": setting_name(name, shell.language()), "because": setting_name(because, shell.language())}
        st.info(t("make_shop.idle", **words, value=f"{made.values[because]:g}"))
    return made


def address(made: MadeShop) -> None:
    """The page's address as a link to this shop."""
    query = {**made.query(), "seed": str(made.seed), "lang": shell.language()}
    keep_address(urlencode(query), (*KNOBS, "seed", "lang"), "make_shop_address")
    st.caption(t("make_shop.link"))


def _enter() -> None:
    """What stands in the form at first: the link's values, else those of before."""
    asked = {name: value for name, value in st.query_params.items() if name in KNOBS or name == "seed"}
    if CHOSEN not in st.session_state or (asked and st.session_state.get("make_shop_link") != asked):
        made, troubles = from_query(asked)
        _put(made)
        st.session_state[TROUBLES] = troubles
        st.session_state["make_shop_link"] = asked


def _put(made: MadeShop) -> None:
    """Shows the values of ``made`` in the form."""
    st.session_state[CHOSEN] = {**made.values, "seed": made.seed}
    for name, value in st.session_state[CHOSEN].items():
        st.session_state[f"make_shop_{name}"] = value


def _ready_made() -> None:
    lang = shell.language()
    st.markdown(f"**{t('make_shop.ready')}**")
    with st.container(horizontal=True, key="make_shop_ready"):
        for one in ready():
            key = f"make_shop_ready_{one.id}"
            st.button(one.names[lang], key=key, on_click=shell.guarded(_open, key), args=(one,))
    opened = next((one for one in ready() if one.id == st.session_state.get(READY)), None)
    if opened is not None:
        st.caption(opened.lessons[lang])


def _open(one: Ready) -> None:
    st.session_state[READY] = one.id
    st.session_state[TROUBLES] = []
    _put(one.shop)


def _reset() -> None:
    st.session_state[READY] = None
    st.session_state[TROUBLES] = []
    _put(MadeShop.of({}))


def _widget(name: str) -> None:
    """A slider; the number of shoppers is typed."""
    knob, lang = KNOBS[name], shell.language()
    label, help = setting_name(name, lang), strings(lang)[f"setting.{name}_help"]
    if name == "customers":
        _number(name, label, help)
        return
    key = f"make_shop_{name}"
    st.session_state.setdefault(key, st.session_state[CHOSEN][name])
    whole = isinstance(knob.default, int)
    st.slider(
        label, knob.low, knob.high, step=knob.step, key=key, help=help, on_change=shell.guarded(_moved, key),
        args=(name,), format="%d" if whole else "%.3g",
    )  # fmt: skip
    shell.told(key)


def _number(name: str, label: str, help: str) -> None:
    """A number that is typed: what is typed may be anything, and is checked with the rest."""
    key = f"make_shop_{name}"
    st.session_state.setdefault(key, st.session_state[CHOSEN][name])
    step = int(KNOBS[name].step) if name in KNOBS else 1
    st.number_input(
        label, key=key, step=step, help=help, on_change=shell.guarded(_moved, key), args=(name,), format="%d"
    )
    shell.told(key)


def _moved(name: str) -> None:
    value = st.session_state[f"make_shop_{name}"]
    default = KNOBS[name].default if name in KNOBS else 1
    st.session_state[CHOSEN] = {**st.session_state[CHOSEN], name: default if value is None else value}
    st.session_state[TROUBLES] = []


# ---- keeping it


def keep(made: MadeShop | None) -> None:
    """The name, what making costs, and the button; while a shop is made, how far it is."""
    desk, learner = services.shop_desk(), shell.learner()
    job = desk.making(learner)
    if job is not None and job.live:
        st.fragment(_working, run_every=POLL_S)()
        return
    if job is not None:
        _over(job)
        desk.taken(learner)
    if made is None:
        return
    seconds, size = made.expected()
    cost = {"seconds": f"{seconds:,.0f}", "megabytes": f"{size / 2**20:,.1f}"}
    st.caption(t("make_shop.expected", customers=f"{made.shoppers:,}", **cost))
    with st.container(horizontal=True, vertical_alignment="bottom", key="make_shop_keep"):
        st.session_state.setdefault("make_shop_name", _free_name(learner))
        name = st.text_input(t("make_shop.name"), key="make_shop_name", max_chars=40).strip()
        if st.button(shell.plain(t("make_shop.save", name=name)), key="make_shop_save", type="primary"):
            try:
                if made.shoppers > PAGE_MOST:
                    numbers = {"customers": f"{made.shoppers:,}", "most": f"{PAGE_MOST:,}", "plain": made.shoppers}
                    raise CourseError("shop_page_most", **numbers, **cost)
                desk.make(made, name, learner)
            except CourseError as error:
                notices.leave(shell.plain(said(error, shell.language())), "error")
            st.rerun()
    st.caption(t("make_shop.truth"))


@one_run()
def _working() -> None:
    """The bar and Stop, drawn anew while the shop is made."""
    desk, learner = services.shop_desk(), shell.learner()
    job = desk.making(learner)
    if job is None or not job.live:
        st.rerun()
    words = t("make_shop.making", name=job.name, share=f"{job.share:.0%}")
    st.progress(job.share, text=shell.plain(words))
    st.caption(t("make_shop.reload"))
    key = "make_shop_stop"
    st.button(t("make_shop.stop"), key=key, on_click=shell.guarded(desk.stop, key), args=(learner,))
    shell.told(key)


def _over(job: Making) -> None:
    """What became of a shop that was ordered."""
    if job.error is not None:
        st.error(shell.plain(said(job.error, shell.language())))
    else:
        st.success(shell.plain(t("make_shop.made", name=job.name)))
        datasets.forget()


def _free_name(learner: str) -> str:
    """A name that the learner has not given yet."""
    taken = {card.name for card in store.added(learner)}
    return next(name for n in range(1, 10_000) if (name := f"my-shop-{n}") not in taken)
