"""A generator of broken files: whatever is done to a file, it is taken in soundly or refused by a CourseError.

BROKEN_FILES=5000 pytest tests/data/intake/test_broken_files.py  # more, each within 2 s of CPU and 1 GB in all
"""

from __future__ import annotations

import gzip
import io
import os
import resource
import tempfile
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from course_lib.data.checks import check
from course_lib.data.dataset import Address, Dataset
from course_lib.data.intake.export import to_csv
from course_lib.data.intake.pipeline import look, prepare
from course_lib.errors import CourseError
from course_lib.text import LANGUAGES

ASKED = os.environ.get("BROKEN_FILES")
EXAMPLES = int(ASKED or 150)
MANY = settings(
    max_examples=EXAMPLES,
    deadline=None,  # a shared machine may stand still for seconds: CPU time is asked for instead
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
GOOD = "用户ID,商品编号,商品名称,下单时间,单价\n" + "".join(
    f"u{n % 5},i{n % 7},牛奶 {n % 7},2024-01-{n % 28 + 1:02d} 10:{n % 60:02d}:00,{n % 9}.5\n" for n in range(60)
)


def seeds(workbook: bytes) -> dict[str, bytes]:
    """A sound file of each kind."""
    frame = pd.read_csv(io.StringIO(GOOD))
    table = io.BytesIO()
    frame.to_parquet(table)
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as target:
        target.writestr("orders.csv", GOOD)
    lines = frame.to_json(orient="records", lines=True, force_ascii=False)
    return {
        "utf-8": GOOD.encode(),
        "gb18030": GOOD.encode("gb18030"),
        "utf-16": GOOD.encode("utf-16"),
        "gz": gzip.compress(GOOD.encode(), mtime=0),
        "zip": archive.getvalue(),
        "lines": lines.encode(),
        "parquet": table.getvalue(),
        "xlsx": workbook,
    }


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


def take_in(path: Path) -> None:
    """Takes the file in; anything but a CourseError or a sound dataset fails the test."""
    started = time.process_time()
    refusal = None
    try:
        made = prepare(look(path))
    except CourseError as error:
        refusal = error
    assert not ASKED or time.process_time() - started < 2
    if refusal is not None:
        assert all(len(refusal.text(language)) > 10 for language in LANGUAGES)
        return
    assert check(Dataset(Address("x", "full", "0"), made.events, made.items)) == ()
    assert made.report.rows_read == made.report.rows_kept + made.report.rows_dropped
    assert made.report.sentences("zh") is not None
    to_csv(made.items)


# Up to six blows: what, where in thousandths of the file, and with which bytes
BLOWS = st.lists(
    st.tuples(
        st.sampled_from(["flip", "cut", "insert", "repeat", "end"]),
        st.integers(0, 1000),
        st.binary(min_size=1, max_size=12)
        | st.sampled_from([b'"', b"\n", b",", b"\0", b"\xff\xfe", b"\r", b";", b"\t"]),
    ),
    max_size=6,
)


def strike(content: bytes, blows: list[tuple[str, int, bytes]]) -> bytes:
    """The bytes after the blows."""
    for kind, place, piece in blows:
        at = place * len(content) // 1000
        if kind == "flip":
            content = content[:at] + piece + content[at + len(piece) :]
        elif kind == "cut":
            content = content[:at] + content[at + 3 * len(piece) :]
        elif kind == "insert":
            content = content[:at] + piece + content[at:]
        elif kind == "repeat":
            content = content[:at] + content[max(0, at - 200) : at] * 3 + content[at:]
        else:
            content = content[:at] if len(piece) == 1 else content
    return content


KINDS = ["utf-8", "gb18030", "utf-16", "gz", "zip", "lines", "parquet", "xlsx"]


@pytest.fixture(scope="module")
def sound(folder: Path) -> Path:
    """A folder with a sound file of each kind; the workbook is made by hand, without compression."""
    target = io.BytesIO()
    main = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    rows = "".join(
        f'<row r="{n}">'
        + "".join(f'<c t="inlineStr"><is><t>{cell}</t></is></c>' for cell in line.split(","))
        + "</row>"
        for n, line in enumerate(GOOD.strip().split("\n"), start=1)
    )
    members = {
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types"/>',
        "_rels/.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="rId1" '
        f'Type="{office}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook {main} xmlns:r="{office}"><sheets><sheet name="S" sheetId="1" r:id="rId1"/>'
        "</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="rId1" '
        f'Type="{office}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
        "xl/worksheets/sheet1.xml": f"<worksheet {main}><sheetData>{rows}</sheetData></worksheet>",
    }
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:  # stored: a blow lands in the XML itself
        for name, content in members.items():
            archive.writestr(name, content)
    for kind, content in seeds(target.getvalue()).items():
        (folder / kind).write_bytes(content)
    return folder


@pytest.mark.parametrize("kind", KINDS)
def test_the_sound_file_is_taken_in(kind: str, sound: Path) -> None:
    assert prepare(look(sound / kind)).report.rows_kept == 60


@given(kind=st.sampled_from(KINDS), blows=BLOWS)
@settings(parent=MANY)
def test_damaged_files(sound: Path, kind: str, blows: list[tuple[str, int, bytes]]) -> None:
    path = sound / "damaged"
    path.write_bytes(strike((sound / kind).read_bytes(), blows))
    take_in(path)


@given(content=st.binary(max_size=400))
@settings(parent=MANY)
def test_any_bytes(folder: Path, content: bytes) -> None:
    path = folder / "bytes"
    path.write_bytes(content)
    take_in(path)


def test_a_parquet_file_whose_text_is_no_utf8_is_refused(tmp_path: Path) -> None:
    """Found by the blows above: Arrow reads such a column, and fails only when somebody works with it."""
    spoilt = pa.array([b"u1", b"\xff\xfe", b"u3"]).view(pa.string())
    path = tmp_path / "spoilt.parquet"
    pq.write_table(pa.table({"user_id": spoilt, "item_id": ["i1", "i2", "i3"], "time": [1, 2, 3]}), path)
    with pytest.raises(CourseError) as caught:
        look(path)
    assert caught.value.key == "intake_parquet_broken"


CELLS = st.one_of(
    st.sampled_from(
        ["u1", "u2", "i1", "i2", "", "NULL", "2024-01-01 10:00", "1/2/2024", "1700000000", "9999-12-31", "=1+1", "-3"]
    ),
    st.text(max_size=8),
    st.integers().map(str),
    st.floats().map(repr),
)


@given(
    head=st.lists(
        st.sampled_from(["user", "item", "time", "价格", "数量", "title", "x", ""]) | st.text(max_size=6),
        min_size=1,
        max_size=7,
    ),
    rows=st.lists(st.lists(CELLS, min_size=1, max_size=7), max_size=25),
    delimiter=st.sampled_from([",", "\t", ";", "|", "::"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "gb18030"]),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
)
@settings(parent=MANY)
def test_any_table(
    folder: Path, head: list[str], rows: list[list[str]], delimiter: str, encoding: str, end: str
) -> None:
    text = end.join(delimiter.join(row) for row in [head, *rows])
    path = folder / "table.csv"
    path.write_bytes(text.encode(encoding, "replace"))
    take_in(path)


@pytest.mark.skipif(not ASKED, reason="what the process has used by now says little after a few examples")
def test_the_memory_stayed_within_the_cap() -> None:
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < 1024 * 1024  # KiB
