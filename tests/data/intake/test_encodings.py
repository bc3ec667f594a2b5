"""One table in many encodings, delimiters and line ends is one dataset."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from course_lib.data.intake.pipeline import Prepared, look
from course_lib.errors import CourseError

Write = Callable[..., Path]
Take = Callable[..., Prepared]
CHINESE = "用户ID,商品编号,商品名称,下单时间\n" + "".join(
    f"会员{n % 3},货{n % 4},某品牌牛奶{n % 4}号大包装,2024-01-{n + 1:02d} 10:00\n" for n in range(12)
)


@pytest.mark.parametrize(
    ("encoding", "known_as"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8-sig"),
        ("utf-16", "utf-16"),
        ("utf-16-be", "utf-16-be"),
        ("utf-32", "utf-32"),
        ("gb18030", "gb18030"),
        ("gbk", "gb18030"),
    ],
)
def test_chinese_in_every_encoding(file: Write, take: Take, encoding: str, known_as: str) -> None:
    path = file(CHINESE, encoding=encoding)
    assert look(path, "none").table.layout.encoding == known_as
    made = take(path)
    assert made.report.rows_kept == 12
    guessed = ["encoding_guessed"] if known_as == "gb18030" else []
    assert [said.key for said in made.report.notices] == guessed
    assert sorted(made.items["title_zh"]) == [f"某品牌牛奶{n}号大包装" for n in range(4)]


def test_utf_16_without_a_mark(file: Write, take: Take, shop_csv: str) -> None:
    assert take(file(shop_csv, encoding="utf-16-le")).report.rows_kept == 12


def test_western_is_a_guess_and_said(file: Write, take: Take, shop_csv: str) -> None:
    made = take(file(shop_csv.replace("i1", "Café Crème"), encoding="latin-1"))
    assert "Café Crème" in set(made.items["item_code"])
    assert [said.key for said in made.report.notices] == ["encoding_guessed"]


def test_utf_8_with_one_broken_byte_names_its_row(file: Write, refused: Callable[..., CourseError]) -> None:
    content = CHINESE.encode()
    at = content.index("会员2".encode())  # row 4
    refused(file(content[: at + 1] + content[at + 2 :]), "intake_undecodable", ["4", "UTF-8"])


def test_utf_16_that_breaks_off(file: Write, refused: Callable[..., CourseError]) -> None:
    refused(file(CHINESE.encode("utf-16")[:-1]), "intake_undecodable", ["UTF-16"])


def test_the_encoding_shows_far_into_the_file(file: Write, take: Take) -> None:
    """The first megabyte is ASCII."""
    rows = "".join(f"u{n % 40},i{n % 30},2024-01-01 10:{n % 60:02d}\n" for n in range(60_000))
    content = ("user_id,item_id,timestamp\n" + rows).encode() + "用户,牛奶,2024-01-01 10:00\n".encode("gb18030") * 3
    assert look(file(content), "none").table.layout.encoding == "gb18030"


@pytest.mark.parametrize("delimiter", [",", "\t", ";", "|", "::"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_delimiters_and_line_ends(file: Write, take: Take, shop_csv: str, delimiter: str, end: str) -> None:
    made = take(file(shop_csv.replace(",", delimiter).replace("\n", end)))
    assert (made.report.rows_read, made.report.rows_kept) == (12, 12)


def test_no_header(file: Write, take: Take, shop_csv: str) -> None:
    path = file(shop_csv.partition("\n")[2])
    seen = look(path, "none")
    assert seen.table.names == ("column 1", "column 2", "column 3")
    with pytest.raises(CourseError) as question:
        seen.mapping()
    assert question.value.key == "intake_unsure_user"
    assert seen.guessed is not None
    assert take(path, seen.guessed.mapping).report.rows_kept == 12


def test_blank_lines_and_quotes_keep_the_row_numbers(file: Write, take: Take) -> None:
    content = (
        "user_id,item_id,title,timestamp\n"  # row 1
        'u1,i1,"a, ""b""\nc",2024-01-01 10:00\n'  # 2, over two lines
        "\n"  # 3
        "u1,i2\n"  # 4
        "u1,i2,x,2024-01-02 10:00\n"  # 5
        "u2,i1,x,never\n"  # 6
        "u2,i3,x,y,2024-01-02 10:00\n"  # 7
        "u1,i3,x,2024-01-03 10:00\nu2,i1,,2024-01-01\nu2,i2,,2024-01-02\nu2,i3,,2024-01-03\n"
    )
    made = take(file(content))
    places = {key: [one.row for one in reason.examples] for key, reason in made.report.reasons.items()}
    assert places == {"row_broken": [4, 7], "row_empty": [3], "time_unreadable": [6]}
    assert made.items["title_en"][0] == 'a, "b" c'
    assert (made.report.rows_read, made.report.rows_kept, made.report.rows_dropped) == (10, 6, 4)


def test_broken_rows_over_many_blocks_keep_the_row_numbers(file: Write, take: Take) -> None:
    """Arrow reads ahead and reports broken rows before the batches around them."""
    rows = [f"u{n % 40},i{n % 30},2024-01-01 10:00:{n % 60:02d}" for n in range(300_000)]
    bad = list(range(500, 300_000, 1000))
    for n in bad:
        rows[n] = "short"
    rows[299_990] = "u1,i1,nonsense"
    made = take(file("user_id,item_id,timestamp\n" + "\n".join(rows)))
    assert made.report.reasons["row_broken"].count == len(bad)
    assert [one.row for one in made.report.reasons["row_broken"].examples] == [502, 1502, 2502]
    assert [one.row for one in made.report.reasons["time_unreadable"].examples] == [299_992]


def test_other_kinds_hold_the_same(file: Write, take: Take, workbook: Write, shop_csv: str, tmp_path: Path) -> None:
    expected = take(file(shop_csv))
    head, *rows = [line.split(",") for line in shop_csv.strip().split("\n")]
    frame = pd.DataFrame(rows, columns=head)
    frame.to_parquet(tmp_path / "a.parquet")
    lines = "".join(json.dumps(record) + "\n" for record in frame.to_dict("records"))
    frame["timestamp"] = pd.to_datetime(frame["timestamp"])
    frame.to_parquet(tmp_path / "b.parquet")
    paths = [tmp_path / "a.parquet", tmp_path / "b.parquet", file(lines, "a.jsonl")]
    paths += [workbook({"S": [head, *rows]}), file(gzip.compress(lines.encode()), "b.jsonl.gz")]
    paths.append(file(gzip.compress(shop_csv.encode()), "c.csv.gz"))
    for path in paths:
        made = take(path)
        pd.testing.assert_frame_equal(made.events, expected.events, obj=path.name)
        pd.testing.assert_frame_equal(made.items, expected.items, obj=path.name)


def test_json_lines_of_many_shapes(file: Write, take: Take) -> None:
    lines = [{"user": n % 3, "item": f"i{n % 4}", "time": 1_700_000_000 + n, "tags": ["a", "b"]} for n in range(12)]
    text = "".join(json.dumps(line) + "\n" for line in lines) + 'nonsense\n[1]\n\n{"user": "\\ud800", "item": null}\n'
    made = take(file(text, "a.jsonl"))
    assert made.report.rows_kept == 12
    assert made.report.reasons["row_broken"].count == 2
    assert [one.row for one in made.report.reasons["row_broken"].examples] == [13, 14]
    assert made.report.reasons["item_missing"].examples[0].row == 16


def test_whole_numbers_of_a_workbook_are_no_fractions(workbook: Write, take: Take) -> None:
    rows = [[17850 + n % 3, f"i{n % 4}", f"2024-01-{n + 1:02d}"] for n in range(12)]
    made = take(workbook({"S": [["CustomerID", "StockCode", "InvoiceDate"], *rows]}))
    assert made.report.rows_kept == 12
    assert look(workbook({"S": [["CustomerID", "StockCode", "InvoiceDate"], *rows]})).rows[0]["CustomerID"] == "17850"


def test_sheets_of_one_header_are_one_table(workbook: Write, take: Take) -> None:
    head = ["user_id", "item_id", "timestamp"]
    rows = [[f"u{n % 3}", f"i{n % 4}", f"2024-01-{n + 1:02d} 08:00"] for n in range(12)]
    made = take(
        workbook({"2023": [head, *rows[:6]], "2024": [head, *rows[6:], ["", "i1", "2024-02-01"]], "notes": [["hello"]]})
    )
    assert made.report.rows_kept == 12
    assert made.report.reasons["user_missing"].examples[0].part == "2024"
    assert made.report.reasons["user_missing"].examples[0].row == 8
    assert "sheets_left" in [said.key for said in made.report.notices]
