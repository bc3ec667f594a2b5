"""A certificate as a PDF: the lines of certificate_words.py on A4, with the checking address as a QR code.

Its font, data/fonts/, has the letters of Latin, Greek and Cyrillic, kana, and some 8,600 Chinese characters. What
else a name may hold is printed as its Unicode number, so that nothing is lost in an empty box, and :func:`unprintable`
says beforehand which characters those are. No text is taken for markup.
"""

from __future__ import annotations

import functools
import itertools
import unicodedata
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from course_lib.course.certificates import Certificate
from course_lib.settings import PROJECT
from course_lib.text import text
from course_lib.ui.certificate_words import words

if TYPE_CHECKING:
    from fpdf import FPDF

FONT = PROJECT / "data" / "fonts" / "noto-sans-sc-print.woff"
FAMILY = "noto"
MARGIN, QR_SIZE = 20.0, 36.0  # mm
BREAK = "\u200b"  # where a line may end; taken out before it is printed
OPENS, CLOSES = "（《「『“‘[", "，。！？、；：）》」』”’…—·%]"
INK, PALE = (20, 24, 32), (90, 96, 108)


@functools.cache
def printable() -> frozenset[int]:
    """The code points that the font draws. Raises OSError."""
    from fontTools.ttLib import TTFont

    with TTFont(FONT, lazy=True) as font:
        return frozenset(font.getBestCmap())


def unprintable(given: str) -> tuple[str, ...]:
    """The characters of ``given`` that cannot be printed, each once, in their order."""
    return tuple(dict.fromkeys(one for one in given if not _plainly(one)))


def as_printed(given: str) -> str:
    """``given`` with [U+1F600] in the place of what cannot be printed."""
    return "".join(_plainly(one) or f"[U+{ord(one):04X}]" for one in given)


def _plainly(letter: str) -> str:
    """``letter`` where the font has it, else what is the same to a reader: 1 for the ₁ of a formula; "" for neither."""
    if ord(letter) in printable():
        return letter
    same = unicodedata.normalize("NFKC", letter)
    return same if all(ord(one) in printable() for one in same) else ""


def breakable(given: str) -> str:
    """``given`` with a mark wherever Chinese may break: not before what closes, nor after what opens."""
    parts = [given[:1]]
    for one, other in itertools.pairwise(given):
        wide = any(unicodedata.east_asian_width(letter) in "WF" for letter in (one, other))
        if wide and not (one.isspace() or other.isspace() or one in OPENS or other in CLOSES):
            parts.append(BREAK)
        parts.append(other)
    return "".join(parts)


def certificate_pdf(certificate: Certificate, link: str, language: str) -> bytes:
    """The PDF in ``language``; ``link`` is the address at which the certificate can be checked.

    The same certificate gives the same bytes. Raises OSError where the font is gone.
    """
    said = words(certificate, language)
    pdf = new_paper(said.title, language, certificate.at)
    write_paragraph(pdf, said.title, 26)
    write_paragraph(pdf, said.above_name, 10, PALE, above=4)
    write_paragraph(pdf, said.name, 22, above=1)
    write_paragraph(pdf, said.made, 10, PALE, above=1)
    write_paragraph(pdf, said.unsupervised, 10, above=4)
    write_paragraph(pdf, said.lessons_head, 14, above=6)
    for lesson in said.lessons:
        write_paragraph(pdf, lesson, 10, above=1)
    write_paragraph(pdf, said.rule, 8, PALE, above=1)
    if said.challenges:
        write_paragraph(pdf, said.challenges_head, 14, above=6)
    for challenge in said.challenges:
        write_paragraph(pdf, challenge.task, 10, above=2)
        write_paragraph(pdf, challenge.figures, 9, PALE, above=0.5)
    _checking(pdf, said.code_head, said.code, link, language)
    if unprintable(said.name):
        write_paragraph(pdf, text("certificate.substituted", language), 8, PALE, above=2)
    return bytes(pdf.output())


def new_paper(title: str, language: str, at: float) -> FPDF:
    """An empty A4 document with the course's font; ``at`` is the time that stands in it, unix seconds.

    Raises OSError where the font is gone.
    """
    from fpdf import FPDF  # with fontTools some 20 MB, which a server without certificates does not need

    class Paper(FPDF):
        def footer(self) -> None:
            self.set_y(-15)
            self.set_font(FAMILY, size=8)
            self.set_text_color(*PALE)
            self.cell(0, text=text("certificate.page", language, page=self.page_no()), align="C")

    pdf = Paper(format="A4")
    pdf.set_creation_date(datetime.fromtimestamp(at, UTC))
    pdf.set_title(title)
    pdf.set_creator("LiveRec")
    pdf.set_lang({"zh": "zh-CN"}.get(language, language))
    pdf.set_margins(MARGIN, MARGIN)
    pdf.set_auto_page_break(True, MARGIN)
    pdf.add_font(FAMILY, fname=FONT)
    pdf.add_page()
    return pdf


def write_paragraph(pdf: FPDF, given: str, size: float, colour: tuple[int, int, int] = INK, above: float = 0.0) -> None:
    """A paragraph of ``size`` points, ``above`` mm below the last."""
    pdf.set_font(FAMILY, size=size)
    pdf.set_text_color(*colour)
    pdf.set_y(pdf.get_y() + above)
    lines = pdf.multi_cell(0, text=breakable(as_printed(given)), dry_run=True, output="LINES")
    assert isinstance(lines, list)
    for line in lines:
        pdf.cell(0, size * 0.53, line.replace(BREAK, ""), new_x="LMARGIN", new_y="NEXT")


def _checking(pdf: FPDF, head: str, code: str, link: str, language: str) -> None:
    """Code, address and QR code, which stay together."""
    if pdf.will_page_break(QR_SIZE + 20):
        pdf.add_page()
    write_paragraph(pdf, head, 14, above=6)
    write_paragraph(pdf, code, 16, above=1)
    write_paragraph(pdf, text("certificate.verify", language, link=link), 9, PALE, above=1)
    top = pdf.get_y() + 3
    _qr(pdf, link, MARGIN, top, text("certificate.qr", language))
    pdf.set_y(top + QR_SIZE)


def _qr(pdf: FPDF, link: str, x: float, y: float, alt: str) -> None:
    """``link`` as vector squares that lead there when they are clicked."""
    import segno

    rows = [list(row) for row in segno.make(link, micro=False, error="m").matrix_iter(border=4)]
    size = QR_SIZE / len(rows)
    pdf.set_fill_color(0, 0, 0)
    for down, row in enumerate(rows):
        start = 0
        for right in range(1, len(row) + 1):  # one rectangle for each stretch: seams between squares upset scanners
            if right == len(row) or row[right] != row[start]:
                if row[start]:
                    pdf.rect(x + start * size, y + down * size, (right - start) * size, size, style="F")
                start = right
    pdf.link(x, y, QR_SIZE, QR_SIZE, link, alt_text=alt)
