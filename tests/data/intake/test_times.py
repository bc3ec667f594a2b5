"""Times in every format that files write, compared with the standard library; what is ambiguous is asked."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_lib.data.columns import Columns
from course_lib.data.intake.mapping import Mapping
from course_lib.data.intake.pipeline import Prepared, look
from course_lib.data.intake.time_formats import find_formats
from course_lib.data.intake.times import FORMATS, OK, OUT_OF_RANGE, UNREADABLE, check_zone, parse
from course_lib.errors import CourseError

Write = Callable[..., Path]
Take = Callable[..., Prepared]
Refused = Callable[..., CourseError]
MOMENTS = st.datetimes(dt.datetime(1973, 6, 1), dt.datetime(2099, 12, 31)).map(
    lambda moment: moment.replace(microsecond=0)
)
WAYS: dict[str, tuple[str, Callable[[dt.datetime], str]]] = {
    "iso": ("iso", lambda m: m.isoformat()),
    "iso with a blank": ("iso", lambda m: m.isoformat(" ")),
    "iso with milliseconds": ("iso", lambda m: f"{m.isoformat(' ')}.123"),
    "Zulu": ("iso", lambda m: f"{m.isoformat()}Z"),
    "slashes, year first": ("iso", lambda m: f"{m.year}/{m.month}/{m.day} {m.hour}:{m.minute:02d}:{m.second:02d}"),
    "Chinese": ("iso", lambda m: f"{m.year}年{m.month}月{m.day}日 {m.hour}时{m.minute}分{m.second}秒"),
    "month first": ("mdy", lambda m: f"{m.month}/{m.day}/{m.year} {m.hour}:{m.minute:02d}:{m.second:02d}"),
    "month first, half days": ("mdy", lambda m: m.strftime("%m/%d/%Y %I:%M:%S %p")),
    "day first": ("dmy", lambda m: m.strftime("%d.%m.%Y %H:%M:%S")),
    "compact": ("compact", lambda m: m.strftime("%Y%m%d%H%M%S")),
    "seconds": ("unix_s", lambda m: str(int(m.replace(tzinfo=dt.UTC).timestamp()))),
    "fractions": ("unix_s", lambda m: f"{int(m.replace(tzinfo=dt.UTC).timestamp())}.75"),
    "milliseconds": ("unix_ms", lambda m: str(int(m.replace(tzinfo=dt.UTC).timestamp()) * 1000 + 7)),
    "microseconds": ("unix_us", lambda m: str(int(m.replace(tzinfo=dt.UTC).timestamp()) * 10**6)),
}


@pytest.mark.parametrize("way", WAYS)
@given(moments=st.lists(MOMENTS, min_size=1, max_size=5))
def test_a_time_is_the_one_that_was_written(way: str, moments: list[dt.datetime]) -> None:
    name, write = WAYS[way]
    times = parse(pa.array([write(moment) for moment in moments]), (name,))
    assert (times.status == OK).all()
    assert times.seconds.tolist() == [int(moment.replace(tzinfo=dt.UTC).timestamp()) for moment in moments]


@given(moment=MOMENTS, hours=st.integers(-12, 14), minutes=st.sampled_from([0, 30, 45]))
def test_a_zone_in_the_value_counts(moment: dt.datetime, hours: int, minutes: int) -> None:
    zone = dt.timezone(dt.timedelta(hours=hours, minutes=minutes if hours >= 0 else -minutes))
    times = parse(pa.array([moment.replace(tzinfo=zone).isoformat()]), ("iso",), "Asia/Tokyo")
    assert times.seconds[0] == moment.replace(tzinfo=zone).timestamp()
    assert times.zoned[0]


@pytest.mark.parametrize("zone", ["Asia/Shanghai", "Europe/London", "America/New_York"])
@given(moment=MOMENTS)
def test_a_zone_that_is_given_holds_for_the_rest(zone: str, moment: dt.datetime) -> None:
    """An hour that a clock change skips moves to where the clock goes on; of a repeated one the first is meant."""
    local = moment.replace(tzinfo=zoneinfo.ZoneInfo(zone), fold=0)
    there_and_back = dt.datetime.fromtimestamp(local.timestamp(), zoneinfo.ZoneInfo(zone)).replace(tzinfo=None)
    seconds = parse(pa.array([moment.isoformat(" ")]), ("iso",), zone).seconds[0]
    if there_and_back == moment:
        assert seconds == local.timestamp()
    else:
        assert 0 <= local.timestamp() - seconds <= 3600


@pytest.mark.parametrize(
    "value",
    [
        "",
        "never",
        "2023-02-29",
        "2024-13-01",
        "2024-01-01 25:00",
        "2024-01-32",
        "1.5E+09",
        "12:30",
        "32/1/2024",
        "0",
        "-1",
    ],
)
def test_what_is_no_time(value: str) -> None:
    assert (parse(pa.array([value]), FORMATS).status == UNREADABLE).all()


@pytest.mark.parametrize(
    "value", ["0000-00-01", "0000-01-01", "9999-12-31", "0001-01-01 00:00:00", "1970-01-01", "1/1/2100"]
)
def test_years_that_stand_for_unknown(value: str) -> None:
    status = parse(pa.array([value]), FORMATS).status[0]
    assert status == (UNREADABLE if value == "0000-00-01" else OUT_OF_RANGE)


@given(st.lists(st.text(max_size=30), max_size=20))
def test_nothing_that_is_written_breaks_it(values: list[str]) -> None:
    times = parse(pa.array(values, pa.string()), FORMATS, "Asia/Shanghai")
    assert len(times.seconds) == len(values)
    assert find_formats(values).share <= 1


def test_formats_are_found() -> None:
    assert find_formats(["2024-01-01", "2024-01-02 10:00"]).formats == ("iso",)
    assert find_formats(["1/2/2024", "1/30/2024"]).formats == ("mdy",)
    assert find_formats(["1/2/2024", "30/1/2024"]).formats == ("dmy",)
    assert find_formats(["1/2/2024", "3/4/2024"]).ambiguous
    assert find_formats(["1/20/2024", "20/1/2024"]).contradiction
    assert find_formats(["hello"]).formats == ()
    assert find_formats(["2024-01-01"] * 9 + ["1700000000"]).formats == ("iso", "unix_s")


def table_of(times: list[str]) -> str:
    return "user_id,item_id,time\n" + "".join(f"u{n % 3},i{n % 4},{value}\n" for n, value in enumerate(times))


def test_day_or_month_is_asked(file: Write, refused: Refused, take: Take) -> None:
    path = file(table_of([f"{n % 9 + 1}/{n % 5 + 1}/2024 10:00" for n in range(30)]))
    refused(path, "intake_time_ambiguous", ["2", "time", "1/1/2024"])
    guessed = look(path, "none").guessed
    assert guessed is not None
    assert guessed.mapping.time_formats == ()
    columns = guessed.mapping.columns
    first = take(path, Mapping(columns, ("dmy",))).events[Columns.TIME]
    other = take(path, Mapping(columns, ("mdy",))).events[Columns.TIME]
    assert np.unique(first.to_numpy().astype("M8[s]").astype("M8[M]")).size == 5
    assert np.unique(other.to_numpy().astype("M8[s]").astype("M8[M]")).size == 9


def test_one_row_far_down_tells_day_from_month(file: Write, take: Take) -> None:
    path = file(table_of([f"{n % 9 + 1}/{n % 5 + 1}/2024 10:00" for n in range(20_000)] + ["13/1/2024 10:00"]))
    assert take(path).mapping.time_formats == ("dmy",)


def test_day_first_and_month_first_in_one_column(file: Write, refused: Refused) -> None:
    refused(file(table_of(["20/1/2024", "1/20/2024"] * 9)), "intake_time_contradiction", ["time", "20/1/2024", "2"])


def test_mixed_formats_are_read_and_the_rest_is_dropped_by_row(file: Write, take: Take) -> None:
    values = [f"2024-01-{n + 1:02d}" for n in range(20)] + [str(1_700_000_000 + n) for n in range(9)] + ["soon", ""]
    made = take(file(table_of(values)))
    assert made.mapping.time_formats == ("iso", "unix_s")
    assert made.report.rows_kept == 29
    assert made.report.reasons["time_unreadable"].examples[0].value == "soon"
    assert made.report.reasons["time_unreadable"].examples[0].row == 31
    assert made.report.reasons["time_missing"].examples[0].row == 32
    (notice,) = [said for said in made.report.notices if said.key == "times_mixed"]
    assert notice.params == {"row": "22", "column": "time", "value": "1700000000"}
    one_way = take(file(table_of([f"2024-01-{n + 1:02d} 1{n % 10}:00" for n in range(20)] + ["soon"])))
    assert "times_mixed" not in [said.key for said in one_way.report.notices]


def test_the_halves_of_a_chinese_day() -> None:
    moments = parse(pa.array(["2024/1/31 下午 3:05", "2024年1月31日 上午3:05", "2024-01-31 下午 13:05"]), ("iso",))
    base = int(dt.datetime(2024, 1, 31, tzinfo=dt.UTC).timestamp())
    assert (moments.seconds[:2] - base).tolist() == [15 * 3600 + 300, 3 * 3600 + 300]
    assert moments.status.tolist() == [OK, OK, UNREADABLE]


def test_years_0_and_9999_are_dropped_and_named(file: Write, take: Take, refused: Refused) -> None:
    values = [f"2024-01-{n + 1:02d} 10:00" for n in range(12)]
    made = take(file(table_of([*values, "0000-01-01 00:00", "9999-12-31 23:59"])))
    reason = made.report.reasons["time_out_of_range"]
    assert [(one.row, one.column, one.value) for one in reason.examples] == [
        (14, "time", "0000-01-01 00:00"),
        (15, "time", "9999-12-31 23:59"),
    ]
    refused(file(table_of(["9999-12-31 10:00"] * 12)), "intake_all_times", ["2", "time", "9999-12-31"])


def test_no_time_at_all(file: Write, refused: Refused) -> None:
    refused(file("user_id,item_id,country\nu1,i1,UK\nu2,i2,FR\n"), "intake_no_time", ["country"])
    refused(file("user_id,item_id,time\nu1,i1,\nu2,i2,later\n"), "intake_not_times", ["time", "3", "later"])


def test_zones_in_some_rows_only_are_said(file: Write, take: Take) -> None:
    values = [f"2024-01-{n + 1:02d}T10:00:00+08:00" for n in range(12)] + ["2024-02-01T10:00:00"]
    path = file(table_of(values))
    made = take(path)
    (notice,) = made.report.notices
    assert (notice.key, notice.params["row"]) == ("zones_mixed", "14")
    shanghai = Mapping(made.mapping.columns, made.mapping.time_formats, "Asia/Shanghai")
    times = sorted(take(path, shanghai).events[Columns.TIME])
    assert times[0] == dt.datetime(2024, 1, 1, 2, tzinfo=dt.UTC).timestamp()
    assert times[-1] == dt.datetime(2024, 2, 1, 2, tzinfo=dt.UTC).timestamp()


def test_days_without_a_clock_are_sets(file: Write, take: Take) -> None:
    rows = [f"u{user},i{item},2024-01-{day:02d}" for user in range(2) for day in (1, 2, 3) for item in range(4)]
    made = take(file("user,item,date\n" + "\n".join(rows)))
    assert [said.key for said in made.report.notices] == ["no_clock"]
    assert made.events.groupby(Columns.BASKET).size().tolist() == [4] * 6


def test_an_unknown_zone_is_named() -> None:
    assert check_zone("Asia/Shanghai") == "Asia/Shanghai"
    for zone in ("Mars/Olympus", "../etc/passwd", ""):
        with pytest.raises(CourseError) as error:
            check_zone(zone)
        assert error.value.key == "intake_unknown_zone"
