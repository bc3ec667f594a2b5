"""Small files of every kind, a home of one's own, and one way to take a file in."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from xml.sax.saxutils import escape

import pytest

from course_lib.data.intake.limits import LIMITS, Limits
from course_lib.data.intake.mapping import Mapping
from course_lib.data.intake.pipeline import Prepared, look, prepare
from course_lib.errors import CourseError
from course_lib.text import LANGUAGES

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
KIND = "application/vnd.openxmlformats-officedocument.spreadsheetml"


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIVEREC_HOME", str(tmp_path / "home"))


@pytest.fixture
def shop_csv() -> str:
    """Three users, three items, enough events for each user."""
    rows = [f"u{user},i{(user + n) % 3},2024-01-{n + 1:02d} 10:00:00" for user in range(3) for n in range(4)]
    return "user_id,item_id,timestamp\n" + "\n".join(rows) + "\n"


@pytest.fixture
def file(tmp_path: Path) -> Callable[..., Path]:
    """Writes text or bytes to a file and gives its path."""

    def write(content: str | bytes, name: str = "shop.csv", encoding: str = "utf-8") -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode(encoding) if isinstance(content, str) else content)
        return path

    return write


@pytest.fixture
def workbook(tmp_path: Path) -> Callable[..., Path]:
    """Writes a workbook: sheets of rows of cells; a cell that begins with "<c" is its own XML."""

    def cell(value: str | float) -> str:
        if isinstance(value, str):
            return value if value.startswith("<c") else f'<c t="inlineStr"><is><t>{escape(value)}</t></is></c>'
        return f"<c><v>{value}</v></c>"

    def write(
        sheets: dict[str, Sequence[Sequence[str | float]]],
        name: str = "shop.xlsx",
        extra: dict[str, bytes] | None = None,
    ) -> Path:
        path = tmp_path / name
        types = "".join(
            f'<Override PartName="/xl/worksheets/sheet{n}.xml" ContentType="{KIND}.worksheet+xml"/>'
            for n in range(1, len(sheets) + 1)
        )
        listed = "".join(
            f'<sheet name="{escape(sheet)}" sheetId="{n}" r:id="rId{n}"/>' for n, sheet in enumerate(sheets, start=1)
        )
        links = "".join(
            f'<Relationship Id="rId{n}" Type="{OFFICE}/worksheet" Target="worksheets/sheet{n}.xml"/>'
            for n in range(1, len(sheets) + 1)
        )
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(
                "[Content_Types].xml",
                f'<Types xmlns="{PACKAGE}/content-types"><Default Extension="xml" ContentType="application/xml"/>'
                '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
                f'<Override PartName="/xl/workbook.xml" ContentType="{KIND}.sheet.main+xml"/>{types}</Types>',
            )
            archive.writestr(
                "_rels/.rels",
                f'<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="rId1" '
                f'Type="{OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
            )
            archive.writestr(
                "xl/workbook.xml", f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><sheets>{listed}</sheets></workbook>'
            )
            archive.writestr(
                "xl/_rels/workbook.xml.rels", f'<Relationships xmlns="{PACKAGE}/relationships">{links}</Relationships>'
            )
            for n, rows in enumerate(sheets.values(), start=1):
                body = "".join(
                    f'<row r="{row}">{"".join(map(cell, cells))}</row>' for row, cells in enumerate(rows, start=1)
                )
                archive.writestr(
                    f"xl/worksheets/sheet{n}.xml",
                    f'<worksheet xmlns="{MAIN}"><sheetData>{body}</sheetData></worksheet>',
                )
            for member, content in (extra or {}).items():
                archive.writestr(member, content)
        return path

    return write


@pytest.fixture
def take() -> Callable[..., Prepared]:
    """Looks at a file and prepares it."""

    def taken(
        path: Path, mapping: Mapping | None = None, limits: Limits = LIMITS, format_name: str = "none"
    ) -> Prepared:
        return prepare(look(path, format_name, limits), mapping, limits)

    return taken


@pytest.fixture
def refused(take: Callable[..., Prepared]) -> Callable[..., CourseError]:
    """The CourseError of a file that cannot be taken in; its sentence holds all ``words`` in both languages."""

    def error(path: Path, key: str, words: Iterable[str] = (), **more: object) -> CourseError:
        with pytest.raises(CourseError) as caught:
            take(path, **more)
        assert caught.value.key == key, caught.value
        for language in LANGUAGES:
            sentence = caught.value.text(language)
            assert all(word in sentence for word in words), sentence
        return caught.value

    return error
