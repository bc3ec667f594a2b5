"""How long a run is said to take: by its like, else by what its kind costs, at the pace of this machine."""

from __future__ import annotations

import pytest
from run_helpers import make

from course_lib.experiments.catalogue import experiment_cards
from course_lib.experiments.config import RunConfig
from course_lib.runs.durations import FIRST_GUESS_S, Costs, Durations, costs

SASREC, MARKOV = ("next_item", "shop/tiny", "sasrec"), ("next_item", "shop/tiny", "markov")
KNOWN = Costs({SASREC: (20.0, 4.0), MARKOV: (0.5, 0.0)}, {"shop/tiny": 1000, "shop/large": 50_000})


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> Costs:
    monkeypatch.setattr("course_lib.runs.durations.costs", lambda: KNOWN)
    return KNOWN


def test_before_anything_was_measured_here_the_file_says_it(known: Costs) -> None:
    durations = Durations()
    assert durations.estimate(make(epochs=4)) == 20.0
    assert durations.estimate(make(epochs=9)) == 40.0, "twice the epochs, and one for the rest"
    assert durations.estimate(RunConfig.make(settings={"model": "markov"})) == 0.5
    large = RunConfig.make(data={"dataset": ("shop", "large")}, settings={"epochs": 4})
    assert durations.estimate(large) == 1000.0, "fifty times the rows"
    other = RunConfig.make(data={"dataset": ("shop", "other")}, settings={"epochs": 4})
    assert durations.estimate(other) == 20.0, "how many rows it has is not known"
    assert durations.estimate(RunConfig.make(settings={"model": "ease"})) == FIRST_GUESS_S


def test_what_was_measured_here_counts_more(known: Costs) -> None:
    durations = Durations()
    for seconds in (9.0, 18.0, 900.0):  # one slow run does not count for much
        durations.add(make(epochs=8), seconds)
    assert durations.estimate(make(epochs=8)) == pytest.approx(18.0)
    assert durations.estimate(make(epochs=17)) == pytest.approx(36.0)


def test_a_slow_machine_is_slow_for_all_kinds(known: Costs) -> None:
    durations = Durations()
    durations.add(make(epochs=4), 60.0)
    assert durations.estimate(RunConfig.make(settings={"model": "markov"})) == pytest.approx(1.5), "three times as slow"


def test_a_kind_whose_cost_nobody_knows_says_nothing_of_the_machine(known: Costs) -> None:
    durations = Durations()
    durations.add(RunConfig.make(settings={"model": "ease"}), 600.0)
    assert durations.estimate(make(epochs=4)) == 20.0
    assert durations.estimate(RunConfig.make(settings={"model": "ease"})) == 600.0


def test_what_the_file_names_is_there() -> None:
    """An entry for a kind that no longer exists would never be found."""
    assert costs().runs
    for (experiment, *rest), (seconds, epochs) in costs().runs.items():
        card = experiment_cards()[experiment]
        assert not card.light
        assert len(rest) == len(card.data) + len(card.chooses)
        assert seconds > 0
        assert epochs >= 0
