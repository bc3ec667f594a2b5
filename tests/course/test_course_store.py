import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from course_lib.errors import CourseError


def test_everything_is_back_after_a_restart_and_in_a_second_browser(open_at, address):
    first = open_at(address)
    learner = first.learner()
    learner.record_answer("alpha", "order", [1], correct=False, version="v1")
    learner.record_answer("alpha", "order", [0, 2], correct=True, version="v1")
    learner.record_guess("alpha", "ahead", "behind")
    learner.record_guess("alpha", "share", 0.75)
    learner.record_step("alpha", "why")
    learner.record_run("alpha", "0123456789abcdef", "width=32&epochs=8", {"epoch": 3})
    learner.record_run("alpha", "fedcba9876543210")
    learner.record_challenge("alpha", "small", "0123456789abcdef", False, {"missing": [["ndcg@10", 0.02]]})
    learner.set_preference("language", "zh")
    seen_beside = open_at(address).learner().activity()
    before = learner.activity()
    first.close()
    learner = open_at(address).learner("local")
    assert learner.activity() == before == seen_beside
    assert learner.preference("language") == "zh"
    assert (learner.answers("alpha")["order"].chosen, learner.answers("alpha")["order"].correct) == ((0, 2), True)
    assert [answer.correct for answer in learner.attempts("alpha")] == [False, True]
    assert {name: guess.value for name, guess in learner.guesses("alpha").items()} == {"ahead": "behind", "share": 0.75}
    assert learner.last_run("alpha").run_id == "fedcba9876543210"
    assert learner.runs("alpha")[0].state == {"epoch": 3}
    assert learner.challenges("alpha")[0].details == {"missing": [["ndcg@10", 0.02]]}


def test_nothing_yet(open_at, address):
    learner = open_at(address).learner()
    assert learner.answers("alpha") == {}
    assert learner.last_run("alpha") is None
    assert learner.preference("language") is None
    assert learner.preference("language", "en") == "en"


def test_learners_and_lessons_are_kept_apart(open_at, address):
    store = open_at(address)
    store.learner("甲").record_answer("alpha", "q", [0], correct=True)
    store.learner("乙").record_answer("alpha", "q", [1], correct=False)
    store.learner("甲").record_answer("beta", "q", [2], correct=False)
    assert store.learner("甲").answers("alpha")["q"].chosen == (0,)
    assert store.learner("乙").answers("alpha")["q"].chosen == (1,)
    assert store.learner("乙").answers("beta") == {}


def test_a_finished_step_stays_finished(open_at, address):
    learner = open_at(address).learner()
    learner.record_step("alpha", "why")
    learner.record_step("alpha", "why", completed=True)
    learner.record_step("alpha", "why")
    learner.record_step("alpha", "idea")
    assert {step.anchor: step.completed for step in learner.steps("alpha")} == {"why": True, "idea": False}


def test_preferences_are_overwritten(open_at, address):
    learner = open_at(address).learner()
    for value in ("zh", "en", {"theme": ["dark", 1, 0.5, True]}):
        learner.set_preference("language", value)
        assert learner.preference("language") == value


def test_a_hundred_sessions_write_at_once_and_nothing_is_lost(open_at, address):
    store = open_at(address, patience=60.0)
    ready = threading.Barrier(20)

    def session(number):
        ready.wait()
        learner = store.learner(f"learner {number % 5}")
        for question in range(10):
            learner.record_answer("alpha", f"q{question}", [number], correct=True)
            learner.record_step("alpha", "why", completed=question == 9)
            learner.set_preference("language", number)

    with ThreadPoolExecutor(20) as pool:
        list(pool.map(session, range(20)))
    for number in range(5):
        learner = store.learner(f"learner {number}")
        assert len(learner.attempts()) == 4 * 10
        assert [(step.anchor, step.completed) for step in learner.steps()] == [("why", True)]
        assert learner.preference("language") % 5 == number


def test_two_stores_on_one_database_write_at_once(open_at, address):
    stores = [open_at(address, patience=60.0) for _ in range(4)]

    def session(store):
        for place in range(25):
            store.learner("one").record_guess("alpha", "share", place / 100)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(session, stores))
    assert len(stores[0].learner("one").guess_attempts()) == 100


@pytest.mark.parametrize("value", ["", "\x00", "a\x00b", "\ud800", None, 3, b"x"])
def test_names_that_no_database_takes(open_at, address, value):
    learner = open_at(address).learner()
    for record in (
        lambda: learner.record_step(value, "why"),
        lambda: learner.record_run("alpha", value),
        lambda: learner.set_preference(value, 1),
        lambda: learner.store.learner(value),
    ):
        with pytest.raises(CourseError) as raised:
            record()
        assert raised.value.key == "value_not_storable"


@pytest.mark.parametrize("value", [None, float("nan"), float("inf"), object(), {1, 2}, "a\x00b"])
def test_values_that_json_does_not_hold(open_at, address, value):
    with pytest.raises(CourseError) as raised:
        open_at(address).learner().set_preference("x", value)
    assert raised.value.key == "value_not_storable"


def test_long_strings(open_at, address):
    learner = open_at(address).learner()
    learner.record_run("alpha", "r", "链" * 100_000)
    assert learner.last_run("alpha").link == "链" * 100_000
    for record in (
        lambda: learner.record_run("alpha", "r", "x" * 100_001),
        lambda: learner.record_run("alpha", "r", "", {"x": "y" * 100_001}),
        lambda: learner.record_run("a" * 201, "r"),
    ):
        with pytest.raises(CourseError) as raised:
            record()
        assert raised.value.key == "value_too_long"
    assert len(learner.runs()) == 1


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.text(min_size=1, max_size=60), value=st.recursive(st.booleans() | st.text() | st.integers(), st.lists))
def test_any_text_comes_back_as_it_was_or_is_refused(open_at, tmp_path_factory, name, value):
    learner = _shared(open_at, tmp_path_factory)
    try:
        learner.set_preference(name, value)
    except CourseError as error:
        assert error.key == "value_not_storable"  # noqa: PT017
        assert "\x00" in name + repr(value).replace("\\x00", "\x00") or any("\ud800" <= c <= "\udfff" for c in name)
    else:
        assert learner.preference(name) == value


def _shared(open_at, factory, cache={}):  # noqa: B006
    if "learner" not in cache:
        cache["learner"] = open_at(factory.mktemp("any") / "course.sqlite").learner()
    return cache["learner"]


def test_sql_in_a_name_is_only_a_name(open_at, address):
    learner = open_at(address).learner("'; DROP TABLE answers; --")
    learner.record_answer("alpha", "%s {} :x ?", [0], correct=True)
    assert list(learner.answers("alpha")) == ["%s {} :x ?"]


def test_a_page_reads_everything_once_and_sees_every_write(open_at, address):
    store = open_at(address)
    plain, page = store.learner(), store.learner(for_a_page=True)
    store.learner("other").record_guess("alpha", "share", 0.9)
    plain.record_guess("alpha", "share", 0.5)
    plain.record_guess("beta", "ahead", "behind")
    for run in ("r1", "r2"):
        plain.record_run("alpha", run, "?seed=1", {"x": 1})
    plain.record_step("alpha", "why")
    plain.set_preference("language", "zh")
    asked = []
    sa.event.listen(store.engine, "before_cursor_execute", lambda *about: asked.append(about[2]))

    def all_of(learner):
        asked.clear()
        own = [learner.guesses("alpha"), learner.guesses("gamma"), learner.attempts(), learner.challenges("alpha")]
        own += [learner.last_run("alpha"), learner.last_run("beta"), learner.steps("alpha"), learner.activity()]
        return [*own, learner.preference("language"), learner.preference("none", "otherwise")]

    assert all_of(page) == all_of(plain)
    assert all_of(page)[4].run_id == "r2"
    assert not [one for one in asked if "SELECT" in one]

    page.record_answer("alpha", "order", [1], correct=True)  # its own
    assert [answer.question for answer in page.attempts("alpha")] == ["order"]
    plain.record_step("alpha", "why", completed=True)  # another's in this process
    assert page.steps("alpha")[0].completed
    assert all_of(page) == all_of(plain)
