"""The shop with trends and launches: the same types and times, other products, none before its launch."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
import pytest

from course_lib.data import registry
from course_lib.data.cards import load_card
from course_lib.data.checks import check
from course_lib.data.columns import Columns
from course_lib.errors import CourseError
from course_lib.shop import simulate as simulator
from course_lib.shop import source, trends
from course_lib.shop.simulate import DAY, events_frame
from course_lib.shop.trends import Trends, trending, trending_frame
from course_lib.shop.world import World

SHOPPERS = 600
START = "shopper.start_date"


@pytest.fixture(scope="module")
def stationary(world: World) -> pd.DataFrame:
    return events_frame(world, SHOPPERS)


@pytest.fixture(scope="module")
def changing(world: World) -> pd.DataFrame:
    return trending_frame(world, SHOPPERS)


def told(**changed: float) -> Mapping[str, float]:
    """The published numbers, some changed; ``fashion_width`` stands for "fashion.width"."""
    return {**trends.published(), **{name.replace("_", ".", 1): value for name, value in changed.items()}}


def days(world: World, events: pd.DataFrame) -> np.ndarray:
    start = int(pd.Timestamp(world.parameters[START]).timestamp())
    return (events[Columns.TIME].to_numpy() - start) / DAY


def test_types_and_times_are_those_of_the_shop(world: World, stationary: pd.DataFrame, changing: pd.DataFrame) -> None:
    same = [Columns.USER, Columns.TIME, Columns.BASKET]
    pd.testing.assert_frame_equal(changing[same], stationary[same])
    kinds = [world.catalogue.type[frame[Columns.ITEM].to_numpy() - 1] for frame in (changing, stationary)]
    np.testing.assert_array_equal(*kinds)
    assert (changing[Columns.ITEM] != stationary[Columns.ITEM]).mean() > 0.5


@pytest.mark.parametrize("seed", [20230601, 1, 2])
def test_nothing_is_sold_before_its_launch(world: World, seed: int) -> None:
    """To the second at which the events say it was sold."""
    lives = Trends.make(world, told(seed=seed))
    events = trending_frame(world, SHOPPERS, lives)
    launch = lives.launch[events[Columns.ITEM].to_numpy() - 1]
    assert (days(world, events) >= launch).all()
    assert np.isfinite(launch).mean() > 0.05, "launched products are sold"


def test_the_same_numbers_give_the_same_bytes(world: World, changing: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(trending_frame(world, SHOPPERS), changing)
    other = trending_frame(world, SHOPPERS, Trends.make(world, told(seed=7)))
    assert (other[Columns.ITEM] != changing[Columns.ITEM]).any()


def test_the_first_shoppers_are_those_of_a_smaller_shop(world: World, blocks_of: Callable[[int], None]) -> None:
    blocks_of(40)
    large = trending_frame(world, 100)
    small = trending_frame(world, 50)  # one whole block and a part of the next
    pd.testing.assert_frame_equal(large[large[Columns.USER] < 50], small)


def test_a_product_sells_most_around_its_peak_and_after_its_launch(world: World) -> None:
    """How often a product of the type is the one bought while ``near`` holds for it."""
    lives = Trends.make(world)
    events = trending_frame(world, simulator.BLOCK)
    when, item = days(world, events), events[Columns.ITEM].to_numpy() - 1
    first = world.first_item[world.catalogue.type[item]][:, None]
    offered = first + np.arange(world.parameters["catalogue.products_per_type"])  # (E, W) all products of the type

    def share(near: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> float:
        return float(near(item, when).sum() / near(offered, when[:, None]).sum())

    peaking = share(lambda product, day: np.abs(day - lives.peak[product]) < 20)
    far = share(lambda product, day: np.abs(day - lives.peak[product]) > 150)
    assert peaking > 2 * far
    fresh = share(lambda product, day: (day >= lives.launch[product]) & (day < lives.launch[product] + 20))
    settled = share(lambda product, day: day >= lives.launch[product] + 100)
    assert fresh > 1.5 * settled


def test_without_trends_the_products_follow_the_shops_own_law(world: World) -> None:
    """Strength, novelty and launches at 0: the same distribution as the shop's, though other draws."""
    still = Trends.make(world, told(fashion_strength=0, launch_novelty=0, launch_share=0))
    products = len(world.catalogue.type)
    counts = [
        np.bincount(frame[Columns.ITEM], minlength=products + 1)
        for frame in (trending_frame(world, simulator.BLOCK, still), events_frame(world, simulator.BLOCK))
    ]
    both = counts[0] + counts[1]
    large = both >= 20
    z = (counts[0] - counts[1])[large] / np.sqrt(both[large])
    assert 0.8 < (z**2).mean() < 1.5, "as two draws of one law differ; repeats make them a little less even"


def test_repeats_of_consumables_stay_as_likely(world: World) -> None:
    """Of the purchases of a consumable bought before, at least ``loyalty`` are the same product again."""
    same = total = 0
    for block in trending(world, simulator.BLOCK):
        last: dict[tuple[int, int], int] = {}
        for row, length in enumerate(block.length):
            for item in block.items[row, :length].tolist():
                kind = int(world.catalogue.type[item])
                before = last.get((row, kind))
                if before is not None and not world.durable[kind]:
                    total, same = total + 1, same + (before == item)
                last[row, kind] = item
    assert same / total > world.parameters["choice.loyalty"]


def test_every_type_has_something_on_the_first_day(world: World) -> None:
    lives = Trends.make(world, told(launch_share=0.9))
    always = np.isinf(lives.launch)
    assert (np.bincount(world.catalogue.type[always], minlength=len(world.durable)) >= 1).all()


@pytest.mark.parametrize(
    ("line", "instead", "key"),
    [
        ("width = 45.0", "width = 0.0", "setting_out_of_range"),
        ("share = 0.33", "share = nan", "setting_out_of_range"),
        ("share = 0.33", 'share = "many"', "setting_not_a_number"),
        ("share = 0.33", "shares = 0.33", "unknown_setting"),
        ("last_day = 450", "last_day = 3", "setting_out_of_range"),
    ],
)
def test_numbers_that_cannot_be_are_refused(line: str, instead: str, key: str) -> None:
    published = trends.FILE.read_text(encoding="utf-8")
    assert line in published
    with pytest.raises(CourseError) as caught:
        trends.numbers(published.replace(line, instead))
    assert caught.value.key == key
    for language in ("zh", "en"):
        assert instead.split(" ")[0] in caught.value.text(language)


def test_it_is_a_dataset_of_its_own(world: World) -> None:
    dataset = registry.load(registry.resolve(trends.NAME, "tiny"))
    assert check(dataset) == ()
    assert dataset.address.version != registry.resolve("shop", "tiny").version
    assert len({trends.version(size) for size in source.sizes()}) == len(source.sizes())
    pd.testing.assert_frame_equal(registry.load(dataset.address).events, dataset.events)


def test_its_card_counts_what_is_there(world: World) -> None:
    rows = load_card(trends.NAME).rows
    events = registry.load(registry.resolve(trends.NAME)).events
    assert rows["shoppers"] == events[Columns.USER].nunique()
    assert rows["events"] == len(events)
    assert rows["items"] == len(world.catalogue.type)
    assert rows["launched"] == np.isfinite(Trends.make(world).launch).sum()
