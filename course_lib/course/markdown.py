"""A lesson's prose as structure: its eight sections, and what each holds that both languages must share.

Only what the parity check and the pages need is understood here; drawing Markdown is the browser's work.
Code is set aside first, then formulas, so that a ``$`` or ``{{`` inside them is never taken for something else.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from course_lib.course.problems import shortened
from course_lib.errors import CourseError

ANCHORS = ("why", "try", "predict", "train", "look", "idea", "check", "so-what")  # every lesson, in this order
PLACEHOLDERS = ("figure", "lab", "value")  # a picture or a lab that the page draws; a number that a run has computed

_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})[^\n]*\n(?:.*?\n)?? {0,3}\1[`~]*[ \t]*$", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"(`+)(?!`)((?:(?!\n\n).)+?)(?<!`)\1(?!`)", re.DOTALL)
_DISPLAY = re.compile(r"\$\$(.+?)\$\$", re.DOTALL)
_INLINE = re.compile(r"(?<![\\$])\$(?![\s$])((?:\\.|[^$\\\n])*?)(?<!\s)\$(?![\d$])")
_PLACEHOLDER = re.compile(r"\{\{([a-z]+):([A-Za-z0-9_@.-]+)\}\}")
_IMAGE = re.compile(r"!\[[^\]\n]*\]\(([^()\s]*)[^()\n]*\)")
_LINK = re.compile(r"(?<!!)\[[^\]\n]*\]\(([^()\s]+)[^()\n]*\)|<(https?://[^>\s]+)>")
_ITEM = re.compile(r"^\s*(?:[-*+]|\d{1,3}[.)])\s+\S")
_HEADING = re.compile(r"^ {0,3}(#{1,6})\s+(.*?)\s*#*\s*$")
_ANCHORED = re.compile(r"^(.*?)\s*\{#([^}]*)\}$")
_FOLD = re.compile(r":::details\s+([1-9]\d?)\s*\|\s*(\S.*)")
_DRAWN_LINE = re.compile(r"^[ \t]*\{\{(figure|lab):([A-Za-z0-9_@.-]+)\}\}[ \t]*$", re.MULTILINE)
_WORD = re.compile(r"[\u4e00-\u9fff]|[A-Za-z0-9][A-Za-z0-9'’.,@-]*")
_TABLE_ROW = re.compile(r"^\s*\|.*\|\s*$")


@dataclass(frozen=True)
class Structure:
    """What one section holds outside its details. Lists are in order of appearance."""

    display: tuple[str, ...] = ()  # $$...$$, white space evened
    inline: tuple[str, ...] = ()  # $...$
    figures: tuple[str, ...] = ()  # names in {{figure:name}}
    labs: tuple[str, ...] = ()  # names in {{lab:name}}
    values: tuple[str, ...] = ()  # names in {{value:name}}
    links: tuple[str, ...] = ()
    images: tuple[str, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)  # paragraphs, list_items, headings, quotes, rows, code
    wrong: tuple[str, ...] = ()  # lines with {{ or }} that are no placeholder, or a ``` or $$ that is not closed
    crowded: tuple[str, ...] = ()  # figure placeholders that share their line
    words: int = 0  # words of a European language and Chinese characters; a formula or a value counts as one
    details: tuple[tuple[int, Structure], ...] = ()  # minutes and content of each block that folds away


@dataclass(frozen=True)
class Part:
    """A stretch of prose, a figure or a lab that stands between two stretches, or a block that folds away."""

    kind: str  # "prose", "figure", "lab" or "details"
    text: str  # Markdown; the figure's or the lab's name; the block's title
    minutes: int = 0  # that reading the block takes
    parts: tuple[Part, ...] = ()  # of the block: prose and figures


def _blank(match: re.Match[str]) -> str:
    """Spaces in place of a match, its line breaks kept, so that line numbers stay true."""
    return re.sub(r"[^\n]", " ", match[0])


def structure(markdown: str) -> Structure:
    """What a section holds.

    >>> structure("One $x$.\\n\\n- two\\n- three\\n").counts["list_items"]
    2
    """
    markdown, inside = _without_details(markdown)
    prose, fences = _FENCE.subn("\n", markdown)
    prose, codes = _CODE.subn("C", prose)
    display = tuple(" ".join(formula.split()) for formula in _DISPLAY.findall(prose))
    prose = _DISPLAY.sub("F", prose)
    inline = tuple(_INLINE.findall(prose))
    prose = _INLINE.sub("F", prose)
    placeholders = _PLACEHOLDER.findall(prose)
    lines = prose.split("\n")
    known = {whole for kind in PLACEHOLDERS for whole in re.findall(rf"\{{\{{{kind}:[A-Za-z0-9_@.-]+\}}\}}", prose)}
    bare = re.sub("|".join(map(re.escape, known)) or r"(?!)", "", prose)
    return Structure(
        display=display,
        inline=inline,
        figures=tuple(name for kind, name in placeholders if kind == "figure"),
        labs=tuple(name for kind, name in placeholders if kind == "lab"),
        values=tuple(name for kind, name in placeholders if kind == "value"),
        links=tuple(one or other for one, other in _LINK.findall(prose)),
        images=tuple(_IMAGE.findall(prose)),
        counts={**_blocks(lines), "code": fences + codes},
        wrong=tuple(
            shortened(line)
            for line in bare.split("\n")
            if "{{" in line or "}}" in line or line.lstrip().startswith(("```", "~~~", "$$", ":::"))
        ),
        crowded=tuple(
            line.strip()[:80]
            for line in lines
            if re.search(r"\{\{(figure|lab):", line) and not _PLACEHOLDER.fullmatch(line.strip())
        ),
        words=_words(prose),
        details=tuple((minutes, structure(block)) for minutes, block in inside),
    )


def _words(prose: str) -> int:
    """Words and Chinese characters of prose whose code and formulas are one letter each."""
    read = _DRAWN_LINE.sub("", _IMAGE.sub("", prose))
    read = _PLACEHOLDER.sub("0", re.sub(r"\]\([^()\n]*\)", "]", read))
    return len(_WORD.findall(read))


def _without_details(section: str) -> tuple[str, list[tuple[int, str]]]:
    """A section without the blocks that fold away, and minutes and content of each; as it is if one is malformed."""
    try:
        folds = _folds(section)
    except CourseError:
        return section, []
    lines, inside = section.split("\n"), []
    for first, last, minutes, _ in reversed(folds):
        inside.append((minutes, "\n".join(lines[first + 1 : last])))
        lines[first : last + 1] = [""]
    return "\n".join(lines), inside[::-1]


def _folds(section: str, file: str = "", line: int = 1) -> list[tuple[int, int, int, str]]:
    """The blocks of a section that fold away: first and last line from 0, minutes, title.

    Raises CourseError with ``file`` and line, where ``line`` is the section's first in its file, for a block that is
    not well formed, empty, not closed, or within another.
    """
    found: list[tuple[int, int, int, str]] = []
    opened: tuple[int, int, str] | None = None
    lines = section.split("\n")
    for number, row in enumerate(_without_code(section).split("\n")):
        if not row.strip().startswith(":::"):
            continue
        head = _FOLD.fullmatch(row.strip())
        if opened is None and head:
            opened = number, int(head[1]), head[2]
        elif opened is not None and row.strip() == ":::" and "".join(lines[opened[0] + 1 : number]).strip():
            found.append((opened[0], number, opened[1], opened[2]))
            opened = None
        else:
            raise CourseError("lesson_details", file=file, line=line + number, text=shortened(row))
    if opened is not None:
        raise CourseError("lesson_details", file=file, line=line + opened[0], text=shortened(lines[opened[0]]))
    return found


def _without_code(source: str) -> str:
    """The text with code and formulas on lines of their own blanked: what stands in them is no heading and no block."""
    return _DISPLAY.sub(_blank, _FENCE.sub(_blank, source))


def _blocks(lines: list[str]) -> dict[str, int]:
    """Counts of blocks; a paragraph is a run of lines that are nothing else."""
    counts = {"paragraphs": 0, "list_items": 0, "headings": 0, "quotes": 0, "rows": 0}
    before = ""
    for line in lines:
        kind = ""
        if not line.strip():
            pass
        elif _HEADING.match(line):
            kind = "headings"
        elif _ITEM.match(line):
            kind = "list_items"
        elif line.lstrip().startswith(">"):
            kind = "quotes"
        elif _TABLE_ROW.match(line):
            kind = "rows"
        else:  # a line below a list item, a quote or a paragraph goes on with it
            kind = before if before in ("list_items", "quotes", "paragraphs") else "paragraphs"
            if kind == before:
                continue
        # every heading, item and row counts; a quote or a paragraph counts when it begins
        if kind and (kind in ("headings", "list_items", "rows") or kind != before):
            counts[kind] += 1
        before = kind
    return counts


def split_sections(source: str, file: str, found: list[CourseError]) -> tuple[dict[str, str], dict[str, str]]:
    """The sections of a lesson file and their titles, both by anchor; problems go to ``found``.

    A section runs from ``## Title {#anchor}`` to the next such heading. All of ANCHORS must stand there, in order.
    """
    hidden = _without_code(source).split("\n")  # a "## " in code is no heading
    lines = source.split("\n")
    titles: dict[str, str] = {}
    starts: list[tuple[str, int]] = []
    for number, line in enumerate(hidden, 1):
        heading = _HEADING.match(line)
        if not heading or len(heading[1]) > 2:
            if line.strip() and not starts:
                found.append(CourseError("lesson_text_outside", file=file, line=number))
                starts.append(("", number))
            continue
        anchored = _ANCHORED.match(heading[2])
        if len(heading[1]) == 1 or not anchored:
            found.append(CourseError("lesson_heading", file=file, line=number, heading=shortened(heading[2])))
            continue
        anchor = anchored[2]
        if anchor not in ANCHORS:
            found.append(
                CourseError("lesson_anchor_unknown", file=file, line=number, anchor=anchor, known=", ".join(ANCHORS))
            )
        elif anchor in titles:
            found.append(CourseError("lesson_anchor_twice", file=file, line=number, anchor=anchor))
        else:
            if not anchored[1].strip():
                found.append(CourseError("lesson_heading", file=file, line=number, heading=shortened(line)))
            titles[anchor] = anchored[1].strip()
            starts.append((anchor, number))
    _check_order(titles, dict(starts), file, found)
    ends = [*(number for _, number in starts), len(lines) + 1][1:]
    sections = {
        anchor: "\n".join(lines[start : end - 1]).strip()
        for (anchor, start), end in zip(starts, ends, strict=True)
        if anchor
    }
    for anchor, start in starts:
        if not anchor:
            continue
        if not sections[anchor]:
            found.append(CourseError("lesson_section_empty", file=file, line=start, anchor=anchor))
            continue
        first = next(number for number in range(start, len(lines)) if lines[number].strip())
        try:
            _folds(sections[anchor], file, first + 1)
        except CourseError as error:
            found.append(error)
    return sections, titles


def _check_order(titles: Mapping[str, str], starts: Mapping[str, int], file: str, found: list[CourseError]) -> None:
    """Reports anchors that are missing, and the first that stands before its turn."""
    for anchor in ANCHORS:
        if anchor not in titles:
            found.append(CourseError("lesson_anchor_missing", file=file, anchor=anchor, order=", ".join(ANCHORS)))
    wanted = [anchor for anchor in ANCHORS if anchor in titles]
    for is_there, should_be in zip(titles, wanted, strict=True):
        if is_there != should_be:
            found.append(
                CourseError(
                    "lesson_anchor_order",
                    file=file,
                    line=starts[is_there],
                    anchor=is_there,
                    wanted=should_be,
                    order=", ".join(ANCHORS),
                )
            )
            return


def split_parts(section: str) -> tuple[Part, ...]:
    """A section cut at its figures and at its blocks that fold away, so that a page can draw them in turn.

    A figure is a line ``{{figure:name}}``. A block that folds away runs from a line ``:::details 3 | Title``, where 3
    are minutes, to a line ``:::``. Raises CourseError for a malformed one; a lesson that could be opened has none.

    >>> [part.kind for part in split_parts("Before\\n\\n{{figure:map}}\\n\\n:::details 2 | More\\nAfter\\n:::")]
    ['prose', 'figure', 'details']
    """
    parts: list[Part] = []
    lines, done = section.split("\n"), 0
    for first, last, minutes, title in _folds(section):
        parts += _prose_and_figures("\n".join(lines[done:first]))
        parts.append(Part("details", title, minutes, _prose_and_figures("\n".join(lines[first + 1 : last]))))
        done = last + 1
    return (*parts, *_prose_and_figures("\n".join(lines[done:])))


def _prose_and_figures(markdown: str) -> tuple[Part, ...]:
    """Markdown cut at its figures and labs."""
    parts, done = [], 0
    for match in _DRAWN_LINE.finditer(markdown):
        parts += [Part("prose", markdown[done : match.start()].strip()), Part(match[1], match[2])]
        done = match.end()
    return tuple(part for part in (*parts, Part("prose", markdown[done:].strip())) if part.text)


def fill_values(section: str, values: Mapping[str, str]) -> str:
    """A section with each ``{{value:name}}`` replaced; raises CourseError naming a value that nobody has measured."""

    def fill(match: re.Match[str]) -> str:
        if match[1] not in values:
            raise CourseError("lesson_value_unmeasured", name=match[1], known=", ".join(sorted(values)) or "-")
        return values[match[1]]

    return re.sub(r"\{\{value:([A-Za-z0-9_@.-]+)\}\}", fill, section)


def plain_text(markdown: str) -> str:
    """A section's words for searching: without code blocks, displayed formulas, figures, labs and Markdown's signs.

    >>> plain_text("**One** [link](https://x.example) and `code`.\\n\\n{{figure:map}}")
    'One link and code.'
    """
    words = _DRAWN_LINE.sub(" ", _DISPLAY.sub(" ", _FENCE.sub(" ", markdown)))
    words = re.sub(r"^\s*:::(?:details\s+\d+\s*\|)?", " ", words, flags=re.MULTILINE)
    words = re.sub(r"!?\[([^\]\n]*)\]\([^()\n]*\)", r"\1", _PLACEHOLDER.sub("…", words))
    words = re.sub(r"^[ \t]*(?:#{1,6}|>|[-*+]|\d{1,3}[.)])\s+", "", words, flags=re.MULTILINE)
    return " ".join(re.sub(r"\*\*|__|`|(?<![\w*])\*(?=\S)|(?<=\S)\*(?![\w*])", "", words).split())
