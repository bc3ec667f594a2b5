"""The Look inside step: scrub through the epochs, edit a history and see the list move, open the source, take it home.

One fragment: a move of the slider or an edit redraws this step alone. The pictures keep their nodes.
"""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from course_lib.errors import CourseError
from course_lib.runs.view import RunView
from course_lib.ui import shell
from course_lib.ui.epoch_slider import epoch_slider
from course_lib.ui.history_editor import history_editor, replace_history, shuffled
from course_lib.ui.lab_session import Lab
from course_lib.ui.lab_state import check_history
from course_lib.ui.pictures import Scene, attention_picture, list_cards, list_picture, map_picture, scene
from course_lib.ui.shell import t
from course_lib.ui.shoppers import choose_shopper, shopper_name


def look_step(lab: Lab) -> None:
    """Draws what can be looked at, or says what has to happen first."""
    view = lab.shown_run()
    if view is None or view.live or not view.snapshots or view.config is None:
        st.info(t("look.wait" if view is not None and view.live else "look.train_first"))
        return
    st.fragment(_panel)(lab, view)


def _panel(lab: Lab, view: RunView) -> None:
    choose_shopper(lab, view, "look")
    epoch = epoch_slider(lab, view, "look", moved=lambda: lab.done("look"))
    try:
        as_it_was = scene(lab, view, epoch)
        now, error = with_edited_history(lab, as_it_was)
    except CourseError as error:
        st.warning(shell.plain(error.text(lab.language)))
        return
    left, right = st.columns(2)
    assert view.config is not None
    with left:
        st.subheader(t("look.history", name=shopper_name(lab, view)), anchor=False)
        st.caption(t("look.history_help"))
        history = tuple(now.shopper["history"])
        with st.container(horizontal=True):
            st.button(
                t("look.shuffle"), key=lab.key("shuffle"), on_click=lambda: replace_history(lab, shuffled(history))
            )
            st.button(
                t("look.clear"), key=lab.key("clear"), disabled=not history, on_click=lambda: replace_history(lab, ())
            )
            st.button(
                t("look.reset"),
                key=lab.key("reset"),
                disabled=lab.state.history is None,
                on_click=lambda: replace_history(lab, None),
            )
        history_editor(lab, view.config.dataset, history)
    with right:
        st.subheader(t("look.list", epoch=epoch), anchor=False)
        st.caption(t("look.edited_help" if now.edited else "look.list_help"))
        if error is not None:
            st.warning(shell.plain(error.text(lab.language)))
        elif not now.shopper["top"]:
            st.info(t("look.empty_history"))
        else:
            list_cards(now, before=[entry["item"] for entry in as_it_was.shopper["top"]] if now.edited else None)
    left, right = st.columns(2)
    with left:
        attention_picture(lab, now, "look")
    with right:
        map_picture(lab, now, "look")
    list_picture(lab, as_it_was, "look", shopper_name(lab, view))
    lab.show_link_in_address("look")
    share(lab)


def with_edited_history(lab: Lab, as_it_was: Scene) -> tuple[Scene, CourseError | None]:
    """The scene after the learner's edit: the model itself is asked for the list and the attention."""
    history = lab.state.history
    if history is None or list(history) == list(as_it_was.shopper["history"]):
        return as_it_was, None
    try:
        history = check_history(history, len(as_it_was.items))
    except CourseError as error:  # edited in another shop: the history as it was stands in
        return as_it_was, error
    shopper = {**as_it_was.shopper, "history": list(history), "top": [], "attention": []}
    if not history:
        return replace(as_it_was, shopper=shopper, edited=True), None
    try:
        answer = shell.runs().predict(as_it_was.run_id, as_it_was.epoch, list(history))
    except CourseError as error:
        return replace(as_it_was, shopper=shopper, edited=True), error
    shopper["top"] = [{"item": one.item, "score": one.score, "p": one.p} for one in answer.top]
    shopper["attention"] = answer.attention
    return replace(as_it_was, shopper=shopper, edited=True), None


def share(lab: Lab) -> None:
    """The link that opens exactly this."""
    with st.expander(t("look.share"), key=lab.key("share")):
        st.caption(t("look.share_help"))
        st.code(lab.whole_link(), language=None, wrap_lines=True)
