"""The published formats, each on a small file of exactly that format; the real Online Retail where it is at hand."""

from __future__ import annotations

import gzip
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from course_lib.data.checks import check
from course_lib.data.columns import Columns
from course_lib.data.dataset import Address, Dataset
from course_lib.data.intake.formats import formats
from course_lib.data.intake.names import REQUIRED, ROLES
from course_lib.data.intake.pipeline import Prepared, look, prepare
from course_lib.data.splits import leave_one_out
from course_lib.errors import CourseError
from course_lib.settings import PROJECT
from course_lib.text import LANGUAGES

USERS, FILMS, START = range(1, 5), range(1, 7), 874_724_710
REAL = PROJECT.parent / "shared" / "data" / "online_retail" / "OnlineRetail.csv.gz"
GENRES = [
    "unknown", "Action", "Adventure", "Animation", "Children's", "Comedy", "Crime", "Documentary", "Drama", "Fantasy",
    "Film-Noir", "Horror", "Musical", "Mystery", "Romance", "Sci-Fi", "Thriller", "War", "Western",
]  # fmt: skip


def taken(path: Path, name: str, explicit: bool = False) -> Prepared:
    """The file taken in, its format recognised by itself unless it is named."""
    seen = look(path, name if explicit else "")
    assert seen.format is not None
    assert seen.format.name == name
    made = prepare(seen)
    dataset = Dataset(Address("x", "full", "0"), made.events, made.items)
    assert check(dataset) == ()
    assert len(leave_one_out(dataset).test)
    return made


def titles(made: Prepared) -> dict[str, str]:
    return dict(zip(made.items[Columns.CODE], made.items[Columns.TITLE_EN], strict=True))


def departments(made: Prepared) -> dict[str, str]:
    return dict(zip(made.items[Columns.CODE], made.items[Columns.DEPARTMENT_EN], strict=True))


def folder(tmp_path: Path, files: dict[str, bytes], packed: bool) -> Path:
    """The files in a folder, or in a zip with a folder inside, as they are downloaded."""
    if packed:
        with zipfile.ZipFile(tmp_path / "download.zip", "w") as archive:
            for name, content in files.items():
                archive.writestr(f"data/{name}", content)
        return tmp_path / "download.zip"
    (tmp_path / "data").mkdir()
    for name, content in files.items():
        (tmp_path / "data" / name).write_bytes(content)
    return tmp_path / "data"


def test_every_format_is_complete() -> None:
    assert {"movielens-100k", "movielens-1m", "movielens-small", "online-retail", "online-retail-2"} <= set(formats())
    assert {"amazon-2023-5core", "amazon-2023-reviews", "retailrocket", "taobao"} <= set(formats())
    for one in formats().values():
        assert one.url.startswith("https://")
        assert len(one.facts) > 60
        assert all(len(one.licences[language]) > 10 and len(one.how[language]) > 20 for language in LANGUAGES)
        columns = one.events.mapping.columns
        assert set(REQUIRED) <= set(columns) <= set(ROLES)
        known = set(one.events.header or one.events.given.names)
        assert set(columns.values()) <= known
        assert one.events.mapping.time_formats
        if one.details is not None and one.details.given.names:
            assert {*one.details.mapping.columns.values(), *one.details.flags} <= set(one.details.given.names)


@pytest.mark.parametrize("packed", [False, True])
def test_movielens_100k(tmp_path: Path, packed: bool) -> None:
    ratings = "".join(f"{u}\t{f}\t{f % 5 + 1}\t{START + 60 * (u + f)}\n" for u in USERS for f in FILMS)
    films = "".join(
        f"{f}|Café “{f}” (1995)|01-Jan-1995||http://us.imdb.com/M/title-exact?{f}|"
        + "|".join("1" if n in (f, f + 1) else "0" for n in range(19))
        + "\n"
        for f in FILMS
    )
    content = films.replace("“", '"').replace("”", '"').encode("latin-1")
    made = taken(
        folder(tmp_path, {"u.data": ratings.encode(), "u.item": content, "README": b"x"}, packed), "movielens-100k"
    )
    assert (made.report.rows_kept, made.report.reasons) == (24, {})
    assert titles(made)["3"] == 'Café "3" (1995)'
    assert departments(made) == {str(f): GENRES[f] for f in FILMS}
    assert made.events[Columns.TIME].min() == START + 120


@pytest.mark.parametrize("packed", [False, True])
def test_movielens_1m(tmp_path: Path, packed: bool) -> None:
    ratings = "".join(f"{u}::{f}::{f % 5 + 1}::{START + 60 * (u + f)}\n" for u in USERS for f in FILMS)
    films = "".join(f"{f}::Misérables, Les: part {f} (1995)::Drama|Musical\n" for f in FILMS).encode("latin-1")
    made = taken(folder(tmp_path, {"ratings.dat": ratings.encode(), "movies.dat": films}, packed), "movielens-1m")
    assert made.report.rows_kept == 24
    assert titles(made)["2"] == "Misérables, Les: part 2 (1995)"
    assert set(departments(made).values()) == {"Drama"}


def test_movielens_small(tmp_path: Path) -> None:
    ratings = "userId,movieId,rating,timestamp\n"
    ratings += "".join(f"{u},{f},{f % 5 + 0.5},{START + 60 * (u + f)}\n" for u in USERS for f in FILMS)
    films = "movieId,title,genres\n" + "".join(f'{f},"American President, The ({f})",Comedy|Romance\n' for f in FILMS)
    files = {
        "ratings.csv": ratings.encode(),
        "movies.csv": films.encode(),
        "tags.csv": b"userId,movieId,tag,timestamp\n",
    }
    made = taken(folder(tmp_path, files, True), "movielens-small")
    assert titles(made)["1"] == "American President, The (1)"
    assert set(departments(made).values()) == {"Comedy"}


AMAZON = [
    (f"AE{u}XYZ", f"B00{f}ABC", float(f % 5 + 1), 1_609_459_200_000 + 86_400_000 * (u + f))
    for u in USERS
    for f in FILMS
]


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_amazon_5core(tmp_path: Path, suffix: str) -> None:
    text = "user_id,parent_asin,rating,timestamp\n" + "".join(",".join(map(str, row)) + "\n" for row in AMAZON)
    meta = [
        {"main_category": "All Beauty", "title": f"Cream {f}", "price": f + 0.5, "store": "Acme", "details": {},
         "categories": ["Beauty", "Skin"], "parent_asin": f"B00{f}ABC", "images": [], "average_rating": 4.8}
        for f in FILMS
    ]  # fmt: skip
    lines = "".join(json.dumps(one) + "\n" for one in meta).encode()
    files = {f"All_Beauty.csv{suffix}": text.encode(), f"meta_All_Beauty.jsonl{suffix}": lines}
    made = taken(
        folder(tmp_path, {k: gzip.compress(v) if suffix else v for k, v in files.items()}, False), "amazon-2023-5core"
    )
    assert made.report.rows_kept == 24
    assert titles(made)["B001ABC"] == "Cream 1"
    assert made.items[Columns.PRICE].tolist() == [f + 0.5 for f in FILMS]
    assert set(made.items[Columns.TYPE_EN]) == {"Skin"}
    assert made.events[Columns.TIME].min() == 1_609_459_200 + 86_400 * 2


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_amazon_reviews(tmp_path: Path, suffix: str) -> None:
    lines = "".join(
        json.dumps(
            {"rating": rating, "title": "Nice!", "text": "Very, \"very\" nice\n", "images": [], "asin": "X",
             "parent_asin": item, "user_id": user, "timestamp": time, "helpful_vote": 0, "verified_purchase": True}
        ) + "\n"
        for user, item, rating, time in AMAZON
    ).encode()  # fmt: skip
    path = tmp_path / f"Gift_Cards.jsonl{suffix}"
    path.write_bytes(gzip.compress(lines) if suffix else lines)
    made = taken(path, "amazon-2023-reviews")
    assert made.report.rows_kept == 24
    assert titles(made)["B001ABC"] == "B001ABC"  # not the review's headline


RETAIL = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n" + "".join(
    f"{536365 + 10 * u + day},{85120 + f}A,MUG {f},6,12/{day}/2010 8:26,{f}.55,{17850 + u},United Kingdom\n"
    for u in USERS
    for day in (1, 2, 13)
    for f in FILMS
)
TRAPS = (
    "536414,22139,,56,12/1/2010 11:52,0,,United Kingdom\n"
    "C536379,85121A,MUG 1,-1,12/1/2010 9:41,1.55,17851,United Kingdom\n"
    "536370,POST,POSTAGE,3,12/1/2010 8:45,18,17851,France\n"
)


def retail_rows(kept: Prepared) -> None:
    assert kept.report.rows_kept == 72
    assert {key: reason.count for key, reason in kept.report.reasons.items()} == {
        "user_missing": 1, "quantity_not_positive": 1, "not_product": 1,
    }  # fmt: skip
    assert kept.events.groupby(Columns.BASKET).size().tolist() == [6] * 12
    assert titles(kept)["85121A"] == "MUG 1"
    assert kept.items[Columns.PRICE].tolist() == [f + 0.55 for f in FILMS]
    assert kept.events[Columns.TIME].min() == np.datetime64("2010-12-01T08:26").astype("M8[s]").astype(int)


def test_online_retail_csv(file: Callable[..., Path]) -> None:
    retail_rows(taken(file(RETAIL + TRAPS, "Online Retail.csv", "latin-1"), "online-retail"))
    retail_rows(taken(file(gzip.compress((RETAIL + TRAPS).encode()), "OnlineRetail.csv.gz"), "online-retail"))


def moment_cell(text: str) -> str:
    """A cell that a spreadsheet shows as this moment."""
    return f'<c t="d"><v>{text}:00</v></c>'


def sheet_rows(text: str, first: int, last: int) -> list[list[str | float]]:
    """Lines of the CSV as a workbook's cells: numbers are numbers, times are times."""
    rows: list[list[str | float]] = []
    for line in text.strip().split("\n")[first:last]:
        invoice, code, title, quantity, when, price, customer, country = line.split(",")
        month, day, year = when.split(" ")[0].split("/")
        hour, minute = when.split(" ")[1].split(":")
        moment = moment_cell(f"{year}-{int(month):02d}-{int(day):02d}T{int(hour):02d}:{minute}")
        known = [int(customer)] if customer else [""]
        rows.append([invoice, code, title, int(quantity), moment, float(price), *known, country])
    return rows


def test_online_retail_workbook(workbook: Callable[..., Path]) -> None:
    head: list[str | float] = [*RETAIL.split("\n")[0].split(",")]
    rows = sheet_rows(RETAIL + TRAPS, 1, 999)
    retail_rows(taken(workbook({"Online Retail": [head, *rows]}, "Online Retail.xlsx"), "online-retail"))


def test_online_retail_2(workbook: Callable[..., Path], file: Callable[..., Path]) -> None:
    head: list[str | float] = [
        "Invoice",
        "StockCode",
        "Description",
        "Quantity",
        "InvoiceDate",
        "Price",
        "Customer ID",
        "Country",
    ]
    every = sheet_rows(RETAIL + TRAPS, 1, 999)
    sheets = {"Year 2009-2010": [head, *every[:40]], "Year 2010-2011": [head, *every[36:]]}
    made = taken(workbook(sheets, "online_retail_II.xlsx"), "online-retail-2")
    assert made.report.rows_read == 79
    assert made.report.reasons.pop("duplicate").count == 4  # the days that both sheets hold
    retail_rows(made)
    lines = [",".join(map(str, head))]
    for invoice, code, title, quantity, moment, price, customer, country in every:
        when = str(moment).split("<v>")[1].split("<")[0].replace("T", " ")
        shown = f"{customer}.0" if customer else ""
        lines.append(f"{invoice},{code},{title},{quantity},{when},{price},{shown},{country}")
    retail_rows(taken(file("\n".join(lines), "online_retail_II.csv"), "online-retail-2"))


@pytest.mark.parametrize("packed", [False, True])
def test_retailrocket(tmp_path: Path, packed: bool) -> None:
    start = 1_433_221_332_117
    events = "timestamp,visitorid,event,itemid,transactionid\n"
    for user in USERS:
        for film in FILMS:
            kind = ("view", "addtocart", "transaction")[film % 3]
            events += (
                f"{start + 1000 * (100 * user + film)},{user},{kind},{film},{film if kind == 'transaction' else ''}\n"
            )
    properties = "timestamp,itemid,property,value\n"
    one = properties + "".join(f"{start},{film},categoryid,{1000 + film % 2}\n" for film in FILMS[:3])
    two = properties + "".join(
        f"{start},{film},790,n{film}.000\n{start},{film},categoryid,1000\n" for film in FILMS[3:]
    )
    files = {
        "events.csv": events,
        "item_properties_part1.csv": one,
        "item_properties_part2.csv": two,
        "category_tree.csv": "categoryid,parentid\n",
    }
    made = taken(folder(tmp_path, {name: text.encode() for name, text in files.items()}, packed), "retailrocket")
    assert made.report.rows_kept == 24
    assert departments(made) == {"1": "1001", "2": "1000", "3": "1001", "4": "1000", "5": "1000", "6": "1000"}


def test_taobao(file: Callable[..., Path]) -> None:
    kinds = ("pv", "cart", "fav", "buy")
    rows = "".join(
        f"{user},{2_268_318 + film},{2_520_377 + film % 2},{kinds[film % 4]},{1_511_544_070 + 60 * (user + film)}\n"
        for user in USERS
        for film in FILMS
    )
    made = taken(file(rows, "UserBehavior.csv"), "taobao")
    assert made.report.rows_kept == 24
    assert departments(made)["2268319"] == "2520378"
    assert made.events[Columns.TIME].min() == 1_511_544_190


def test_a_file_that_is_not_of_the_format(file: Callable[..., Path], shop_csv: str, tmp_path: Path) -> None:
    with pytest.raises(CourseError) as error:
        look(file(shop_csv), "online-retail")
    assert error.value.key == "intake_format_columns"
    with pytest.raises(CourseError) as error:
        look(file(shop_csv), "taobao")
    assert error.value.key == "intake_other_columns"
    with pytest.raises(CourseError) as error:
        look(file(shop_csv), "moviewiki")
    assert error.value.key == "intake_unknown_format"
    (tmp_path / "d").mkdir()
    for name in ("a.csv", "b.csv"):
        (tmp_path / "d" / name).write_text(shop_csv)
    with pytest.raises(CourseError) as error:
        look(tmp_path / "d", "movielens-1m")
    assert error.value.key == "intake_format_file"


def test_a_file_of_ones_own_is_of_no_format(file: Callable[..., Path], shop_csv: str) -> None:
    assert look(file(shop_csv, "ratings.csv")).format is None


@pytest.mark.skipif(not REAL.is_file(), reason="the real file is not on this machine")
def test_the_real_online_retail() -> None:
    """The numbers that its own description gives, and nothing lost on the way."""
    made = taken(REAL, "online-retail")
    assert made.report.rows_read == 541_909
    assert made.report.reasons["user_missing"].count == 135_080
    assert made.report.rows_read == made.report.rows_kept + made.report.rows_dropped
    assert made.report.reasons["user_missing"].examples[0].row == 624
