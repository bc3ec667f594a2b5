"""The shop week by week: its own law where nothing is shown, the stated law where something is, and the same again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import chi2_contingency

from course_lib.data.columns import Columns
from course_lib.data.histories import Histories
from course_lib.errors import CourseError
from course_lib.shop import recommenders
from course_lib.shop.parameters import load_parameters
from course_lib.shop.recommenders import Log, Recommender, Refit, by_sales, oracle, popularity
from course_lib.shop.simulate import DAY, simulate
from course_lib.shop.truth import life as lives
from course_lib.shop.truth import weeks as truth
from course_lib.shop.truth.life import Life, Occasions
from course_lib.shop.weeks import SHOWN_COLUMNS, WEEK_EVENT_COLUMNS, Week, advance, begin, log, run
from course_lib.shop.world import World, make_world

Blocks = Callable[[int], None]


def changed(**numbers: float) -> World:
    """The shop with other numbers: ``weeks__leave=0`` is the path weeks.leave."""
    parameters = load_parameters()
    for name, value in numbers.items():
        parameters = parameters.replaced(name.replace("__", "."), value)
    return make_world(parameters)


def rare(count: int | float, expected: float, variance: float) -> bool:
    """Whether a count lies where fewer than one in 100,000 would."""
    return bool(abs(count - expected) > 4.5 * np.sqrt(variance))


def lived(world: World, refit: Refit, shoppers: int = 400, weeks: int = 3, warmup: int = 2) -> tuple[Life, list[Week]]:
    life = begin(world, shoppers, warmup=warmup)
    return life, list(run(world, life, refit, weeks))


def last(life: Life) -> Occasions:
    assert life.last is not None
    return life.last


def test_shoppers_are_those_of_the_shop(world: World) -> None:
    """User n of the weeks is user n of the shop, the five returning ones included."""
    life = begin(world, 300, warmup=0)
    people = next(simulate(world, 300)).truth
    np.testing.assert_array_equal(life.taste, people.taste)
    np.testing.assert_array_equal(life.budget, people.budget)
    np.testing.assert_array_equal(life.interest, people.interest[:, 0])
    assert life.week == 0
    assert (life.length == 0).all()


def test_without_slates_purchases_follow_the_shops_law() -> None:
    """The n-th purchase has the types of the simulator's n-th, and follows the one before as it does there.

    Both shops begin on one day and nobody leaves without a purchase, so that seasons and calendars agree.
    """
    world = changed(weeks__leave=0.0, shopper__start_days=0, shopper__events_minimum=12)
    life = begin(world, 2000, seed=3, warmup=0)
    while life.length.min() < 6:
        advance(world, life, None)
    (block,) = simulate(world, 2000, seed=4)
    ours, theirs = life.items[:, :6] - 1, block.items[:, :6]
    types = world.catalogue.type
    department = pd.factorize(world.catalogue.items[Columns.DEPARTMENT])[0]
    for n in (0, 2, 5):
        assert unlike(types[ours[:, n]], types[theirs[:, n]]) > 1e-4
    stays = [(department[items[:, 1:]] == department[items[:, :-1]]).sum(1) for items in (ours, theirs)]
    assert unlike(*stays) > 1e-4
    again = [np.array([len(set(row)) for row in types[items]]) for items in (ours, theirs)]
    assert unlike(*again) > 1e-4


def unlike(ours: np.ndarray, theirs: np.ndarray) -> float:
    """p-value of the chi-square test that two samples of categories have one law; rare categories together."""
    size = int(max(ours.max(), theirs.max())) + 1
    table = np.stack([np.bincount(ours, minlength=size), np.bincount(theirs, minlength=size)])
    common = table.sum(0) >= 20
    table = np.column_stack([table[:, common], table[:, ~common].sum(1)])
    return float(chi2_contingency(table[:, table.sum(0) > 0]).pvalue)


def test_visits_come_at_the_calendars_rate(world: World) -> None:
    """Days between a shopper's occasions: the shop's visit_share in minutes, the rest with the shopper's own mean."""
    life = begin(world, 500, warmup=0)
    parts = []
    for _ in range(12):
        advance(world, life, None)
        parts.append(last(life))
    whole = Occasions.joined(parts)
    wait = np.diff(whole.days)[whole.users[1:] == whole.users[:-1]]
    share = world.parameters["shopper.visit_share"]
    # Over a window, visits a shopper are about window / gap, and occasions are visits / (1 - share).
    visits = (1 + 12 * 7.0 / life.gap).sum()  # the first occasion of all is at once or after a wait
    assert len(whole) == pytest.approx(visits / (1 - share), rel=0.06)
    assert (wait < 0.006).mean() == pytest.approx(share, abs=0.03)


@pytest.mark.parametrize("refit", [oracle, popularity], ids=["oracle", "popularity"])
def test_the_slate_sells_as_stated(refit: Refit) -> None:
    """With everything looked at, sales from the slate and visits without a purchase are those of the formula."""
    world = changed(weeks__attention=0.0, weeks__leave=0.5)
    life, _ = lived(world, refit, shoppers=1500, weeks=2)
    week, boost = last(life), np.exp(world.parameters["weeks.salience"])
    assert week.looked.all()
    mass = week.relevance.astype(float)
    total = 0.5 + 1 + (boost - 1) * mass
    for happened, chance in ((week.position > 0, boost * mass / total), (week.bought < 0, 0.5 / total)):
        assert not rare(happened.sum(), chance.sum(), (chance * (1 - chance)).sum())


def test_a_slate_without_salience_changes_nothing() -> None:
    """The shop's own probabilities are calibrated: as often as they say, what is bought is among ten products."""
    world = changed(weeks__salience=0.0, weeks__leave=0.0)
    life, _ = lived(world, oracle, shoppers=1500, weeks=2)
    week = last(life)
    inside = (week.slate == week.bought[:, None]).any(1)
    chance = week.relevance.astype(float)
    assert not rare(inside.sum(), chance.sum(), (chance * (1 - chance)).sum())


def test_positions_are_looked_at_as_stated(world: World) -> None:
    life, _ = lived(world, popularity, shoppers=1500, weeks=1)
    looked = last(life).looked
    for j in range(looked.shape[1]):
        chance = (j + 1) ** -world.parameters["weeks.attention"]
        assert not rare(looked[:, j].sum(), chance * len(looked), max(chance * (1 - chance) * len(looked), 1e-9))


def test_the_frames_say_what_happened(world: World) -> None:
    life, weeks = lived(world, popularity)
    week, happened = weeks[-1], last(life)
    assert tuple(week.shown.columns) == SHOWN_COLUMNS
    assert tuple(week.events.columns) == WEEK_EVENT_COLUMNS
    assert week.visits == len(happened) > week.shown[Columns.BASKET].nunique() * 0.99
    assert (week.shown.groupby(Columns.BASKET).size() == world.parameters["weeks.slate"]).all()
    start = pd.Timestamp(world.parameters["shopper.start_date"]).timestamp()
    for frame in (week.shown, week.events):
        assert (frame[Columns.WEEK] == week.number).all()
        day = (frame[Columns.TIME] - start) / DAY
        assert day.between(week.number * 7 - 1e-4, week.number * 7 + 7 + 1e-4).all()
        assert frame[Columns.USER].is_monotonic_increasing
    taken = week.shown[week.shown[Columns.BOUGHT]]
    slate = week.events[~week.events[Columns.ORGANIC]]
    keys = [Columns.BASKET, Columns.ITEM, Columns.POSITION]
    pd.testing.assert_frame_equal(taken[keys].reset_index(drop=True), slate[keys].reset_index(drop=True))
    assert len(slate) > 10
    assert (week.events.loc[week.events[Columns.ORGANIC], Columns.POSITION] == 0).all()
    assert week.events[Columns.BASKET].is_unique


def test_histories_are_the_purchases(world: World) -> None:
    """What a recommender learns from is what the frames of all weeks say was bought, in that order."""
    life, weeks = lived(world, popularity, warmup=0)
    events = pd.concat([week.events for week in weeks])
    histories = log(world, life).histories
    assert len(histories) == len(life)
    bought = events.sort_values([Columns.USER, Columns.TIME], kind="stable")
    np.testing.assert_array_equal(histories.items, bought[Columns.ITEM])
    np.testing.assert_array_equal(histories.lengths, np.bincount(events[Columns.USER], minlength=len(life)))


def test_a_recommender_sees_each_shoppers_history_so_far(world: World) -> None:
    """Also what was bought earlier in the same week."""
    asked: list[Histories] = []

    def spy(histories: Histories) -> np.ndarray:
        asked.append(histories)
        return np.zeros((len(histories), len(world.catalogue.type) + 1))

    life = begin(world, 50, warmup=0)
    advance(world, life, spy)
    assert asked[0].lengths.max() == 0
    most = life.histories(np.arange(50)).lengths.max()
    assert most - 1 <= max(histories.lengths.max() for histories in asked) <= most


def watching(seen: list[Log]) -> Refit:
    """Shows first what was shown least in the week before; what it returns hangs on both halves of the log."""

    def refit(log: Log) -> Recommender:
        seen.append(log)
        counts = np.bincount(log.shown[Columns.ITEM].astype(int), minlength=log.num_items + 1)
        sold = np.bincount(log.histories.items, minlength=log.num_items + 1)
        return lambda histories: np.tile(sold - 10.0 * counts, (len(histories), 1))

    return refit


@pytest.mark.parametrize("refit", [by_sales(7), watching([])], ids=["by_sales", "watching"])
def test_stopped_and_continued_it_is_the_same(refit: Refit, world: World, tmp_path: Path) -> None:
    straight, weeks = lived(world, refit, shoppers=150, weeks=4)
    life = begin(world, 150, warmup=2)
    parts = []
    for n in range(4):
        lives.save(world, life, tmp_path / f"{n}.npz")
        life = lives.load(world, tmp_path / f"{n}.npz")
        parts += run(world, life, refit, 1)
    for one, other in zip(weeks, parts, strict=True):
        pd.testing.assert_frame_equal(one.shown, other.shown)
        pd.testing.assert_frame_equal(one.events, other.events)
    for name in lives.ARRAYS:
        np.testing.assert_array_equal(getattr(straight, name), getattr(life, name))
    assert truth.measures(world, straight) == truth.measures(world, life)
    assert [path.name for path in sorted(tmp_path.iterdir())] == [f"{n}.npz" for n in range(4)]


def test_the_log_names_the_week_and_what_it_saw(world: World) -> None:
    seen: list[Log] = []
    _, weeks = lived(world, watching(seen), shoppers=100)
    assert [log.week for log in seen] == [2, 3, 4] == [week.number for week in weeks]
    assert len(seen[0].shown) == 0  # the warm-up shows nothing
    pd.testing.assert_frame_equal(seen[1].shown, weeks[0].shown)


def test_another_seed_is_another_shop(world: World) -> None:
    ours, theirs = (begin(world, 100, seed=seed, warmup=2).histories().items.tolist() for seed in (1, 2))
    assert ours != theirs


def test_the_first_shoppers_of_a_larger_shop(world: World, blocks_of: Blocks) -> None:
    """Without a recommender, which learns from all, what one does does not hang on who else is there."""
    blocks_of(50)
    small, large = (begin(world, shoppers, warmup=4) for shoppers in (70, 180))
    assert small.histories().items.tolist() == large.histories(np.arange(70)).items.tolist()
    np.testing.assert_array_equal(small.next_day, large.next_day[:70])
    assert not np.array_equal(large.next_day[5:50], large.next_day[55:100])


def test_tastes_turn_towards_what_is_shown_and_keep_their_strength(world: World) -> None:
    """One product shown to everybody for long: tastes come nearer to its style. Without slates none moves."""
    item = 17

    def one(log: Log) -> Recommender:
        scores = np.full(log.num_items + 1, -np.inf)
        scores[item] = 1.0
        return lambda histories: np.tile(scores, (len(histories), 1))

    life, weeks = lived(world, one, shoppers=200, weeks=6)
    assert set(weeks[0].shown[Columns.ITEM]) == {item}  # places of products scored -inf stay empty
    style = world.catalogue.style[item - 1]
    for taste in (life.taste, life.first_taste):
        np.testing.assert_allclose(np.linalg.norm(taste, axis=1), np.linalg.norm(life.first_taste, axis=1), rtol=1e-4)
    angle = [(taste @ style) / np.linalg.norm(taste, axis=1) for taste in (life.first_taste, life.taste)]
    moved = truth.drift(life)["moved"].to_numpy() > 0
    assert moved.mean() > 0.9
    assert (angle[1] >= angle[0] - 1e-4)[moved].all()
    organic, _ = lived(world, recommenders.nothing, shoppers=200)
    assert (truth.drift(organic)["moved"] == 0).all()
    assert truth.measures(world, life)["spread"] < truth.measures(world, organic)["spread"]


def test_the_truth_of_a_week_is_that_of_its_purchases(world: World) -> None:
    life, weeks = lived(world, oracle)
    bought, events = truth.purchases(world, life), weeks[-1].events
    for name in (Columns.USER, Columns.ITEM):
        assert bought[name].tolist() == events[name].tolist()
    goods, choice, week = world.catalogue, world.parameters["choice"], last(life)
    sold = np.flatnonzero(week.bought >= 0)
    for n in (0, len(sold) // 2, len(sold) - 1):
        item, user = bought[Columns.ITEM][n] - 1, bought[Columns.USER][n]
        over = max(goods.price_level[item] - life.budget[user], 0)
        for name, taste in (("fit", week.taste[sold[n]]), ("first_fit", life.first_taste[user])):
            by_hand = choice["taste"] * taste @ goods.style[item] - choice["price"] * over**2
            assert bought[name][n] == pytest.approx(by_hand, abs=1e-4)
    assert bought["wanted"].between(0, 1).all()
    assert (bought["wanted"] > 0).all(), "what happened was possible"


def test_a_relevant_slate_sells_more_and_fits_better(world: World) -> None:
    """The oracle against random, the same shoppers and visits: more sales, a more relevant slate."""
    found = {}
    for name in ("random", "oracle"):
        life, weeks = lived(world, recommenders.BASELINES[name], shoppers=1000)
        found[name] = (sum(len(week.events) for week in weeks), truth.measures(world, life)["relevance"])
    assert found["oracle"][0] > 1.05 * found["random"][0]
    assert found["oracle"][1] > 0.4 > 0.05 > found["random"][1]


@pytest.mark.parametrize("scores", [lambda h: np.full((len(h), 1261), np.nan), lambda h: np.zeros((len(h), 1260))])
def test_scores_that_are_none_are_refused(scores: Callable[[Histories], np.ndarray], world: World) -> None:
    with pytest.raises((CourseError, ValueError), match=r"not a number|expected"):
        advance(world, begin(world, 20, warmup=0), scores)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_slate_of_more_products_than_there_are_is_refused(language: str) -> None:
    """As a sentence that names the number and its range, before anything has happened."""
    world = changed(weeks__slate=1261)
    life = begin(world, 20, warmup=0)
    with pytest.raises(CourseError) as caught:
        advance(world, life, "oracle")
    assert all(part in caught.value.text(language) for part in ("weeks.slate", "1261", "1260"))
    assert life.week == 0
    assert not life.occasions.any()


def test_the_largest_slate_has_every_product(world: World) -> None:
    whole = changed(weeks__slate=1260)
    life = begin(whole, 20, warmup=0)
    shown = advance(whole, life, "oracle").shown
    assert len(shown)
    assert (shown.groupby(Columns.BASKET)[Columns.ITEM].nunique() == len(world.catalogue.type)).all()


def test_no_truth_before_the_first_week(world: World) -> None:
    with pytest.raises(ValueError, match="no week"):
        truth.measures(world, begin(world, 20, warmup=0))


def test_a_damaged_or_foreign_file_is_refused(world: World, tmp_path: Path) -> None:
    path = tmp_path / "life.npz"
    lives.save(world, begin(world, 30, warmup=1), path)
    whole = path.read_bytes()
    with pytest.raises(CourseError, match="other parameters"):
        lives.load(changed(weeks__leave=0.1), path)
    middle = len(whole) // 2
    broken = [b"", b"no npz", whole[:middle], whole[:middle] + b"\0" * 50 + whole[middle + 50 :]]
    for content in broken:
        path.write_bytes(content)
        with pytest.raises(CourseError, match=r"life\.npz"):
            lives.load(world, path)
    with pytest.raises(CourseError, match=r"none\.npz"):
        lives.load(world, tmp_path / "none.npz")
