"""What a link brings stays text, on every page, in every parameter that any page reads."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from my_data_page import checked, said, staged
from streamlit.testing.v1 import AppTest

from course_lib.course.lab_state import link_keys
from course_lib.ui import shell
from course_lib.ui.trouble import LONGEST, plain

PIECES = (
    *("http://evil.example/a", "https://evil.example", "www.evil.example", "me@evil.example", "<http://evil.example>"),
    *("[evil](http://evil.example)", "![x](//evil.example/x.png)", "http&#58;//evil.example", "[e]: //evil.example"),
    *(
        "<img src=x onerror=alert(1)>",
        "<script>alert(1)</script>",
        "&lt;b&gt;",
        "<b>evil</b>",
        "mailto:me@evil.example",
    ),
    *(":smile:", ":material/home:", ":red[evil]", ":red-background[evil]", ":streamlit:", "$x^2$", "$$x$$", "`evil`"),
    *("**evil**", "_evil_", "~~evil~~", "# evil", "> evil", "- evil", "1. evil", "| a | b |\n|---|---|\n| c | d |"),
    *(
        "\u202eevil",
        "\u2067evil",
        "\u200f",
        "\x00",
        "\r\n\r\n# evil",
        "---",
        "===",
        "\\",
        "{0}",
        "%s",
        "'; DROP TABLE x",
    ),
)
# What Streamlit's client makes more of than words: remark with GFM, directives, emoji and formulas. An escaped sign
# does not count, and addresses and emoji are looked for in what is left when all escapes are undone.
SYNTAX = re.compile(r"(?<!\\)[\[\]`*$<~]|^ {4}|^\s*(?:#|>|[-+*] |\d+[.)])|\n", re.MULTILINE)
LATE = re.compile(
    r"(?:https?://|www\.)[-.\w]|[-.\w+]@[-\w]+(?:\.[-\w]+)+|:\+1:|:-1:|:[\w-]+:|:material/\w+:", re.IGNORECASE
)
TURNS = re.compile(r"[\u202a-\u202e\u2066-\u2069\u200e\u200f\x00]")


def harmless(shown: str) -> bool:
    """Whether Markdown would make nothing of it but words."""
    bare = re.sub(r"\\\\", "", shown)
    undone = re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", shown)
    return not (SYNTAX.search(bare) or LATE.search(undone) or TURNS.search(shown))


@pytest.mark.parametrize("piece", PIECES)
def test_one_piece_stays_text(piece: str) -> None:
    assert harmless(plain(piece))
    assert harmless(plain(f"There is no page called “{piece}”."))


@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=8) | st.sampled_from(list(":@/.\\_*[]()<>&#;-\n "))))
def test_any_mixture_stays_text(pieces: list[str]) -> None:
    assert harmless(plain("".join(pieces)))


def test_words_stay_as_they_are() -> None:
    for sentence in ("Epochs: 4, width 64 (2:1).", "第 3 轮，NDCG@10 为 0.3。", "user_id and item_id, 10:30, 50 %"):
        assert plain(sentence) in (sentence, sentence.replace("@", "@\u2060"))
    assert len(plain("x" * 100_000)) == LONGEST + 1


@pytest.fixture(autouse=True)
def stage(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[object]:
    yield from staged(monkeypatch, tmp_path)


def parameters() -> tuple[str, ...]:
    """Every query parameter that any page reads."""
    labs = [lab for lesson in shell.lessons() for lab in lesson.labs if lab.trouble is None]
    return tuple(
        dict.fromkeys(["missing", "lab", "source", "token", *(name for lab in labs for name in link_keys(lab))])
    )


MIXED = " evil7 ".join(["evil7", *(one for one in PIECES if "\x00" not in one)])
GIVEN = ("evil7 http://evil.example www.evil.example", MIXED)
ENDLESS = "evil7 " + "**x** " * 16_667
PAGES = sorted(path.stem for path in shell.PAGES.glob("*.py"))


@pytest.mark.parametrize(("turn", "page"), [*enumerate(PAGES), (len(PAGES) + PAGES.index("home") + 1, "home")])
def test_every_parameter_of_every_page(page: str, turn: int) -> None:
    """All at once: every other parameter brings all pieces, the others little, and one, by the page, far too much."""
    shown = AppTest.from_file(str(shell.FRONT), default_timeout=120).switch_page(f"../../../pages/{page}.py")
    names = parameters()
    given = {name: GIVEN[(turn + place) % 2] for place, name in enumerate(names)}
    if page != "home":
        given[names[turn % len(names)]] = ENDLESS
    assert len(urlencode(given)) < 500_000, "Streamlit drops longer ones, and nothing would be tried"
    shown.query_params.update({"lang": "en", **given})
    checked(shown.run())
    told = False
    for kind in ("error", "warning", "info", "success", "markdown", "caption", "title", "header"):
        for element in getattr(shown, kind):
            if "evil7" in element.value:
                told = True
                assert harmless(element.value), (kind, element.value[:300])
    assert told or page != "home", "the page that was asked for in vain is named"
    assert len(said(shown)) < 200_000
