"""A lesson's prose as structure: its seven sections, and what each holds that both languages must share.

Only what the parity check and the pages need is understood here; drawing Markdown is the browser's work.
Code is set aside first, then formulas, so that a ``$`` or ``{{`` inside them is never taken for something else.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from course_lib.course.problems import shortened
from course_lib.errors import CourseError

ANCHORS = ("why", "idea", "predict", "train", "look", "check", "so-what")  # every lesson, in this order
PLACEHOLDERS = ("figure", "value")  # a figure that the page draws; a figure that a run has computed

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
_TABLE_ROW = re.compile(r"^\s*\|.*\|\s*$")


@dataclass(frozen=True)
class Structure:
    """What one section holds. Lists are in order of appearance."""

    display: tuple[str, ...] = ()  # $$...$$, white space evened
    inline: tuple[str, ...] = ()  # $...$
    figures: tuple[str, ...] = ()  # names in {{figure:name}}
    values: tuple[str, ...] = ()  # names in {{value:name}}
    links: tuple[str, ...] = ()
    images: tuple[str, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)  # paragraphs, list_items, headings, quotes, rows, code
    wrong: tuple[str, ...] = ()  # lines with {{ or }} that are no placeholder, or a ``` or $$ that is not closed
    crowded: tuple[str, ...] = ()  # figure placeholders that share their line


@dataclass(frozen=True)
class Part:
    """A stretch of prose, or the name of a figure that stands between two stretches."""

    kind: str  # "prose" or "figure"
    text: str


def _blank(match: re.Match[str]) -> str:
    """Spaces in place of a match, its line breaks kept, so that line numbers stay true."""
    return re.sub(r"[^\n]", " ", match[0])


def structure(markdown: str) -> Structure:
    """What a section holds.

    >>> structure("One $x$.\\n\\n- two\\n- three\\n").counts["list_items"]
    2
    """
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
        values=tuple(name for kind, name in placeholders if kind == "value"),
        links=tuple(one or other for one, other in _LINK.findall(prose)),
        images=tuple(_IMAGE.findall(prose)),
        counts={**_blocks(lines), "code": fences + codes},
        wrong=tuple(
            shortened(line)
            for line in bare.split("\n")
            if "{{" in line or "}}" in line or line.lstrip().startswith(("```", "~~~", "$$"))
        ),
        crowded=tuple(
            line.strip()[:80] for line in lines if "{{figure:" in line and not _PLACEHOLDER.fullmatch(line.strip())
        ),
    )


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
    hidden = _DISPLAY.sub(_blank, _FENCE.sub(_blank, source)).split("\n")  # a "## " in code is no heading
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
        if anchor and not sections[anchor]:
            found.append(CourseError("lesson_section_empty", file=file, line=start, anchor=anchor))
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


def split_figures(section: str) -> tuple[Part, ...]:
    """A section cut at its ``{{figure:name}}`` lines, so that a page can write prose and draw figures in turn.

    >>> [part.kind for part in split_figures("Before\\n\\n{{figure:map}}\\n\\nAfter")]
    ['prose', 'figure', 'prose']
    """
    pieces = re.split(r"^[ \t]*\{\{figure:([A-Za-z0-9_@.-]+)\}\}[ \t]*$", section, flags=re.MULTILINE)
    parts = [Part("figure" if place % 2 else "prose", piece.strip()) for place, piece in enumerate(pieces)]
    return tuple(part for part in parts if part.text)


def fill_values(section: str, values: Mapping[str, str]) -> str:
    """A section with each ``{{value:name}}`` replaced; raises CourseError naming a value that nobody has measured."""

    def fill(match: re.Match[str]) -> str:
        if match[1] not in values:
            raise CourseError("lesson_value_unmeasured", name=match[1], known=", ".join(sorted(values)) or "-")
        return values[match[1]]

    return re.sub(r"\{\{value:([A-Za-z0-9_@.-]+)\}\}", fill, section)
