"""The learner's runs of a lab side by side: what differs, how large, how good, and their curves over each other."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from course_lib.course.measures import HEADLINE
from course_lib.figures.names import choice_name, measure_name, setting_name
from course_lib.figures.shown import Shown
from course_lib.runs.view import RunView
from course_lib.ui import shell
from course_lib.ui.lab import Lab
from course_lib.ui.picture import draw_picture
from course_lib.ui.shell import t

MOST = 8  # the newest ones


def my_runs(lab: Lab) -> None:
    """A table of the newest runs, and their curves; a press on Show puts one on show."""
    ids = list(dict.fromkeys(run.run_id for run in reversed(lab.notebook.runs(lab.lesson.id))))
    views = [shell.runs().watch(run_id) for run_id in ids]
    views = [one for one in views if one.config is not None and one.config.experiment == lab.plan.experiment][:MOST]
    if not views:
        st.caption(t("lab.no_runs_yet"))
        return
    differing = differences(views)
    names = [label(one, differing, lab.language) for one in views]
    measure = HEADLINE if HEADLINE in lab.plan.card.measures else next(iter(lab.plan.card.measures))
    st.dataframe(
        table(views, names, measure, lab.language),
        hide_index=True,
        height=min(38 * (len(views) + 1), 200),
        key=lab.key("runs.table"),
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.selectbox(
            t("lab.runs_choose"),
            list(range(len(views))),
            format_func=names.__getitem__,
            key=lab.key("runs.chosen"),
            label_visibility="collapsed",
        )
        st.button(
            t("lab.runs_show"),
            key=lab.key("runs.show"),
            on_click=lab.guarded(lab.show, views[chosen or 0].run_id),
        )
    if any(len(one.of("score")) > 1 for one in views):
        draw_picture(lab, "next_item.curves_of_runs", Shown(tuple(views), tuple(names)), "runs")


def differences(views: list[RunView]) -> tuple[str, ...]:
    """Names of the settings in which the runs differ, ``data`` and ``seed`` among them."""
    rows = []
    for view in views:
        assert view.config is not None
        data = ", ".join(f"{one.name} {one.size}" for one in view.config.data.values())
        rows.append({**view.config.settings, "data": data, "seed": view.config.seed})
    every = dict.fromkeys(name for row in rows for name in row)
    differing = tuple(name for name in every if len({row.get(name) for row in rows}) > 1)
    return differing or ("model", "method", "seed")


def label(view: RunView, names: tuple[str, ...], language: str) -> str:
    """What tells a run from the others."""
    config = view.config
    assert config is not None
    words = []
    for name in names:
        if name == "data":
            words.append(", ".join(one.name for one in config.data.values()))
        elif name == "seed":
            words.append(f"{t('lab.seed')} {config.seed}")
        elif name in config.card.chooses:
            words.append(choice_name(name, config.settings[name], language))
        elif name in config.settings:
            words.append(f"{setting_name(name, language)} {choice_name(name, config.settings[name], language)}")
    return ", ".join(words[:4])


def table(views: list[RunView], names: list[str], measure: str, language: str) -> pd.DataFrame:
    """One row a run: what it is, its state, parameters, seconds, and its score with the interval."""
    rows = []
    for view, name in zip(views, names, strict=True):
        result = view.result or {}
        one = result.get("measures", {}).get(measure)
        parameters, seconds = result.get("parameters"), result.get("seconds", {}).get("total")
        rows.append(
            {
                t("lab.column_run"): name,
                measure_name(measure, language): "–" if one is None else f"{one['value']:.3f}",
                "95%": "–" if one is None else f"{one['low']:.3f}–{one['high']:.3f}",
                t("lab.column_parameters"): "–" if parameters is None else f"{parameters:,}",
                t("lab.column_seconds"): "–" if seconds is None else f"{seconds:.1f}",
                t("lab.column_state"): t(f"lab.short_{view.state}"),
            }
        )
    return pd.DataFrame(rows)
