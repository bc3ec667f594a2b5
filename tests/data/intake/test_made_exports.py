"""A generator of exports whose truth is known: each comes out equal, is asked about, or is refused; never different.

MADE_EXPORTS=10000 pytest tests/data/intake/test_made_exports.py  # more of them
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import os
import random
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from course_lib.data.columns import Columns
from course_lib.data.intake.limits import LIMITS
from course_lib.data.intake.pipeline import Prepared, look, prepare
from course_lib.errors import CourseError

COUNT = int(os.environ.get("MADE_EXPORTS") or 60)
ALL_ROWS = replace(LIMITS, minimum=1)
SUREST = ("iso", "words", "unix_s", "unix_ms")  # and names in English: such a file must be read, not asked about

USERS = ["customer_id", "Customer ID", "user_id", "buyer", "用户ID", "会员编号", "Kundennr"]
ITEMS = ["sku", "product_id", "item_id", "StockCode", "商品编号", "货号", "Artikelnr"]
TIMES = ["order_date", "timestamp", "created_at", "Order Time", "下单时间", "付款时间", "Datum"]
ORDERS = ["order_id", "Order Number", "订单编号", "invoice"]
TITLES = ["product_name", "title", "Description", "商品名称", "name"]
PRICES = ["price", "unit_price", "单价", "Preis"]
WAYS = {
    "iso": lambda m: m.isoformat(" "),
    "iso_t": lambda m: m.isoformat() + "Z",
    "dmy": lambda m: m.strftime("%d/%m/%Y %H:%M:%S"),
    "mdy": lambda m: m.strftime("%m/%d/%Y %H:%M:%S"),
    "dmy_short": lambda m: m.strftime("%d.%m.%y %H:%M:%S"),
    "words": lambda m: m.strftime("%b %d, %Y %H:%M:%S"),
    "day_words": lambda m: m.strftime("%d %B %Y %H:%M:%S"),
    "zh": lambda m: f"{m.year}年{m.month}月{m.day}日 {m.hour}时{m.minute}分{m.second}秒",
    "compact": lambda m: m.strftime("%Y%m%d%H%M%S"),
    "short_stamp": lambda m: m.strftime("%y%m%d%H%M%S"),
    "unix_s": lambda m: str(int(m.replace(tzinfo=dt.UTC).timestamp())),
    "unix_ms": lambda m: str(int(m.replace(tzinfo=dt.UTC).timestamp()) * 1000),
    "ticks": lambda m: str((int(m.replace(tzinfo=dt.UTC).timestamp()) + 62_135_596_800) * 10**7),
    "excel": lambda m: f"{(m - dt.datetime(1899, 12, 30)).total_seconds() / 86400:.6f}",
    "day": lambda m: m.strftime("%Y-%m-%d"),
    "day_dmy": lambda m: m.strftime("%d/%m/%Y"),
    "yymmdd": lambda m: m.strftime("%y%m%d"),
}


@dataclass
class Truth:
    """What a file says."""

    rows: Counter[tuple[str, str, int]] = field(default_factory=Counter)  # user, item, unix seconds
    titles: dict[str, str] = field(default_factory=dict)
    prices: dict[str, float] = field(default_factory=dict)


@dataclass
class Made:
    content: bytes
    name: str
    truth: Truth
    way: str
    plain: bool  # nothing about it is doubtful
    said: str


def make(seed: int) -> Made:
    """One file, its truth, and how it was made."""
    draw = random.Random(seed)
    way = draw.choice(list(WAYS))
    style = draw.choice(["int", "word", "hex", "phone", "zeros"])
    users = [user_id(draw, style, n) for n in range(draw.randint(3, 12))]
    items = [draw.choice([f"P{n:03d}", f"{40063813339 + n}00", f"{100 + n}"]) for n in range(draw.randint(3, 12))]
    items = list(dict.fromkeys(items))
    prices = {item: draw.choice([9.9, 1299.0, 2.5, 0.5, 12345.67, 3.0]) for item in items}
    titles = {item: f"Cup, {item} red" for item in items}
    start = dt.datetime(draw.randint(2001, 2025), draw.randint(1, 12), draw.randint(1, 28), 9)
    day_only = way in ("day", "day_dmy", "yymmdd")
    orders: list[tuple[str, dt.datetime, list[str]]] = []
    seen: set[tuple[str, dt.datetime]] = set()
    for n in range(draw.randint(12, 60)):
        moment = start + dt.timedelta(hours=draw.randint(3, 9) * n, minutes=n, seconds=draw.randint(0, 59))
        moment = moment.replace(hour=0, minute=0, second=0) if day_only else moment
        user = draw.choice(users)
        if (user, moment) not in seen:
            seen.add((user, moment))
            orders.append((user, moment, draw.sample(items, draw.randint(1, 3))))
    truth = Truth(titles=titles, prices=prices)
    for user, moment, bought in orders:
        for item in bought:
            truth.rows[user, item, int(moment.replace(tzinfo=dt.UTC).timestamp())] += 1
    form = draw.choice(["rows", "rows", "rows", "first_line", "list", "split_time", "lines", "parquet"])
    comma = draw.random() < 0.4
    names = {
        "user": draw.choice(USERS), "item": draw.choice(ITEMS), "time": draw.choice(TIMES),
        "order": draw.choice(ORDERS), "title": draw.choice(TITLES), "price": draw.choice(PRICES),
    }  # fmt: skip
    with_title, with_price, with_order = (draw.random() < 0.5 for _ in range(3))
    if form == "split_time" and (day_only or way not in ("iso", "dmy", "mdy")):
        form = "rows"
    table: list[dict[str, str]] = []
    line = 1_000_000_000 + draw.randint(0, 9**9)
    for number, (user, moment, bought) in enumerate(orders):
        for place, item in enumerate([bought] if form == "list" else bought):
            line += 1
            first = place == 0 or form != "first_line"
            written = WAYS[way](moment)
            row = {names["user"]: user if first else "", names["time"]: written if first else ""}
            row[names["item"]] = str(item) if form == "list" else item
            if form == "split_time":
                row[names["time"]], _, row["Time of day"] = written.partition(" ")
            if with_order or form == "first_line":
                row[names["order"]] = f"O{number}"
            if with_title and form != "list":
                row[names["title"]] = titles[item]
            if with_price and form != "list":
                row[names["price"]] = amount(prices[item], comma)
            for extra, value in beside(draw, seed, line, user, number):
                row[extra] = value
            table.append(row)
    columns = list(dict.fromkeys(name for row in table for name in row))
    random.Random(seed + 1).shuffle(columns)
    content, name, encoding = written_as(draw, form, columns, table)
    sure = way in SUREST and form in ("rows", "lines", "parquet") and style != "phone" and encoding == "utf-8"
    return Made(content, name, truth, way, sure, f"seed {seed}: {way}, {form}, {style}, {encoding}, {columns}")


def user_id(draw: random.Random, style: str, n: int) -> str:
    return {
        "int": str(n + 1), "word": f"c{n}", "hex": f"{draw.getrandbits(48):012x}x", "phone": f"1380013{n:04d}",
        "zeros": f"{n:06d}",
    }[style]  # fmt: skip


def amount(value: float, comma: bool) -> str:
    if comma:
        return f"{value:,.2f}".translate(str.maketrans({",": ".", ".": ","})) + " €"
    return f"${value:,.2f}"


def beside(draw: random.Random, seed: int, line: int, user: str, number: int) -> list[tuple[str, str]]:
    """Columns that are none of the roles, the same ones in every row of a file."""
    every = [
        ("id", str(line)),
        ("phone", f"1390{sum(map(ord, user)) % 10**7:07d}"),
        ("ean", str(4_006_381_333_900 + number)),
        ("birthday", f"19{70 + sum(map(ord, user)) % 29}-05-06"),
        ("customer_name", f"Person {user}"),
        ("notes", f"note {line}"),
        ("ship_date", "2031-01-01"),
        ("user_session", f"s{number}"),
        ("country", "CN"),
    ]
    kept = random.Random(seed + 2)
    return [one for one in every if kept.random() < 0.25]


def written_as(
    draw: random.Random, form: str, columns: list[str], table: list[dict[str, str]]
) -> tuple[bytes, str, str]:
    """The file's bytes, its name and its encoding."""
    if form == "lines":
        lines = [json.dumps({name: row.get(name, "") for name in columns}, ensure_ascii=False) for row in table]
        return "\n".join(lines).encode(), "orders.jsonl", "utf-8"
    if form == "parquet":
        buffer = io.BytesIO()
        pq.write_table(pa.table({name: [row.get(name, "") for row in table] for name in columns}), buffer)
        return buffer.getvalue(), "orders.parquet", "utf-8"
    text = io.StringIO()
    writer = csv.writer(text, delimiter=draw.choice([",", ";", "\t", "|"]), lineterminator=draw.choice(["\n", "\r\n"]))
    writer.writerow(columns)
    writer.writerows([row.get(name, "") for name in columns] for row in table)
    encoding = draw.choice(["utf-8", "utf-8", "utf-8-sig", "utf-16", "gb18030"])
    return text.getvalue().encode(encoding), "orders.csv", encoding


def told(made: Prepared) -> Counter[tuple[tuple[str, int], ...]]:
    """Each user's purchases, whoever the user is called."""
    codes = made.items.set_index(Columns.ITEM)[Columns.CODE]
    events = made.events.assign(code=made.events[Columns.ITEM].map(codes))
    return Counter(
        tuple(sorted(zip(part["code"], part[Columns.TIME].astype(int), strict=True)))
        for _, part in events.groupby(Columns.USER)
    )


def expected(truth: Truth) -> Counter[tuple[tuple[str, int], ...]]:
    by_user: dict[str, list[tuple[str, int]]] = {}
    for user, item, at in truth.rows:
        by_user.setdefault(user, []).append((item, at))
    return Counter(tuple(sorted(rows)) for rows in by_user.values())


def difference(made: Made, folder: Path) -> str:
    """How the intake's reading differs from the truth; empty where it is equal, asked about or refused."""
    path = folder / made.name
    path.write_bytes(made.content)
    try:
        seen = look(path, "", ALL_ROWS)
        taken = prepare(seen, None, ALL_ROWS)
    except CourseError as error:
        return f"refused: {error.key}" if made.plain and error.key not in ASKED_OF_ANY else ""
    if told(taken) != expected(made.truth):
        return f"other events: {dict(taken.mapping.columns)}, {taken.mapping.time_formats}"
    if any("Person" in title or title.startswith("note ") for title in taken.items[Columns.TITLE_EN]):
        return f"a person in the catalogue: {dict(taken.mapping.columns)}"
    for code, title, price in zip(
        *(taken.items[n] for n in (Columns.CODE, Columns.TITLE_EN, Columns.PRICE)), strict=True
    ):
        if title != code and title != made.truth.titles[code]:
            return f"another title: {title}"
        if not np.isnan(price) and abs(price - made.truth.prices[code]) > 0.006:
            return f"another price: {price} for {made.truth.prices[code]}"
    return ""


ASKED_OF_ANY = ("intake_fill_down", "intake_guests", "intake_one_user", "intake_one_item")


@pytest.mark.parametrize("part", range(4))
def test_what_is_made_comes_out_equal_or_is_asked(part: int, tmp_path: Path) -> None:
    wrong = [
        f"{made.said}: {why}" for seed in range(part, COUNT, 4) if (why := difference(made := make(seed), tmp_path))
    ]
    assert not wrong, "\n".join(wrong[:20])


def test_the_generator_itself_is_not_idle(tmp_path: Path) -> None:
    """Most files are read, and a file that is spoilt is found out."""
    read, found = 0, 0
    for seed in range(24):
        made = make(seed)
        (tmp_path / made.name).write_bytes(made.content)
        try:
            taken: Any = prepare(look(tmp_path / made.name, "", ALL_ROWS), None, ALL_ROWS)
        except CourseError:
            continue
        read += 1
        other = replace(made, truth=replace(made.truth, rows=Counter(list(made.truth.rows)[1:])))
        found += told(taken) != expected(other.truth)
    assert read >= 10
    assert found == read
