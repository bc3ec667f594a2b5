"""Holds the languages of a lesson together: section by section, both must be built of the same pieces.

Formulas and placeholders must be the very same; paragraphs, list items, links and the like must be equally many,
and so must the blocks that fold away, with the same minutes and the same pieces inside.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping

from course_lib.course.markdown import Structure, structure
from course_lib.course.problems import LessonError
from course_lib.errors import CourseError
from course_lib.text import text

COUNTED = ("paragraphs", "list_items", "headings", "quotes", "rows", "code")  # in Structure.counts


def compare(zh: str, en: str, file: str, place: str) -> Iterator[CourseError]:
    """What differs between a text's two languages. ``place`` is a section's anchor or a field's name."""
    yield from _compare(structure(zh), structure(en), file, place)


def _compare(one: Structure, other: Structure, file: str, place: str) -> Iterator[CourseError]:
    """What differs between two structures, and then within each pair of their details."""
    counts = {kind: (one.counts[kind], other.counts[kind]) for kind in COUNTED}
    counts["links"] = (len(one.links), len(other.links))
    counts["images"] = (len(one.images), len(other.images))
    counts["details"] = (len(one.details), len(other.details))
    for kind, (n_zh, n_en) in counts.items():
        if n_zh != n_en:
            part = _said(f"course.parts.{kind}")
            yield LessonError("lesson_parity_count", {"kind": part}, file=file, place=place, zh=n_zh, en=n_en)
    if one.display != other.display and Counter(one.display) == Counter(other.display):
        yield CourseError("lesson_parity_order", file=file, place=place)
    for key, pieces in (
        ("lesson_parity_formula", (_formulas(one), _formulas(other))),
        ("lesson_parity_placeholder", (_placeholders(one), _placeholders(other))),
    ):
        pieces_zh, pieces_en = pieces
        for here, there, language in ((pieces_zh, pieces_en, "zh"), (pieces_en, pieces_zh, "en")):
            for piece, more in (here - there).items():
                said = {"side": _said(f"course.languages.{language}")}
                yield LessonError(key, said, file=file, place=place, piece=piece, more=more)
    for number, (block_zh, block_en) in enumerate(zip(one.details, other.details, strict=False), 1):
        (minutes_zh, in_zh), (minutes_en, in_en) = block_zh, block_en
        inside = f"{place}, details {number}"
        if minutes_zh != minutes_en:
            yield CourseError("lesson_parity_minutes", file=file, place=inside, zh=minutes_zh, en=minutes_en)
        yield from _compare(in_zh, in_en, file, inside)


def compare_texts(texts: Mapping[str, str], file: str, place: str) -> Iterator[CourseError]:
    """What differs between the two languages of a field in a TOML file: formulas and placeholders only."""
    for error in compare(texts["zh"], texts["en"], file, place):
        if error.key in ("lesson_parity_formula", "lesson_parity_placeholder"):
            yield error


def _said(key: str) -> Callable[[str], str]:
    """An interface string as a function of the language."""
    return lambda language: text(key, language)


def _formulas(found: Structure) -> Counter[str]:
    return Counter([f"$${one}$$" for one in found.display] + [f"${one}$" for one in found.inline])


def _placeholders(found: Structure) -> Counter[str]:
    return Counter(
        [f"{{{{figure:{one}}}}}" for one in found.figures]
        + [f"{{{{lab:{one}}}}}" for one in found.labs]
        + [f"{{{{value:{one}}}}}" for one in found.values]
    )
