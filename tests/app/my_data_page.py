"""The page "My data" under AppTest, its file read in a thread of the test, and files to give to it."""

from __future__ import annotations

import io
import threading
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from lab_stage import Stage
from streamlit.testing.v1 import AppTest

from course_lib.data.intake import reader, upload
from course_lib.errors import CourseError
from course_lib.settings import PROJECT, load_settings
from course_lib.ui import services, shell, uploads

PATIENCE_S = 60.0
PAGE_FILE = PROJECT / "pages" / "my_data.py"
ROWS = [
    f"u{user},i{(user * 3 + n) % 9},2024-01-{n + 1:02d} 10:00,杯子{(user * 3 + n) % 9},{n}.5"
    for user in range(8)
    for n in range(6)
]
CHINESE = "客户编号,商品编号,下单时间,商品名称,单价\n" + "\n".join(ROWS) + "\n"


class KilledError(Exception):
    """What ends the thread below."""


class Reader:
    """Reads in a thread of the test; test_uploads.py has the process that does it for learners."""

    def __init__(self, command: object, folder: str, environment: object, on_message: Any, on_death: Any) -> None:
        self.killed = False

        def told(share: float) -> None:
            if self.killed:
                raise KilledError
            on_message(self, {"share": share})

        def work() -> None:
            try:
                reader.work(Path(folder), told)
            except CourseError as error:
                upload.fail(Path(folder), error)
            except KilledError:
                pass
            finally:
                on_death(self, False)

        self.thread = threading.Thread(target=work, daemon=True)
        self.thread.start()

    def kill(self) -> None:
        self.killed = True

    def join(self, patience_s: float) -> None:
        self.thread.join(patience_s)


def staged(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Iterator[Stage]:
    """A home of its own, and runs that are told, not trained."""
    monkeypatch.setenv("LIVEREC_HOME", str(folder / "home"))
    monkeypatch.setattr(uploads, "Child", Reader)
    stage = Stage()
    settings = load_settings()
    monkeypatch.setitem(services._runs, settings, stage)
    yield stage
    if (taken := services._uploads.pop(settings, None)) is not None:
        taken.close()
    if (kept := services._stores.pop(settings.database_url, None)) is not None:
        kept.close()


def open_my_data(language: str = "en") -> AppTest:
    page = AppTest.from_file(str(PAGE_FILE), default_timeout=30)
    page.query_params["lang"] = language
    return checked(page.run())


def checked(page: AppTest) -> AppTest:
    assert not page.exception
    return page


def put(page: AppTest, content: str | bytes, name: str = "shop.csv") -> AppTest:
    """Uploads a file and waits until it has been read."""
    content = content.encode() if isinstance(content, str) else content
    page.file_uploader[0].set_value((name, content, "application/octet-stream"))
    return read(checked(page.run()))


def read(page: AppTest) -> AppTest:
    """What the fragment does in a browser: looks again until nothing is read any more."""
    end = time.monotonic() + PATIENCE_S
    while services.uploads().view(shell.learner()).live:
        assert time.monotonic() < end
        time.sleep(0.05)
    return checked(page.run())


def press(page: AppTest, name: str) -> AppTest:
    return checked(page.button(key=f"my_data_{name}").click().run())


def role(page: AppTest, name: str):
    number = services.uploads().view("local").asked.number
    return page.selectbox(key=f"my_data_{number}_{name}")


def said(page: AppTest) -> str:
    kinds = (page.title, page.header, page.subheader, page.markdown, page.caption, page.info, page.warning, page.error)
    return "\n".join(str(element.value) for kind in (*kinds, page.success) for element in kind)


def keys(page: AppTest) -> set[str]:
    return {str(button.key) for button in page.button}


def packed(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


def workbook(rows: list[list[str]]) -> bytes:
    """A workbook of one sheet of texts, with macros."""
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    cells = "".join(
        f'<row r="{n}">{"".join(f"<c t={chr(34)}inlineStr{chr(34)}><is><t>{cell}</t></is></c>" for cell in row)}</row>'
        for n, row in enumerate(rows, start=1)
    )
    return packed({
        "[Content_Types].xml": (
            f'<Types xmlns="{package}/content-types"><Default Extension="xml" ContentType="application/xml"/>'
            f'<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            f'<Override PartName="/xl/workbook.xml" ContentType="{kind}.sheet.main+xml"/>'
            f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{kind}.worksheet+xml"/></Types>'
        ).encode(),
        "_rels/.rels": (
            f'<Relationships xmlns="{package}/relationships"><Relationship Id="rId1" Type="{office}/officeDocument" '
            f'Target="xl/workbook.xml"/></Relationships>'
        ).encode(),
        "xl/workbook.xml": (
            f'<workbook xmlns="{main}" xmlns:r="{office}"><sheets><sheet name="S" sheetId="1" r:id="rId1"/></sheets>'
            f"</workbook>"
        ).encode(),
        "xl/_rels/workbook.xml.rels": (
            f'<Relationships xmlns="{package}/relationships"><Relationship Id="rId1" Type="{office}/worksheet" '
            f'Target="worksheets/sheet1.xml"/></Relationships>'
        ).encode(),
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{main}"><sheetData>{cells}</sheetData></worksheet>'.encode(),
        "xl/vbaProject.bin": b"macros",
    })  # fmt: skip
