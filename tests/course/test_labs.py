import dataclasses

import pytest
from sample_result import RESULT

from course_lib.course.challenges import GradedChallenge, grade_challenge
from course_lib.course.grading import own_results
from course_lib.course.guesses import Guess, ScoredGuess, grade_guess, truth_of
from course_lib.course.measures import Estimate
from course_lib.course.values import read_values
from course_lib.errors import CourseError
from course_lib.experiments.catalogue import experiment_cards
from course_lib.experiments.config import RunConfig
from course_lib.runs.view import RunView


@pytest.fixture
def lesson(house):
    return house.course().lesson("alpha")


def with_measure(name, value, low, high):
    return {**RESULT, "measures": {**RESULT["measures"], name: {"value": value, "low": low, "high": high}}}


def graded(guess: Guess, value: object, result=RESULT) -> ScoredGuess:
    return grade_guess(guess, value, truth_of(guess, {"": result}))


def held(challenge, result, config: RunConfig) -> GradedChallenge:
    return grade_challenge(challenge, result, config.settings, config.data["dataset"].name)


def own(lesson, **changed) -> RunConfig:
    """The first lab's run, some settings changed."""
    lab = lesson.lab()
    return RunConfig.make(lab.experiment, lab.data, {**lab.settings, **changed}, lab.seed)


def test_a_lab_is_read(lesson):
    lab = lesson.lab()
    assert (lab.id, lab.experiment, lab.seed, lab.shows) == ("train", "next_item", 3, ("model", "width"))
    assert lab.data == {"dataset": ("shop", None)}
    assert lab.trouble is None
    (config,) = lab.configs().values()
    assert list(lab.configs()) == [""]
    assert (config.seed, config.settings["epochs"], config.settings["model"]) == (3, 4, "sasrec")


def test_a_lab_that_compares_has_a_list_of_runs(lesson):
    lab = lesson.lab("race")
    assert [run.name("zh") for run in lab.runs] == ["流行度", "马尔可夫"]
    configs = lab.configs()
    assert {id: (one.settings["model"], one.seed) for id, one in configs.items()} == {
        "popularity": ("popularity", 1),
        "markov": ("markov", 5),
    }
    assert len({one.run_id for one in configs.values()}) == 2


def test_a_run_may_have_data_of_its_own(house):
    """Of the lab's settings otherwise; and what the prose tells of such a run is of its data."""
    house.edit(
        "lessons/alpha/lesson.toml",
        'settings = {model = "markov"}',
        'settings = {model = "markov"}\ndata = {dataset = "shop-trends/tiny"}',
    )
    found = {
        id: config.data["dataset"]
        for lab in house.course().lesson("alpha").labs
        for id, config in lab.configs().items()
    }
    odd = [id for id, address in found.items() if address.name != "shop"]
    assert len(odd) == 1
    assert (found[odd[0]].name, found[odd[0]].size) == ("shop-trends", "tiny")


def test_a_lab_that_is_not_there_names_the_known(lesson):
    with pytest.raises(CourseError, match="train, race"):
        lesson.lab("rice")


def test_a_light_lab_has_no_runs_to_train(house, monkeypatch, tmp_path):
    """What it says of its settings stands in for a result."""
    from course_lib.course.labs import as_result
    from course_lib.experiments import catalogue

    (tmp_path / "next_item.py").write_bytes((catalogue.FOLDER / "next_item.py").read_bytes())
    (tmp_path / "sums.py").write_text(SUMS, encoding="utf-8")
    monkeypatch.setattr(catalogue, "FOLDER", tmp_path)
    monkeypatch.setattr(catalogue, "module_of", lambda path: f"course_lib.experiments.{path.stem}")
    assert set(experiment_cards()) == {"next_item", "sums"}
    house.edit(
        "lessons/alpha/lesson.toml",
        '[[lab]]\nid = "race"',
        '[[lab]]\nid = "sum"\nexperiment = "sums"\n[[lab]]\nid = "race"',
    )
    assert house.found() == []
    lab = house.course().lesson("alpha").lab("sum")
    assert lab.card.light
    assert lab.configs() == {}
    assert as_result({"measures": {"sum": 1}, "lines": []}) == {"measures": {"sum": 1}}


SUMS = '''"""A sum."""
SETTINGS = {"a": (1, 0, 9)}
MEASURES = {"sum": "count"}


def answer(settings, asked):
    return {"measures": {"sum": {"value": settings["a"], "low": settings["a"], "high": settings["a"]}}}
'''


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('experiment = "next_item"\nseed = 3', 'experiment = "alchemy"\nseed = 3', "alchemy"),
        ('shows = ["model", "width"]', 'shows = ["model", "breadth"]', "breadth"),
        ("epochs = 4\n[[lab]]", "epochs = 4000\n[[lab]]", "epochs"),
        ('dataset = "shop"', 'dataset = "mall"', "mall"),
        ('settings = {model = "markov"}', 'settings = {model = "oracle"}', "oracle"),
    ],
)
def test_a_lab_that_cannot_be_opened_leaves_the_lesson_open(house, old, new, says):
    house.edit("lessons/alpha/lesson.toml", old, new)
    lesson = house.course().lesson("alpha")
    assert lesson.ready
    (broken,) = [lab for lab in lesson.labs if lab.trouble]
    for language in ("zh", "en"):
        assert says in broken.trouble.text(language)
    (problem,) = lesson.problems
    assert problem.error.key == "lesson_lab"
    assert not problem.fatal


def test_a_guess_about_a_list_of_runs(lesson):
    """One run's measure, or one run's less another's, as independent estimates."""
    results = {"a": with_measure("ndcg@10", 0.30, 0.27, 0.33), "b": with_measure("ndcg@10", 0.20, 0.16, 0.24)}
    guess = dataclasses.replace(lesson.guesses[1], truth="ndcg@10", run="a")
    assert truth_of(guess, results).value == 0.30
    less = truth_of(dataclasses.replace(guess, minus="b"), results)
    assert (less.value, less.low, less.high) == pytest.approx((0.10, 0.05, 0.15))
    with pytest.raises(CourseError) as raised:
        truth_of(guess, {"b": RESULT})
    assert raised.value.key == "measure_missing"


def test_a_choice_against_the_interval(lesson):
    guess = lesson.guesses[0]  # SASRec minus Markov, below or above 0
    assert graded(guess, "ahead").verdict == "right"
    wrong = graded(guess, "behind")
    assert (wrong.verdict, wrong.right) == ("wrong", ("ahead",))
    assert wrong.distance == pytest.approx(0.05)  # the interval is 0.05..0.15
    level = with_measure("over_markov", 0.0, -0.05, 0.05)
    assert graded(guess, "ahead", level).verdict == "open"
    assert graded(guess, "behind", level).right == ("behind", "ahead")


def test_a_number_against_the_interval(lesson):
    guess = lesson.guesses[1]  # the interval is 0.675..0.825, the slider's step 0.05
    for value in (0.65, 0.675, 0.75, 0.85):
        assert graded(guess, value).verdict == "right"
    for value, distance in ((0.6, 0.075), (0.9, 0.075), (0.0, 0.675)):
        wrong = graded(guess, value)
        assert wrong.verdict == "wrong"
        assert wrong.distance == pytest.approx(distance)


@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan"), "much", None, [], 10**400])
def test_a_number_that_the_slider_does_not_have(lesson, value):
    with pytest.raises(CourseError) as raised:
        graded(lesson.guesses[1], value)
    assert raised.value.key == "guess_out_of_range"


def test_an_option_that_is_not_there(lesson):
    with pytest.raises(CourseError, match="behind, ahead"):
        graded(lesson.guesses[0], "level")


def test_a_challenge_passed_and_missed(lesson):
    challenge = lesson.challenges[0]
    config = own(lesson)
    passed = held(challenge, RESULT, config)
    assert (passed.passed, passed.sure, passed.missing) == (True, False, ())  # 0.27 is below the goal of 0.30
    assert held(challenge, with_measure("ndcg@10", 0.35, 0.31, 0.39), config).sure

    large = with_measure("parameters", 120_000, 120_000, 120_000)["measures"] | {
        "ndcg@10": {"value": 0.28, "low": 0.25, "high": 0.31}
    }
    missed = held(challenge, {"measures": large}, config)
    assert not missed.passed
    assert [(miss.name, miss.relation) for miss in missed.missing] == [
        ("ndcg@10", "at_least"),
        ("parameters", "at_most"),
    ]
    assert [miss.by for miss in missed.missing] == pytest.approx([0.02, 20_000])


def test_a_limit_on_a_setting_and_on_the_data(lesson):
    config = RunConfig.make(data={"dataset": "complete-journey"}, settings={"epochs": 9})
    missed = held(lesson.challenges[0], RESULT, config)
    assert [(miss.name, miss.wanted, miss.got) for miss in missed.missing] == [
        ("dataset", "shop", "complete-journey"),
        ("epochs", 6.0, 9.0),
    ]


def test_a_limit_on_a_setting_that_the_model_does_not_have(lesson):
    challenge = dataclasses.replace(lesson.challenges[0], limits={"heads": 2.0})
    config = RunConfig.make(settings={"model": "markov"})
    assert [miss.name for miss in held(challenge, RESULT, config).missing] == ["heads"]


def test_a_floor_under_a_setting_and_under_a_measure(lesson):
    challenge = dataclasses.replace(lesson.challenges[0], limits={}, floors={"epochs": 5.0, "parameters": 80_000.0})
    missed = held(challenge, RESULT, own(lesson)).missing
    assert [(miss.name, miss.relation, miss.by) for miss in missed] == [("epochs", "at_least", 1.0)]


def test_a_setting_that_is_given(lesson):
    challenge = dataclasses.replace(lesson.challenges[0], limits={}, fixed={"model": "sasrec"})
    assert not held(challenge, RESULT, own(lesson)).missing
    missed = held(challenge, RESULT, own(lesson, model="gru4rec")).missing
    assert [(miss.name, miss.relation, miss.wanted, miss.got) for miss in missed] == [
        ("model", "is", "sasrec", "gru4rec")
    ]


def test_a_challenge_that_asks_for_little(lesson):
    challenge = dataclasses.replace(lesson.challenges[0], measure="seconds", at_least=None, at_most=10.0)
    missed = held(challenge, RESULT, own(lesson))
    assert [(miss.relation, round(miss.by, 6)) for miss in missed.missing] == [("at_most", 2.9)]


def spoken_lab(house, name="language"):
    """A lesson whose lab writes in the language of the page."""
    path = house.lessons / "alpha" / "lesson.toml"
    text = path.read_text(encoding="utf-8")
    lab = f'[[lab]]\nid = "spoken"\nexperiment = "reasons"\npage_language = "{name}"\n[lab.data]\ndataset = "shop"\n'
    path.write_text(text.replace("[[guess]]", f"{lab}\n[[guess]]", 1), encoding="utf-8")
    return house.course().lesson("alpha").lab("spoken")


def test_a_lab_is_read_in_the_language_of_its_page(house):
    lab = spoken_lab(house)
    assert lab.trouble is None
    zh, en = (lab.read_in(language).configs()[""] for language in ("zh", "en"))
    assert (zh.settings["language"], en.settings["language"]) == ("zh", "en")
    assert zh.run_id == lab.configs()[""].run_id, "the experiment's default"
    assert en.run_id != zh.run_id
    plain = house.course().lesson("alpha").lab()
    assert plain.read_in("en") is plain


def test_a_setting_that_is_no_language_closes_the_lab(house):
    assert "epochs" in spoken_lab(house, "epochs").trouble.text("en")


def test_the_run_that_is_finished_grades_whatever_its_language(house):
    lab = spoken_lab(house)
    english = lab.read_in("en").configs()[""].run_id
    for ended in ((), (english,)):
        found = own_results(
            lab, lambda run, ended=ended: RunView(run, "finished", result=RESULT if run in ended else None)
        )
        assert found == ({"": RESULT} if ended else {})


def test_a_number_of_such_a_lab_is_measured_in_each_language(house):
    spoken_lab(house)
    house.write(
        "lessons/alpha/values.toml",
        'both = {lab = "spoken", measure = "true", as = "share"}\n'
        'one = {lab = "spoken", settings = {language = "en"}, measure = "true", as = "share"}\n',
    )
    zh, en, one = read_values(house.course().lesson("alpha"), house.lessons)
    assert [value.runs[0].settings["language"] for value in (zh, en, one)] == ["zh", "en", "en"]
    assert {**zh.write(Estimate(0.5, 0.4, 0.6)), **en.write(Estimate(0.25, 0.2, 0.3))} == {
        "both_zh": "50%",
        "both_en": "25%",
    }
    assert list(one.write(Estimate(0.5, 0.4, 0.6))) == ["one"]
