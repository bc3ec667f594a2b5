"""How much of an outside file the course takes in; every cap is stated to whoever meets it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """The caps of one intake. A page that serves many people passes smaller ones."""

    unpacked_bytes: int = 4 * 2**30  # of one file, after unpacking
    ratio: int = 200  # unpacked bytes for each packed one; real tables stay far below
    ratio_from: int = 16 * 2**20  # unpacked bytes below which the ratio does not matter
    files: int = 2_000  # in one archive or folder
    line_bytes: int = 2**20  # of one line of text
    columns: int = 1_000
    cells: int = 10_000_000  # of one sheet, which is held in memory whole
    workbook_bytes: int = 768 * 2**20  # of one workbook, after unpacking
    id_characters: int = 200  # of a user, item or basket
    rows: int = 5_000_000  # read; what comes after is left out and said
    users: int = 200_000
    items: int = 50_000
    minimum: int = 3  # events of a user: one each for training, validation and test


LIMITS = Limits()
# On a page that many people use. As many bytes may be uploaded as .streamlit/config.toml allows (a test compares).
UPLOAD_BYTES = 200 * 2**20
UPLOAD_MEMORY = 2**30  # bytes of the process that reads an upload
PAGE = Limits(unpacked_bytes=2**30, workbook_bytes=2**29, rows=2_000_000)
