"""What is kept, what is dropped, and why: every reason counted, with its first row, column and value."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_lib.data.checks import check
from course_lib.data.columns import Columns
from course_lib.data.dataset import Address, Dataset
from course_lib.data.intake.items import BOX, COLOURS, colour_of, emoji_of
from course_lib.data.intake.limits import LIMITS
from course_lib.data.intake.mapping import Mapping
from course_lib.data.intake.numbers import numbers_of
from course_lib.data.intake.pipeline import Prepared
from course_lib.data.intake.report import Report
from course_lib.data.splits import leave_one_out
from course_lib.errors import CourseError
from course_lib.text import LANGUAGES

Write = Callable[..., Path]
Take = Callable[..., Prepared]
HEAD = "order,user,item,time,title,category,brand,price,quantity\n"
GOOD = "".join(
    f"o{user}{day},u{user},i{item},2024-01-{day:02d} 10:00,Mug {item},Home > Kitchen > Mugs,Acme,{item + 1}.50,1\n"
    for user in range(3)
    for day in (1, 2, 3)
    for item in range(4)
)


def dataset(made: Prepared) -> Dataset:
    return Dataset(Address("x", "full", "0"), made.events, made.items)


def test_clean_data_is_all_kept(file: Write, take: Take) -> None:
    made = take(file(HEAD + GOOD))
    assert (made.report.rows_read, made.report.rows_kept, made.report.reasons) == (36, 36, {})
    assert check(dataset(made)) == ()
    assert len(leave_one_out(dataset(made)).test) == 3
    item = made.items.iloc[0]
    assert item[[Columns.CODE, Columns.TITLE_ZH, Columns.DEPARTMENT_EN, Columns.TYPE_EN, Columns.BRAND]].tolist() == [
        "i0", "Mug 0", "Home", "Mugs", "Acme",
    ]  # fmt: skip
    assert item[Columns.PRICE] == 1.5


@pytest.mark.parametrize(
    ("row", "key", "column", "value"),
    [
        ("o,,i1,2024-01-01 10:00,t,c,b,1,1", "user_missing", "user", ""),
        ("o,NULL,i1,2024-01-01 10:00,t,c,b,1,1", "user_missing", "user", "NULL"),
        ("o,u1, ,2024-01-01 10:00,t,c,b,1,1", "item_missing", "item", " "),
        ("o,u1,i1,,t,c,b,1,1", "time_missing", "time", ""),
        ("o,u1,i1,yesterday,t,c,b,1,1", "time_unreadable", "time", "yesterday"),
        ("o,u1,i1,2024-02-30 10:00,t,c,b,1,1", "time_unreadable", "time", "2024-02-30 10:00"),
        ("o,u1,i1,1899-12-31 10:00,t,c,b,1,1", "time_out_of_range", "time", "1899-12-31 10:00"),
        ("o,u1,i1,2024-01-01 10:00,t,c,b,1,-3", "quantity_not_positive", "quantity", "-3"),
        ("o,u1,i1,2024-01-01 10:00,t,c,b,1,0", "quantity_not_positive", "quantity", "0"),
        ("o,u1,i1,2024-01-01 10:00,t,c,b,1,two", "quantity_not_number", "quantity", "two"),
        (f"o,{'u' * 1000},i1,2024-01-01 10:00,t,c,b,1,1", "id_long", "user", "u" * 1000),
        (f"o,u1,{'i' * 1000},2024-01-01 10:00,t,c,b,1,1", "id_long", "item", "i" * 1000),
        (f"{'o' * 1000},u1,i1,2024-01-01 10:00,t,c,b,1,1", "id_long", "order", "o" * 1000),
        ("o01,u0,i1,2024-01-01 10:00,t,c,b,1,1", "duplicate", "item", "i1"),
        ("o9,u9,i1,2024-01-01 10:00,t,c,b,1,1", "few_events", "user", "u9"),
        (",,,,,,,,", "row_empty", "user", ""),
        ("o,u1", "row_broken", "…", "o,u1"),
    ],
)
def test_each_reason_names_its_row(file: Write, take: Take, row: str, key: str, column: str, value: str) -> None:
    made = take(file(HEAD + GOOD + row + "\n" + GOOD.replace(",u", ",v").replace("o", "p", 1)))
    (reason,) = made.report.reasons.values()
    assert (reason.key, reason.count, reason.dropped) == (key, 1, True)
    (example,) = reason.examples
    assert (example.row, example.column, example.value) == (38, column, value)
    assert made.report.rows_read == made.report.rows_kept + made.report.rows_dropped == 73
    for language in LANGUAGES:
        sentence = made.report.sentences(language)[-1]  # a quantity that costs rows is said before
        assert "38" in sentence
        assert len(sentence) < 400
    assert check(dataset(made)) == ()


@pytest.mark.parametrize(
    ("price", "key"), [("free", "price_not_number"), ("-2", "price_not_positive"), ("0", "price_not_positive")]
)
def test_a_bad_price_costs_the_price_only(file: Write, take: Take, price: str, key: str) -> None:
    made = take(file(HEAD + GOOD + f"o,u1,i9,2024-02-01 10:00,t,c,b,{price},1\n"))
    (reason,) = made.report.reasons.values()
    assert (reason.key, reason.dropped, reason.examples[0].row) == (key, False, 38)
    assert made.report.rows_kept == 37
    assert np.isnan(made.items[Columns.PRICE].iloc[4])
    assert check(dataset(made)) == ()


def test_numbers_as_people_write_them() -> None:
    written = ["1,234.50", "12,5", "¥3", "3 元", "$1,000", "1e3", "-2", "", "abc", "1.2.3", "0x10", "inf", "１２"]
    expected = [1234.5, np.nan, 3, 3, 1000, 1000, -2] + [np.nan] * 6  # the column has points, so 12,5 is no number
    np.testing.assert_array_equal(numbers_of(pa.array(written)), expected)


@given(
    st.lists(st.one_of(st.text(max_size=12), st.floats(allow_nan=False, allow_infinity=False).map(repr)), max_size=9)
)
def test_numbers_are_numbers_or_nothing(values: list[str]) -> None:
    found = numbers_of(pa.array(values, pa.string()))
    assert len(found) == len(values)
    assert not np.isinf(found).any()


@pytest.mark.parametrize(
    ("rows", "key", "words"),
    [
        (
            "".join(f"o{n},u1,i{n},2024-01-0{n} 10:00,t,c,b,1,1\n" for n in range(1, 9)),
            "intake_one_user",
            ["2", "user", "u1"],
        ),
        (
            "".join(f"o{n},u{n % 2},i1,2024-01-0{n} 10:00,t,c,b,1,1\n" for n in range(1, 9)),
            "intake_one_item",
            ["2", "item", "i1"],
        ),
        (
            "".join(f"o{n},,i{n},2024-01-0{n} 10:00,t,c,b,1,1\n" for n in range(1, 9)),
            "intake_all_dropped",
            ["8", "2", "user"],
        ),
        (
            "".join(f"o{n},u{n},i{n},2024-01-0{n} 10:00,t,c,b,1,1\n" for n in range(1, 9)),
            "intake_all_few",
            ["8", "user", "u1"],
        ),
        (
            "".join(f"o{n},u1,i{n},2024-01-0{n} 10:00,t,c,b,1,-1\n" for n in range(1, 9)),
            "intake_all_dropped",
            ["quantity", "-1"],
        ),
    ],
)
def test_nothing_useful_is_left(
    file: Write, refused: Callable[..., CourseError], rows: str, key: str, words: list[str]
) -> None:
    mapping = Mapping(
        {"user": "user", "item": "item", "time": "time", "quantity": "quantity", "basket": "order"}, ("iso",)
    )
    refused(file(HEAD + rows), key, words, mapping=mapping)


def test_a_basket_is_a_set_whatever_the_order_of_its_lines(file: Write, take: Take) -> None:
    lines = GOOD.splitlines(keepends=True)
    forward, backward = take(file(HEAD + GOOD)), take(file(HEAD + "".join(reversed(lines)), "b.csv"))

    def named(made: Prepared) -> list[tuple[str, str]]:
        codes = made.items[Columns.CODE].to_numpy()
        return sorted(zip(made.events[Columns.TIME].astype(str), codes[made.events[Columns.ITEM] - 1], strict=True))

    assert named(forward) == named(backward)
    assert forward.events.groupby(Columns.BASKET)[Columns.USER].nunique().max() == 1
    order = [forward.events[Columns.ITEM].iloc[n : n + 4].tolist() for n in range(0, 36, 4)]
    assert len({tuple(basket) for basket in order}) > 1  # not the file's order, which is the same in all nine


def test_a_basket_of_two_users_is_two_baskets(file: Write, take: Take) -> None:
    made = take(file(HEAD + re.sub(r"^o\d", "o", GOOD, flags=re.MULTILINE)))
    assert made.events[Columns.BASKET].nunique() == 9
    assert check(dataset(made)) == ()


def test_without_baskets_one_moment_is_one(file: Write, take: Take) -> None:
    mapping = Mapping({"user": "user", "item": "item", "time": "time"}, ("iso",))
    made = take(file(HEAD + GOOD), mapping)
    assert made.events.groupby(Columns.BASKET).size().tolist() == [4] * 9


def test_caps_are_kept_and_counted(file: Write, take: Take) -> None:
    rows = "".join(f"u{n % 30},i{(n * n) % 41},2024-01-{n % 28 + 1:02d} 10:{n % 60:02d}\n" for n in range(2000))
    path = file("user,item,time\n" + rows)
    made = take(path, limits=replace(LIMITS, rows=1000))
    assert made.report.rows_read == 1000
    assert "rows_capped" in [said.key for said in made.report.notices]
    made = take(path, limits=replace(LIMITS, users=10, items=5))
    assert len(made.items) == 5
    assert made.events[Columns.USER].nunique() == 10
    assert {"item_over_cap", "user_over_cap"} <= set(made.report.reasons)
    assert made.report.reasons["item_over_cap"].limit == "5"
    assert made.report.rows_read == made.report.rows_kept + made.report.rows_dropped == 2000
    kept = set(made.items[Columns.CODE])
    counts = pd.Series([line.split(",")[1] for line in rows.split()[::2] if "," in line]).value_counts()
    assert counts[list(kept)].min() >= counts.drop(list(kept)).max() * 0.8  # the commonest, but for duplicates


def test_only_the_events_that_are_asked_for(file: Write, take: Take) -> None:
    rows = "".join(f"u{n % 3},i{n % 4},2024-01-{n + 1:02d} 10:00,{'buy' if n % 2 else 'pv'}\n" for n in range(28))
    mapping = Mapping({"user": "user", "item": "item", "time": "time", "event": "kind"}, ("iso",), events=("buy",))
    made = take(file("user,item,time,kind\n" + rows), mapping)
    assert made.report.rows_kept == 14
    assert made.report.reasons["event_other"].examples[0].value == "pv"


def test_only_ratings_that_are_high_enough(file: Write, take: Take) -> None:
    rows = "".join(f"u{n % 3},i{n % 4},2024-01-{n + 1:02d} 10:00,{n % 5 + 1}\n" for n in range(28))
    columns = {"user": "user", "item": "item", "time": "time", "rating": "stars"}
    path = file("user,item,time,stars\n" + rows)
    assert take(path, Mapping(columns, ("iso",))).report.rows_kept == 28
    made = take(path, Mapping(columns, ("iso",), min_rating=3))
    assert made.report.reasons["rating_low"].count == 12
    assert made.report.reasons["rating_low"].limit == "3"


def test_nobody_returns_is_said(file: Write, take: Take) -> None:
    rows = "".join(f"u{n % 5},i{n % 7},2024-01-01 10:00\n" for n in range(60))
    assert "nobody_returns" in [said.key for said in take(file("user,item,time\n" + rows)).report.notices]


def test_titles_are_unlike_each_other_and_never_empty(file: Write, take: Take) -> None:
    titles = {"i0": "Mug", "i1": "Mug", "i2": "", "i3": "Mug (i0)"}
    rows = "".join(f"u{n % 3},i{n % 4},2024-01-{n + 1:02d} 10:00,{titles[f'i{n % 4}']}\n" for n in range(28))
    made = take(file("user,item,time,title\n" + rows))
    assert dict(zip(made.items[Columns.CODE], made.items[Columns.TITLE_EN], strict=True)) == {
        "i0": "Mug (i0)", "i1": "Mug (i1)", "i2": "i2", "i3": "Mug (i0)'",
    }  # fmt: skip
    assert check(dataset(made)) == ()


def test_emoji_and_colour_follow_a_rule() -> None:
    assert emoji_of("Mugs", "x") == "📦"
    assert emoji_of("图书/小说") == "📚"
    assert emoji_of("", "nothing known") == BOX
    assert colour_of("Home") == colour_of("Home")
    assert {colour_of(str(n)) for n in range(200)} == set(COLOURS)


def test_a_report_survives_its_journey(file: Write, take: Take) -> None:
    report = take(file(HEAD + GOOD + "o,,i1,2024-01-01,t,c,b,1,1\n")).report
    again = Report.from_dict(report.to_dict())
    assert again == report
