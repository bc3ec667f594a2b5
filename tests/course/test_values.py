"""What values.toml may ask for and how it is read, computed and written, by hand-made results."""

import math

import pytest

from course_lib.cli import measure
from course_lib.cli.derived import derived
from course_lib.course.forms import FORMS, rounded, written
from course_lib.course.measures import Estimate
from course_lib.course.values import read_values
from course_lib.errors import CourseError
from course_lib.experiments.config import RunConfig
from course_lib.runs.view import RunView
from course_lib.text import LANGUAGES


def exactly(number: float) -> Estimate:
    return Estimate(number, number, number)


def test_forms_by_hand():
    numbers = {
        "score": (0.43149, "0.431"),
        "share": (0.8449, "84%"),
        "per_thousand": (0.3033, "303"),
        "count": (1260.0, "1,260"),
        "seconds": (9.6, "10"),
        "milliseconds": (0.00004344, "0.043"),
        "joules": (123.4, "120"),
        "nats": (7.1389, "7.14"),
        "exponent": (0.4567, "0.46"),
        "ratio": (2.2361, "2.24"),
    }
    for form, (number, said) in numbers.items():
        assert written(exactly(number), form) == {"zh": said, "en": said}
    assert set(FORMS) == {*numbers, "large_count"}
    assert written(exactly(0.034), "seconds")["en"] == "0.03"
    assert written(exactly(-0.0004), "score")["en"] == "0.000"


def test_forms_that_differ_between_the_languages():
    assert written(exactly(306.7e9), "large_count") == {"zh": "3,070 亿", "en": "307 billion"}
    assert written(exactly(2.54e9), "large_count") == {"zh": "25.4 亿", "en": "2.54 billion"}
    assert written(Estimate(3.5, 3.42, 3.671), "nats", ends=True) == {"zh": "3.42 至 3.67", "en": "3.42 to 3.67"}


def test_rounding_to_digits():
    assert [rounded(number, 2) for number in (123.4, 0.01234, -9.96, 0.0)] == [120.0, 0.012, -10.0, 0.0]


VALUES = """
score = {lab = "train", measure = "ndcg@10", as = "score"}
again = {lab = "train", measure = "hr@10", as = "share"}
other = {lab = "train", data = {dataset = "shop/tiny"}, measure = "parameters", as = "count"}
listed = {lab = "race", run = "markov", measure = "shuffle_cost", as = "share"}
lead = {lab = "race", run = "markov", minus = "popularity", measure = "ndcg@10", as = "score"}
ends = {lab = "train", result = "baselines.markov.ndcg@10", as = "score", range = true}
whole = {lab = "race", derived = "cost.total_seconds", as = "seconds"}
path = {lab = "train", result = "baselines.markov.ndcg@10.value", as = "score"}
width = {lab = "train", setting = "width", as = "count"}
model = {lab = "train", setting = "model"}
"""


@pytest.fixture
def alpha(house):
    house.write("lessons/alpha/values.toml", VALUES)
    return house.course().lesson("alpha")


def test_values_are_read_from_their_runs(house, alpha):
    values = {one.name: one for one in read_values(alpha, house.lessons)}
    configs = measure.runs(values.values())
    assert len(configs) == 4, "each run once"
    race = alpha.lab("race").configs()
    assert values["score"].runs == (alpha.lab().configs()[""],)
    assert values["listed"].runs == (race["markov"],)
    assert values["lead"].runs == (race["markov"], race["popularity"])
    assert values["whole"].runs == (race["popularity"], race["markov"]), "in the lab's order"
    assert values["other"].configs[0].data["dataset"].size == "tiny"
    one = {"value": 0.25, "low": 0.2, "high": 0.3}
    result = {"measures": dict.fromkeys(("ndcg@10", "hr@10", "parameters", "shuffle_cost"), one)}
    result["baselines"] = {"markov": {"ndcg@10": {"value": 0.5, "low": 0.4, "high": 0.6}}}
    result["seconds"] = {"total": 11.0, "train": 9.0}
    found = {id: RunView(id, "finished", config, result=result) for id, config in configs.items()}
    better = {**result, "measures": {"ndcg@10": {"value": 0.375, "low": 0.3, "high": 0.4}}}
    better["measures"] |= {"shuffle_cost": one}
    found[race["markov"].run_id] = RunView(race["markov"].run_id, "finished", race["markov"], result=better)
    assert measure.read(values.values(), found) == {
        "alpha": {
            **{"score": "0.250", "again": "25%", "other": "0", "listed": "25%", "lead": "0.125"},
            **{"ends_zh": "0.400 至 0.600", "ends_en": "0.400 to 0.600", "whole": "20", "path": "0.500"},
            **{"width": f"{alpha.lab().configs()[''].settings['width']}", "model": "sasrec"},
        }
    }
    for broken in ({"measures": {}}, {}, None):
        views = {id: RunView(id, "failed", result=broken) for id in configs}
        for name in ("score", "path", "lead", "ends"):
            with pytest.raises(CourseError) as caught:
                values[name].read(views)
            assert caught.value.key == "measure_missing"
    with pytest.raises(CourseError) as caught:
        values["score"].read({})
    assert caught.value.key == "measure_missing"


def test_a_value_is_of_the_run_with_its_own_data(house):
    house.edit(
        "lessons/alpha/lesson.toml",
        'settings = {model = "markov"}',
        'settings = {model = "markov"}\ndata = {dataset = "shop-trends/tiny"}',
    )
    house.write("lessons/alpha/values.toml", VALUES)
    lesson = house.course().lesson("alpha")
    (listed,) = [one for one in read_values(lesson, house.lessons) if one.name == "listed"]
    assert listed.runs == (lesson.lab("race").configs()["markov"],)
    assert listed.configs[0].data["dataset"].name == "shop-trends"


def scaled(shoppers: int, parameters: int, loss: float, targets: int = 0) -> RunView:
    """A finished run as the law's picture reads it; four epochs."""
    config = RunConfig.make("next_item", {}, {"model": "sasrec", "shoppers": shoppers, "epochs": 4})
    result = {
        "measures": {"loss": {"value": loss, "low": loss, "high": loss}},
        "oracle_loss": {"filtered": {"value": 3.0, "low": 2.9, "high": 3.1}},
        **{"parameters": parameters, "epochs": 4, "seconds": {"total": 9.0, "train": 5.0}},
    }
    prepared = {"kind": "prepared", "parameters": parameters, "targets": targets or 4 * shoppers}
    return RunView("", "finished", config, events={"prepared": (prepared,)}, result=result)


def test_a_law_by_hand():
    """3 + 40 x^-0.5 to the fourth run, and then nothing more is gained. The largest stands first."""
    sizes = [100, 200, 400, 800]
    runs = [scaled(0, 3200, 3 + 40 / math.sqrt(800)), *(scaled(0, size, 3 + 40 / math.sqrt(size)) for size in sizes)]
    assert derived("scaling.exponent", runs).value == pytest.approx(0.5)
    assert derived("scaling.r2", runs).value == pytest.approx(1)
    assert derived("scaling.straight_r2", runs).value < 0.999
    assert derived("scaling.expected", runs).value == pytest.approx(3 + 40 / math.sqrt(3200))
    assert derived("scaling.promise", runs).value == pytest.approx(40 / math.sqrt(800) - 40 / math.sqrt(3200))
    assert derived("scaling.factor", runs).value == 4
    assert 3.0 < derived("scaling.free_floor", runs).value < 3 + 40 / math.sqrt(800)
    assert derived("scaling.free_r2", runs).value > 0.95


def test_a_law_of_more_data_goes_by_what_was_learned_from():
    runs = [scaled(size, 100, 3 + 40 / size**0.5, targets=4 * size) for size in (100, 200, 400, 800, 1600)]
    assert derived("scaling.exponent", runs).value == pytest.approx(0.5)
    assert derived("scaling.expected", runs).value == pytest.approx(4.0)


def test_no_law_of_too_few_runs():
    few = [scaled(0, size, 5 - size / 1000) for size in (100, 200, 300)]
    with pytest.raises(CourseError):
        derived("scaling.exponent", few)
    with pytest.raises(CourseError):
        derived("scaling.expected", [*few, RunView("", "running")])


def test_a_cost_by_hand():
    run = scaled(100, 1000, 4.0, targets=2000)
    assert derived("cost.operations", [run]).value == 6 * 1000 * 2000
    assert derived("cost.joules", [run]) == Estimate(60.0, 20.0, 100.0)
    assert derived("cost.total_seconds", [run, run]).value == 20  # 18, to five
    with pytest.raises(CourseError):
        derived("cost.joules", [RunView("", "running")])


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('measure = "ndcg@10"', 'measure = "ndgc@10"', "ndgc@10"),
        ('as = "score"', 'as = "scores"', "scores"),
        (', as = "score"', "", "score.as"),
        ('lab = "train"', 'lab = "trian"', "trian"),
        ('lab = "train", ', "", "score.lab"),
        ('run = "markov"', 'run = "markoff"', "markoff"),
        ('run = "markov", ', "", "race"),
        ('dataset = "shop/tiny"', 'dataset = "mall"', "mall"),
        ('setting = "width"', 'setting = "breadth"', "breadth"),
        ('measure = "hr@10"', 'measure = "hr@10", fact = "shop.products"', "again"),
        ('measure = "hr@10"', 'measure = "hr@10", colour = "red"', "colour"),
        ('minus = "popularity"', 'minus = "bestsellers"', "bestsellers"),
        ('lab = "race", derived', 'lab = "race", minus = "markov", derived', "minus"),
        ("range = true", "range = 1", "range"),
        ("score = {", "score = 7 # {", "score"),
        ("again = {", "again = [", "line 3"),
    ],
)
def test_a_value_that_cannot_be_had_is_said(house, old, new, says):
    house.write("lessons/alpha/values.toml", VALUES.replace(old, new, 1))
    with pytest.raises(CourseError) as caught:
        read_values(house.course().lesson("alpha"), house.lessons)
    for language in LANGUAGES:
        said = caught.value.text(language)
        assert "values.toml" in said
        assert says in said or language == "zh"


def test_a_lesson_without_the_file_has_no_values(house):
    assert read_values(house.course().lesson("alpha"), house.lessons) == ()
