"""Guards before parsing: what a file really is, by its bytes, and whether it can be unpacked without harm.

A file's name says nothing that counts here: a program renamed to .csv is refused, a table renamed to .txt is read.
"""

from __future__ import annotations

import gzip
import hashlib
import re
import shutil
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from course_lib.data.intake.limits import Limits
from course_lib.data.intake.report import Said, shown
from course_lib.errors import CourseError

Tick = Callable[[float], None]  # takes the share that is done, 0 to 1; what it raises stops the intake
CHUNK = 2**20
# First bytes of what is no table, and what it is called in the refusal
SIGNATURES = (
    (b"\x7fELF", "program"), (b"\xfe\xed\xfa", "program"), (b"\xcf\xfa\xed\xfe", "program"),
    (b"\xca\xfe\xba\xbe", "program"), (b"#!", "program"), (b"\0asm", "program"), (b"%PDF", "pdf"),
    (b"\x89PNG", "picture"), (b"\xff\xd8\xff", "picture"), (b"GIF8", "picture"), (b"\xd0\xcf\x11\xe0", "old_excel"),
    (b"Rar!", "archive"), (b"7z\xbc\xaf\x27\x1c", "archive"), (b"BZh", "archive"), (b"\xfd7zXZ\0", "archive"),
    (b"\x28\xb5\x2f\xfd", "archive"), (b"SQLite format 3\0", "database"), (b"\x80\x04\x95", "program"),
)  # fmt: skip
# What the standard library's unpackers raise on damaged bytes; some seek before the file's beginning (OSError)
BROKEN = (
    zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError, ValueError, LookupError,
    struct.error, OverflowError,
)  # fmt: skip


TAR_MARK = 257  # the byte of a tar's first block from which its kind is written
HTML = re.compile(rb"(?i)(?:\xef\xbb\xbf)?\s*<(?:!doctype html|html|table|meta|head|\?xml[^>]*>\s*<(?:html|workbook))")


@contextmanager
def unpacking(name: str, wrap: str = "zip") -> Iterator[None]:
    """What unpackers raise on damaged bytes, as a CourseError; a file that is not packed keeps its own errors."""
    try:
        yield
    except BROKEN as error:
        if not wrap:
            raise
        raise CourseError("intake_archive_broken", file=shown(name), reason=shown(error)) from error


@dataclass(frozen=True)
class Part:
    """One file of data: by itself, in a .gz, or in a .zip."""

    path: Path  # the file on disk
    name: str  # without the folders that it lies in
    wrap: str = ""  # "gz", "zip" or nothing
    member: str = ""  # the name within the zip

    @contextmanager
    def open(self) -> Iterator[tuple[Callable[[int], bytes], Callable[[], float]]]:
        """A function that reads its unpacked bytes, and one that says how much is read, 0 to 1."""
        with ExitStack() as stack, self.path.open("rb") as raw:
            with unpacking(self.path.name, self.wrap):
                file: IO[bytes] = raw
                if self.wrap == "zip":
                    file = stack.enter_context(stack.enter_context(zipfile.ZipFile(raw)).open(self.member))
                elif self.wrap:
                    file = cast(IO[bytes], stack.enter_context(closing(gzip.GzipFile(fileobj=raw))))
            total = max(1, self.path.stat().st_size)

            def read(size: int) -> bytes:
                with unpacking(self.path.name, self.wrap):
                    return file.read(size)

            yield read, lambda: min(1.0, raw.tell() / total)

    def chunks(self, limits: Limits, tick: Tick | None = None) -> Iterator[bytes]:
        """The unpacked bytes, at most 1 MiB at once; raises CourseError where they grow past the caps."""
        packed, unpacked = self.packed, 0
        with self.open() as (read, share):
            while chunk := read(min(CHUNK, limits.line_bytes)):
                unpacked += len(chunk)
                guard_growth(self.name, packed, unpacked, limits)
                if tick:
                    tick(share())
                yield chunk

    @property
    def packed(self) -> int:
        """Bytes on disk."""
        if self.wrap == "zip":
            with unpacking(self.path.name), zipfile.ZipFile(self.path) as archive:
                return archive.getinfo(self.member).compress_size
        return self.path.stat().st_size

    @contextmanager
    def on_disk(self, limits: Limits) -> Iterator[Path]:
        """The path of the unpacked file, for formats that are not read from front to back."""
        if not self.wrap:
            yield self.path
            return
        folder = Path(tempfile.mkdtemp(prefix="liverec-intake-"))
        try:
            with (folder / "part").open("wb") as target:
                for chunk in self.chunks(limits):
                    target.write(chunk)
            yield folder / "part"
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def guard_growth(name: str, packed: int, unpacked: int, limits: Limits) -> None:
    """Raises CourseError where a file unpacks to more than the caps allow."""
    if unpacked > limits.unpacked_bytes:
        raise CourseError("intake_too_large", file=shown(name), limit=f"{limits.unpacked_bytes / 2**20:,.0f}")
    if unpacked > limits.ratio_from and unpacked > limits.ratio * max(1, packed):
        raise CourseError("intake_bomb", file=shown(name), ratio=f"{limits.ratio:,}")


def contents(path: Path, limits: Limits) -> list[Part]:
    """Every file of data that ``path`` holds: itself, or the members of a zip or folder. Nothing is unpacked yet."""
    if path.is_dir():
        found = [one for one in sorted(path.rglob("*")) if one.is_file() and not one.name.startswith(".")]
        _few(path, len(found), limits)
        return [part for one in found for part in _file(one)]
    if not path.is_file():
        raise CourseError("intake_missing", path=path)
    if path.stat().st_size == 0:
        raise CourseError("intake_empty", file=shown(path.name))
    with path.open("rb") as file:
        head = file.read(4)
    if head != b"PK\x03\x04" or is_workbook(path):
        return _file(path)
    if kind := other_workbook(path):
        raise CourseError("intake_other_workbook", file=shown(path.name), kind=kind)
    return _members(path, limits)


def _file(path: Path) -> list[Part]:
    with path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    return [Part(path, path.name.removesuffix(".gz") if packed else path.name, "gz" if packed else "")]


def _few(path: Path, count: int, limits: Limits) -> None:
    if count > limits.files:
        raise CourseError("intake_many_files", file=shown(path.name), count=f"{count:,}", limit=f"{limits.files:,}")


def is_workbook(path: Path) -> bool:
    """Is this zip an Excel workbook?"""
    with unpacking(path.name), zipfile.ZipFile(path) as archive:
        return "xl/workbook.xml" in archive.namelist()


def other_workbook(path: Path) -> str:
    """What kind of spreadsheet a zip is that is not read; empty where it is none."""
    with unpacking(path.name), zipfile.ZipFile(path) as archive:
        names = set(archive.namelist())
    if "xl/workbook.bin" in names:
        return ".xlsb"
    if "content.xml" in names and "mimetype" in names:
        return ".ods"
    return ".numbers" if any(name.endswith(".iwa") for name in names) else ""


def _members(path: Path, limits: Limits) -> list[Part]:
    """A zip's files, its declared sizes held against the caps; reading holds the real ones against them again."""
    parts, unpacked = [], 0
    with unpacking(path.name), zipfile.ZipFile(path) as archive:
        _few(path, len(archive.infolist()), limits)
        for info in archive.infolist():
            name = info.filename.rsplit("/", 1)[-1]
            if info.is_dir() or name.startswith(".") or info.filename.startswith("__MACOSX/"):
                continue
            if info.flag_bits & 1:
                raise CourseError("intake_encrypted", file=shown(path.name))
            unpacked += info.file_size
            guard_growth(path.name, path.stat().st_size, unpacked, limits)
            with archive.open(info) as file:
                head = file.read(4)
            if head[:2] == b"\x1f\x8b" or (head == b"PK\x03\x04" and not name.lower().endswith((".xlsx", ".xlsm"))):
                raise CourseError("intake_nested", file=shown(path.name), inner=shown(info.filename))
            parts.append(Part(path, name, "zip", info.filename))
    if not parts:
        raise CourseError("intake_empty", file=shown(path.name))
    return parts


def identify(part: Part) -> str:
    """What the bytes are: "text", "xlsx" or "parquet"; raises CourseError for anything that is no table."""
    with part.open() as (read, _):
        head = read(512)
    if not head:
        raise CourseError("intake_empty", file=shown(part.name))
    if head.startswith(b"PAR1"):
        return "parquet"
    if head.startswith(b"PK\x03\x04"):
        return "xlsx"
    if len(head) > TAR_MARK and head[TAR_MARK:].startswith(b"ustar"):
        raise CourseError("intake_not_archive", file=shown(part.name))
    if HTML.match(head):
        raise CourseError("intake_not_html", file=shown(part.name))
    is_windows_program = head.startswith(b"MZ") and b"\0" in head[2:64]
    what = "program" if is_windows_program else next((name for sign, name in SIGNATURES if head.startswith(sign)), "")
    if what:
        raise CourseError(f"intake_not_{what}", file=shown(part.name))
    return "text"


# In a sheet's XML a row's number, a cell beyond column Z, a formula, and a formula without a stored result. Their gaps
# are bounded, so that no file makes them slow.
_ROW = re.compile(rb"""<(?:\w{1,9}:)?row [^<>]{0,300}?\br=["'](\d{1,9})["']""")
_WIDE = re.compile(rb"""<(?:\w{1,9}:)?c [^<>]{0,300}?\br=["']([A-Z]{2,3})\d""")
_FORMULA = re.compile(rb'<c [^<>]{0,300}?\br="([A-Z]{1,3})(\d{1,9})"[^<>]{0,300}><f[ />]')
_UNSOLVED = re.compile(
    rb'<c [^<>]{0,300}?\br="([A-Z]{1,3})(\d{1,9})"[^<>]{0,300}>'
    rb"<f(?:>[^<]*</f>| [^>]*[^/]>[^<]*</f>| ?/>| [^>]*/>)(?:<v ?/>|<v></v>)?</c>"
)


def check_workbook(path: Path, name: str, limits: Limits) -> list[Said]:
    """Guards a workbook's zip and says what of it is not read: macros and formulas.

    Raises CourseError for a bomb, for a sheet of more cells than fit (one far away is enough: a sheet is held as a
    rectangle), and for formulas that were never calculated, naming the first one's row and column.
    """
    notices: dict[str, Said] = {}
    with unpacking(name), zipfile.ZipFile(path) as archive:
        infos = archive.infolist()
        unpacked = sum(info.file_size for info in infos)
        guard_growth(name, path.stat().st_size, unpacked, limits)
        if unpacked > limits.workbook_bytes:
            raise CourseError("intake_workbook_large", file=shown(name), limit=f"{limits.cells:,}")
        for info in infos:
            if info.flag_bits & 1:
                raise CourseError("intake_encrypted", file=shown(name))
            if info.filename.endswith("vbaProject.bin"):
                notices["macros"] = Said("macros")
            if info.filename.startswith("xl/worksheets/") and info.filename.endswith(".xml"):
                with archive.open(info) as sheet:
                    _check_sheet(sheet, name, limits, notices)
    return list(notices.values())


def _check_sheet(sheet: IO[bytes], name: str, limits: Limits, notices: dict[str, Said]) -> None:
    tail, height, width = b"", 0, 26
    while chunk := sheet.read(CHUNK):
        window = tail + chunk
        height = max([height, *map(int, _ROW.findall(window))])
        for letters in set(_WIDE.findall(window)):
            number = 0
            for letter in letters:
                number = 26 * number + letter - 64
            width = max(width, number)
        if height * (width if width > 26 else 1) > limits.cells:
            raise CourseError("intake_workbook_large", file=shown(name), limit=f"{limits.cells:,}")
        if b"<f" in window:
            if found := _UNSOLVED.search(window):
                column, row = (one.decode() for one in found.groups())
                raise CourseError("intake_formula_unsolved", file=shown(name), row=row, column=column)
            if found := _FORMULA.search(window):
                column, row = (one.decode() for one in found.groups())
                notices.setdefault("formulas", Said("formulas", {"row": row, "column": column}))
        tail = window[-1000:]


def digest(parts: list[Part]) -> tuple[int, str]:
    """Bytes and SHA-256 of the files as they lie on disk."""
    total, sha = 0, hashlib.sha256()
    for path in dict.fromkeys(part.path for part in parts):
        with path.open("rb") as file:
            while chunk := file.read(CHUNK):
                total += len(chunk)
                sha.update(chunk)
    return total, sha.hexdigest()
