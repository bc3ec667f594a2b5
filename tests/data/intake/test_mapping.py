"""Columns are guessed from names and contents, in English and Chinese, with a confidence and a reason."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from course_lib.data.intake.mapping import SURE, Mapping
from course_lib.data.intake.names import USUAL, plain, role_of_name
from course_lib.data.intake.pipeline import Prepared, look
from course_lib.errors import CourseError
from course_lib.text import LANGUAGES

Write = Callable[..., Path]
HEADERS = {
    "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country": {
        "user": "CustomerID", "item": "StockCode", "time": "InvoiceDate", "basket": "InvoiceNo", "title": "Description",
        "price": "UnitPrice", "quantity": "Quantity",
    },
    "用户ID,商品编号,下单时间,订单号,商品名称,类目,品牌,单价,数量": {
        "user": "用户ID", "item": "商品编号", "time": "下单时间", "basket": "订单号", "title": "商品名称",
        "category": "类目", "brand": "品牌", "price": "单价", "quantity": "数量",
    },
    "会员编号,商品编码,付款时间,行为类型": {
        "user": "会员编号", "item": "商品编码", "time": "付款时间", "event": "行为类型",
    },
    "userId,movieId,rating,timestamp": {
        "user": "userId", "item": "movieId", "rating": "rating", "time": "timestamp",
    },
    "event_time,event_type,product_id,category_code,brand,price,user_id,user_session": {
        "time": "event_time", "event": "event_type", "item": "product_id", "category": "category_code",
        "brand": "brand", "price": "price", "user": "user_id",
    },
}  # fmt: skip
VALUES = {"time": "2024-01-{day:02d} 10:00", "price": "{day}.5", "quantity": "{day}", "rating": "{day}"}


@pytest.mark.parametrize("header", HEADERS)
def test_usual_headers_are_understood(file: Write, header: str) -> None:
    roles = {name: role for role, name in HEADERS[header].items()}
    rows = [
        ",".join(VALUES.get(roles.get(name, ""), f"{name[:1]}{{day}}").format(day=day) for name in header.split(","))
        for day in range(1, 20)
    ]
    guessed = look(file(header + "\n" + "\n".join(rows)), "none").guessed
    assert guessed is not None
    assert dict(guessed.mapping.columns) == HEADERS[header]
    assert guessed.question is None
    for guess in guessed.guesses.values():
        assert SURE <= guess.confidence <= 1
        assert all(guess.column in guess.reason.text(language) for language in LANGUAGES)


def test_no_name_means_two_things() -> None:
    names = [name for names in USUAL.values() for name in names]
    assert len(names) == len(set(names))
    assert all(plain(name) == name for name in names)


def test_a_name_counts_less_the_more_is_around_it() -> None:
    exact, within = role_of_name("user_id"), role_of_name("web_customer_id")
    assert exact is not None
    assert within is not None
    assert exact[0] == within[0] == "user"
    assert exact[1] > within[1] > 0
    assert role_of_name("Country") is None


def test_a_time_is_known_by_its_contents(file: Write) -> None:
    rows = "".join(f"u{n % 3},i{n % 4},{1_700_000_000 + n}\n" for n in range(30))
    guessed = look(file("user,item,x9\n" + rows), "none").guessed
    assert guessed is not None
    assert guessed.guesses["time"].column == "x9"
    assert guessed.guesses["time"].reason.key == "guess_content"


def test_a_usual_name_does_not_outweigh_the_contents(file: Write) -> None:
    rows = "".join(f"u{n % 3},i{n % 4},soon,2024-01-{n % 28 + 1:02d}\n" for n in range(30))
    guessed = look(file("user,item,time,x9\n" + rows), "none").guessed
    assert guessed is not None
    assert guessed.guesses["time"].column == "x9"


@pytest.mark.parametrize(
    ("mapping", "key"),
    [
        (Mapping({"user": "user_id", "item": "item_id"}), "intake_no_time"),
        (Mapping({"item": "item_id", "time": "timestamp"}), "intake_no_user"),
        (Mapping({"user": "user_id", "item": "item_id", "time": "nope"}), "intake_unknown_column"),
        (Mapping({"user": "user_id", "item": "user_id", "time": "timestamp"}), "intake_column_twice"),
        (Mapping({"user": "user_id", "item": "item_id", "time": "timestamp", "mood": "x"}), "intake_unknown_role"),
        (
            Mapping({"user": "user_id", "item": "item_id", "time": "timestamp"}, ("julian",)),
            "intake_unknown_time_format",
        ),
        (Mapping({"user": "user_id", "item": "item_id", "time": "timestamp"}, zone="Nowhere"), "intake_unknown_zone"),
    ],
)
def test_a_mapping_that_does_not_fit(
    file: Write, shop_csv: str, refused: Callable[..., CourseError], mapping: Mapping, key: str
) -> None:
    refused(file(shop_csv), key, mapping=mapping)


def test_formats_left_open_are_found_out(file: Write, shop_csv: str, take: Callable[..., Prepared]) -> None:
    made = take(file(shop_csv), Mapping({"user": "user_id", "item": "item_id", "time": "timestamp"}))
    assert made.mapping.time_formats == ("iso",)


def test_formats_are_those_of_the_column_that_was_chosen(file: Write, take: Callable[..., Prepared]) -> None:
    rows = [f"u{user},i{(user + n) % 4},2024-01-0{n + 1},{1_700_000_000 + n}" for user in range(3) for n in range(4)]
    path = file("user_id,item_id,timestamp,paid\n" + "\n".join(rows))
    made = take(path, Mapping({"user": "user_id", "item": "item_id", "time": "paid"}))
    assert made.mapping.time_formats == ("unix_s",)
    assert made.report.rows_kept == 12


def test_a_column_without_times_is_named(file: Write, shop_csv: str, refused: Callable[..., CourseError]) -> None:
    mapping = Mapping({"user": "user_id", "item": "timestamp", "time": "item_id"})
    refused(file(shop_csv), "intake_not_times", ["item_id", "2", "i0"], mapping=mapping)


def test_the_first_rows_are_shown(file: Write, shop_csv: str) -> None:
    seen = look(file(shop_csv), "none")
    assert seen.rows[1] == {"user_id": "u0", "item_id": "i1", "timestamp": "2024-01-02 10:00:00"}
    assert len(seen.rows) == 12


ABOVE = {
    "a report's title": "订单导出报表\n导出时间,2024-01-01\n\n",
    "Excel's delimiter": "sep=,\n",
    "blank lines": "\n\n",
}


@pytest.mark.parametrize("above", ABOVE)
def test_what_stands_above_the_names_of_the_columns_is_left_out_and_said(
    file: Write, take: Callable[..., Prepared], above: str
) -> None:
    rows = [f"u{user},i{(user + n) % 4},2024-01-0{n + 1} 10:00,5" for user in range(4) for n in range(5)]
    made = take(file(ABOVE[above] + "会员名,货号,下单时间,数量\n" + "\n".join([*rows, "u9,i1,soon,5"])))
    assert made.report.rows_kept == 20
    assert dict(made.mapping.columns) == {"user": "会员名", "item": "货号", "time": "下单时间", "quantity": "数量"}
    lines = ABOVE[above].count("\n")
    said = {one.key: one.params for one in made.report.notices}
    assert said == ({} if above == "blank lines" else {"lines_above": {"row": lines + 1}})
    assert made.report.reasons["time_unreadable"].examples[0].row == lines + 22


def test_a_title_above_a_sheet_is_left_out(workbook: Write, take: Callable[..., Prepared]) -> None:
    rows = [[f"u{user}", f"i{(user + n) % 4}", f"2024-01-0{n + 1} 10:00"] for user in range(4) for n in range(5)]
    made = take(workbook({"S": [["Orders 2024", "", ""], ["user_id", "item_id", "timestamp"], *rows]}))
    assert made.report.rows_kept == 20
    assert [one.key for one in made.report.notices] == ["lines_above"]


def test_a_first_row_of_values_is_not_taken_for_a_title(file: Write, take: Callable[..., Prepared]) -> None:
    rows = [f"u{user},i{(user + n) % 4},2024-01-0{n + 1} 10:00" for user in range(4) for n in range(5)]
    seen = look(file("\n".join(rows)), "none")
    assert not seen.table.layout.header
    assert seen.table.layout.first == 1
    odd = look(file("Kunde,Artikel,Zeit\n" + "\n".join(rows)), "none")
    assert odd.table.names == ("Kunde", "Artikel", "Zeit")
    assert odd.table.layout.notices == ()
