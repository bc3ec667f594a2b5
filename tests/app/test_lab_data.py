"""The lab's choice of data: any dataset after any other, and one configuration a drawing."""

from __future__ import annotations

from itertools import permutations

import pytest
from lab_page import button, key, lesson_of, link, nothing_broke, open_page, set_stage, skip, tiny
from lab_stage import Stage

from course_lib.data.registry import trainable
from course_lib.errors import CourseError
from course_lib.experiments.config import RunConfig
from course_lib.experiments.recipes import needs_recipe, suited
from course_lib.figures.names import dataset_name, size_name

KNOWN = [(name, size) for name, one in trainable(None).items() for size in one.sizes]


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch, tmp_path) -> Stage:
    return set_stage(monkeypatch, tmp_path)


def test_there_is_more_than_one_dataset() -> None:
    assert len({name for name, _ in KNOWN}) > 1
    assert ("shop", "tiny") in KNOWN


@pytest.mark.parametrize("language", ["zh", "en"])
def test_any_dataset_after_any_other(stage: Stage, language: str) -> None:
    """No size of one can stand beside another, and the learner is always told by name what is chosen."""
    page = skip(open_page(language))
    box = page.selectbox(key=key("widget.data"))
    assert box.options == [f"{dataset_name(n, language)} · {size_name(n, s, language)}" for n, s in KNOWN]
    for one, other in permutations(KNOWN, 2):
        for chosen in (one, other):
            if page.selectbox(key=key("widget.data")).value != chosen:
                page.selectbox(key=key("widget.data")).set_value(chosen).run()
            nothing_broke(page)
            assert not page.warning
            assert page.selectbox(key=key("widget.data")).value == chosen
            assert not button(page, "train").disabled


@pytest.mark.parametrize("chosen", KNOWN, ids="-".join)
def test_each_dataset_can_be_trained_on_and_shared(stage: Stage, chosen: tuple[str, str]) -> None:
    page = skip(open_page("en"))
    if chosen != ("shop", "tiny"):
        page.selectbox(key=key("widget.data")).set_value(chosen).run()
    button(page, "train").click().run()
    nothing_broke(page)
    settings = {"model": "sasrec"}
    if needs_recipe("next_item", {"dataset": chosen}):
        settings = dict(suited("next_item", {"dataset": chosen}, settings).settings)
    config = RunConfig.make(data={"dataset": chosen}, settings=settings)
    assert [run for run, _ in stage.started] == [config.run_id]
    stage.put(config, "stopped", frames=1)
    page.run()
    nothing_broke(page)
    assert f"dataset={chosen[0]}&size={chosen[1]}" in link(page)


def test_a_size_of_another_dataset_is_one_sentence(stage: Stage) -> None:
    page = open_page("en", dataset="complete-journey", size="tiny")
    nothing_broke(page)
    sentence = CourseError("unknown_size", name="complete-journey", size="tiny", known="small, full").text("en")
    assert [one.value for one in page.warning] == [sentence]
    assert page.selectbox(key=key("widget.data")).value == ("complete-journey", "small")


@pytest.mark.parametrize("old", [{"length": "12"}, {"length": "12", "epoch": "1", "heads": "2"}])
def test_a_link_of_before_opens(stage: Stage, old: dict[str, str]) -> None:
    stage.put(tiny(history_length=12), "stopped")
    page = open_page("en", model="sasrec", width="48", **old)
    nothing_broke(page)
    assert not page.warning
    assert page.selectbox(key=key("widget.history_length")).value == 12
    assert "history_length=12" in link(page)
    assert ("frame=2" in link(page)) == ("epoch" in old)


@pytest.mark.parametrize("state", [None, "running", "finished"])
def test_a_drawing_with_nothing_changed_makes_the_labs_configuration_once(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, state: str | None
) -> None:
    """It costs a walk over the code; the form, the buttons, the run and Look inside all ask for it."""
    if state is not None:
        stage.put(tiny(), state)
    page = open_page("en")
    made, make = [], RunConfig.make.__func__

    def counted(cls: type[RunConfig], *given: object, **named: object) -> RunConfig:
        made.append(given)
        return make(cls, *given, **named)

    monkeypatch.setattr(RunConfig, "make", classmethod(counted))
    page.run()
    nothing_broke(page)
    assert len(made) == 1, "and guesses, which are graded by the lab's own run, none while none is made"
    assert lesson_of().guesses
