"""The numbers in the lessons' prose are those of real runs: the default run on the shop is made again and compared.

Of Complete Journey's run only what needs no training is compared; ``cj_sasrec_ndcg`` comes from the command alone.
"""

import re
import tomllib

import pytest

from course_lib.cli import measure
from course_lib.course.lessons import FOLDER
from course_lib.data.registry import load
from course_lib.data.splits import leave_one_out
from course_lib.runs.here import run_here
from course_lib.settings import load_settings
from course_lib.shop.source import shop
from course_lib.text import LANGUAGES
from course_lib.training.references import references
from course_lib.ui.lesson_values import measured_values

MACHINE = ("train_seconds",)  # differs from machine to machine
TRAINED = (
    "sasrec_ndcg",
    "gru4rec_ndcg",
    "bert4rec_ndcg",
    "share_of_filtered_oracle",
    "shuffle_cost",
)  # another CPU may round them another way
RECORD = tomllib.loads(measure.FILE.read_text(encoding="utf-8"))
KEPT = RECORD[measure.LESSON]
AGAIN = "; run: python -m course_lib measure"


@pytest.fixture(autouse=True)
def datasets() -> None:
    """The real datasets, not the folder's stand-ins."""


@pytest.fixture(scope="session")
def of_shop() -> dict[str, str]:
    """The values of the lab's default runs on the shop, made now."""
    results = {
        name: run_here(one, load_settings(), lambda event: None)
        for name, one in measure.runs().items()
        if name != measure.JOURNEY
    }
    return measure.shop_facts() | measure.shop_scores(results["shop"]) | measure.rival_scores(results)


@pytest.fixture(scope="session")
def of_journey() -> dict[str, str]:
    """The values of Complete Journey that need no training."""
    data = load(measure.config(measure.JOURNEY).dataset)
    scores = references(data, leave_one_out(data)).scores("test")
    return measure.journey_facts() | measure.journey_baselines(scores)


def number(value: str) -> float:
    """A printed value as a number; percent as a share."""
    plain = float(value.rstrip("%").replace(",", ""))
    return plain / 100 if value.endswith("%") else plain


def compare(fresh: dict[str, str], kept: dict[str, str]) -> None:
    assert set(kept) == set(fresh), AGAIN
    for name, value in fresh.items():
        if name in MACHINE:
            assert number(kept[name]) > 0
        elif name in TRAINED:
            tolerance = 0.015 if value.endswith("%") else 0.005
            assert number(kept[name]) == pytest.approx(number(value), abs=tolerance), name + AGAIN
        else:
            assert kept[name] == value, name + AGAIN


def test_the_shop_as_written(of_shop):
    compare(of_shop, {name: value for name, value in KEPT.items() if not name.startswith("cj_")})


def test_complete_journey_as_written(of_journey):
    compare(
        of_journey, {name: value for name, value in KEPT.items() if name.startswith("cj_") and name != "cj_sasrec_ndcg"}
    )


def lesson_texts() -> dict[tuple[str, str], str]:
    return {
        (path.parent.name, path.stem): path.read_text(encoding="utf-8")
        for path in sorted(FOLDER.glob("*/*.md"))
        if path.stem in LANGUAGES
    }


@pytest.mark.parametrize(("lesson", "language"), lesson_texts())
def test_every_value_in_the_prose_is_measured_and_none_is_left_over(lesson, language):
    asked = set(re.findall(r"\{\{value:([^}]*)\}\}", lesson_texts()[lesson, language]))
    other = LANGUAGES[1 - LANGUAGES.index(language)]
    measured = {name for name in measured_values(lesson, language) if not name.endswith(f"_{other}")}
    assert asked == measured


def test_no_value_stands_where_nothing_fills_it():
    for path in FOLDER.rglob("*.toml"):
        assert "{{value:" not in path.read_text(encoding="utf-8"), path


def test_the_file_says_where_its_numbers_come_from():
    """The code's version may be older: it changes with every comment, and the numbers are compared above."""
    source = RECORD["source"]
    assert re.fullmatch("[0-9a-f]{12}", source["code"])
    for name, config in measure.runs().items():
        assert source[name]["model"] == config.model
        assert {key: source[name][key] for key in config.settings} == dict(config.settings), name + AGAIN
        assert {key: source[name][key] for key in config.training} == dict(config.training), name + AGAIN


def test_the_prose_tells_the_missions_as_they_are():
    """ "Why order" contrasts two missions that share the shoes; "Look inside" builds on them."""
    steps = {row["id"]: [set(stage) for stage in row["steps"]] for row in shop().parameters.content["mission"]}
    assert steps["begin_basketball"] == [{"basketball"}, {"basketball_shoes", "jersey"}, {"pump"}]
    assert steps["basketball_league"] == [{"basketball_shoes"}, {"knee_pads"}, {"basketball", "energy_bars"}]
    with_shoes = {name for name, stages in steps.items() if any("basketball_shoes" in stage for stage in stages)}
    assert with_shoes == {"begin_basketball", "basketball_league"}


def test_what_the_prose_concludes_from_its_numbers():
    kept = {name: number(value) for name, value in KEPT.items()}
    assert kept["sasrec_ndcg"] > kept["markov_ndcg"] > kept["item_knn_ndcg"] > kept["popularity_ndcg"]
    assert kept["known_ndcg"] > kept["filtered_ndcg"] > kept["sasrec_ndcg"]
    assert kept["shuffle_cost"] > 0.5
    assert abs(kept["gru4rec_ndcg"] - kept["sasrec_ndcg"]) < 0.02  # "level"
    assert kept["bert4rec_ndcg"] < kept["sasrec_ndcg"] - 0.03  # "behind"
    # "about level with the list that is the same for everyone", and counting beats both
    assert abs(kept["cj_sasrec_ndcg"] - kept["cj_popularity_ndcg"]) < 0.02
    assert kept["cj_counting_ndcg"] > max(kept["cj_sasrec_ndcg"], kept["cj_popularity_ndcg"]) + 0.01
    assert kept["purchases_between_interruptions"] > 10  # "interruptions are rare"


def test_the_file_is_written_as_it_is_read():
    configs = measure.runs()
    text = measure.written(configs, {"one": "1,260", "name_zh": "“约” 12"})
    assert tomllib.loads(text)[measure.LESSON] == {"one": "1,260", "name_zh": "“约” 12"}
    assert tomllib.loads(text)["source"]["shop"]["run"] == configs["shop"].run_id
