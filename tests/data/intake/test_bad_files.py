"""Every bad file of which we know is answered by one sentence that names the file, the row, and what to do."""

from __future__ import annotations

import gzip
import json
import struct
import sys
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest

from course_lib.data.intake.encodings import find_encoding
from course_lib.data.intake.guards import Part
from course_lib.data.intake.limits import LIMITS, Limits
from course_lib.data.intake.pipeline import Prepared, look
from course_lib.errors import CourseError

Write = Callable[..., Path]
Take = Callable[..., Prepared]
Refused = Callable[..., CourseError]


def test_there_is_no_file(tmp_path: Path, refused: Refused) -> None:
    refused(tmp_path / "nothing.csv", "intake_missing", ["nothing.csv"])


@pytest.mark.parametrize("content", [b"", b"\n \n\n", b"\xef\xbb\xbf"])
def test_empty(file: Write, refused: Refused, content: bytes) -> None:
    refused(file(content), "intake_empty", ["shop.csv"])


@pytest.mark.parametrize(
    "content", ["user_id,item_id,timestamp\n", "user_id,item_id,timestamp", "用户ID,商品编号,时间\n\n\n"]
)
def test_header_only(file: Write, refused: Refused, content: str) -> None:
    refused(file(content), "intake_header_only", ["shop.csv", "1"])


def test_header_only_in_other_kinds(workbook: Write, tmp_path: Path, refused: Refused) -> None:
    refused(workbook({"S": [["user_id", "item_id", "timestamp"]]}), "intake_header_only")
    path = tmp_path / "shop.parquet"
    pd.DataFrame({"user_id": [], "item_id": [], "timestamp": []}).to_parquet(path)
    refused(path, "intake_header_only")


def test_nul_bytes(file: Write, refused: Refused, shop_csv: str) -> None:
    lines = shop_csv.encode().splitlines(keepends=True)
    lines[4] = lines[4].replace(b"i", b"\0")
    refused(file(b"".join(lines)), "intake_nul", ["shop.csv", "5", "UTF-8"])


@pytest.mark.parametrize("name", ["shop.csv", "shop.csv.gz"])
def test_an_endless_line(file: Write, refused: Refused, shop_csv: str, name: str) -> None:
    content = shop_csv.encode() + b"u9," + b"x" * (3 * 2**20)
    content = gzip.compress(content) if name.endswith("gz") else content
    refused(file(content, name), "intake_line_long", ["shop.csv", "14", "1,024"])


def test_a_line_of_a_gigabyte_is_given_up_early(file: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    """As soon as it is longer than any row, whatever is still to come."""
    taken = []

    def gigabyte(part: Part, limits: Limits, tick: object = None) -> Iterator[bytes]:
        for _ in range(1024):
            taken.append(2**20)
            yield b"x" * 2**20

    monkeypatch.setattr(Part, "chunks", gigabyte)
    part = Part(file("user,item,time"), "shop.csv")
    with pytest.raises(CourseError, match="longer than 1,024 KiB"):
        find_encoding(part, LIMITS)
    assert len(taken) == 2


def test_an_open_quote(file: Write, refused: Refused) -> None:
    rows = "".join(f"u{n % 50},i{n % 7},2024-01-01 10:00:00\n" for n in range(400))
    refused(file('user_id,item_id,timestamp\nu1,"i1,2024-01-01 10:00:00\n' + rows), "intake_quote_open", ["shop.csv"])


def test_an_open_quote_far_into_a_large_file(file: Write, refused: Refused) -> None:
    rows = [f"u{n % 50},i{n % 7},2024-01-01 10:00:00" for n in range(200_000)]
    rows[1500] = 'u1,"i1,2024-01-01 10:00:00'
    refused(file("user_id,item_id,timestamp\n" + "\n".join(rows)), "intake_quote_open", ["shop.csv", "1,502"])


def spoilt(rows: int, *places: tuple[int, int], end: str = "\n") -> str:
    """A table in which a quotation mark opens before some values: (row in the file, column)."""
    table = [["user_id", "item_id", "timestamp", "note"]]
    table += [[f"u{n % 5}", f"i{n % 7}", f"2024-01-{n % 28 + 1:02d} 10:{n // 28:02d}", f"n{n}"] for n in range(rows)]
    for row, column in places:
        table[row - 1][column] = f'"{table[row - 1][column]}'
    return end.join(",".join(row) for row in table)


@pytest.mark.parametrize("column", [1, 3])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("rows", [9, 20, 400])
def test_an_open_quote_never_swallows_rows_in_silence(
    file: Write, refused: Refused, column: int, end: str, rows: int
) -> None:
    """Whether it is never closed or closed by the next one, in the last column too, where the columns still add up."""
    refused(file(spoilt(rows, (9, column), end=end)), "intake_quote_open", ["shop.csv", "9"])
    refused(file(spoilt(rows, (5, column), (9, column), end=end)), "intake_quote_open", ["shop.csv", "5"])


def test_values_of_several_lines_and_marks_inside_a_value_are_sound(file: Write, take: Take) -> None:
    rows = [f'u{n % 5},i{n % 7},2024-01-{n + 1:02d},"a\nb ""c""\r\n{n}"' for n in range(20)]
    rows += [f'u{n % 5},i{n % 7},2024-02-{n + 1:02d},5" pipe' for n in range(20)]
    rows += [f'u{n % 5},i{n % 7},2024-03-{n + 1:02d},"5" pipe' for n in range(20)]
    made = take(file("user_id,item_id,timestamp,title\n" + "\n".join(rows)))
    assert made.report.rows_read == 60
    assert made.report.rows_kept == 60
    assert take(file("user_id,item_id,timestamp,title\n" + "\n".join(rows[:20]))).report.rows_kept == 20


@pytest.mark.parametrize(
    ("head", "key"),
    [
        (b"MZ\x90\0\x03\0\0\0", "intake_not_program"),
        (b"\x7fELF\x02\x01\x01\0", "intake_not_program"),
        (b"#!/bin/sh\nrm -rf /\n", "intake_not_program"),
        (b"\xcf\xfa\xed\xfe\x07\0\0\x01", "intake_not_program"),
        (b"%PDF-1.7\n", "intake_not_pdf"),
        (b"\x89PNG\r\n\x1a\n", "intake_not_picture"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "intake_not_old_excel"),
        (b"Rar!\x1a\x07\x01\0", "intake_not_archive"),
        (b"SQLite format 3\0", "intake_not_database"),
    ],
)
def test_what_is_no_table_is_named_whatever_it_is_called(file: Write, refused: Refused, head: bytes, key: str) -> None:
    refused(file(head + b"\0" * 200), key, ["shop.csv"])


def test_the_running_python_renamed_is_a_program(tmp_path: Path, refused: Refused) -> None:
    path = tmp_path / "orders.xlsx"
    with Path(sys.executable).resolve().open("rb") as source:
        path.write_bytes(source.read(100_000))
    refused(path, "intake_not_program", ["orders.xlsx"])


def test_a_table_may_begin_with_the_letters_of_a_program(file: Write, take: Take, shop_csv: str) -> None:
    assert len(take(file(shop_csv.replace("u0", "MZ").replace("user_id", "MZ user id"))).items) == 3


def packed(path: Path, members: dict[str, bytes], level: int = 9) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=level) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


@pytest.mark.parametrize("name", ["bomb.zip", "bomb.csv.gz", "bomb.xlsx"])
def test_bombs(tmp_path: Path, refused: Refused, name: str) -> None:
    """A thousand times its size: nothing of it is unpacked past the cap."""
    line = b"u1,i1,2024-01-01\n"
    content = b"user_id,item_id,timestamp\n" + line * (40 * 2**20 // len(line))
    path = tmp_path / name
    if name.endswith("gz"):
        path.write_bytes(gzip.compress(content))
    else:
        packed(path, {"xl/workbook.xml" if name.endswith("xlsx") else "a.csv": content})
    refused(path, "intake_bomb", [name.removesuffix(".gz"), "200"])


def test_a_zip_that_lies_about_its_size(tmp_path: Path, refused: Refused) -> None:
    """The sizes in the directory say 100 bytes; what comes out is more."""
    path = packed(tmp_path / "lie.zip", {"a.csv": b"user_id,item_id,timestamp\n" + b"u,i,2024-01-01\n" * 100_000})
    content = bytearray(path.read_bytes())
    at = content.rindex(b"PK\x01\x02")
    content[at + 24 : at + 28] = struct.pack("<I", 100)
    path.write_bytes(content)
    refused(path, "intake_archive_broken", ["lie.zip"])


def test_more_bytes_than_are_taken_in(file: Write, refused: Refused, shop_csv: str) -> None:
    refused(file(shop_csv), "intake_too_large", limits=replace(LIMITS, unpacked_bytes=100))


def test_nested_encrypted_and_broken_archives(tmp_path: Path, refused: Refused, shop_csv: str) -> None:
    inner = packed(tmp_path / "inner.zip", {"a.csv": shop_csv.encode()})
    refused(
        packed(tmp_path / "outer.zip", {"x/inner.zip": inner.read_bytes()}),
        "intake_nested",
        ["outer.zip", "x/inner.zip"],
    )
    refused(packed(tmp_path / "gz.zip", {"a.csv.gz": gzip.compress(b"x")}), "intake_nested")
    content = bytearray(inner.read_bytes())
    content[6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    (tmp_path / "secret.zip").write_bytes(content)
    refused(tmp_path / "secret.zip", "intake_encrypted", ["secret.zip"])
    (tmp_path / "cut.zip").write_bytes(inner.read_bytes()[:-30])
    refused(tmp_path / "cut.zip", "intake_archive_broken", ["cut.zip"])
    (tmp_path / "cut.csv.gz").write_bytes(gzip.compress(shop_csv.encode())[:-12])
    refused(tmp_path / "cut.csv.gz", "intake_archive_broken")
    refused(
        packed(tmp_path / "two.zip", {"a.csv": shop_csv.encode(), "b.csv": b"x"}),
        "intake_several_files",
        ["a.csv", "b.csv"],
    )
    refused(packed(tmp_path / "none.zip", {"d/": b""}), "intake_empty")


def test_a_zip_of_one_table_and_its_readme(tmp_path: Path, take: Take, shop_csv: str) -> None:
    members = {"d/a.csv": shop_csv.encode(), "d/README.txt": b"hello", "__MACOSX/d/a.csv": b"\0"}
    assert take(packed(tmp_path / "one.zip", members)).report.rows_kept == 12


def test_duplicate_headers(file: Write, refused: Refused) -> None:
    refused(file("user_id,item_id,user_id,time\nu,i,v,2024-01-01\n"), "intake_duplicate_header", ["1", "3", "user_id"])


def test_one_column(file: Write, refused: Refused) -> None:
    refused(file("hello\nworld\n"), "intake_one_column", ["hello"])


def test_json_that_is_no_lines(file: Write, refused: Refused) -> None:
    refused(file(json.dumps([{"user": 1}]), "a.json"), "intake_json_array", ["a.json"])
    refused(file('{"user": \n1}', "b.json"), "intake_json_broken", ["b.json", "1"])


def test_broken_parquet_and_workbook(file: Write, refused: Refused, workbook: Write) -> None:
    refused(file(b"PAR1" + b"x" * 100 + b"PAR1", "a.parquet"), "intake_parquet_broken", ["a.parquet"])
    sheet = workbook({"S": [["user_id", "item_id", "timestamp"], ["u", "i", "2024-01-01"]]})
    content = sheet.read_bytes()
    with zipfile.ZipFile(sheet) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members["xl/worksheets/sheet1.xml"] = members["xl/worksheets/sheet1.xml"][:200]
    broken = packed(sheet.parent / "broken.xlsx", members)
    refused(broken, "intake_workbook_broken", ["broken.xlsx"])
    assert content != broken.read_bytes()


def test_a_stray_cell_far_away_does_not_fill_the_memory(workbook: Write, refused: Refused) -> None:
    far = '<c r="XFD1048576"><v>1</v></c>'
    path = workbook({"S": [["user_id", "item_id", "timestamp"], ["u", "i", "2024-01-01"]]})
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    sheet = members["xl/worksheets/sheet1.xml"]
    members["xl/worksheets/sheet1.xml"] = sheet.replace(
        b"</sheetData>", f'<row r="1048576">{far}</row></sheetData>'.encode()
    )
    refused(packed(path, members), "intake_workbook_large", ["10,000,000"])


def rows_of(users: int = 3) -> list[list[str]]:
    return [[f"u{n % users}", f"i{n % 4}", f"2024-01-{n + 1:02d} 08:00"] for n in range(12)]


def test_formulas_are_values_and_said(workbook: Write, take: Take, refused: Refused) -> None:
    head = ["user_id", "item_id", "timestamp"]
    solved = '<c r="B2" t="str"><f>UPPER("i9")</f><v>I9</v></c>'
    made = take(workbook({"S": [head, ["u0", solved, "2024-01-20"], *rows_of()]}))
    assert "I9" in set(made.items["item_code"])
    (notice,) = [said for said in made.report.notices if said.key == "formulas"]
    assert notice.params == {"row": "2", "column": "B"}
    unsolved = '<c r="B2"><f>UPPER("i9")</f><v></v></c>'
    refused(workbook({"S": [head, ["u0", unsolved, "2024-01-20"], *rows_of()]}), "intake_formula_unsolved", ["2", "B"])


def test_macros_are_not_kept_and_said(workbook: Write, take: Take) -> None:
    sheets = {"S": [["user_id", "item_id", "timestamp"], *rows_of()]}
    made = take(workbook(sheets, "shop.xlsm", {"xl/vbaProject.bin": b"\xd0\xcf\x11\xe0"}))
    assert [said.key for said in made.report.notices] == ["macros"]
    assert made.report.rows_kept == 12


def test_more_columns_than_a_table_has(file: Write, refused: Refused) -> None:
    head = ",".join(f"c{n}" for n in range(1001))
    refused(file(f"user_id,{head}\n" + "1," * 1001 + "2\n"), "intake_many_columns", ["1002", "1000"])


def test_a_folder_of_too_many_files(tmp_path: Path) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    for n in range(5):
        (folder / f"{n}.csv").write_text("x")
    with pytest.raises(CourseError) as error:
        look(folder, "none", replace(LIMITS, files=4))
    assert error.value.key == "intake_many_files"


def test_a_sheet_of_endless_tags_is_no_trap(workbook: Write, refused: Refused) -> None:
    """Patterns with open gaps would look at each of a million beginnings of a tag for minutes."""
    path = workbook({"S": [["user_id", "item_id", "timestamp"]]})
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    tags = b"<c " * 1_000_000 + b"<f" + b' r="A' * 300_000
    members["xl/worksheets/sheet1.xml"] = members["xl/worksheets/sheet1.xml"].replace(b"</sheetData>", tags)
    refused(packed(path, members, level=0), "intake_workbook_broken")


@pytest.mark.parametrize("name", ["shop.csv", "shop.csv.gz", "shop.zip"])
def test_whoever_watches_may_stop_it(tmp_path: Path, shop_csv: str, name: str) -> None:
    """With an exception of any kind, even one that a damaged archive raises too."""
    path = tmp_path / name
    if name.endswith("zip"):
        packed(path, {"a.csv": shop_csv.encode()})
    else:
        path.write_bytes(gzip.compress(shop_csv.encode()) if name.endswith("gz") else shop_csv.encode())

    def stop(share: float) -> None:
        raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        look(path, "none", tick=stop)


def test_memory_that_is_refused_is_not_blamed_on_the_file(
    tmp_path: Path, take: Take, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: object, **more: object) -> None:
        raise pa.ArrowMemoryError("malloc of size 64 failed")

    path = tmp_path / "shop.parquet"
    pd.DataFrame({"user_id": ["a"], "item_id": ["b"], "timestamp": ["2024-01-01"]}).to_parquet(path)
    for name in ("iter_batches", "__init__"):
        monkeypatch.setattr(pyarrow.parquet.ParquetFile, name, refuse)
        with pytest.raises(MemoryError):
            take(path)


def test_an_empty_folder_is_called_empty(tmp_path: Path) -> None:
    with pytest.raises(CourseError) as caught:
        look(tmp_path)
    assert caught.value.key == "intake_empty_folder"
