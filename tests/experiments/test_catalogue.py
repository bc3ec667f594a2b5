"""Experiments are found by walking: a new file is one more, a broken one closes itself alone, no other run moves."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from course_lib.errors import CourseError
from course_lib.experiments import catalogue
from course_lib.experiments.catalogue import broken_experiments, check_asked, experiment_card, experiment_cards
from course_lib.settings import PROJECT

LIGHT = '''"""A sum of two numbers."""
SETTINGS = {"a": (1, 0, 9), "way": ("plain", "plain", "odd")}
MEASURES = {"sum": "count"}
ASKS = {"times": (1, 1, 5), "words": "text"}
TINY = {"a": 2}


def answer(settings, asked):
    value = settings["a"] * asked["times"]
    return {"measures": {"sum": {"value": value, "low": value, "high": value}}, "words": asked["words"]}
'''
TRAINED = '''"""Three steps of nothing."""
from course_lib.experiments.events import exact, plan, result

SETTINGS = {"steps": (3, 1, 9)}
MEASURES = {"done": "count"}
ASKS = {"k": (1, 1, 5)}
TINY = {"steps": 2}


def run(config, folder):
    steps = config.settings["steps"]
    yield plan(step=steps, frame=1)
    for step in range(1, steps + 1):
        yield {"kind": "step", "at": step}
    yield folder.frame(0, {"done": steps})
    yield result({"done": exact(steps)}, seconds={"total": 0.1})


def open(folder, at):
    return folder


def answer(artefact, asked):
    return {"top": list(range(asked["k"]))}
'''
MODEL = '''"""Always the first product."""
from course_lib.models.popularity import PopularityModel

TASK = "next_item"
SETTINGS = {"boldness": (1, 0, 3)}


class FirstModel(PopularityModel):
    """It learns nothing."""

    name = "first"
'''
RUN_IDS = """
import json
from course_lib.experiments.catalogue import broken_experiments, experiment_cards
from course_lib.experiments.config import RunConfig
ids = {}
for name, card in experiment_cards().items():
    if card.light:
        continue
    ids[name] = RunConfig.tiny(name).run_id
    for choice in card.chooses:
        for model in card.choices(choice):
            ids[f"{name} {model}"] = RunConfig.make(name, settings={choice: model}).run_id
broken = {name: {one: error.text(one) for one in ("zh", "en")} for name, error in broken_experiments().items()}
print(json.dumps({"ids": ids, "all": list(experiment_cards()), "broken": broken}))
"""


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the course's code beside its data."""
    root = tmp_path_factory.mktemp("house")
    shutil.copytree(PROJECT / "course_lib", root / "course_lib", ignore=shutil.ignore_patterns("__pycache__"))
    (root / "data").symlink_to(PROJECT / "data")
    return root


def told(house: Path) -> dict[str, dict[str, str]]:
    """The run ids that a fresh Python finds in the copy."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", RUN_IDS],
        cwd=house, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found: dict[str, dict[str, str]] = json.loads(done.stdout)
    return found


def test_new_files_move_no_run_of_the_others(house: Path) -> None:
    """A light experiment, a trained one, a model and a broken file are added: every run keeps its name."""
    before = told(house)
    assert "next_item sasrec" in before["ids"]
    assert before["broken"] == {}
    added = {
        "experiments/made_up_sum.py": LIGHT,
        "experiments/made_up_steps.py": TRAINED,
        "experiments/made_up_torn.py": '"""Torn."""\nSETTINGS = {"a": (1, 0',
        "models/first.py": MODEL,
    }
    for name, source in added.items():
        (house / "course_lib" / name).write_text(source, encoding="utf-8")
    after = told(house)
    assert {name: after["ids"][name] for name in before["ids"]} == before["ids"]
    choosing = [name for name, card in experiment_cards().items() if "next_item" in card.chooses.values()]
    assert set(after["ids"]) - set(before["ids"]) == {"made_up_steps", *(f"{name} first" for name in choosing)}
    assert set(after["all"]) - set(before["all"]) == {"made_up_sum", "made_up_steps"}
    assert list(after["broken"]) == ["made_up_torn"]
    for said in after["broken"]["made_up_torn"].values():
        assert "course_lib/experiments/made_up_torn.py" in said
    for name in added:
        (house / "course_lib" / name).unlink()
    assert told(house) == before

    def changed(name: str) -> set[str]:
        """Which runs get another name when a file changes."""
        path = house / "course_lib" / name
        source = path.read_text(encoding="utf-8")
        path.write_text(source + "\n# another\n", encoding="utf-8")
        now = told(house)["ids"]
        path.write_text(source, encoding="utf-8")
        return {one for one in before["ids"] if now[one] != before["ids"][one]}

    assert changed("models/gru4rec.py") == {f"{name} gru4rec" for name in choosing}
    assert changed("experiments/next_item.py") >= {one for one in before["ids"] if one.startswith("next_item")}
    assert changed("ui/shell.py") == set()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of experiments that a test may fill."""
    monkeypatch.setattr(catalogue, "FOLDER", tmp_path)
    return tmp_path


def test_a_card_is_read_without_importing(folder: Path) -> None:
    (folder / "total.py").write_text(LIGHT + "\nraise SystemExit\n", encoding="utf-8")
    (folder / "steps.py").write_text(TRAINED, encoding="utf-8")
    (folder / "helper.py").write_text('"""Shared by both."""\nX = 1\n', encoding="utf-8")
    assert list(experiment_cards()) == ["steps", "total"], "a helper is no experiment"
    card = experiment_card("total")
    assert card.light
    assert not experiment_card("steps").light
    assert card.summary == "A sum of two numbers."
    assert card.measures == {"sum": "count"}
    assert card.check({}) == {"a": 1, "way": "plain"}
    assert check_asked(card, {"times": "3"}) == {"times": 3, "words": ""}
    (folder / "total.py").write_text(LIGHT.replace("(1, 0, 9)", "(2, 0, 9)"), encoding="utf-8")
    assert experiment_card("total").check({})["a"] == 2, "a corrected file is read again"


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("SETTINGS = {", "SETTINGS = {{", "SyntaxError"),
        ("(1, 0, 9)", "(1,)", "IndexError"),
        ("(1, 0, 9)", "1", "TypeError"),
        ("(1, 0, 9)", "(low, 0, 9)", "ValueError"),
        ('"count"', '"apples"', "MEASURES: apples"),
        ("def answer", "def reply", "answer"),
        ("def answer", "def run(config, folder):\n    yield\n\n\ndef answer", "open"),
        ('"""A sum of two numbers."""', "", "docstring"),
        ("TINY = ", 'DATA = {"dataset": "clouds"}\nTINY = ', "DATA: clouds"),
        ("TINY = ", 'CHOOSES = {"model": "alchemy"}\nTINY = ', "CHOOSES: alchemy"),
    ],
)
def test_a_broken_file_closes_only_itself(folder: Path, old: str, new: str, says: str) -> None:
    (folder / "steps.py").write_text(TRAINED, encoding="utf-8")
    (folder / "total.py").write_text(LIGHT.replace(old, new, 1), encoding="utf-8")
    assert list(experiment_cards()) == ["steps"]
    error = broken_experiments()["total"]
    for language in ("zh", "en"):
        assert says in error.text(language)
    with pytest.raises(CourseError) as caught:
        experiment_card("total")
    assert caught.value.key == "experiment_broken"


def test_an_unknown_experiment_names_the_known(folder: Path) -> None:
    (folder / "steps.py").write_text(TRAINED, encoding="utf-8")
    with pytest.raises(CourseError, match="steps"):
        experiment_card("stepps")
