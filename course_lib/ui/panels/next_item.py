"""One shopper of a next-item run: history, list and attention at any frame, and what an edit of the history changes."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import streamlit as st

from course_lib.course.lab_state import check_history
from course_lib.data.columns import Columns
from course_lib.errors import CourseError
from course_lib.figures.base import model_name
from course_lib.figures.shown import Shown
from course_lib.runs.view import RunView, frame_view
from course_lib.ui import shell
from course_lib.ui.frame_slider import frame_name, frame_slider
from course_lib.ui.history_editor import history_editor, replace_history, shuffled
from course_lib.ui.lab import Lab
from course_lib.ui.one_history import cards
from course_lib.ui.picture import draw_picture
from course_lib.ui.ranked_list import ranked_list
from course_lib.ui.shell import t
from course_lib.ui.shoppers import SHOP, name_of, shopper_choice

TABS = ("attention", "product_map", "ranks")  # pictures beside the edited history


def controls(lab: Lab, view: RunView, place: str) -> None:
    """The five shoppers to choose from. A new shopper comes with their own history.

    ``place`` tells the choice of one step of the lesson from another's.
    """
    if not view.frames:
        return
    shopper_choice(lab, view, _shoppers(view), place)


def shown(lab: Lab, view: RunView, at: int) -> Shown:
    """The shopper chosen in the lab, as the frame has them; raises CourseError where it cannot be read."""
    frame = frame_view(view.run_id, at)
    people = frame["shoppers"]
    chosen = min(lab.state.shopper, len(people) - 1)
    who = {**people[chosen], "name": name_of(people[chosen], chosen, view, lab.language)}
    return Shown((view,), (), at, frame, answer=who, items=lab.items(view))


VIEWS: dict[str, Callable[[Lab, Shown, Mapping[str, Any] | None], None]] = {"cards": cards}


def look(lab: Lab) -> None:
    """Scrub, edit a history, and see list, attention and map follow; or what has to happen first."""
    view = lab.shown_run()
    if view is None or view.live or not view.frames or view.config is None:
        st.info(t("look.wait" if view is not None and view.live else "look.train_first"))
        return
    st.fragment(_look)(lab, view)


def _look(lab: Lab, view: RunView) -> None:
    exercises(lab, view)
    left, right = st.columns(2)
    with left:
        controls(lab, view, "look")
    with right:
        at = frame_slider(lab, view, "look", moved=lambda: lab.done("look"))
    try:
        as_it_was = shown(lab, view, at)
        now, error = edited(lab, view, as_it_was)
    except CourseError as problem:
        st.warning(shell.plain(problem.text(lab.language)))
        return
    who = now.answer or {}
    left, right = st.columns(2)
    with left:
        st.markdown(f"**{t('look.history', name=shell.plain(who['name']))}**", help=t("look.history_help"))
        _history_buttons(lab, tuple(who["history"]))
        assert view.config is not None
        assert view.config.dataset is not None
        history_editor(lab, view.config.dataset, tuple(who["history"]))
        lab.told("look")
    with right:
        changed = now is not as_it_was
        help = t("look.edited_help" if changed else "look.list_help")
        st.markdown(f"**{t('look.list', epoch=frame_name(view, at))}**", help=help)
        if error is not None:
            st.warning(shell.plain(error.text(lab.language)))
        elif not who["top"]:
            st.info(t("look.empty_history"))
        else:
            cards(lab, now, as_it_was.answer if changed else None)
    _beside_the_best(lab, view, as_it_was)
    for tab, name in zip(st.tabs([t(f"lab.tab_{name}") for name in TABS]), TABS, strict=True):
        with tab:
            draw_picture(lab, f"next_item.{name}", as_it_was if name == "ranks" else now, "look")
    lab.show_link_in_address("look")
    with st.expander(t("look.share"), key=lab.key("share")):
        st.caption(t("look.share_help"))
        st.code(lab.whole_link(), language=None, wrap_lines=True)


def _beside_the_best(lab: Lab, view: RunView, as_it_was: Shown) -> None:
    """The filtered oracle's list beside the model's, for the shopper's own history; only where there is a truth.

    It folds: a third of a second of computing that nobody waits for who has not asked.
    """
    who, dataset = as_it_was.answer or {}, view.config.dataset if view.config is not None else None
    if dataset is None or dataset.name != SHOP or as_it_was.items is None:
        return
    folded = st.expander(t("look.best"), key=lab.key("best"), on_change="rerun")
    if not folded.open:
        return
    from course_lib.ui.shop_truth import portrait_of  # scipy, which nothing else on this page needs

    chances = portrait_of(int(who["user"])).steps[-1].filtered
    best = [{"item": int(n) + 1, "p": float(chances[n])} for n in (-chances).argsort(kind="stable")[:10]]
    lists = {"look.list_of_model": who["top"], "look.list_of_oracle": best}
    with folded:
        st.caption(t("look.best_help", name=shell.plain(who["name"])))
        for column, (title, top) in zip(st.columns(2), lists.items(), strict=True):
            with column:
                st.markdown(f"**{t(title)}**")
                st.html(ranked_list(as_it_was.items, top, lab.language, SHOP, target=who["target"]))


def _history_buttons(lab: Lab, history: tuple[int, ...]) -> None:
    with st.container(horizontal=True):
        for name, make, off in (
            ("shuffle", lambda: shuffled(history), False),
            ("clear", tuple, not history),
            ("reset", lambda: None, lab.state.history is None),
        ):
            st.button(
                t(f"look.{name}"),
                key=lab.key(name),
                disabled=off,
                on_click=lab.guarded(lambda make=make: replace_history(lab, make()), place="look"),
            )


def exercises(lab: Lab, view: RunView) -> None:
    """The five edits that the lesson asks for, one button each; on the simulated shop only."""
    if view.config is None or view.config.dataset is None or view.config.dataset.name != SHOP:
        return
    ball, shoes, detergent = (
        first_of(lab, view, kind) for kind in ("basketball", "basketball_shoes", "laundry_detergent")
    )
    now = lab.state.history or ()
    lin = frame_view(view.run_id, view.frames[0])["shoppers"][0]["history"]
    edits: dict[str, tuple[int, ...]] = {
        "shoes_only": (shoes,),
        "ball_shoes": (ball, shoes),
        "swap": (*now[:-2], now[-1], now[-2]) if len(now) >= 2 else (shoes, ball),
        "detergent": (*(now or (ball, shoes)), detergent),
        "shuffle_lin": shuffled(lin),
    }
    with st.container(horizontal=True, key=f"lab_exercises_{lab.lesson.id}"):
        for name, history in edits.items():
            st.button(
                t(f"look.exercise_{name}"),
                key=lab.key(f"exercise.{name}"),
                on_click=lab.guarded(_exercise, lab, name, history, place="look"),
            )


def _exercise(lab: Lab, name: str, history: tuple[int, ...]) -> None:
    if name == "shuffle_lin":
        lab.update(shopper=0)
    replace_history(lab, history)
    lab.done("look")


@functools.lru_cache(maxsize=64)
def _first(types: tuple[str, ...], kind: str) -> int:
    return types.index(kind) + 1


def first_of(lab: Lab, view: RunView, kind: str) -> int:
    """The first product of a type in the catalogue of the run on show."""
    return _first(tuple(map(str, lab.items(view)[Columns.TYPE])), kind)


def edited(lab: Lab, view: RunView, as_it_was: Shown) -> tuple[Shown, CourseError | None]:
    """The scene after the learner's edit: the model itself is asked for the list and the attention."""
    was, history = as_it_was.answer or {}, lab.state.history
    if history is None or list(history) == list(was["history"]):
        return as_it_was, None
    try:
        history = check_history(history, 0 if as_it_was.items is None else len(as_it_was.items))
    except CourseError as error:  # edited in another shop: the history as it was stands in
        return as_it_was, error
    who = {**was, "history": list(history), "top": [], "attention": [], "matrix": []}
    if not history:
        return replace(as_it_was, answer=who), None
    try:
        answer = shell.runs().ask(view.run_id, as_it_was.at, {"history": list(history)})
    except CourseError as error:
        return replace(as_it_was, answer=who), error
    return replace(as_it_was, answer={**who, "top": answer["top"], "attention": answer["attention"]}), None


def _shoppers(view: RunView) -> list[Mapping[str, Any]]:
    """The shoppers in a run's frames; raises CourseError if none can be read."""
    return list(frame_view(view.run_id, view.frames[0])["shoppers"])


def without_attention(view: RunView, language: str) -> str:
    """What to say where a model has no attention to draw."""
    name = str(view.config.settings.get("model", "")) if view.config is not None else ""
    return t("look.no_attention", model=model_name(name, language))
