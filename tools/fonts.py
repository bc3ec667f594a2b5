"""Makes static/fonts/ and static/fonts.css: Chinese characters, product pictures and the interface's icons.

    python tools/fonts.py                       # fetches two npm packages, in a temporary folder

- Noto Sans SC (SIL Open Font License 1.1, one variable weight), in slices, so that a browser fetches only what a page
  needs: first the characters of the course's own texts, those that most texts share together; then the rest of the
  6,763 characters of GB 2312 in the package's own slices, by how often they occur in Chinese.
- LiveRec Emoji: the pictures that the course uses, from Twemoji (drawings CC-BY 4.0, font OFL 1.1), so that no
  product's picture depends on the fonts of the machine that looks. Its format is COLR version 0: layers of plain
  outlines, the one colour format that Chromium, Firefox and Safari all draw, in pages and in SVG.
- liverec-icons.woff2: of the icons that Streamlit brings (Material Symbols, Apache 2.0), those that its own scripts
  name, a sixth of the bytes; the server gives it out in place of Streamlit's.

Latin text is set in Source Sans, which Streamlit brings. Needs fonttools and brotli (requirements-dev.txt).
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import tarfile
import tempfile
import unicodedata
from collections import Counter
from pathlib import Path
from typing import Any

import streamlit
from fontTools import subset
from fontTools.fontBuilder import FontBuilder
from fontTools.ttLib import TTFont

PROJECT = Path(__file__).resolve().parent.parent
CHINESE_PACKAGE = "@fontsource-variable/noto-sans-sc@5.3.1"
EMOJI_PACKAGE = "twemoji-colr-font@15.0.3"
CHINESE, EMOJI = "Noto Sans SC", "LiveRec Emoji"
# Latin fonts have these too, but narrow; inside Chinese text they must be as wide as a character.
PUNCTUATION = "—‘’“”…·"
TEXTS = ("course_lib/**/*.toml", "data/**/*.toml", "lessons/**/*.md", "lessons/**/*.toml", "pages/*.py", "README*.md")
PICTURES = (*TEXTS, "course_lib/**/*.py", "course_lib/**/*.js")  # stand-ins for a learner's own products are in Python
SLICE = 150  # characters of the course's own texts in one file, about 45 KB
SHOWS_AS_PICTURE = "\ufe0f"  # follows a character that could also be plain text
ICONS_LICENCE = """liverec-icons.woff2 is a part of Material Symbols Rounded (https://github.com/google/material-design-icons),
Copyright Google LLC, licensed under the Apache License, Version 2.0: https://www.apache.org/licenses/LICENSE-2.0
Changed: only the icons that the course may show are kept.
"""


def wanted() -> set[int]:
    """Code points that the course's pages may show in the Chinese font."""
    letters = [bytes((high, low)) for high in range(0xB0, 0xF8) for low in range(0xA1, 0xFF)]
    symbols = [bytes((high, low)) for high in (0xA1, 0xA3) for low in range(0xA1, 0xFF)]
    points = {ord(pair.decode("gb2312")) for pair in letters + symbols if decodes(pair)} | set(own_characters())
    return {point for point in points if point > 0x2E7F or chr(point) in PUNCTUATION} - pictures()


def own_characters() -> list[int]:
    """Code points of the course's own texts, those that most of them share first.

    A table of a TOML file counts as a text of its own: what the interface says on one page it seldom says on another.
    """
    shared: Counter[int] = Counter()
    for pattern in TEXTS:
        for path in PROJECT.glob(pattern):
            whole = path.read_text(encoding="utf-8")
            for part in re.split(r"^\[", whole, flags=re.MULTILINE) if path.suffix == ".toml" else [whole]:
                shared.update({ord(letter) for letter in part})
    return sorted(shared, key=lambda point: (-shared[point], point))


def decodes(pair: bytes) -> bool:
    """Whether the two bytes are a character of GB 2312."""
    try:
        pair.decode("gb2312")
    except UnicodeDecodeError:
        return False
    return True


def pictures() -> set[int]:
    """Code points of the emoji in the course's data, texts and code."""
    found: set[int] = set()
    for pattern in PICTURES:
        for path in PROJECT.glob(pattern):
            found |= pictures_in(path.read_text(encoding="utf-8"))
    return found


def pictures_in(words: str) -> set[int]:
    """Code points in ``words`` that are shown as pictures: emoji, and symbols that are followed by the selector."""
    found = set()
    for letter, following in zip(words, words[1:] + " ", strict=True):
        symbol = letter < "\u2e80" and unicodedata.category(letter) == "So"
        wide = symbol and unicodedata.east_asian_width(letter) == "W"  # a picture without any selector
        if "\U0001f000" <= letter <= "\U0001faff" or wide or following == SHOWS_AS_PICTURE:
            found.add(ord(letter))
    return found


def fetch(folder: Path, package: str) -> Path:
    """The npm package, like ``name@1.2.3``, unpacked in a folder of its own in ``folder``."""
    made = subprocess.run(["npm", "pack", package, "--silent"], cwd=folder, check=True, capture_output=True, text=True)
    archive = folder / made.stdout.strip().splitlines()[-1]
    with tarfile.open(archive) as packed:
        packed.extractall(archive.with_suffix(""), filter="data")
    return archive.with_suffix("") / "package"


def package_version(package: Path) -> str:
    """The version that the unpacked npm package states."""
    return str(json.loads((package / "package.json").read_text(encoding="utf-8"))["version"])


def ranges(points: set[int]) -> str:
    """A CSS unicode-range."""
    parts: list[list[int]] = []
    for point in sorted(points):
        if parts and parts[-1][1] == point - 1:
            parts[-1][1] = point
        else:
            parts.append([point, point])
    return ",".join(f"U+{a:X}" if a == b else f"U+{a:X}-{b:X}" for a, b in parts)


def slices(package: Path) -> list[tuple[Path, set[int]]]:
    """The package's files, each with the code points it is meant for."""
    css = (package / "index.css").read_text(encoding="utf-8")
    found = []
    for file, text in re.findall(r"url\(\./(files/[^)]+)\).*?unicode-range: ([^;]+);", css, flags=re.DOTALL):
        points: set[int] = set()
        for part in text.split(","):
            low, _, high = part.strip().removeprefix("U+").partition("-")
            points |= set(range(int(low, 16), int(high or low, 16) + 1))
        found.append((package / file, points))
    return found


def opened(path: Path) -> TTFont:
    """The font in ``path``; what is made from it carries its date, so that making it again gives the same bytes."""
    return TTFont(path, recalcTimestamp=False)


def named(draft: Path, stem: str) -> str:
    """Renames ``draft`` to ``stem-HASH.woff2``: the name carries the content, so a browser may keep it for a year."""
    name = f"{stem}-{hashlib.sha256(draft.read_bytes()).hexdigest()[:10]}.woff2"
    draft.rename(draft.parent / name)
    return name


def save(font: TTFont, target: Path, **kept: Any) -> None:
    """Writes to ``target`` the glyphs of ``font`` that are ``kept``: keywords of fontTools' ``populate``."""
    options = subset.Options(flavor="woff2", layout_features=["*"], name_IDs=[0, 1, 2, 13, 14], drop_tables=["FFTM"])
    options.layout_closure = "glyphs" not in kept  # an icon is a ligature: its letters would bring all of them
    worker = subset.Subsetter(options)
    worker.populate(**kept)
    worker.subset(font)
    font.flavor = "woff2"
    font.save(target)


def face(family: str, name: str, points: set[int], weight: str = "100 900") -> str:
    """One @font-face rule."""
    return (
        f'@font-face{{font-family:"{family}";font-style:normal;font-display:swap;font-weight:{weight};'
        f'src:url("fonts/{name}") format("woff2");unicode-range:{ranges(points)}}}\n'
    )


def merged(sources: list[Path], points: set[int], target: Path) -> None:
    """Writes to ``target`` one variable font with the outlines of ``points``, gathered from the slices ``sources``."""
    whole = opened(sources[0])
    empty = subset.Subsetter(subset.Options(drop_tables=["GSUB", "GPOS", "BASE", "HVAR", "vhea", "vmtx"]))
    empty.populate(glyphs=[])
    empty.subset(whole)
    characters: dict[int, str] = {}
    for source in sources:
        font = opened(source)
        for point, glyph in font.getBestCmap().items():
            if point not in points or point in characters:
                continue
            outline = font["glyf"][glyph]
            if outline.isComposite():
                raise SystemExit(f"U+{point:X} is made of parts; the package has changed")
            name = characters[point] = f"uni{point:04X}"
            whole["glyf"][name] = outline
            whole["hmtx"][name] = font["hmtx"][glyph]
            whole["gvar"].variations[name] = font["gvar"].variations.get(glyph, [])
    FontBuilder(font=whole).setupCharacterMap(characters)
    whole.save(target)


def chinese(package: Path, target: Path) -> list[str]:
    """Writes the slices of Noto Sans SC; returns their rules."""
    shutil.copy(package / "LICENSE", target / "LICENSE-noto-sans-sc.txt")
    rules = [f"/* {CHINESE} {package_version(package)}, SIL Open Font License 1.1; made by tools/fonts.py */\n"]
    sources = slices(package)
    drawn = {point for source, points in sources for point in points & set(opened(source).getBestCmap())}
    # Punctuation stays in the package's slices, which know how it moves together.
    own = [point for point in own_characters() if point in drawn and chr(point).isalpha()]
    whole = target / "whole.ttf"
    merged([source for source, _ in sources], set(own), whole)
    parts = [(whole, set(own[start : start + SLICE])) for start in range(0, len(own), SLICE)]
    left = (wanted() & drawn) - set(own)
    parts += [(source, points & left) for source, points in sources if points & left]
    for source, points in parts:
        draft = target / "draft.woff2"
        save(opened(source), draft, unicodes=points)
        name = named(draft, "noto-sans-sc")
        rules.append(face(CHINESE, name, points))
        wide = {point for point in points if chr(point) in PUNCTUATION}
        if wide:
            rules.append(face(f"{CHINESE} Punctuation", name, wide))
    whole.unlink()
    missing = "".join(chr(point) for point in sorted(wanted() - drawn))
    print(f"{CHINESE}: {len(parts)} slices, {len(own)} characters of our own; without a glyph: {missing[:300]}")
    return rules


def emoji(package: Path, target: Path) -> list[str]:
    """Writes the product pictures; returns their rule."""
    shutil.copy(package / "LICENSE", target / "LICENSE-liverec-emoji.txt")
    font = opened(package / "twemoji.woff2")
    points = pictures()
    missing = points - set(font.getBestCmap())
    if missing:
        raise SystemExit(f"without a picture: {''.join(chr(point) for point in sorted(missing))}")
    save(font, target / "draft.woff2", unicodes=points)
    print(f"{EMOJI}: {len(points)} pictures")
    source = f"/* From Twemoji {package_version(package)}: drawings CC-BY 4.0, font SIL Open Font License 1.1 */\n"
    return [source, face(EMOJI, named(target / "draft.woff2", "liverec-emoji"), points, "400")]


def icons(target: Path) -> None:
    """Writes the icons that Streamlit's scripts name."""
    (target / "LICENSE-liverec-icons.txt").write_text(ICONS_LICENCE, encoding="utf-8")
    static = Path(streamlit.__file__).parent / "static" / "static"
    font = opened(next((static / "media").glob("MaterialSymbols-Rounded*.woff2")))
    known = ligatures(font)
    words = {word for path in (static / "js").glob("*.js") for word in re.findall(r"\w+", path.read_text("utf-8"))}
    kept = {name: glyph for name, glyph in known.items() if name in words}
    letters = {font.getBestCmap()[ord(letter)] for name in kept for letter in name}
    points = {ord(letter) for name in kept for letter in name}
    save(font, target / "liverec-icons.woff2", glyphs=letters | set(kept.values()), unicodes=points)
    print(f"icons: {len(kept)} of {len(known)}")


def ligatures(font: TTFont) -> dict[str, str]:
    """The glyph of each icon's name."""
    letter = {glyph: chr(point) for point, glyph in font.getBestCmap().items()}
    found: dict[str, str] = {}
    for lookup in font["GSUB"].table.LookupList.Lookup:
        for table in (getattr(one, "ExtSubTable", one) for one in lookup.SubTable):
            for first, entries in getattr(table, "ligatures", {}).items():
                for entry in entries:
                    if {first, *entry.Component} <= set(letter):
                        found["".join(letter[glyph] for glyph in (first, *entry.Component))] = entry.LigGlyph
    return found


def make(folder: Path) -> None:
    """Rewrites static/fonts/ and static/fonts.css; ``folder`` is for what is fetched."""
    target = PROJECT / "static" / "fonts"
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    rules = [*chinese(fetch(folder, CHINESE_PACKAGE), target), *emoji(fetch(folder, EMOJI_PACKAGE), target)]
    icons(target)
    (PROJECT / "static" / "fonts.css").write_text("".join(rules), encoding="utf-8")
    files = list(target.glob("*.woff2"))
    print(f"{len(files)} files, {sum(file.stat().st_size for file in files) / 1e6:.2f} MB")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        make(Path(temporary))
