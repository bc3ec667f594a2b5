"""Complete Journey beside its baskets: campaigns, coupons, redemptions, household facts, promotions.

Every row of the package's tables is kept. Where a household is not among a size's shoppers its USER is -1, and where an
article belongs to no product of the catalogue its ITEM is 0; the package's own numbers stand beside them. Promotions
alone are counted together: 21 million rows of article, store and week become some 245,000 of product and week.

What a place on display or in the mailer is called is from the documentation of the R package completejourney (CRAN).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from course_lib.data.columns import Columns

DISPLAYS = {
    "0": "none", "1": "store front", "2": "store rear", "3": "front end cap", "4": "mid-aisle end cap",
    "5": "rear end cap", "6": "side-aisle end cap", "7": "in aisle", "9": "secondary location", "A": "in shelf",
}  # fmt: skip
MAILERS = {
    "0": "none", "A": "interior page", "C": "interior page line", "D": "front page", "F": "back page",
    "H": "wrap front", "J": "wrap interior coupon", "L": "wrap back", "P": "interior page coupon",
    "X": "free on interior page", "Z": "free on front, back or wrap",
}  # fmt: skip
WEEKS = 53
# In their order, which the files do not give.
AGES = ("19-24", "25-34", "35-44", "45-54", "55-64", "65+")
INCOMES = (
    "Under 15K", "15-24K", "25-34K", "35-49K", "50-74K", "75-99K", "100-124K", "125-149K", "150-174K", "175-199K",
    "200-249K", "250K+",
)  # fmt: skip
SIZES = ("1", "2", "3", "4", "5+")
KIDS = ("0", "1", "2", "3+")


@dataclass(frozen=True)
class Package:
    """What the tables are made of: the package's own, and the numbers of one size's shoppers and products."""

    read: Callable[[str], pd.DataFrame]  # one of the package's tables
    promotions: Callable[[], Iterable[pa.RecordBatch]]  # its largest, some rows at a time
    households: Callable[[], NDArray[np.int64]]  # (N,) in the order of their user numbers, rising
    items: Callable[[], pd.Series[int]]  # item number by article; articles outside the catalogue are not there

    def users_of(self, household: pd.Series[int]) -> NDArray[np.int32]:
        """Their user numbers, -1 for households that are not among the shoppers."""
        numbers, asked = self.households(), household.to_numpy(np.int64)
        place = np.minimum(np.searchsorted(numbers, asked), len(numbers) - 1)
        return np.where(numbers[place] == asked, place, -1).astype(np.int32)

    def items_of(self, article: pd.Series[int]) -> NDArray[np.int32]:
        """Their item numbers, 0 for articles that belong to no product of the catalogue."""
        found = article.map(self.items()).fillna(0)
        return found.to_numpy().astype(np.int32)


def campaigns(package: Package) -> pd.DataFrame:
    """A row a campaign: CAMPAIGN, CAMPAIGN_KIND (Type A, B, C), STARTS and ENDS (the days at midnight)."""
    read = package.read("campaign_descriptions")
    return pd.DataFrame(
        {
            Columns.CAMPAIGN: _campaign(read["campaign_id"]),
            Columns.CAMPAIGN_KIND: _ordered(read["campaign_type"], ("Type A", "Type B", "Type C")),
            Columns.STARTS: _seconds(read["start_date"]),
            Columns.ENDS: _seconds(read["end_date"]),
        }
    )


def campaign_households(package: Package) -> pd.DataFrame:
    """A row for each household that a campaign was sent to: CAMPAIGN, HOUSEHOLD, USER."""
    read = package.read("campaigns")
    return pd.DataFrame({Columns.CAMPAIGN: _campaign(read["campaign_id"]), **_household(package, read)})


def coupons(package: Package) -> pd.DataFrame:
    """A row for each article that a campaign's coupon is good for: COUPON_CODE, CAMPAIGN, ARTICLE, ITEM.

    A few rows stand there twice, as in the files.
    """
    read = package.read("coupons")
    return pd.DataFrame(
        {
            Columns.COUPON_CODE: read["coupon_upc"].to_numpy(np.int64),
            Columns.CAMPAIGN: _campaign(read["campaign_id"]),
            Columns.ARTICLE: read["product_id"].to_numpy(np.int32),
            Columns.ITEM: package.items_of(read["product_id"]),
        }
    )


def redemptions(package: Package) -> pd.DataFrame:
    """A row for each coupon handed in: COUPON_CODE, CAMPAIGN, TIME (the day at midnight), HOUSEHOLD, USER."""
    read = package.read("coupon_redemptions")
    return pd.DataFrame(
        {
            Columns.COUPON_CODE: read["coupon_upc"].to_numpy(np.int64),
            Columns.CAMPAIGN: _campaign(read["campaign_id"]),
            Columns.TIME: _seconds(read["redemption_date"]),
            **_household(package, read),
        }
    )


def households(package: Package) -> pd.DataFrame:
    """A row for each household of which something is known; what is not known is missing.

    HOUSEHOLD, USER, AGE, INCOME (US dollars a year), HOME, MARRIED, HOUSEHOLD_SIZE, HOUSEHOLD_KIND, KIDS.
    """
    read = package.read("demographics")
    homes = ("Homeowner", "Probable Homeowner", "Probable Renter", "Renter")
    kinds = ("1 Adult No Kids", "1 Adult Kids", "2 Adults No Kids", "2 Adults Kids")
    return pd.DataFrame(
        {
            **_household(package, read),
            Columns.AGE: _ordered(read["age"], AGES),
            Columns.INCOME: _ordered(read["income"], INCOMES),
            Columns.HOME: _ordered(read["home_ownership"], homes),
            Columns.MARRIED: _ordered(read["marital_status"], ("Unmarried", "Married")),
            Columns.HOUSEHOLD_SIZE: _ordered(read["household_size"], SIZES),
            Columns.HOUSEHOLD_KIND: _ordered(read["household_comp"], kinds),
            Columns.KIDS: _ordered(read["kids_count"], KIDS),
        }
    )


def promotions(package: Package) -> pd.DataFrame:
    """A row for each product, week and kind of promotion: ITEM, WEEK, DISPLAY, MAILER, COUNT.

    COUNT is the number of the product's articles so promoted, summed over stores: rows of the package's table. WEEK 0
    is 2017-01-01 alone, the others begin on Mondays.
    """
    items = package.items()
    of_article = np.zeros(int(items.index.max()) + 1, np.int64)
    of_article[items.index] = items
    shape = (int(items.max()) + 1, WEEKS, len(DISPLAYS), len(MAILERS))
    counts = np.zeros(shape, np.int32)
    for batch in package.promotions():
        article = batch["product_id"].to_numpy()
        keys = (
            np.where(article < len(of_article), of_article[np.minimum(article, len(of_article) - 1)], 0),
            batch["week"].to_numpy() - 1,
            _codes(batch["display_location"], tuple(DISPLAYS)),
            _codes(batch["mailer_location"], tuple(MAILERS)),
        )
        places, found = np.unique(np.ravel_multi_index(keys, shape), return_counts=True)
        counts.flat[places] += found.astype(np.int32)
    item, week, display, mailer = np.nonzero(counts)
    return pd.DataFrame(
        {
            Columns.ITEM: item.astype(np.int32),
            Columns.WEEK: week.astype(np.int32),
            Columns.DISPLAY: pd.Categorical.from_codes(display, pd.Index(DISPLAYS.values())),
            Columns.MAILER: pd.Categorical.from_codes(mailer, pd.Index(MAILERS.values())),
            Columns.COUNT: counts[item, week, display, mailer],
        }
    )


TABLES: dict[str, Callable[[Package], pd.DataFrame]] = {
    "campaigns": campaigns,
    "campaign_households": campaign_households,
    "coupons": coupons,
    "redemptions": redemptions,
    "households": households,
    "promotions": promotions,
}


def _household(package: Package, read: pd.DataFrame) -> dict[str, NDArray[np.int32]]:
    numbers = read["household_id"]
    return {Columns.HOUSEHOLD: numbers.to_numpy(np.int32), Columns.USER: package.users_of(numbers)}


def _campaign(numbers: pd.Series[int]) -> pd.Categorical[str]:
    """Campaigns by their numbers, in their order."""
    known = np.arange(1, 28)
    return pd.Categorical.from_codes(numbers.to_numpy() - 1, pd.Index([str(number) for number in known]))


def _ordered(values: pd.Series[str], names: Iterable[str]) -> pd.Categorical[str]:
    """Texts as ordered categories; raises ValueError for a text that is none of them, which would be lost."""
    known = list(names)
    if (others := values[values.notna() & ~values.isin(known)]).size:
        raise ValueError(f"{values.name} is {others.iloc[0]!r}")
    return pd.Categorical(values, known, ordered=True)


def _seconds(days: pd.Series[pd.Timestamp]) -> NDArray[np.int64]:
    return days.to_numpy("datetime64[s]").astype(np.int64)


def _codes(texts: pa.Array, names: tuple[str, ...]) -> NDArray[np.int64]:
    """Where each text stands in ``names``."""
    found: NDArray[np.int64] = pc.index_in(texts, pa.array(names, texts.type)).to_numpy().astype(np.int64)
    return found
