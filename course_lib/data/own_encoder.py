"""A text encoder that somebody brings: where it is, and what tells it from another. Imports nothing heavy.

The server's environment names it, not the learner: a page must not open folders of the machine that it runs on.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from course_lib.errors import CourseError
from course_lib.settings import load_settings


def own_encoder() -> str:
    """The folder or hub name in LIVEREC_ENCODER; raises CourseError where there is none, or no such folder."""
    place = load_settings().encoder
    if not place:
        raise CourseError("encoder_not_named")
    if is_path(place) and not Path(place).expanduser().is_dir():
        raise CourseError("encoder_missing", place=place)
    return place


def fingerprint(name: str) -> str:
    """What decides the vectors beside the code: of an encoder of one's own its place and its files, else nothing.

    Raises CourseError as :func:`own_encoder` does.
    """
    if name != "own":
        return ""
    place = own_encoder()
    folder = Path(place).expanduser()
    digest = hashlib.sha256(place.encode())
    if folder.is_dir():
        for path in sorted(folder.iterdir()):
            found = path.stat()
            digest.update(f"{path.name}\0{found.st_size}\0{found.st_mtime_ns}\0".encode())
    return digest.hexdigest()[:12]


def is_path(place: str) -> bool:
    """A hub name is ``name`` or ``owner/name``; anything that begins like a path, or has more parts, is a folder."""
    return place.startswith((".", "/", "~")) or "\\" in place or place.count("/") > 1
