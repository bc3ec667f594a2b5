"""The recipe from the data: valid for every size, bounded by the budget, and what was chosen by hand stays."""

from __future__ import annotations

import itertools

import pytest

from course_lib.data.counts import Counts
from course_lib.errors import CourseError
from course_lib.experiments.catalogue import experiment_card
from course_lib.models.catalogue import model_cards
from course_lib.training.recipe import BUDGET_S, longer, recipe, seconds_an_epoch, training_s

CARD = experiment_card("next_item")
MOVIES = Counts(671, 9066, 100_004, 78_159)
NEURAL = [name for name, card in model_cards().items() if card.neural and card.task == "next_item"]
SIZES = [
    Counts(users, items, users * each, max(users, users * each // basket))
    for users, each, items, basket in itertools.product(
        (3, 40, 671, 12_000, 300_000), (1, 3, 12, 150), (1, 60, 9_000, 500_000), (1, 8)
    )
] + [
    Counts(1_000_000, 30_000, 10_000_000, 10_000_000),
    Counts(3, 1, 3, 3),
    Counts(5, 1_000_000, 10_000_000, 10_000_000),
]


@pytest.mark.parametrize("model", NEURAL)
def test_valid_for_every_size(model: str) -> None:
    """From three users to ten million events: each value is one that a run may have, and the whole goes together."""
    for counts, budget in itertools.product(SIZES, (5, 30, 300)):
        found = recipe(counts, model, budget)
        checked = CARD.check({"model": model, **found.settings})
        assert {name: checked[name] for name in found.settings} == found.settings
        assert checked["schedule"] == "averaged", "whatever was trained can be made longer"


def test_it_keeps_to_the_budget() -> None:
    """Unless a single pass over one shopper is too much already, which only a made-up catalogue can do."""
    for counts, budget in itertools.product(SIZES, (5, 30, 300)):
        found = recipe(counts, "sasrec", budget)
        alone = recipe(counts, "sasrec", budget, {"shoppers": 1, "epochs": 1}).seconds
        assert found.seconds <= 1.1 * max(budget, alone), (counts, found)
        assert found.seconds == pytest.approx(training_s(counts, found.settings), rel=0.3)


def test_more_seconds_never_mean_less_training() -> None:
    for counts in SIZES:
        seen = [(one := recipe(counts, "sasrec", budget), one.settings) for budget in (5, 15, 30, 60, 120, 600)]
        learned = [one.epochs * int(settings.get("shoppers", counts.users)) for one, settings in seen]
        if len({settings["loss"] for _, settings in seen}) == 1:
            assert learned == sorted(learned), counts


def test_more_data_never_mean_a_narrower_model_or_more_passes() -> None:
    grown = [Counts(users, 2000, users * 12, users * 12) for users in (10, 100, 1_000, 10_000, 100_000, 1_000_000)]
    found = [recipe(counts, "sasrec") for counts in grown]
    widths, epochs = ([one.settings[name] for one in found] for name in ("width", "epochs"))
    assert widths == sorted(widths)
    assert epochs == sorted(epochs, reverse=True)


def test_long_histories_want_a_long_view() -> None:
    found = [recipe(Counts(500, 900, 500 * each, 500 * each), "sasrec").settings for each in (1, 3, 10, 30, 300)]
    lengths = [one["history_length"] for one in found]
    assert lengths == sorted(lengths)
    assert lengths[0] < lengths[-1] == 50


def test_what_was_chosen_by_hand_stays_and_the_rest_follows() -> None:
    hand = {"width": "32", "loss": "softmax", "dropout": 0.35, "patience": 0, "learning_rate": 0.001}
    found = recipe(MOVIES, "sasrec", 30, hand)
    assert {name: found.settings[name] for name in hand} == {**hand, "width": 32}
    assert set(found.by_hand) == set(hand)
    assert found.epochs < recipe(MOVIES, "sasrec", 30).epochs, "scoring every film takes longer"
    assert recipe(MOVIES, "sasrec", 30, {"epochs": 2}).settings["epochs"] == 2
    assert recipe(MOVIES, "sasrec", 30, {"shoppers": 60}).settings["shoppers"] == 60


def test_a_large_catalogue_is_sampled_and_a_small_one_is_not() -> None:
    assert recipe(MOVIES, "sasrec").settings["loss"] == "sampled"
    assert recipe(Counts(943, 300, 100_000, 100_000), "sasrec").settings["loss"] == "softmax"


def test_where_one_pass_does_not_fit_some_of_the_shoppers_are_learned_from() -> None:
    found = recipe(Counts(1_000_000, 30_000, 10_000_000, 10_000_000), "sasrec", 30)
    assert found.epochs == 1
    assert 0 < int(found.settings["shoppers"]) < 1_000_000


def test_a_counted_model_has_no_recipe_and_a_bad_value_is_refused() -> None:
    assert recipe(MOVIES, "markov").settings == {}
    with pytest.raises(CourseError) as refused:
        recipe(MOVIES, "sasrec", 30, {"width": 4000})
    assert refused.value.key == "setting_out_of_range"


def test_longer_adds_what_fits_and_ends_at_the_setting_s_limit() -> None:
    settings = {"model": "sasrec", **recipe(MOVIES, "sasrec").settings}
    more = longer(MOVIES, settings, BUDGET_S)
    assert more == settings["epochs"] * 2, "as many again in as many seconds"
    assert seconds_an_epoch(MOVIES, settings) * (more - int(settings["epochs"])) <= 1.1 * BUDGET_S
    assert longer(MOVIES, {**settings, "epochs": 100}) is None
