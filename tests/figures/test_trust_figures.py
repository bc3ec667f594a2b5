"""Pictures on trust that need an answer or an edited history: what they say, on both pages, narrow and wide."""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go
import pytest

from course_lib.data import registry
from course_lib.experiments.light import answer_light
from course_lib.figures import (
    explanations,
    fake_stars,
    feedback_loop,
    injection,
    membership,
    private_count,
    private_training,
)
from course_lib.figures.shown import Shown

ITEMS = registry.load_items(registry.resolve("shop", "tiny"))
WAYS = ("attention", "rollout", "gradient", "integrated_zero", "integrated_mean", "leave_one_out", "recent", "random")
ASKED: dict[str, Any] = {
    "list": [{"item": 9, "p": 0.4}], "way": "attention", "explained": 9, "window": [3, 5, 7], "named": [1],
    "ways": {way: [0.2, 0.5, 0.3] for way in WAYS}, "lost": [0.1, -0.2, 2.0],
    "p": 0.4, "p_without": 0.38, "p_only": 0.1, "lost_nats": 0.04, "true": False,
}  # fmt: skip


def valid(figure: Any) -> None:
    for dark in (False, True):
        go.Figure(figure.plot(dark))


@pytest.mark.parametrize("narrow", [False, True])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_eight_ways_stand_in_columns_of_their_own(language: str, narrow: bool) -> None:
    figure = explanations.side_by_side(Shown(answer=ASKED, items=ITEMS), language, narrow)
    valid(figure)
    (plot,) = figure.plot()["data"]
    assert len(plot["x"]) == len(set(plot["x"])) == len(WAYS)
    assert len(set(figure.plot()["layout"]["xaxis"]["ticktext"])) == len(WAYS)
    truth = figure.frame[figure.frame["way"] == "truth"]["share"].tolist()
    assert truth == pytest.approx([0.1 / 2.1, 0, 2 / 2.1], abs=1e-3)


@pytest.mark.parametrize("narrow", [False, True])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_reason_is_shown_with_its_verdict(language: str, narrow: bool) -> None:
    figure = explanations.reason(Shown(answer=ASKED, items=ITEMS), language, narrow)
    valid(figure)
    assert ("不属实" if language == "zh" else "Untrue") in figure.alt
    assert figure.frame["p"].tolist() == [0.4, 0.38, 0.1]
    true = explanations.reason(Shown(answer={**ASKED, "true": True}, items=ITEMS), language, narrow)
    assert ("不属实" if language == "zh" else "Untrue") not in true.alt


def test_a_history_of_one_and_an_empty_one_say_so() -> None:
    one = {**ASKED, "window": [3], "named": [0], "lost": [1.0], "ways": {way: [1.0] for way in WAYS}}
    assert "nothing else" in explanations.reason(Shown(answer=one, items=ITEMS), "en").alt
    none: dict[str, Any] = {"list": [], "window": [], "ways": {}, "lost": []}
    for picture in (explanations.reason, explanations.side_by_side):
        figure = picture(Shown(answer=none, items=ITEMS), "en")
        valid(figure)
        assert "empty" in figure.alt


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_fake_account_shows_what_it_pushes(language: str) -> None:
    answer = {"example": [3, 9, 5, 9], "product": 9}
    figure = injection.account(Shown(answer=answer, items=ITEMS), language)
    valid(figure)
    assert figure.frame["pushed"].tolist() == [False, True, False, True]


@pytest.mark.parametrize("language", ["zh", "en"])
def test_whom_an_attack_accuses(language: str) -> None:
    people = [{"user": n, "member": n < 2, "score": float(-n), "called": n in (0, 2)} for n in range(4)]
    answer = {
        "attack": "loss", "alarms": 0.1, "threshold": -0.5, "people": people, "number": 2,
        "shopper": {**people[1], "history": [1], "rank": 0.5}, "caught": {"value": 0.5},
    }  # fmt: skip
    figure = membership.people(Shown(answer=answer), language)
    valid(figure)
    assert figure.frame[figure.frame["chosen"]]["user"].tolist() == [1]
    histogram = {"edges": [0.0, 1.0, 2.0], "members": [0.2, 0.8], "outsiders": [0.9, 0.1]}
    valid(membership.scores(Shown(frame={"attacks": {"loss": histogram}}, answer=answer), language))


@pytest.mark.parametrize("language", ["zh", "en"])
def test_both_sides_of_a_count_and_its_masks(language: str) -> None:
    shown = Shown(answer=answer_light("private_count", {}))
    for picture in (private_count.sides, private_count.masks):
        valid(picture(shown, language))
    assert private_count.masks(shown, language).frame["masked"].iloc[-1] == 2


@pytest.mark.parametrize("language", ["zh", "en"])
def test_without_noise_nothing_is_promised(language: str) -> None:
    figure = private_training.spending(Shown(answer={"noise": 0.0, "promised": []}), language)
    valid(figure)
    assert figure.alt
    some = private_training.spending(Shown(answer={"noise": 1.0, "promised": [{"steps": 9, "epsilon": 2.0}]}), language)
    assert "2.00" in some.alt
    valid(private_training.lengths(Shown(frame={"lengths": [0.5, 2.0], "clip": 1.0}), language))


@pytest.mark.parametrize("language", ["zh", "en"])
def test_how_much_goes_to_few_products(language: str) -> None:
    curve = [n / 20 for n in range(21)]
    answer = {"lorenz": "shown", "top": 10, "ours": [], "plain": curve, "share": 0.0, "plain_share": 0.1}
    valid(feedback_loop.lorenz(Shown(answer=answer), language))
    rows = [{"seller": "A", "merit": 0.6, "exposure": 0.9}, {"seller": "B", "merit": 0.4, "exposure": 0.1}]
    figure = feedback_loop.sellers(Shown(frame={"sellers": rows}), language)
    valid(figure)
    assert "90.0%" in figure.alt


@pytest.mark.parametrize("narrow", [False, True])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_pushed_product_stands_out_in_its_list(language: str, narrow: bool) -> None:
    others = [{"item": n, "score": 5 - n / 10, "ratings": 9, "quality": 0.5, "pushed": False} for n in range(1, 11)]
    own = {"item": 30, "score": 4.75, "ratings": 12, "quality": -1.2, "pushed": True}
    answer = {"accounts": 12, "item": 30, "needed": 8.0, "place": 3, "list": [*others[:2], own, *others[2:9]]}
    figure = fake_stars.listing(Shown(answer=answer, items=ITEMS), language, narrow)
    valid(figure)
    assert figure.frame["pushed"].tolist().index(True) == 2
    assert "4.75" in figure.alt
    unrated = {**answer, "place": None, "list": [*others, {**own, "score": None, "ratings": 0}]}
    without = fake_stars.listing(Shown(answer=unrated, items=ITEMS), language, narrow)
    valid(without)
    assert ("未上榜" if language == "zh" else "none") in without.alt
