"""Open Bandit: what a fashion shop showed to whom by which policy with which chance, and what was clicked.

    python -m course_lib data add open-bandit PATH      # the whole data as published: 26 million impressions
    python -m course_lib.data.open_bandit PATH          # makes the sample in data/open_bandit anew, from package obp

Saito, Aihara, Matsutani & Narita, Open Bandit Dataset and Pipeline, NeurIPS 2021. Two policies, uniform random and
Thompson sampling ("bts"), ran side by side for a week in three campaigns. The sample that comes with the course is the
one of the authors' package: 10,000 impressions of each policy in each campaign. There are no shoppers in it, only
impressions, so that nothing can be trained on it: it is there for its tables, one a campaign, and the products.

Both are read from the published layout, ``{policy}/{campaign}/{campaign}.csv`` with ``item_context.csv`` beside it, in
a folder or a zip. A table is a campaign: the random policy's rows, then the other's, each in order of time.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from course_lib.data.cache import SUMS, Pieces, drafted
from course_lib.data.columns import Columns
from course_lib.data.dataset import Source, Table
from course_lib.data.receipts import SHARED, Receipt, today
from course_lib.errors import CourseError
from course_lib.settings import PROJECT, load_settings

NAME = "open-bandit"
POLICIES = ("random", "bts")
CAMPAIGNS = ("all", "men", "women")
PRODUCTS = "products"
POSITIONS = 3
SAMPLE, FULL = "sample", "full"
BLOCK = (
    2**22
)  # bytes of a CSV file that are parsed at once; four times as many take four times the memory, no less time
FORMAT = 1  # raise it when the code below makes something else of the same files

IMPRESSION_COLUMNS = (
    Columns.TIME, Columns.POLICY, Columns.POSITION, Columns.ITEM, Columns.PROPENSITY, Columns.CLICK,
    Columns.VISITOR_GROUP_0, Columns.VISITOR_GROUP_1, Columns.VISITOR_GROUP_2, Columns.VISITOR_GROUP_3,
)  # fmt: skip
PRODUCT_COLUMNS = (
    Columns.CAMPAIGN, Columns.ITEM, Columns.CODE, Columns.ITEM_NUMBER, Columns.ITEM_GROUP_1, Columns.ITEM_GROUP_2,
    Columns.ITEM_GROUP_3,
)  # fmt: skip
HASH = 8  # characters that are kept of a hash: enough to tell a handful of groups apart
READ = {
    "timestamp": pa.timestamp("us", "UTC"), "item_id": pa.int32(), "position": pa.int16(), "click": pa.int8(),
    "propensity_score": pa.float64(), **{f"user_feature_{n}": pa.string() for n in range(4)},
}  # fmt: skip
RULES: dict[str, Callable[[pd.Series, int], pd.Series]] = {  # what a value may be, given the number of products
    "timestamp": lambda values, n: values.notna(),
    "item_id": lambda values, n: values.between(0, n - 1),
    "position": lambda values, n: values.between(1, POSITIONS),
    "click": lambda values, n: values.isin((0, 1)),
    "propensity_score": lambda values, n: (values > 0) & (values <= 1),
    **{f"user_feature_{n}": lambda values, n: values.notna() for n in range(4)},
}

# What a file may raise that is cut off, locked, or none; pyarrow's errors are ValueErrors and KeyErrors
UNREADABLE = (OSError, ValueError, KeyError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error)

Opener = Callable[[], IO[bytes]]


@contextlib.contextmanager
def _files(path: Path) -> Iterator[dict[str, Opener]]:
    """The published files in a folder or zip, by ``policy/campaign/file``; raises CourseError where there are none."""
    wanted = [f"{policy}/{campaign}/{name}" for policy in POLICIES for campaign in CAMPAIGNS
              for name in (f"{campaign}.csv", "item_context.csv")]  # fmt: skip
    with contextlib.ExitStack() as stack:
        if path.is_dir():
            found = {one.relative_to(path).as_posix(): _from_folder(one) for one in sorted(path.rglob("*.csv"))}
        else:
            try:
                archive = stack.enter_context(zipfile.ZipFile(path))
            except UNREADABLE as error:
                raise CourseError("open_bandit_path", path=path.name) from error
            found = {name: _from_zip(archive, name) for name in archive.namelist()}
        by_part = {part: [name for name in found if f"/{name}".endswith(f"/{part}")] for part in wanted}
        if missing := [part for part, names in by_part.items() if not names]:
            raise CourseError("open_bandit_missing", path=path.name, file=missing[0])
        yield {part: found[min(names, key=len)] for part, names in by_part.items()}


def _unreadable(name: str, error: Exception) -> CourseError:
    reason = (str(error).strip() or type(error).__name__).splitlines()[0]
    return CourseError("open_bandit_file", file=name, reason=reason[:200])


def _from_folder(path: Path) -> Opener:
    return lambda: path.open("rb")


def _from_zip(archive: zipfile.ZipFile, name: str) -> Opener:
    return lambda: archive.open(name)


def _products(files: dict[str, Opener], campaign: str) -> pd.DataFrame:
    """PRODUCT_COLUMNS of a campaign. Each policy's log has other hashes beside it; the random policy's are kept."""
    name = f"{POLICIES[0]}/{campaign}/item_context.csv"
    try:
        with files[name]() as file:
            read = pd.read_csv(file)
        numbers = read["item_id"].to_numpy(np.int32)
        columns = [
            np.full(len(read), campaign, object),
            numbers + 1,
            [f"{campaign} {number}" for number in numbers],
            read["item_feature_0"].to_numpy(np.float64),
            *(read[f"item_feature_{n}"].astype(str).str[:HASH].to_numpy(object) for n in (1, 2, 3)),
        ]
    except UNREADABLE as error:
        raise _unreadable(name, error) from error
    if not len(read) or not np.array_equal(numbers, np.arange(len(read))):
        raise CourseError("open_bandit_file", file=name, reason="item_id must be 0, 1, 2, ...")
    return pd.DataFrame(dict(zip(PRODUCT_COLUMNS, columns, strict=True)))


def _impressions(files: dict[str, Opener], policy: str, campaign: str, products: int) -> Iterator[pd.DataFrame]:
    """IMPRESSION_COLUMNS of one log, some ten thousands of rows at a time."""
    name, row = f"{policy}/{campaign}/{campaign}.csv", 1
    options = pyarrow.csv.ConvertOptions(include_columns=list(READ), column_types=READ)
    try:
        with (
            files[name]() as file,
            pyarrow.csv.open_csv(
                file, pyarrow.csv.ReadOptions(use_threads=False, block_size=BLOCK), convert_options=options
            ) as reader,
        ):
            for batch in reader:
                read = batch.to_pandas()
                for column, rule in RULES.items():
                    if (bad := ~rule(read[column], products).to_numpy(bool)).any():
                        place = int(bad.argmax())
                        value = read[column].iloc[place]
                        raise CourseError("open_bandit_row", file=name, row=row + place + 1, column=column, value=value)
                row += len(read)
                if len(read):
                    yield _as_log(read, policy)
    except UNREADABLE as error:
        raise _unreadable(name, error) from error
    if row == 1:
        raise CourseError("open_bandit_file", file=name, reason="no rows")


def _as_log(read: pd.DataFrame, policy: str) -> pd.DataFrame:
    columns = (
        read["timestamp"].to_numpy("datetime64[s]").astype(np.int64),
        pd.Categorical.from_codes(np.full(len(read), POLICIES.index(policy)), pd.Index(POLICIES)),
        read["position"].to_numpy(np.int16),
        read["item_id"].to_numpy(np.int32) + np.int32(1),
        read["propensity_score"].to_numpy(np.float64),
        read["click"].to_numpy(bool),
        *(pd.Categorical(read[f"user_feature_{n}"].str[:HASH]) for n in range(4)),
    )
    return pd.DataFrame(dict(zip(IMPRESSION_COLUMNS, columns, strict=True)))


def write(path: Path, folder: Path, tick: Callable[[float], None] | None = None) -> dict[str, int]:
    """Writes the tables of what lies at ``path`` as ``folder``, whole or not at all; gives rows by ``policy/campaign``.

    Every row is kept; of its columns the affinities of a user to all products are not. Memory stays under a few hundred
    MB whatever the size. Raises CourseError for what is not the published layout, naming file, row and column.
    """
    rows: dict[str, int] = {}
    try:
        with _files(path) as files, drafted(folder, replace=True) as draft, contextlib.closing(Pieces(draft)) as out:
            for number, campaign in enumerate(CAMPAIGNS):
                products = _products(files, campaign)
                out.add(PRODUCTS, products)
                for place, policy in enumerate(POLICIES):
                    name = f"{policy}/{campaign}"
                    for piece in _impressions(files, policy, campaign, len(products)):
                        out.add(campaign, piece)
                        rows[name] = rows.get(name, 0) + len(piece)
                    if tick:
                        tick((2 * number + place + 1) / (len(CAMPAIGNS) * len(POLICIES)))
    except OSError as error:
        raise CourseError("intake_not_stored", name=NAME, reason=error.strerror or error) from error
    return rows


def installed() -> Path:
    """Where the whole data lies, once somebody has added it."""
    return load_settings().home / "data" / SHARED / NAME


def install(path: Path, tick: Callable[[float], None] | None = None) -> dict[str, int]:
    """Takes in the whole data as published; raises what :func:`write` does, and where it is there already."""
    if installed().exists():
        raise CourseError("intake_name_taken", name=NAME)
    return write(path, installed(), tick)


def folder_of(size: str) -> Path:
    """The folder of one size's tables."""
    return PROJECT / "data" / "open_bandit" / "tables" if size == SAMPLE else installed()


def remove() -> Receipt:
    """Deletes the whole data and what was prepared of it, not the sample; raises CourseError where it is not there."""
    folder = installed()
    if not folder.is_dir():
        raise CourseError("intake_no_dataset", name=NAME)
    files = {path.name: path.stat().st_size for path in sorted(folder.iterdir())}
    gone = version(FULL) if SUMS in files else ""
    try:
        for one in (folder, *load_settings().datasets.glob(f"{NAME}-{FULL}-*")):
            shutil.rmtree(one)
    except OSError as error:
        raise CourseError("intake_not_removed", name=NAME, reason=error.strerror or error) from error
    return Receipt(NAME, SHARED, gone, files, sum(files.values()), today())


def version(size: str) -> str:
    """12 hexadecimal digits over the tables' checksums."""
    try:
        sums = (folder_of(size) / SUMS).read_bytes()
    except OSError as error:
        raise CourseError("intake_damaged", name=NAME) from error
    return hashlib.sha256(f"{FORMAT} ".encode() + sums).hexdigest()[:12]


def _pieces(table: str) -> Callable[[str], Iterator[pd.DataFrame]]:
    def pieces(size: str) -> Iterator[pd.DataFrame]:
        try:
            with pq.ParquetFile(folder_of(size) / f"{table}.parquet") as file:
                for group in range(file.num_row_groups):
                    yield file.read_row_group(group).to_pandas()
        except (OSError, ValueError) as error:
            raise CourseError("intake_damaged", name=NAME) from error

    return pieces


def source() -> Source:
    """Open Bandit as the registry knows it: the sample, and the whole where somebody has added it."""
    sizes = (SAMPLE, FULL) if os.path.isfile(installed() / SUMS) else (SAMPLE,)  # False where nothing may be read
    return Source(sizes, version, tables={name: Table(version, _pieces(name)) for name in (*CAMPAIGNS, PRODUCTS)})


def main(path: str) -> None:
    """Makes the sample anew from the folder ``obd`` of package obp."""
    write(Path(path), folder_of(SAMPLE))


if __name__ == "__main__":
    main(sys.argv[1])
