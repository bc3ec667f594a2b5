"""The lab's choice of a model: its own settings come with it, the link keeps it, and the page says what it lacks."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl

import pytest
from lab_page import (
    LAB,
    an_answer,
    button,
    guess,
    key,
    lesson_of,
    link,
    nothing_broke,
    open_page,
    set_stage,
    skip,
    tab,
    tiny,
    told,
    words,
)
from lab_stage import Stage

from course_lib.course.lab_state import opening_state, state_from_link
from course_lib.experiments.catalogue import experiment_card
from course_lib.experiments.config import RunConfig
from course_lib.experiments.events import VIEW, frame_folder
from course_lib.figures.base import model_name
from course_lib.models.catalogue import model_card
from course_lib.settings import load_settings
from course_lib.text import text
from course_lib.training.settings import loop_settings

PLAN = lesson_of().lab(LAB)
START = opening_state(PLAN)
MODELS = experiment_card("next_item").choices("model")
BOTH = pytest.mark.parametrize("language", ["en", "zh"])


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch, tmp_path) -> Stage:
    return set_stage(monkeypatch, tmp_path)


def put(stage: Stage, model: str, **parts: Any) -> RunConfig:
    """A finished run of ``model`` on the tiny shop, its frames with ``parts`` in the place of what stands there."""
    config = tiny(model=model)
    view = stage.put(config, "finished")
    for at in view.frames:
        path = frame_folder(load_settings().runs / config.run_id, at) / VIEW
        record = json.loads(path.read_text())
        record["shoppers"] = [{**shopper, **parts} for shopper in record["shoppers"]]
        path.write_text(json.dumps(record))
    return config


@pytest.mark.parametrize("model", MODELS)
def test_a_model_brings_its_own_settings(model: str) -> None:
    state = START.with_setting("model", model)
    card = model_card(model)
    known = {**card.settings, **(loop_settings(model) if card.neural else {})}
    assert state.settings == {"model": model, **{n: known[n].default for n in PLAN.shows if n in known}}
    assert set(state.offered()) == set(PLAN.shows) & {"model", *known}
    assert state.config() == RunConfig.make(settings={"model": model}), "the run of the command line's defaults"
    assert state.with_setting("model", "sasrec") == START


@pytest.mark.parametrize("model", MODELS)
def test_a_link_brings_the_model_back(model: str) -> None:
    state = replace(START, shopper=2).with_setting("model", model)
    for name, value in {"width": 24, "epochs": 3}.items():
        if name in state.offered():
            state = state.with_setting(name, value)
    assert state_from_link(dict(parse_qsl(state.link())), START) == (state, [])


@pytest.mark.parametrize("name", ["no-such-model", ""])
def test_a_link_with_another_model_is_one_sentence(name: str) -> None:
    state, errors = state_from_link({"model": name}, START)
    assert state == START
    assert [error.key for error in errors] == ["setting_not_a_choice"]
    assert all("sasrec" in errors[0].text(language) for language in ("zh", "en"))


@BOTH
def test_choosing_a_model_changes_the_form_and_trains_it(stage, language) -> None:
    page = open_page(language)
    assert page.selectbox(key("widget.model")).value == "sasrec"
    skip(page)
    page.selectbox(key("widget.model")).select(model_name("gru4rec", language)).run()
    nothing_broke(page)
    assert not [box for box in page.selectbox if box.key == key("widget.heads")], "it has no heads"
    assert text("setting.layers_help_gru4rec", language) == page.selectbox(key("widget.layers")).help
    button(page, "train").click().run()
    nothing_broke(page)
    assert stage.started[-1][0] == tiny(model="gru4rec").run_id
    page.run()  # a press draws anew what it changes, and the tester knows that alone
    page.selectbox(key("widget.model")).select(model_name("sasrec", language)).run()
    nothing_broke(page)
    assert page.selectbox(key("widget.heads")).value == model_card("sasrec").settings["heads"].default


@BOTH
@pytest.mark.parametrize("model", [name for name in MODELS if not model_card(name).neural])
def test_a_counted_model_has_one_frame_and_no_slider(stage, language, model) -> None:
    page = open_page(language)
    skip(page)
    page.selectbox(key("widget.model")).select(model_name(model, language)).run()
    assert not [one for one in page.number_input if one.key == key("widget.epochs")], "it is not trained"
    button(page, "train").click().run()
    nothing_broke(page)
    assert stage.started[-1][0] == tiny(model=model).run_id
    put(stage, model, attention=[], matrix=[])
    page.run()
    nothing_broke(page)
    assert text("lab.finished", language, seconds="14.2") in page.get("progress")[0].proto.text
    assert not [one for one in page.get("bidi_component") if "widget.frame" in one.proto.id], "nowhere to go"
    for name in PLAN.pictures:
        nothing_broke(tab(page, name) if name != PLAN.pictures[0] else page)


@BOTH
def test_without_attention_the_page_says_so(stage, language) -> None:
    put(stage, "gru4rec", attention=[], matrix=[])
    page = open_page(language, model="gru4rec", source="open")
    nothing_broke(page)
    assert told(page, "figure.next_item.attention.look")["alt"] == text("figures.no_attention", language)
    assert "class GRU4RecModel" in "".join(code.value for code in page.code)
    assert "model=gru4rec" in link(page)


@BOTH
def test_with_attention_both_ways_there_is_no_mask_to_draw(stage, language) -> None:
    put(stage, "bert4rec", matrix=[])
    page = open_page(language, model="bert4rec")
    nothing_broke(page)
    none = text("figures.no_attention", language)
    assert told(page, "figure.next_item.attention.look")["alt"] != none
    bare = told(page, "figure.next_item.mask.prose0")["alt"]
    assert bare.startswith("No model yet" if language == "en" else "还没有模型")


@BOTH
def test_the_lesson_s_own_run_says_neither(stage, language) -> None:
    put(stage, "sasrec")
    page = open_page(language)
    nothing_broke(page)
    assert told(page, "figure.next_item.attention.look")["alt"] != text("figures.no_attention", language)
    mask = told(page, "figure.next_item.mask.prose0")["alt"]
    assert not mask.startswith("No model yet" if language == "en" else "还没有模型")


@BOTH
def test_a_guess_is_graded_by_the_labs_own_run_alone(stage, language) -> None:
    """Another size of the shop, another model, another seed: none of them is what was guessed about."""
    first = lesson_of().guesses[0]
    page = guess(open_page(language), first, an_answer(first))
    skip(page)
    own = next(iter(PLAN.configs().values()))
    for config in (tiny(), RunConfig.make(settings={"model": "gru4rec"}), RunConfig.make(seed=2)):
        assert config.run_id != own.run_id
        stage.put(config, "finished")
    tab(page, "guesses")
    nothing_broke(page)
    assert text("predict.saved", language) in words(page)
    stage.put(own, "finished")
    page.run()
    assert text("predict.saved", language) not in words(page)
