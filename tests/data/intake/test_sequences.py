"""One line a user: recognised where it is certain or asked for, its order kept, a broken line refused by its row."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from benchmarks.sequences import sequences, write
from course_lib.data.checks import check
from course_lib.data.dataset import Address, Dataset
from course_lib.data.intake.pipeline import Prepared, look, prepare
from course_lib.data.intake.sequences import looks_like
from course_lib.data.splits import leave_one_out
from course_lib.errors import CourseError

Write = Callable[..., Path]
Take = Callable[..., Prepared]
Refused = Callable[..., CourseError]

LINES = ["7 50 20 50 10", "3 20 30 10 40 50 60 20", "9 10 20 30"]


def items_of(made: Prepared, user: int) -> list[str]:
    """What a user chose, in order, by the file's ids."""
    codes = made.items["item_code"].tolist()
    return [codes[item - 1] for item in made.events.loc[made.events["user_id"] == user, "item_id"]]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("last", [True, False])
def test_the_order_of_the_line_is_the_order_in_time(file: Write, take: Take, end: str, last: bool) -> None:
    made = take(file(end.join(LINES) + end * last, "Beauty.txt"))
    for user, line in enumerate(LINES):
        assert items_of(made, user) == line.split()[1:], "an item that comes twice stays twice"
    assert made.report.rows_kept == 14
    assert "one_line_a_user" in [said.key for said in made.report.notices]


def test_it_becomes_a_dataset_whose_last_items_are_asked_for(file: Write, take: Take) -> None:
    made = take(file("\n".join(LINES)))
    dataset = Dataset(Address("odd", "full", "0" * 12), made.events, made.items)
    check(dataset)
    split = leave_one_out(dataset)
    codes = np.array([0, *map(int, made.items["item_code"])])
    assert codes[split.test.targets].tolist() == [10, 20, 30]
    assert codes[split.validation.targets].tolist() == [50, 60, 20]
    assert [codes[history].tolist() for history in split.train] == [[50, 20], [20, 30, 10, 40, 50], [10]]


def test_a_made_up_file_comes_in_whole_and_packed(tmp_path: Path, take: Take) -> None:
    lines = sequences(users=300, items=120, events=2_500)
    write(tmp_path / "made.txt", lines)
    packed = tmp_path / "made.txt.gz"
    packed.write_bytes(gzip.compress((tmp_path / "made.txt").read_bytes()))
    for path in (tmp_path / "made.txt", packed):
        made = take(path)
        assert (made.report.rows_kept, len(made.items)) == (2_500, 120)
        for user in (0, 17, 299):
            assert items_of(made, user) == [str(item) for item in lines[user]]


def test_more_rows_than_a_batch_are_all_there(file: Write, take: Take, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("course_lib.data.intake.sequences.ROWS", 5)
    made = take(file("\n".join(LINES)))
    assert [items_of(made, user) for user in range(3)] == [line.split()[1:] for line in LINES]


@pytest.mark.parametrize(
    "lines",
    [
        ["1 10 978300000", "1 20 978300060", "2 10 978300120"],  # a table with spaces: user, item, second
        ["1 10 5 978300000", "2 20 4 978300060", "3 10 3 978300120"],
        ["12 345", "1 234 567", "23 456 789 012"],  # thousands apart
        ["hello", "world", "1 2 3"],
        ["1 2 3 4 5 6"],
        ["138 1234 5678", "139 8765 4321", "137 1111 2222"],
    ],
)
def test_what_is_not_certain_is_not_taken_for_it(file: Write, refused: Refused, lines: list[str]) -> None:
    assert not looks_like(lines)
    refused(file("\n".join(lines)), "intake_one_column")


def test_a_table_stays_a_table_whatever_its_cells_hold(file: Write, take: Take, shop_csv: str) -> None:
    """Only what no delimiter cuts into columns can be one line a user."""
    made = take(file(shop_csv.replace("i0", "1 2 3")))
    assert made.mapping.columns["user"] == "user_id"


def test_it_can_be_asked_for(file: Write) -> None:
    short = file("1 10 20 30\n2 20 30 10\n3 30 10 20\n")
    made = prepare(look(short, "sequences"))
    assert items_of(made, 1) == ["20", "30", "10"]
    tabs = file("1\t10 20\t30\n2\t20 30 10 40\n")
    assert items_of(prepare(look(tabs, "sequences")), 1) == ["20", "30", "10", "40"]


@pytest.mark.parametrize(
    ("line", "key", "words"),
    [
        ("8 10 B00X 30", "intake_sequence_word", ["B00X"]),
        ("8 10 1.5", "intake_sequence_word", ["1.5"]),
        ("8,10,20", "intake_sequence_word", ["8,10,20"]),
        ("8 10 ٣", "intake_sequence_word", ["٣"]),
        ("8", "intake_sequence_short", ["8"]),
        ("7 60", "intake_sequence_again", ["7", "1"]),
    ],
)
def test_a_broken_line_is_refused_by_its_row(
    file: Write, refused: Refused, line: str, key: str, words: list[str]
) -> None:
    path = file("\n".join([*LINES, "", line, "11 10 20 30"]), "Beauty.txt")
    refused(path, key, ["Beauty.txt", "5", *words], format_name="sequences")


def test_one_broken_line_in_a_file_that_is_recognised(file: Write, refused: Refused) -> None:
    lines = [f"{user} " + " ".join(str(n) for n in range(3 + user % 5)) for user in range(40)]
    lines[30] = "30 1 x"
    refused(file("\n".join(lines)), "intake_sequence_word", ["31", "x"])


def test_what_is_no_text_has_no_lines(workbook: Write, refused: Refused) -> None:
    refused(workbook({"S": [["1 2 3"]]}), "intake_sequence_text", ["shop.xlsx"], format_name="sequences")
