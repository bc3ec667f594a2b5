"""Exports as people really have them, each with its right answer; they lie beside the project, or the test skips.

What they show is tested without them too: below, each kind is made anew.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from course_lib.data.columns import Columns
from course_lib.data.intake.limits import LIMITS
from course_lib.data.intake.mapping import ByHand
from course_lib.data.intake.pipeline import Prepared, look, prepare
from course_lib.errors import CourseError
from course_lib.settings import PROJECT

FOLDER = PROJECT.parent / "shared" / "data" / "exports"
ALL_ROWS = replace(LIMITS, minimum=1)

Write = Callable[..., Path]


def read(path: Path, by_hand: ByHand | None = None, **said: str) -> Prepared:
    seen = look(path, "", ALL_ROWS, by_hand=by_hand)
    return prepare(seen, replace(seen.mapping(), **said), ALL_ROWS)  # type: ignore[arg-type]


def export(name: str) -> Path:
    path = FOLDER / name
    if not path.is_file():
        pytest.skip("the exports are not here")
    return path


def times(made: Prepared) -> list[str]:
    return sorted(str(np.datetime64(int(one), "s")) for one in made.events[Columns.TIME])


def key(path: Path, by_hand: ByHand | None = None, **said: str) -> str:
    with pytest.raises(CourseError) as caught:
        read(path, by_hand, **said)
    return caught.value.key


def notices(made: Prepared) -> set[str]:
    return {said.key for said in made.report.notices}


def test_an_id_is_no_time() -> None:
    assert key(export("01-ean-is-time.csv")) == "intake_no_time"
    assert key(export("04-phone-is-time.csv")) == "intake_no_time"
    made = read(export("03-line-id-is-time.csv"))
    assert made.mapping.columns["time"] == "order_date"
    assert times(made)[0] == "2024-03-01T00:00:00"


def test_an_id_named_as_the_time_by_hand_is_refused() -> None:
    assert key(export("01-ean-is-time.csv"), ByHand({"time": "ean"})) == "intake_not_times"
    assert key(export("04-phone-is-time.csv"), ByHand({"time": "phone"})) == "intake_not_times"


def test_typed_names_decide() -> None:
    for said in (None, ByHand({"user": "user_id:token"})):
        made = read(export("07-recbole-amazon.inter"), said)
        assert made.mapping.columns["item"] == "item_id:token"
        assert times(made)[0] == "2013-12-22T00:00:00"


def test_one_answer_leaves_the_others_open() -> None:
    path = export("08-contradiction-and-map.csv")
    for said in ({}, {"user": "customer"}, {"user": "customer", "item": "product", "time": "date"}):
        assert key(path, ByHand(said)) == "intake_time_contradiction"
    assert read(path, ByHand({}, ("dmy",))).report.reasons["time_unreadable"].count
    made = read(export("42-shopify-status.csv"), ByHand({"user": "Email"}))
    assert made.mapping.columns["item"] == "Lineitem sku"
    assert made.mapping.by_hand == ("user",)
    assert "event" not in made.mapping.columns


def test_digits_that_are_dates() -> None:
    assert times(read(export("12-yyyymmddhh.csv")))[0] == "2024-03-10T15:00:00"
    assert times(read(export("14-yymmddhhmmss.csv")))[0] == "2024-03-10T15:05:07"
    made = read(export("16-excel-serial.csv"))
    assert times(made)[0] == "2024-03-01T15:05:07"
    assert "times_read_as" in notices(made)


def test_half_converted_dates_are_asked() -> None:
    assert key(export("18-half-converted.xlsx")) == "intake_time_half"


def test_date_and_time_are_joined() -> None:
    made = read(export("19-date-and-time-columns.csv"))
    assert times(made)[:2] == ["2024-03-01T10:05:07", "2024-03-01T11:05:07"]
    assert "no_clock" not in notices(made)


@pytest.mark.parametrize("name", ["20-list-cell.csv", "24-list.parquet", "22-ga4.jsonl"])
def test_lists_become_rows_of_one_basket(name: str) -> None:
    made = read(export(name))
    assert made.report.rows_read == {"20-list-cell.csv": 12, "24-list.parquet": 40, "22-ga4.jsonl": 40}[name]
    assert made.events.groupby(Columns.BASKET).size().max() == 2
    assert "lists_split" in notices(made)
    if name == "22-ga4.jsonl":
        assert times(made)[0] == "2024-03-01T15:05:07"


@pytest.mark.parametrize(("name", "rows"), [("30-session-is-basket.csv", 24), ("31-rees46.csv", 36)])
def test_a_session_is_no_basket(name: str, rows: int) -> None:
    made = read(export(name))
    assert len(made.events) == rows
    assert (made.events.groupby(Columns.BASKET).size() == 1).all()


def test_no_person_enters_the_catalogue() -> None:
    made = read(export("40-name-is-customer.csv"))
    assert not any("Person" in title for title in made.items[Columns.TITLE_EN])


def test_decimal_commas_by_the_whole_column() -> None:
    made = read(export("50-decimal-comma.csv"))
    assert sorted(set(made.items[Columns.PRICE])) == [0.5, 2.5, 9.9, 1299.0]


def test_an_amount_of_money_is_no_quantity() -> None:
    made = read(export("52-amount-is-quantity.csv"))
    assert "quantity" not in made.mapping.columns
    assert made.report.rows_kept == made.report.rows_read == 6


def test_cyrillic_is_read_and_said() -> None:
    made = read(export("61-cp1251.csv"))
    assert "Кружка 0" in set(made.items[Columns.TITLE_EN])
    assert "encoding_guessed" in notices(made)


@pytest.mark.parametrize(
    ("name", "rows"),
    [("70-trailing-comma.csv", 6), ("72-pipes-in-category.csv", 20), ("73-semicolon-commas.csv", 6),
     ("73b-semicolon.csv", 100)],
)  # fmt: skip
def test_the_delimiter_fits_the_header(name: str, rows: int) -> None:
    assert read(export(name)).report.rows_kept == rows


def test_late_contradictions_are_asked() -> None:
    assert key(export("79-late-contradiction.csv")) == "intake_time_contradiction"


def test_the_sheet_with_orders_is_proposed() -> None:
    made = read(export("80-cover-sheet.xlsx"))
    assert made.report.rows_kept == 6
    assert "sheets_left" in notices(made)


def test_kinds_of_events_need_their_column() -> None:
    path = export("82-events-ignored.csv")
    seen = look(path, "", ALL_ROWS)
    with pytest.raises(CourseError) as caught:
        prepare(seen, replace(seen.mapping(), events=("purchase",)), ALL_ROWS)
    assert caught.value.key == "intake_events_without_column"
    assert "--map event=" in caught.value.text("en")


@pytest.mark.parametrize("name", ["83-orders-first-line-only.csv", "83b-merged-cells.xlsx"])
def test_an_orders_first_line_is_asked_about(name: str) -> None:
    path = export(name)
    assert key(path) == "intake_fill_down"
    whole, left = read(path, fill="yes"), read(path, fill="no")
    assert whole.report.rows_kept == whole.report.rows_read
    assert "filled_down" in notices(whole)
    assert left.report.reasons["user_missing"].count == left.report.rows_read - left.report.rows_kept


# Made anew


def rows_of(*names: str, lines: list[str]) -> str:
    return ",".join(names) + "\n" + "\n".join(lines) + "\n"


def orders(date: Callable[[int], str], extra: Callable[[int], str] = lambda n: "", name: str = "x") -> str:
    return rows_of(
        "customer_id", "sku", "order_date", name, lines=[f"c{n % 5},s{n % 7},{date(n)},{extra(n)}" for n in range(60)]
    )


def iso(n: int) -> str:
    return (dt.datetime(2024, 3, 1, 10) + dt.timedelta(hours=7 * n)).isoformat(" ")


def test_ticks_and_filetime(file: Write) -> None:
    moment = int(dt.datetime(2024, 3, 1, 10, tzinfo=dt.UTC).timestamp())
    for first in (62_135_596_800, 11_644_473_600):
        made = read(file(orders(lambda n, first=first: str((moment + 3600 * n + first) * 10**7))))  # type: ignore[misc]
        assert times(made)[0] == "2024-03-01T10:00:00"
        assert "times_read_as" in notices(made)


def test_six_digits_are_asked(file: Write) -> None:
    assert key(file(orders(lambda n: f"2403{n % 20 + 1:02d}"))) == "intake_time_readings"
    path = file(orders(lambda n: f"2403{n % 20 + 1:02d}"))
    assert times(read(path, ByHand({}, ("yymmdd",))))[0] == "2024-03-01T00:00:00"


def test_a_birthday_is_no_time(file: Write) -> None:
    path = file(
        rows_of(
            "customer", "product", "birthday", lines=[f"c{n % 4},p{n % 3},1990-01-{n % 9 + 1:02d}" for n in range(24)]
        )
    )
    assert key(path) == "intake_no_time"


def test_times_ahead_are_said(file: Write) -> None:
    made = read(file(orders(lambda n: f"2093-03-{n % 28 + 1:02d} 10:00:00")))
    assert "times_ahead" in notices(made)
    assert "times_early" in notices(read(file(orders(lambda n: f"1985-03-{n % 28 + 1:02d} 10:00:00"))))


@pytest.mark.parametrize("name", ["Guest", "非会员", "0"])
def test_guests_are_asked_about(file: Write, name: str) -> None:
    lines = [f"{name if n % 2 else f'c{n % 8}'},s{n % 7},{iso(n)}" for n in range(120)]
    path = file(rows_of("customer_id", "sku", "order_date", lines=lines))
    assert key(path) == "intake_guests"
    assert read(path, guests="one").report.rows_kept == 120
    assert read(path, guests="drop").report.reasons["guest"].count == 60


def test_ids_that_lost_their_digits(file: Write) -> None:
    shortened = rows_of(
        "customer_id", "sku", "order_date", lines=[f"1.2{n % 5}E+11,s{n % 7},{iso(n)}" for n in range(60)]
    )
    assert key(file(shortened)) == "intake_ids_shortened"
    points = [f"{100 + n % 5}{'.0' if n % 2 else ''},s{n % 7},{iso(n)}" for n in range(60)]
    made = read(file(rows_of("customer_id", "sku", "order_date", lines=points)))
    assert made.events[Columns.USER].nunique() == 5
    assert "ids_point" in notices(made)


@pytest.mark.parametrize(
    ("written", "value"),
    [("1.299,00 €", 1299.0), ("1 299,50", 1299.5), ("1'299.50", 1299.5), ("HK$1,299.50", 1299.5),
     ("₩1,299,000", 1299000.0), ("R$ 9,90", 9.9), ("1,299.00", 1299.0), ("₹499", 499.0), ("9.90 zł", 9.9)],
)  # fmt: skip
def test_prices_of_many_countries(file: Write, written: str, value: float) -> None:
    text = "\n".join(
        ["customer_id;sku;order_date;price", *(f"c{n % 5};s{n % 7};{iso(n)};{written}" for n in range(60))]
    )
    assert set(read(file(text)).items[Columns.PRICE]) == {value}


def test_lists_with_all_their_products(file: Write) -> None:
    cell = ", ".join(f"'s{n}'" for n in range(30))
    lines = [f'c{n % 5},"[{cell}]",{iso(n)}' for n in range(20)]
    made = read(
        file(rows_of("customer_id", "products", "order_date", lines=lines), "x.csv"), ByHand({"item": "products"})
    )
    assert set(made.items[Columns.CODE]) == {f"s{n}" for n in range(30)}
    assert (made.events.groupby(Columns.BASKET).size() == 30).all()


@pytest.mark.parametrize("sign", [" ", ";", "|"])
def test_lists_of_ids_between_signs(file: Write, sign: str) -> None:
    lines = [f"c{n % 5},{sign.join(str(100 + (n + k) % 9) for k in range(3))},{iso(n)}" for n in range(20)]
    made = read(file(rows_of("customer_id", "product_id", "order_date", lines=lines)))
    assert (made.events.groupby(Columns.BASKET).size() == 3).all()


def test_a_person_by_any_name_is_no_title(file: Write) -> None:
    for name in ("name", "customer_name", "收货人姓名", "notes"):
        made = read(file(orders(iso, lambda n: f"Person {n % 5}", name)))
        assert not any("Person" in title for title in made.items[Columns.TITLE_EN])


def test_exports_that_lack_a_half_are_named(file: Write) -> None:
    path = file(rows_of("order_id", "product_id", "add_to_cart_order", "reordered", lines=["1,2,1,0", "1,3,2,1"] * 9))
    assert key(path) == "intake_export_join"


def test_web_pages_and_other_workbooks_are_named(file: Write, tmp_path: Path) -> None:
    import zipfile

    assert key(file("<html><table><tr><td>1</td></tr></table></html>", "orders.xls")) == "intake_not_html"
    for member, kind in (("xl/workbook.bin", ".xlsb"), ("Index/Document.iwa", ".numbers"), ("content.xml", ".ods")):
        path = tmp_path / f"orders{kind}"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("mimetype", "x")
            archive.writestr(member, "x")
        with pytest.raises(CourseError) as caught:
            read(path)
        assert (caught.value.key, caught.value.params["kind"]) == ("intake_other_workbook", kind)


def test_quotes_as_mysql_writes_them(file: Write) -> None:
    made = read(file(orders(iso, lambda n: f'"a \\"red\\" cup, {n % 7}"', "title")))
    assert 'a "red" cup, 3' in set(made.items[Columns.TITLE_EN])
    single = "\n".join(["'customer_id','sku','order_date'", *(f"'c{n % 5}','s{n % 7}','{iso(n)}'" for n in range(60))])
    assert read(file(single)).events[Columns.USER].nunique() == 5


def test_a_long_preamble(file: Write) -> None:
    above = "\n".join(f"line {n} of what stands above" for n in range(30))
    made = read(file(above + "\n" + orders(iso)))
    assert made.report.rows_kept == 60
