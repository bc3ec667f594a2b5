"""Makes the Chinese fonts in static/fonts/ and static/fonts.css from the npm package @fontsource-variable/noto-sans-sc.

    python tools/fonts.py                       # fetches the package with npm, in a temporary folder
    python tools/fonts.py --package FOLDER      # or takes it from an unpacked copy

The package splits Noto Sans SC (SIL Open Font License 1.1, one variable weight) into slices by how often characters
occur, so that a browser fetches only the slices that a page needs. This tool keeps in each slice what the course
needs: the 6,763 characters of GB 2312, Chinese punctuation, and every other character of the repository's own
texts. Latin text is set in Source Sans, which Streamlit brings. Needs fonttools and brotli (requirements-dev.txt).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTFont

PROJECT = Path(__file__).resolve().parent.parent
PACKAGE = "@fontsource-variable/noto-sans-sc@5.3.1"
FAMILY = "Noto Sans SC"
# Latin fonts have these too, but narrow; inside Chinese text they must be as wide as a character.
PUNCTUATION = "—‘’“”…·"
TEXTS = ("course_lib/**/*.toml", "data/**/*.toml", "lessons/**/*.md", "lessons/**/*.toml", "pages/*.py", "README*.md")


def wanted() -> set[int]:
    """Code points that the course's pages may show in the Chinese font."""
    letters = [bytes((high, low)) for high in range(0xB0, 0xF8) for low in range(0xA1, 0xFF)]
    symbols = [bytes((high, low)) for high in (0xA1, 0xA3) for low in range(0xA1, 0xFF)]
    points = {ord(pair.decode("gb2312")) for pair in letters + symbols if decodes(pair)}
    for pattern in TEXTS:
        for path in PROJECT.glob(pattern):
            points |= {ord(letter) for letter in path.read_text(encoding="utf-8")}
    return {point for point in points if point > 0x2E7F or chr(point) in PUNCTUATION}


def decodes(pair: bytes) -> bool:
    """Whether the two bytes are a character of GB 2312."""
    try:
        pair.decode("gb2312")
    except UnicodeDecodeError:
        return False
    return True


def fetch(folder: Path) -> Path:
    """The unpacked npm package in ``folder``."""
    made = subprocess.run(["npm", "pack", PACKAGE, "--silent"], cwd=folder, check=True, capture_output=True, text=True)
    with tarfile.open(folder / made.stdout.strip().splitlines()[-1]) as archive:
        archive.extractall(folder, filter="data")
    return folder / "package"


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


def reduced(source: Path, points: set[int], target: Path) -> set[int]:
    """Writes to ``target`` the glyphs of ``points`` that the font ``source`` has; returns those points."""
    font = TTFont(source)
    kept = points & set(font.getBestCmap())
    if kept:
        options = subset.Options(flavor="woff2", layout_features=["*"], name_IDs=[0, 1, 2, 13, 14])
        worker = subset.Subsetter(options)
        worker.populate(unicodes=kept)
        worker.subset(font)
        font.flavor = "woff2"
        font.save(target)
    return kept


def face(family: str, name: str, points: set[int]) -> str:
    """One @font-face rule."""
    return (
        f'@font-face{{font-family:"{family}";font-style:normal;font-display:swap;font-weight:100 900;'
        f'src:url("fonts/{name}") format("woff2");unicode-range:{ranges(points)}}}\n'
    )


def make(package: Path) -> None:
    """Rewrites static/fonts/ and static/fonts.css."""
    target = PROJECT / "static" / "fonts"
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    shutil.copy(package / "LICENSE", target / "LICENSE-noto-sans-sc.txt")
    version = json.loads((package / "package.json").read_text(encoding="utf-8"))["version"]
    rules = [f"/* Noto Sans SC {version}, SIL Open Font License 1.1; made by tools/fonts.py */\n"]
    left = wanted()
    total = 0
    for source, points in slices(package):
        draft = target / "draft.woff2"
        kept = reduced(source, points & left, draft)
        if not kept:
            continue
        left -= kept
        total += draft.stat().st_size
        # The name carries the content, so a browser may keep the file for a year.
        name = f"noto-sans-sc-{hashlib.sha256(draft.read_bytes()).hexdigest()[:10]}.woff2"
        draft.rename(target / name)
        rules.append(face(FAMILY, name, kept))
        wide = {point for point in kept if chr(point) in PUNCTUATION}
        if wide:
            rules.append(face(f"{FAMILY} Punctuation", name, wide))
    (PROJECT / "static" / "fonts.css").write_text("".join(rules), encoding="utf-8")
    print(f"{len(list(target.glob('*.woff2')))} slices, {total / 1e6:.2f} MB; without a glyph: {len(left)}")
    print(" ".join(f"{chr(point)}" for point in sorted(left))[:300])


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--package", type=Path, help="unpacked npm package, instead of fetching it")
    given = parser.parse_args().package
    if given:
        make(given)
        return
    with tempfile.TemporaryDirectory() as folder:
        make(fetch(Path(folder)))


if __name__ == "__main__":
    main()
