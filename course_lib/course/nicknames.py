"""Names that people give themselves, or a class: made plain, compared as a reader would, and refused in a sentence.

Nobody may look like another member by a letter that is not seen, so what has no shape is taken out before a name is
kept, and capitals, spaces and width do not tell two names apart.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Container

from course_lib.errors import CourseError

LONGEST = 40  # characters of a nickname
LONGEST_CLASS = 80
LONGEST_PERSON = 80
READ = 1000  # characters that are looked at; one letter may become eighteen when it is brought into plain form
MARKS = 3  # accents on one letter; no script has more, and towers of them cover other people's lines
# Letters by their category that look like nothing: fillers of Hangul, an empty Braille cell, selectors of a variant.
BLANK = frozenset("\u115f\u1160\u3164\uffa0\u2800\u17b4\u17b5" + "".join(map(chr, range(0xFE00, 0xFE10))))
# Control characters, direction marks, zero-width letters, halves of letters, and places that no letter has.
UNSEEN = frozenset(("Cc", "Cf", "Cs", "Co", "Cn"))


def nickname(given: str) -> str:
    """``given`` as it is shown: 1 to 40 characters. Raises CourseError ``nickname_empty`` or ``nickname_long``."""
    return _plain(given, LONGEST, "nickname_empty", "nickname_long")


def class_name(given: str) -> str:
    """The same for a class: 1 to 80 characters. Raises CourseError ``class_name_empty`` or ``class_name_long``."""
    return _plain(given, LONGEST_CLASS, "class_name_empty", "class_name_long")


def person_name(given: str) -> str:
    """The same for a certificate: 1 to 80. Raises CourseError ``certificate_name_empty`` or ``..._long``."""
    return _plain(given, LONGEST_PERSON, "certificate_name_empty", "certificate_name_long")


def folded(name: str) -> str:
    """``name`` as it is compared: without spaces, capitals and forms of one letter."""
    return "".join(unicodedata.normalize("NFKC", name).casefold().split())


def free_name(name: str, taken: Container[str]) -> str:
    """``name`` with the lowest number from 2 on that makes it free; ``taken`` holds folded names."""
    number = 2
    while True:
        end = f" {number}"
        offered = name[: LONGEST - len(end)].rstrip() + end
        if folded(offered) not in taken:
            return offered
        number += 1


def _plain(given: str, longest: int, empty: str, long: str) -> str:
    if len(given) > READ:
        raise CourseError(long, length=len(given), most=longest)
    name = " ".join(_seen(unicodedata.normalize("NFKC", _seen(given))).split())
    if not any(unicodedata.category(letter)[0] in "LNPS" for letter in name):
        raise CourseError(empty, most=longest)
    if len(name) > longest:
        raise CourseError(long, length=len(name), most=longest)
    return name


def _seen(words: str) -> str:
    """``words`` without what has no shape; breaks of a line are spaces."""
    kept: list[str] = []
    marks = 0
    for letter in words:
        category = unicodedata.category(letter)
        marks = marks + 1 if category in ("Mn", "Me") else 0
        if letter in "\t\n\r\v\f\x85" or category in ("Zl", "Zp"):
            kept.append(" ")
        elif category not in UNSEEN and letter not in BLANK and marks <= MARKS:
            kept.append(letter)
    return "".join(kept)
