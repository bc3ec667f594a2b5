"""Two learners of one server: what one has uploaded the other can neither see, nor train on, nor delete."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from browsers import sit_down
from lab_page import button, guess_key, key, open_page, skip, tab, tiny
from lab_stage import Stage
from my_data_page import CHINESE, checked, open_my_data, press, put, said, staged
from streamlit.proto.WidgetStates_pb2 import WidgetState
from streamlit.testing.v1 import AppTest

from course_lib.cli.main import main
from course_lib.data import registry
from course_lib.data.intake import store
from course_lib.data.intake.store import Card
from course_lib.errors import CourseError
from course_lib.experiments.config import RunConfig
from course_lib.runs.view import RunView
from course_lib.settings import load_settings
from course_lib.text import text
from course_lib.ui import identity, services, shell
from course_lib.ui.identity_cookie import cookie_name

ANNA, BERT = "a" * 32, "b" * 32  # names of browsers, as cookies carry them
WARES = ("杯子", "cups")  # what would give Anna's dataset away


@pytest.fixture(autouse=True)
def stage(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Stage]:
    yield from staged(monkeypatch, tmp_path)


def accepted(name: str = "cups") -> Card:
    """Whoever sits there uploads a file and keeps it."""
    page = put(open_my_data(), CHINESE)
    page.text_input[0].set_value(name).run()
    press(page, "accept")
    return store.read_card(name, shell.learner())


@pytest.fixture
def annas(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Card:
    """Anna's dataset, a run on it and an upload that still waits for her; then Bert sits down."""
    sit_down(monkeypatch, ANNA)
    card = accepted()
    assert card.owner == ANNA
    config = RunConfig.make(data={"dataset": card.key})
    stage.put(config, "finished", frames=1)
    (load_settings().runs / config.run_id / "config.json").write_text(config.to_json(), encoding="utf-8")
    put(open_my_data(), CHINESE, "second.csv")
    sit_down(monkeypatch, BERT)
    return card


def run_of(card: Card) -> RunConfig:
    return RunConfig.make(data={"dataset": card.key})


def untouched(card: Card) -> bool:
    """Whether everything of Anna's is still there, whole."""
    there = store.read_card(card.name, card.owner) == card and registry.load(registry.resolve(card.key)).num_users == 8
    run = load_settings().runs / run_of(card).run_id / "config.json"
    return there and run.is_file() and services.uploads().view(ANNA).state == "ready"


def clean(page: AppTest) -> AppTest:
    assert not checked(page).error
    return page


def switched(page: str) -> AppTest:
    """A page as one that is reached from the home page."""
    front = AppTest.from_file(str(shell.FRONT), default_timeout=60)
    front.query_params["lang"] = "en"
    front.run()
    return checked(front.switch_page(f"../../../pages/{page}.py").run())


def test_no_page_shows_it(annas: Card, stage: Stage) -> None:
    mine = clean(open_my_data())
    assert text("my_data.none", "en") in said(mine)
    assert mine.file_uploader  # nor is Anna's waiting upload Bert's
    lab = clean(open_page("en"))
    assert not any("cups" in one for one in lab.selectbox(key=key("widget.data")).options)
    for page in (mine, lab, clean(switched("data"))):
        assert not any(word in said(page) for word in WARES)
        assert not any(word in option for box in page.selectbox for option in box.options for word in WARES)


def test_no_link_opens_it(annas: Card, stage: Stage) -> None:
    """Nor does a link to her run say what the run was made of."""
    skip(open_page("en"))
    for link, sentence in (
        ({"dataset": annas.key, "size": "full"}, text("errors.dataset_not_yours", "en", name="cups")),
        ({"run": run_of(annas).run_id}, text("errors.link_run_gone", "en", run=run_of(annas).run_id)),
    ):
        lab = clean(open_page("en", **link))
        assert sentence in [one.value for one in lab.warning]
        assert lab.selectbox(key=key("widget.data")).value[0] == "shop"
        assert "杯子" not in said(lab)
        assert text("look.download", "en") not in [one.proto.label for one in lab.get("download_button")]
        assert "dataset" in link or "cups" not in said(lab)
        clean(button(lab, "train").click().run())
    assert stage.asked == []  # no question to Anna's model
    assert {stage.views[run].config.dataset.name for run, _ in stage.started} == {"shop"}


def test_a_run_in_ones_own_list_is_not_opened(annas: Card, stage: Stage) -> None:
    """Bert's notebook may hold the name of Anna's run, however it came there: My runs, My progress and take-home.

    Beside it he has a run of his own, so that My runs and the button to take it home are there to be looked at.
    """
    config, own = run_of(annas), tiny()
    stage.put(own, "finished")
    for run_id, link in ((own.run_id, "size=tiny"), (config.run_id, "size=tiny")):
        services.store().learner(BERT).record_run("user_understanding", run_id, link, {"lab": "train"})
    skip(open_page("en"))
    lab = clean(open_page("en", run=own.run_id))
    tab(lab, "runs")
    assert not lab.exception
    rows = lab.dataframe[0].value
    chosen = lab.selectbox(key=key("runs.chosen")).options
    assert len(rows) == len(chosen) == 1, "his own alone"
    everything = [said(lab), rows.to_csv(), *chosen, *(one.value for one in lab.code)]
    progress = clean(switched("my_progress"))
    keys = {str(one.key) for one in progress.button}
    assert f"progress_keep_{own.run_id}" in keys
    assert f"progress_keep_{config.run_id}" not in keys
    everything.append(said(progress))
    for word in (*WARES, annas.key, config.run_id):
        assert not any(word in one for one in everything), word
    files = [one.proto.label for one in lab.get("download_button")]
    assert text("look.download", "en") in files, "his own can be taken home"
    progress.button(key=f"progress_delete_sure_{config.run_id}").click().run()
    assert not checked(progress).error
    assert untouched(annas), "he has taken it from his list, and no more"
    assert {run_id for run_id, *_ in stage.asked} <= {own.run_id}


@pytest.mark.parametrize("page", sorted(path.stem for path in shell.PAGES.glob("*.py")))
def test_no_page_is_a_way_to_it(annas: Card, stage: Stage, page: str) -> None:
    """Every page, by a link to the dataset and by a link to the run."""
    for link in ({"dataset": annas.key, "size": "full"}, {"run": run_of(annas).run_id}):
        front = AppTest.from_file(str(shell.FRONT), default_timeout=60)
        front.query_params.update({"lang": "en", **link})
        front.run()
        shown = checked(front.switch_page(f"../../../pages/{page}.py").run())
        assert "杯子" not in said(shown)
        assert not any(word in option for box in shown.selectbox for option in box.options for word in WARES)
        assert "run" not in link or "cups" not in said(shown)
        assert not any(run_of(annas).run_id in str(one.proto) for one in shown.get("download_button"))
        assert not any(word in table.value.to_csv() for table in shown.dataframe for word in WARES)
    assert stage.asked == []


def test_what_pages_use_refuses_it(annas: Card, stage: Stage) -> None:
    """The one place that every page and callback has runs from."""
    config = run_of(annas)
    assert shell.runs().watch(config.run_id) == RunView(config.run_id, "missing")
    for key_, work in (
        ("run_missing", lambda: shell.runs().ask(config.run_id, None, {"history": [1]})),
        ("dataset_not_yours", lambda: shell.runs().start(config, shell.learner())),
        ("dataset_not_yours", lambda: shell.runs().size(config)),
    ):
        with pytest.raises(CourseError) as raised:
            work()
        assert raised.value.key == key_
    assert stage.asked == stage.started == []


def test_it_is_hers_to_open(annas: Card, stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    sit_down(monkeypatch, ANNA)
    assert shell.runs().watch(run_of(annas).run_id) == stage.views[run_of(annas).run_id]
    assert shell.runs().ask(run_of(annas).run_id, None, {"history": [1]})["top"]


@pytest.mark.parametrize(
    "line",
    ["evaluate RUN", "train --dataset KEY --plan", "data describe KEY", "data table KEY events --to FILE", "runs list"],
)
def test_no_command_reads_it(annas: Card, capsys: pytest.CaptureFixture[str], tmp_path: Path, line: str) -> None:
    """The command line is the machine's own learner, not the owner of everything."""
    words = {"RUN": run_of(annas).run_id, "KEY": annas.key, "FILE": str(tmp_path / "out.csv")}
    code = main([words.get(word, word) for word in line.split()])
    out, err = capsys.readouterr()
    assert (code == 0) == (line == "runs list")
    assert "杯子" not in out + err
    assert "cups" not in out
    assert "Traceback" not in err
    assert not (tmp_path / "out.csv").exists()
    if line == "runs list":
        assert run_of(annas).run_id in out  # so that whoever runs the course can make room


def test_no_forged_choice_trains_on_it(annas: Card, stage: Stage) -> None:
    """The browser can send any string as a choice with a press of Train: the lab trains what it shows."""
    lab, state = open_page("en"), key("state")
    skip(lab)
    lab.session_state[state] = replace(lab.session_state[state], data={"dataset": (annas.key, "full")})
    checked(button(lab, "train").click().run())
    assert stage.started == []
    assert {one.value for one in lab.error} <= {text("errors.dataset_not_yours", "en", name="cups")}
    assert text("errors.dataset_not_yours", "en", name="cups") in said(lab)
    assert "杯子" not in said(lab)
    forged = lab._tree.get_widget_states()
    for widget in forged.widgets:
        if widget.id.endswith(f"-{key('widget.data')}"):
            widget.string_value = annas.key
    train = next(one.proto.id for one in lab.button if one.key == key("train"))
    forged.widgets.append(WidgetState(id=train, trigger_value=True))
    checked(lab._run(forged))
    assert not lab.error, "a choice that was never offered is not taken; the lab keeps its own and shows it"
    assert [stage.views[run].config.dataset.name for run, _ in stage.started] == ["shop"]
    assert lab.selectbox(key=key("widget.data")).value[0] == "shop"
    assert "杯子" not in said(lab)


def test_no_deletion_reaches_it(annas: Card, stage: Stage) -> None:
    """Neither of a dataset that Bert calls the same, nor of everything that is Bert's."""
    own = accepted("cups")
    assert own.version == annas.version
    assert own.key != annas.key
    page = open_my_data()
    press(page, "delete_sure_cups")
    assert "cups" in page.success[0].value
    assert list(store.added(BERT)) == []
    assert untouched(annas)
    accepted("mugs")
    progress = switched("my_progress")
    checked(progress.button(key="progress_erase_sure").click().run())
    assert text("progress.erase_done", "en") in progress.success[0].value
    assert "cups" not in progress.success[0].value
    assert list(store.added(BERT)) == []
    assert untouched(annas)
    assert stage.stopped == []


def test_what_is_given_is_ones_own(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guesses and the wish for a run: Bert starts where he would have started without Anna."""
    sit_down(monkeypatch, ANNA)
    lab = open_page("en")
    skip(lab)
    clean(button(lab, "train").click().run())
    sit_down(monkeypatch, BERT)
    assert clean(open_page("en")).button(key=guess_key("skip"))
    lab = open_page("en", seed="2")
    skip(lab)
    clean(button(lab, "train").click().run())
    clean(button(lab, "stop").click().run())
    (annas, first), (berts, second) = stage.started
    assert (first, second) == (ANNA, BERT)
    assert stage.stopped == [(berts, BERT)]
    assert stage.views[annas].live


def test_a_language_is_ones_own(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    def home() -> AppTest:
        return checked(AppTest.from_file(str(shell.FRONT), default_timeout=60).run())

    sit_down(monkeypatch, ANNA)
    page = home()
    checked(page.segmented_control(key=shell.SWITCH).set_value("zh").run())
    assert home().title[0].value == text("home.title", "zh")
    sit_down(monkeypatch, BERT)
    assert home().title[0].value == text("home.title", "en")


def test_a_forged_cookie_is_a_stranger(annas: Card, stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    sit_down(monkeypatch, **{cookie_name(): f"{ANNA}.{'0' * 64}"})
    first, second = (clean(open_my_data()) for _ in range(2))
    assert not any(word in said(first) for word in WARES)
    assert first.file_uploader
    names = [page.session_state[identity.NAMELESS] for page in (first, second)]
    assert len({*names, ANNA, "local"}) == 4
