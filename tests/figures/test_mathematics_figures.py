"""The pictures of the lesson on equations: valid in both languages and themes, wide, narrow and empty, and true."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest

from course_lib.experiments.basketball_case import NAMES
from course_lib.experiments.light import answer_light
from course_lib.figures import basketball_case, circular, slow_motion
from course_lib.figures.base import TITLE_WIDTH, Figure, width_of
from course_lib.figures.shown import Shown

HAN = re.compile(r"[\u4e00-\u9fff]")
TURN = {"w1_11": 0.0, "w1_12": -7.0, "w1_21": 7.0, "w1_22": 0.0, "w2_11": 7.0, "w2_22": 7.0}
ODD = {"w1_11": 3.0, "w1_12": -4.0, "w1_21": 4.0, "w1_22": 3.0, "w2_11": 5.0, "w2_22": 5.0}
MILD = {
    "w1_11": 2.0,
    "w1_12": -1.0,
    "w1_21": 1.0,
    "w1_22": 2.0,
    "w2_11": 1.0,
    "w2_12": 1.0,
    "w2_21": -1.0,
    "w2_22": 1.0,
}
Picture = Callable[..., Figure]


def pictures(module: Any) -> dict[str, Picture]:
    """Every public function of the module's own that draws."""
    found = inspect.getmembers(module, inspect.isfunction)
    return {
        name: one
        for name, one in found
        if not name.startswith("_")
        and one.__module__ == module.__name__
        and list(inspect.signature(one).parameters) == ["shown", "language", "narrow"]
    }


def light(name: str, **settings: Any) -> Shown:
    return Shown(settings=settings, answer=answer_light(name, settings))


def case(items: pd.DataFrame, width: int = 8) -> Shown:
    """The basketball case's answer with made-up vectors, so that no shop has to be read."""
    rng = np.random.default_rng(0)
    vector = {name: rng.normal(0, 0.4, width).tolist() for name in "qhu"}
    rows = [
        {"item": n, "score": 0.9 - n / 20, "from_query": 0.5, "from_history": 0.4 - n / 20, "g": vector["q"]}
        | items.iloc[n][[*NAMES]].to_dict()
        for n in range(1, 11)
    ]
    return Shown(answer={"query": "<b>球</b>", "vectors": vector, "list": rows})


STATES: dict[str, Callable[[pd.DataFrame], tuple[Any, Shown]]] = {
    "circle, cycle": lambda items: (circular, light("circular")),
    "circle, turn": lambda items: (circular, light("circular", **TURN)),
    "circle, never": lambda items: (circular, light("circular", **ODD)),
    "circle, settles": lambda items: (circular, light("circular", damping=0.8)),
    "circle, empty": lambda items: (circular, Shown()),
    **{
        f"slow, {stage}": lambda items, stage=stage: (slow_motion, light("slow_motion", stage=stage))  # type: ignore[misc]
        for stage in slow_motion.STAGES
    },
    "slow, long": lambda items: (slow_motion, light("slow_motion", history="ball_shoes_jersey", step=60)),
    "slow, runs away": lambda items: (slow_motion, light("slow_motion", weights=5, learning_rate=3.0, step=60)),
    "slow, empty": lambda items: (slow_motion, Shown()),
    "case": lambda items: (basketball_case, case(items)),
    "case, wide vectors": lambda items: (basketball_case, case(items, 32)),
    "case, empty": lambda items: (basketball_case, Shown()),
}


def test_every_picture_is_found() -> None:
    assert set(pictures(circular)) == {"orbit", "rounds", "readout", "bound", "draws", "damping"}
    assert set(pictures(slow_motion)) == {"stages", "table", "gradients", "loss", "along", "chances"}
    assert set(pictures(basketball_case)) == {"vectors", "ranking"}


@pytest.mark.parametrize("state", STATES)
def test_is_a_valid_plot_in_every_form(state: str, items: pd.DataFrame) -> None:
    module, shown = STATES[state](items)
    for name, draw in pictures(module).items():
        for language in ("zh", "en"):
            for narrow in (False, True):
                figure = draw(shown, language, narrow)
                for dark in (False, True):
                    plot = figure.plot(dark)
                    if dark != narrow:  # the check is slow, and neither form changes a name
                        go.Figure(plot)  # raises on what Plotly does not know
                    source = json.dumps(plot, allow_nan=False, ensure_ascii=False)
                    assert "<script" not in source
                    assert "{" not in figure.alt, name
                assert figure.title.endswith("？" if language == "zh" else "?")
                assert width_of(figure.title) <= TITLE_WIDTH
                assert bool(HAN.search(figure.title)) == bool(HAN.search(figure.alt)) == (language == "zh") or (
                    module is basketball_case and language == "en"  # the query may be Chinese
                )


def test_what_a_phone_shows_fits() -> None:
    """No line in a box is wider than a quarter of 340 pixels, at about six pixels a letter."""
    shown = light("slow_motion", stage="update", history="ball_shoes_jersey")
    for language in ("zh", "en"):
        layout = slow_motion.stages(shown, language, narrow=True).plot()["layout"]
        boxed = [one["text"] for one in layout["annotations"] if "<br>" in one["text"]]
        assert len(boxed) >= 13
        lines = [re.sub(r"<[^>]+>", "", line) for one in boxed for line in re.split(r"<br>", one)]
        assert max(width_of(line) for line in lines if "ln" not in line) <= 15


def test_the_orbit_holds_every_round_and_marks_the_end() -> None:
    shown = light("circular", **TURN)
    frame = circular.orbit(shown, "en").frame
    assert shown.answer is not None
    assert frame[["g_1", "g_2"]].to_numpy().tolist() == shown.answer["orbit"]["g"]
    assert (frame["part"] == "end").sum() == 4
    assert (circular.orbit(light("circular", **ODD), "en").frame["part"] == "path").all()


def test_the_bound_says_what_is_promised() -> None:
    frame = circular.bound(light("circular"), "en").frame.set_index("series")["value"]
    assert frame["bound"] == pytest.approx(4)
    assert frame["multiplier"] < 1
    assert "promises nothing" in circular.bound(light("circular"), "en").alt
    assert "one end" in circular.bound(light("circular", **MILD), "en").alt
    assert "multiplier" not in set(circular.bound(light("circular", **ODD), "en").frame["series"])


def test_draws_and_damping_count_what_the_answer_has() -> None:
    draws = circular.draws(light("circular"), "en")
    assert len(draws.frame) == 40
    assert "23 settle" in draws.alt
    damping = circular.damping(light("circular", damping=0.8), "en").frame
    assert damping.loc[damping["current"], "damping"].tolist() == [0.8]
    assert damping["steps"].isna().sum() == 7  # 0 to 60%


def test_numbers_appear_when_their_stage_is_reached() -> None:
    seen = [len(slow_motion.stages(light("slow_motion", stage=stage), "en").frame) for stage in slow_motion.STAGES]
    assert seen == sorted(seen)
    assert seen[0] == 4  # two vectors of two numbers
    early = slow_motion.stages(light("slow_motion", stage="loss"), "en").frame
    late = slow_motion.stages(light("slow_motion", stage="gradients"), "en").frame
    assert early["gradient"].isna().all()
    assert late["gradient"].notna().any()
    assert set(late.loc[late["lit"], "stage"]) == {"look_up", "attend", "score", "loss"}


def test_the_tables_hold_all_24_numbers_and_their_gradients() -> None:
    shown = light("slow_motion")
    assert shown.answer is not None
    frame = slow_motion.gradients(shown, "en").frame
    assert len(frame) == 24
    pump = frame[(frame["table"] == "E") & (frame["row"] == 4)]
    assert pump["gradient"].tolist() == shown.answer["gradients"]["E"][3]
    chances = slow_motion.chances(shown, "en").frame
    assert chances["before"].sum() == pytest.approx(1)
    assert chances.loc[chances["bought"], "product"].tolist() == ["jersey"]


def test_the_loss_marks_the_step_on_show() -> None:
    frame = slow_motion.loss(light("slow_motion", step=7), "en").frame
    assert frame.loc[frame["current"], "step"].tolist() == [6]  # the loss before step 7
    along = slow_motion.along(light("slow_motion", learning_rate=2.0), "en").frame
    assert along.loc[along["current"], "rate"].tolist() == [2.0]
    assert along.loc[0, "loss"] == frame.loc[0, "loss"]


def test_a_score_is_drawn_as_its_two_parts(items: pd.DataFrame) -> None:
    figure = basketball_case.ranking(case(items), "en")
    bars = figure.plot()["data"]
    np.testing.assert_allclose(np.add(bars[0]["x"], bars[1]["x"]), figure.frame["score"])
