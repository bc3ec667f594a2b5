"""Makes data/fonts/: the one font that PDFs are printed with, which must hold names as well as the course's own texts.

    python tools/print_font.py                  # fetches two npm packages, in a temporary folder

Noto Sans SC (SIL Open Font License 1.1) at its regular weight, from the package that tools/fonts.py cuts for browsers,
and Noto Sans, under the same licence, where that has no letter. A PDF takes no slices and no variable font, and its
font has to be there before anybody says what is printed, so this is one file: Latin, Greek and Cyrillic letters, kana,
the characters of GB 2312, the frequent ones of Big5, and rarer ones that people are named with. The format is WOFF
1.0: zlib, which Python has, where WOFF 2 needs brotli. Needs fonttools and brotli (requirements-dev.txt).
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from fonts import CHINESE_PACKAGE, PROJECT, fetch, opened, own_characters, pictures, slices, wanted
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.filterPen import DecomposingFilterPen
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.varLib.instancer import instantiateVariableFont

LATIN_PACKAGE = "@fontsource-variable/noto-sans@5.3.0"
TARGET = PROJECT / "data" / "fonts"
NAME = "noto-sans-sc-print.woff"
IN_NAMES = (
    "喆堃珺镕昇淼燚玥翀犇龑頔赟旻昉祎琦芃玚珏玘珅珩琀琎琛琤瑀璟璠璐昕昱晟曦煊煜煦焱熠燊垚鑫彧弢祺禛禔翊翎翾芊芮荃莜蓁薇"
)
LETTERS = (
    range(0x20, 0x0530),
    range(0x1E00, 0x2000),
    range(0x2010, 0x2060),
    range(0x20A0, 0x20C0),
    range(0x2190, 0x22FF),
)
ZERO_WIDTH, BREAK = "\u200b", "u200B"  # marks where Chinese may break; of no width in any font
NARROW = "‘’“”·"  # one width has to do for both scripts, and O’Neill with a wide apostrophe looks wrong
KANA = range(0x3040, 0x3100)


def printable() -> set[int]:
    """Code points to be printed, as far as the package draws them."""
    big5 = set()
    for high in range(0xA4, 0xC7):  # its first level, by frequency
        for low in (*range(0x40, 0x7F), *range(0xA1, 0xFF)):
            big5.update(ord(one) for one in bytes((high, low)).decode("big5", "ignore"))
    points = wanted() | big5 | set(own_characters()) | {ord(one) for one in IN_NAMES} | set(KANA)
    return points.union(*LETTERS) - pictures() - set(range(0x20))


def make(folder: Path) -> None:
    """Rewrites data/fonts/; ``folder`` is for what is fetched."""
    packages, points = [fetch(folder, name) for name in (CHINESE_PACKAGE, LATIN_PACKAGE)], printable()
    glyphs, widths, characters = {}, {}, {}
    for source, meant in [one for package in packages for one in slices(package)]:
        font = instantiateVariableFont(opened(source), {"wght": 400})
        drawn, known = font.getGlyphSet(), font.getBestCmap()
        here = {f"u{point:04X}": (point, known[point]) for point in meant & points & set(known)}
        if source.is_relative_to(packages[0]):
            here = {name: one for name, one in here.items() if chr(one[0]) not in NARROW}
        for name, (point, glyph) in {".notdef": (None, ".notdef"), **here}.items():
            if name not in glyphs:
                pen = TTGlyphPen(None)
                drawn[glyph].draw(DecomposingFilterPen(pen, drawn))  # an accented letter is made of parts
                glyphs[name], widths[name] = pen.glyph(), round(drawn[glyph].width)
                characters |= {} if point is None else {point: name}
    font = opened(slices(packages[0])[0][0])
    glyphs[BREAK], widths[BREAK] = TTGlyphPen(None).glyph(), 0
    characters[ord(ZERO_WIDTH)] = BREAK
    builder = FontBuilder(font["head"].unitsPerEm, isTTF=True)
    builder.setupGlyphOrder([".notdef", *(characters[point] for point in sorted(characters))])
    builder.setupCharacterMap(characters)
    builder.setupGlyf(glyphs)
    left = {name: glyph.xMin if glyph.numberOfContours else 0 for name, glyph in glyphs.items()}
    builder.setupHorizontalMetrics({name: (width, left[name]) for name, width in widths.items()})
    height = {"ascent": font["hhea"].ascent, "descent": font["hhea"].descent}
    builder.setupHorizontalHeader(**height)
    builder.setupOS2(sTypoAscender=height["ascent"], sTypoDescender=height["descent"], fsType=0)  # may be embedded
    names = {"familyName": "Noto Sans SC", "styleName": "Regular", "copyright": font["name"].getDebugName(0)}
    builder.setupNameTable(names)
    builder.setupPost(keepGlyphNames=False)
    made = builder.font
    made["head"].created = made["head"].modified = font["head"].modified  # making it again gives the same bytes
    made.recalcTimestamp, made.flavor = False, "woff"
    shutil.rmtree(TARGET, ignore_errors=True)
    TARGET.mkdir(parents=True)
    made.save(TARGET / NAME)
    for package, name in zip(packages, ("noto-sans-sc", "noto-sans"), strict=True):
        shutil.copy(package / "LICENSE", TARGET / f"LICENSE-{name}.txt")
    print(f"{NAME}: {len(characters)} characters, {(TARGET / NAME).stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        make(Path(temporary))
