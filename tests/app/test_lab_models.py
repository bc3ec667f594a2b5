"""The lab's choice of a model: its own settings come with it, the link keeps it, and the page says what it lacks."""

from __future__ import annotations

import json
from dataclasses import replace
from urllib.parse import parse_qsl

import pytest
from lab_page import button, key, link, nothing_broke, open_page, set_stage, words
from lab_stage import Stage

from course_lib.models.catalogue import model_card, model_cards
from course_lib.runs.config import RunConfig
from course_lib.runs.view import epoch_folder
from course_lib.settings import load_settings
from course_lib.text import text
from course_lib.training.settings import loop_settings
from course_lib.ui.lab_state import MODEL_CHOICES, lab_models, preset_state, state_from_link, with_model

START = preset_state({"dataset": "shop", "model": "sasrec", "seed": 1})
NEURAL = [name for name, card in model_cards().items() if card.neural]


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch, tmp_path) -> Stage:
    return set_stage(monkeypatch, tmp_path)


def put(stage: Stage, model: str, **parts: object) -> RunConfig:
    """A finished run of ``model`` on the tiny shop, its snapshots with ``parts`` in the place of what stands there."""
    config = RunConfig.make("shop", "tiny", model)
    view = stage.put(config, "finished")
    assert view.result is not None
    stage.views[config.run_id] = replace(view, result={**view.result, "model": model})
    for epoch in view.snapshots:
        path = epoch_folder(load_settings().runs / config.run_id, epoch) / "view.json"
        record = json.loads(path.read_text())
        record["shoppers"] = [{**shopper, **parts} for shopper in record["shoppers"]]
        path.write_text(json.dumps(record))
    return config


def test_the_lesson_s_own_model_comes_first() -> None:
    assert lab_models("sasrec")[0] == "sasrec"
    assert sorted(lab_models("gru4rec")) == sorted(NEURAL)
    assert lab_models("gru4rec")[0] == "gru4rec"


@pytest.mark.parametrize("model", NEURAL)
def test_a_model_brings_its_own_settings(model: str) -> None:
    state = with_model(START, model)
    known, loop = model_card(model).settings, loop_settings(model)
    assert state.settings == {name: known[name].default for name in MODEL_CHOICES.values() if name in known}
    assert state.training["epochs"] == loop["epochs"].default
    assert state.config() == RunConfig.make(model=model), "the run of the command line's defaults"
    assert with_model(state, "sasrec") == START


@pytest.mark.parametrize("model", NEURAL)
def test_a_link_brings_the_model_back(model: str) -> None:
    state = with_model(replace(START, shopper=2), model)
    state = replace(state, settings={**state.settings, "width": 48}, training={"epochs": 3})
    assert state_from_link(dict(parse_qsl(state.link())), START) == (state, [])


@pytest.mark.parametrize("name", ["markov", "no-such-model", ""])
def test_a_link_with_another_model_is_one_sentence(name: str) -> None:
    """Counted models have no epochs to watch, so the lab does not offer them."""
    state, errors = state_from_link({"model": name}, START)
    assert state == START
    assert [error.key for error in errors] == ["unknown_model"]
    assert all("sasrec" in errors[0].text(language) for language in ("zh", "en"))


@pytest.mark.parametrize("language", ["en", "zh"])
def test_choosing_a_model_changes_the_form_and_trains_it(stage, language) -> None:
    page = open_page(language)
    assert page.selectbox(key("widget.model")).value == "sasrec"
    button(page, "guess.skip").click().run()
    page.selectbox(key("widget.model")).select("gru4rec").run()
    nothing_broke(page)
    assert not [box for box in page.selectbox if box.key == key("widget.heads")], "it has no heads"
    assert text("lab.layers_help_gru4rec", language) == page.selectbox(key("widget.layers")).help
    button(page, "train").click().run()
    nothing_broke(page)
    assert stage.started[-1][0] == RunConfig.make("shop", "tiny", "gru4rec").run_id
    page.selectbox(key("widget.model")).select("sasrec").run()
    nothing_broke(page)
    assert page.selectbox(key("widget.heads")).value == model_card("sasrec").settings["heads"].default


@pytest.mark.parametrize("language", ["en", "zh"])
def test_without_attention_the_page_says_so(stage, language) -> None:
    put(stage, "gru4rec", attention=[], matrix=[])
    page = open_page(language, model="gru4rec")
    nothing_broke(page)
    said = words(page)
    assert text("look.no_attention", language, model="GRU4Rec") in said
    assert text("lesson.mask_other", language, model="GRU4Rec") in said
    assert "class GRU4RecModel" in "".join(code.value for code in page.code)
    assert "model=gru4rec" in link(page)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_with_attention_both_ways_there_is_no_mask_to_draw(stage, language) -> None:
    put(stage, "bert4rec", matrix=[])
    page = open_page(language, model="bert4rec")
    nothing_broke(page)
    assert text("lesson.mask_other", language, model="BERT4Rec") in words(page)
    assert text("look.no_attention", language, model="BERT4Rec") not in words(page)


def test_the_lesson_s_own_run_says_neither(stage) -> None:
    put(stage, "sasrec")
    page = open_page("en")
    nothing_broke(page)
    assert "has no attention" not in words(page)
    assert text("lesson.mask_other", "en", model="SASRec") not in words(page)


def test_a_guess_about_one_model_is_not_scored_by_another(stage) -> None:
    put(stage, "sasrec")
    put(stage, "gru4rec", attention=[], matrix=[])
    page = open_page("en")
    page.radio(key("guess.beats_markov")).set_value("clear").run()
    button(page, "guess.beats_markov.commit").click().run()
    waits = text("predict.other_model", "en", model="SASRec")
    assert waits not in words(page)
    page.selectbox(key("widget.model")).select("gru4rec").run()
    button(page, "guess.skip").click().run()
    button(page, "train").click().run()
    nothing_broke(page)
    assert waits in words(page)
