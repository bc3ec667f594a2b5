"""The fonts in static/: every picture and icon that a page may show is in them, and every stack of fonts names them."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from fontTools.ttLib import TTFont

from course_lib.data.intake import items as own_items
from course_lib.figures import palette
from course_lib.figures.products import NO_EMOJI
from course_lib.settings import PROJECT
from course_lib.ui import server

FONTS = server.STATIC / "fonts"
EMOJI = "LiveRec Emoji"
SELECTOR = "\ufe0f"


def emoji_font() -> tuple[TTFont, set[int]]:
    """The font of the pictures, and the code points for which the style sheet lets a browser use it."""
    css = (server.STATIC / "fonts.css").read_text(encoding="utf-8")
    (name, said), *more = re.findall(rf'font-family:"{EMOJI}".*?url\("([^"]+)"\).*?unicode-range:([^}}]+)', css)
    assert not more
    covered: set[int] = set()
    for low, high in re.findall(r"U\+([0-9A-F]+)(?:-([0-9A-F]+))?", said):
        covered |= set(range(int(low, 16), int(high or low, 16) + 1))
    return TTFont(server.STATIC / name), covered


def emoji_of_the_data() -> set[str]:
    """Everything that a TOML file of the course calls ``emoji``."""
    found: set[str] = set()
    todo: list[Any] = [tomllib.loads(path.read_text("utf-8")) for path in (PROJECT / "data").rglob("*.toml")]
    while todo:
        one = todo.pop()
        if isinstance(one, dict):
            found |= {value for key, value in one.items() if key == "emoji"}
            todo += one.values()
        elif isinstance(one, list):
            todo += one
    return found


def test_every_picture_of_the_course_is_in_the_font_that_it_serves() -> None:
    data = emoji_of_the_data()
    assert {"🏀", "⛹️", "🧑", "🧀", "☕"} <= data
    assert len(data) > 180
    texts = [path for room in ("course_lib", "lessons", "pages") for path in (PROJECT / room).rglob("*.*")]
    words = "".join(p.read_text("utf-8") for p in texts if p.suffix in (".py", ".toml", ".md", ".js"))
    written = set(re.findall("[\U0001f000-\U0001faff]|.\ufe0f", words))
    assert NO_EMOJI in written
    font, covered = emoji_font()
    layers = font["COLR"].ColorLayers
    names = font.getBestCmap()
    for picture in sorted(data | written):
        (point,) = [ord(part) for part in picture if part != SELECTOR]
        assert point in covered, f"{picture}: run tools/fonts.py"
        assert layers.get(names[point]), f"{picture} has no coloured layers"


def test_the_pictures_are_in_the_one_colour_format_that_every_browser_draws() -> None:
    font, _ = emoji_font()
    assert font["COLR"].version == 0
    assert not {"SVG ", "CBDT", "sbix"} & set(font.keys())
    assert Path(font.reader.file.name).stat().st_size < 150_000
    licence = (FONTS / "LICENSE-liverec-emoji.txt").read_text(encoding="utf-8")
    assert "SIL OPEN FONT LICENSE" in licence
    assert "CC BY 4.0" in licence


def test_every_stack_of_fonts_names_the_pictures_before_what_the_machine_has() -> None:
    settings = tomllib.loads((PROJECT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))["theme"]
    stacks = {name: settings[name] for name in ("font", "headingFont", "codeFont")} | {"figures": palette.FONT}
    sheets = [*server.STATIC.glob("*.css"), *(PROJECT / "course_lib" / "ui").glob("*.css")]
    for sheet in sheets:
        if sheet.name != "fonts.css":
            for stack in re.findall(r"font-family:\s*([^;}]+)", sheet.read_text(encoding="utf-8")):
                stacks[f"{sheet.name}: {stack[:20]}"] = stack
    assert len(stacks) > 5
    for where, stack in stacks.items():
        families = [family.strip(" '\"") for family in stack.split(",")]
        if families == ["var(--st-font)"]:  # the page's own, from the settings
            continue
        assert EMOJI in families, where
        assert families.index(EMOJI) < families.index("Noto Sans SC") < len(families) - 1, where
    assert settings["font"] == palette.FONT, "letters in pictures are those of the page"


def ligatures(font: TTFont) -> set[str]:
    """The names of an icon font's icons."""
    letter = {glyph: chr(point) for point, glyph in font.getBestCmap().items()}
    tables = [
        getattr(one, "ExtSubTable", one) for look in font["GSUB"].table.LookupList.Lookup for one in look.SubTable
    ]
    sets = [pair for table in tables for pair in getattr(table, "ligatures", {}).items()]
    return {"".join(letter.get(g, "?") for g in (first, *one.Component)) for first, some in sets for one in some}


def test_streamlits_icons_are_in_the_smaller_font_that_stands_in_for_its_own() -> None:
    static = server.STREAMLIT_STATIC / "static"
    (whole,) = (static / "media").glob("MaterialSymbols-Rounded*.woff2")
    ours = server.streamlits_file(f"/static/media/{whole.name}")
    assert ours is not None
    assert ours.stat().st_size < 80_000 < whole.stat().st_size / 4
    scripts = "".join(path.read_text(encoding="utf-8") for path in (static / "js").glob("*.js"))
    asked = set(re.findall(r"[\"'`:/]([a-z0-9_]+)[\"'`:]", scripts)) & ligatures(TTFont(whole))
    assert {"keyboard_arrow_right", "more_vert", "upload", "close"} <= asked
    kept = ligatures(TTFont(ours))
    assert asked <= kept, "run tools/fonts.py"
    for path in [*(PROJECT / "course_lib").rglob("*.py"), *(PROJECT / "pages").glob("*.py")]:
        assert set(re.findall(r":material/(\w+):", path.read_text(encoding="utf-8"))) <= kept, path.name


@pytest.mark.parametrize("address", ["/static/media/SourceSansVF-Upright.ttf.x.woff2", "/static/js/no.js", "/x"])
def test_streamlit_answers_for_its_other_files(address: str) -> None:
    assert server.streamlits_file(address) is None


def test_stand_ins_for_a_learners_products_are_pictures_too() -> None:
    _, covered = emoji_font()
    source = Path(own_items.__file__).read_text(encoding="utf-8")
    assert {ord(letter) for letter in source if "\U0001f000" <= letter <= "\U0001faff"} <= covered
