"""Complete Journey's further tables, from the real package: nothing is lost, numbers meet, what is said is counted."""

from __future__ import annotations

import tomllib
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from course_lib.data import complete_journey, journey_tables, registry
from course_lib.data.columns import Columns
from course_lib.data.dataset import Address
from course_lib.errors import CourseError

C = Columns
FILES = {
    "campaigns": "campaign_descriptions",
    "campaign_households": "campaigns",
    "coupons": "coupons",
    "redemptions": "coupon_redemptions",
    "households": "demographics",
}
RENAMED = {
    "campaign_id": C.CAMPAIGN,
    "campaign_type": C.CAMPAIGN_KIND,
    "household_id": C.HOUSEHOLD,
    "coupon_upc": C.COUPON_CODE,
    "product_id": C.ARTICLE,
    "start_date": C.STARTS,
    "end_date": C.ENDS,
    "redemption_date": C.TIME,
    "age": C.AGE,
    "income": C.INCOME,
    "home_ownership": C.HOME,
    "marital_status": C.MARRIED,
    "household_size": C.HOUSEHOLD_SIZE,
    "household_comp": C.HOUSEHOLD_KIND,
    "kids_count": C.KIDS,
}


@pytest.fixture(autouse=True)
def _home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """One home for this file, so that each table is made once."""
    monkeypatch.setenv("LIVEREC_HOME", str(tmp_path_factory.getbasetemp() / "journey-tables"))
    complete_journey._items.cache_clear()


def address(size: str = "small") -> Address:
    return registry.resolve("complete-journey", size)


def table(name: str, size: str = "small") -> pd.DataFrame:
    return registry.load_table(address(size), name)


@pytest.fixture(scope="module")
def promoted() -> pd.DataFrame:
    """Every row of the package's promotions that concerns two articles, as it is there."""
    articles = pa.array(complete_journey.item_numbers().index[[100, 4000]])
    found = [
        batch.filter(pc.is_in(batch["product_id"], articles)).to_pandas() for batch in complete_journey.promotion_rows()
    ]
    return pd.concat(found, ignore_index=True)


@pytest.mark.parametrize("name", FILES)
def test_every_row_and_value_of_the_package_is_there_in_its_order(name: str) -> None:
    """Times as seconds, numbers as they were, texts as categories that lose none."""
    ours, theirs = table(name), complete_journey.table(FILES[name])
    assert len(ours) == len(theirs)
    for column in theirs:
        mine = ours[RENAMED[column]]
        if theirs[column].dtype.kind == "M":
            pd.testing.assert_series_equal(pd.to_datetime(mine, unit="s").astype(theirs[column].dtype), theirs[column],
                                           check_names=False)  # fmt: skip
        elif isinstance(mine.dtype, pd.CategoricalDtype):
            assert mine.isna().equals(theirs[column].isna())
            known = theirs[column].notna()
            assert mine[known].astype(str).tolist() == theirs.loc[known, column].astype(str).tolist()
        else:
            assert mine.tolist() == theirs[column].tolist()


@pytest.mark.parametrize("size", complete_journey.SIZES)
@pytest.mark.parametrize("name", ["campaign_households", "redemptions", "households"])
def test_users_are_those_of_the_events(name: str, size: str) -> None:
    """A household's user number stands for the same purchases here and there; -1 for who has none in this size."""
    bought = complete_journey.lines()
    bought = bought[complete_journey._kept(bought, size)]
    baskets = registry.load(address(size)).events.groupby(C.USER)[C.BASKET].agg(set)
    of_household = bought.groupby("household_id")["basket_id"].agg(set)
    pairs = table(name, size)[[C.HOUSEHOLD, C.USER]].drop_duplicates()
    there = pairs[pairs[C.USER] >= 0]
    assert len(there) > 300
    assert all(baskets[user] == of_household[number] for number, user in there.itertuples(index=False))
    assert not set(pairs.loc[pairs[C.USER] < 0, C.HOUSEHOLD]) & set(of_household.index)


def test_items_are_those_of_the_catalogue() -> None:
    """An article's product is that of its category and type; 0 for articles that are none of the catalogue's."""
    codes = complete_journey.products().set_index("product_id")[C.CODE]
    items = registry.load_items(address())
    pairs = table("coupons")[[C.ARTICLE, C.ITEM]].drop_duplicates()
    known = pairs[pairs[C.ITEM] > 0]
    assert (codes[known[C.ARTICLE]].to_numpy() == items[C.CODE].to_numpy()[known[C.ITEM] - 1]).all()
    others = pairs.loc[pairs[C.ITEM] == 0, C.ARTICLE]
    assert len(others) > 1000
    assert not codes.reindex(others).isin(items[C.CODE]).any()


def test_promotions_count_every_row_of_the_package(promoted: pd.DataFrame) -> None:
    """Their sum is the package's rows; two products' counts are at least those of one of their articles each."""
    found = table("promotions")
    assert not found.duplicated([C.ITEM, C.WEEK, C.DISPLAY, C.MAILER]).any()
    assert found[C.COUNT].sum() == 20_940_529
    assert found[C.WEEK].min() == 0
    assert found[C.WEEK].max() == 52
    assert not ((found[C.DISPLAY] == "none") & (found[C.MAILER] == "none")).any()
    numbers = complete_journey.item_numbers()
    assert len(promoted) > 0
    single = promoted.groupby(["product_id", "week", "display_location", "mailer_location"]).size()
    counts = found.set_index([C.ITEM, C.WEEK, C.DISPLAY, C.MAILER])[C.COUNT]
    for (article, week, display, mailer), count in single.items():
        place = journey_tables.DISPLAYS[display], journey_tables.MAILERS[mailer]
        assert counts[(numbers[article], week - 1, *place)] >= count


def test_promotions_by_hand() -> None:
    """Two batches, an article outside the catalogue and beyond its numbers, counted as one would on paper."""
    rows = {"product_id": [7, 7, 9, 10**7], "week": [1, 1, 53, 2]}
    places = {"display_location": ["0", "0", "A", "9"], "mailer_location": ["D", "D", "0", "Z"]}
    batch = pa.RecordBatch.from_pydict(rows | places)
    package = journey_tables.Package(
        complete_journey.table,
        lambda: [batch.slice(0, 1), batch.slice(1)],
        lambda: np.array([1]),
        lambda: pd.Series([2, 1], index=[7, 9], dtype="int32"),
    )
    found = journey_tables.promotions(package)
    assert found.astype(object).to_numpy().tolist() == [
        [0, 1, "secondary location", "free on front, back or wrap", 1],
        [1, 52, "in shelf", "none", 1],
        [2, 0, "none", "front page", 2],
    ]


def test_what_the_card_says_is_counted() -> None:
    rows = tomllib.loads((complete_journey.NAMES.parent / "card.toml").read_text(encoding="utf-8"))["rows"]
    for name in journey_tables.TABLES:
        found = table(name)
        assert rows[name] == len(found), name
        if C.USER in found:
            assert rows[f"{name}_no_user"] == (found[C.USER] < 0).sum()
            assert (table(name, "full")[C.USER] >= 0).all()
    coupons, promotions = table("coupons"), table("promotions")
    assert rows["coupons_no_item"] == (coupons[C.ITEM] == 0).sum()
    assert rows["coupons_twice"] == coupons.duplicated().sum()
    assert rows["promotion_rows"] == promotions[C.COUNT].sum()
    assert rows["promotions_no_item"] == promotions.loc[promotions[C.ITEM] == 0, C.COUNT].sum()


def test_households_with_facts_buy_more() -> None:
    """The card warns that they are no sample of all."""
    lines = complete_journey.table("transactions").groupby("household_id").size()
    told = lines.index.isin(table("households")[C.HOUSEHOLD])
    assert lines[told].mean() > 2 * lines[~told].mean()


def test_facts_are_in_order() -> None:
    facts = table("households")
    for column in (C.AGE, C.INCOME, C.HOUSEHOLD_SIZE, C.KIDS):
        assert facts[column].cat.ordered
    assert facts[C.INCOME].max() == "250K+"
    assert facts[C.INCOME].min() == "Under 15K"


def test_a_text_that_nobody_knows_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rather than lost: a newer package may have other words."""
    monkeypatch.setattr(journey_tables, "AGES", journey_tables.AGES[1:])
    for language in ("en", "zh"):
        with pytest.raises(CourseError) as caught:
            complete_journey.make_table("households", "small")
        assert all(word in caught.value.text(language) for word in ("households", "19-24", complete_journey.PACKAGE))


def test_unreadable_promotions_name_themselves(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("importlib.resources.files", lambda module: tmp_path)
    with pytest.raises(CourseError, match=r"promotions\.parquet"):
        next(complete_journey.promotion_rows())
