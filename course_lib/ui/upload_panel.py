"""The way of a file on "My data": chosen, read by another process, looked at, its columns settled, accepted."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import pandas as pd
import streamlit as st
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.uploaded_file_manager import UploadedFile

from course_lib.data.intake import store
from course_lib.data.intake.formats import formats
from course_lib.data.intake.limits import PAGE, UPLOAD_BYTES
from course_lib.data.intake.store import Card
from course_lib.data.intake.times import check_zone
from course_lib.data.intake.upload import Asked
from course_lib.errors import CourseError
from course_lib.ui import notices, services, shell, upload_choices
from course_lib.ui.language import duration
from course_lib.ui.shell import t
from course_lib.ui.this_run import one_run
from course_lib.ui.upload_words import sentence, sentences
from course_lib.ui.uploads import Upload

POLL_S = 0.5
TURN = "my_data_turn"  # counts the files of this tab, so that each meets an empty uploader
SHOWN = "my_data_shown"  # this tab shows an upload, which may go in another tab
CURRENCIES = ("¥", "$", "€", "£", "HK$", "NT$", "₩", "₹", "₽")


def panel() -> None:
    """Draws the upload as it stands."""
    found = services.uploads().view(shell.learner())
    if found.live:
        st.fragment(_working, run_every=POLL_S)()
        return
    shown = st.session_state.pop(SHOWN, False)  # does this tab show an upload? It is set again below while it does
    if found.state == "none" and shown:
        st.warning(sentence(CourseError("upload_gone")))
    if found.error is not None:
        (st.warning if found.seen else st.error)(sentence(found.error))
    if found.state != "none":
        st.session_state[SHOWN] = True
        _looked(found)
    if found.seen is None:
        _chooser()


def _chooser() -> None:
    """The file uploader. What arrives goes to the disk at once, and out of this process's memory."""
    turn = st.session_state.setdefault(TURN, 0)
    file = st.file_uploader(t("my_data.choose"), key=f"my_data_file_{turn}", max_upload_size=UPLOAD_BYTES // 2**20)
    st.caption(t("my_data.limits", size=UPLOAD_BYTES // 2**20, rows=f"{PAGE.rows:,}"))
    if file is None:
        return
    try:
        services.uploads().receive(shell.learner(), file.name, file, _browser_zone())
    except CourseError as error:
        notices.leave(sentence(error), "error")
    finally:
        _let_go(file)
    st.session_state[TURN] = turn + 1
    st.rerun()


def _browser_zone() -> str:
    try:
        return check_zone(st.context.timezone or "UTC")
    except CourseError:
        return "UTC"


def _let_go(file: UploadedFile) -> None:
    """Streamlit would keep the file in memory until the tab is closed."""
    context = get_script_run_ctx()
    if context is not None and isinstance(context.uploaded_file_mgr, MemoryUploadedFileManager):
        context.uploaded_file_mgr.remove_file(context.session_id, file.file_id)


@one_run()
def _working() -> None:
    """The bar and Stop, drawn anew while the file is read."""
    uploads, learner = services.uploads(), shell.learner()
    found = uploads.view(learner)
    if not found.live:
        st.rerun()
    share = f"{found.share:.0%}"
    if found.state == "queued":
        words = t("my_data.waiting", place=found.place)
    elif found.left_s is None:
        words = t("my_data.reading", file=found.file, share=share)
    else:
        words = t("my_data.reading_left", file=found.file, share=share, seconds=duration(found.left_s))
    st.progress(found.share, text=shell.plain(words))
    st.caption(t("my_data.reload"))
    stop = "my_data_stop"
    st.button(t("my_data.stop"), key=stop, on_click=shell.guarded(uploads.stop, stop), args=(learner,))
    shell.told(stop)


def _looked(found: Upload) -> None:
    """What is in the file, what its columns mean, and what can be done."""
    wanted, changed = found.asked, False
    if found.seen is not None:
        st.markdown(f"**{t('my_data.first_rows', file=shell.plain(found.file))}**")
        with st.container(key="my_data_first_rows"):  # static/liverec.css takes Streamlit's own download away
            st.dataframe(
                pd.DataFrame(found.seen.rows), hide_index=True, height=248, key=f"my_data_rows_{wanted.number}"
            )
        if found.seen.known:
            known = formats()[found.seen.known]
            st.info(shell.plain(t("my_data.known", title=known.title, licence=known.licences[shell.language()])))
        else:
            wanted = upload_choices.choose(found.asked, found.seen)
            changed = wanted != upload_choices.effective(found.asked, found.seen)
    with st.container(horizontal=True, key="my_data_actions"):
        for label, name, asked in _readings(found, wanted):
            done = found.state == "ready" and not changed
            if st.button(label, key=f"my_data_{name}", type="secondary" if done else "primary"):
                _read(asked)
        if st.button(t("my_data.discard"), key="my_data_discard"):
            services.uploads().discard(shell.learner())
            del st.session_state[SHOWN]
            notices.leave(t("my_data.discarded"))
            st.rerun()
    if found.card is not None:
        _report(found.card)
        if changed:
            st.info(t("my_data.changed"))
        else:
            _accept(found.card)


def _readings(found: Upload, wanted: Asked) -> Iterator[tuple[str, str, Asked]]:
    """The ways in which the file can be read now: label, name of the button, what is asked."""
    trouble = found.error.key if found.error is not None else ""
    if found.seen is not None and not found.seen.known:
        yield t("my_data.read"), "read", wanted
    elif trouble.startswith("upload_"):
        yield t("my_data.read_again"), "read", wanted
    if found.seen is not None and found.seen.known:
        title = formats()[found.seen.known].title
        yield t("my_data.plain", title=title), "plain", replace(wanted, plain=True)
    elif trouble in ("intake_format_file", "intake_format_columns", "intake_other_columns") and found.error is not None:
        title = str(found.error.params.get("format", found.file))
        yield t("my_data.plain", title=title), "plain", replace(wanted, plain=True)


def _read(asked: Asked) -> None:
    try:
        services.uploads().again(shell.learner(), asked)
    except CourseError as error:
        notices.leave(sentence(error), "error")
    st.rerun()


def _report(card: Card) -> None:
    """What would be kept and dropped, and why."""
    st.subheader(t("my_data.report"), anchor=False)
    with st.container(horizontal=True, key="my_data_report"):
        for name, count in card.report["rows"].items():
            st.metric(t(f"my_data.rows_{name}"), f"{count:,}")
    counts = {name: f"{value:,}" if isinstance(value, int) else value for name, value in card.counts.items()}
    st.markdown(t("my_data.result", **counts))
    by_hand = card.roles.get("by_hand", ())
    roles = [t(f"my_data.role_{role}") for role in card.roles["columns"] if role in by_hand]
    if roles:
        st.caption(t("my_data.by_hand", roles=", ".join(roles)))
    told = sentences(card.told())
    st.markdown("\n".join(f"- {one}" for one in told) if told else t("my_data.all_kept"))


def _accept(card: Card) -> None:
    """A name, a currency where there are prices, and the button that makes the dataset the learner's own."""
    learner = shell.learner()
    with st.container(horizontal=True, vertical_alignment="bottom", key="my_data_accept_row"):
        suggested = _free_name(card.input["file"], learner)
        name = st.text_input(t("my_data.name"), suggested, max_chars=40, key=f"my_data_name_{card.version}").strip()
        currency = card.currency
        if "price" in card.roles["columns"] and not currency:
            signs = ["", *CURRENCIES]
            currency = st.selectbox(
                t("my_data.currency"), signs, format_func=lambda sign: sign or "—", key=f"my_data_sign_{card.version}"
            )
        if st.button(shell.plain(t("my_data.accept", name=name)), key="my_data_accept", type="primary"):
            try:
                services.uploads().accept(learner, name, currency)
            except CourseError as error:
                notices.leave(sentence(error), "error")
            else:
                notices.leave(shell.plain(t("my_data.accepted", name=name)))
                del st.session_state[SHOWN]
            st.rerun()


def _free_name(file: str, learner: str) -> str:
    """A name made of the file's, that the learner has not given yet."""
    stem = re.sub(r"[^a-z0-9]+", "-", file.lower().split(".")[0]).strip("-")[:32].strip("-")
    stem = stem if stem and stem not in store.BUILT_IN else "my-data"
    taken = {card.name for card in store.added(learner)}
    return next(name for n in range(1, 10_000) if (name := stem if n == 1 else f"{stem}-{n}") not in taken)
