"""The secret that makes a learner an instructor: made at the first start, shown once, and kept only as a salted hash.

It is no class's code, and whoever can read the home still does not learn it. It is meant to be read from a console and
typed on another device: five groups of four characters without those that look alike, 100 random bits.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import os
import secrets
import threading
from pathlib import Path

from filelock import FileLock, Timeout

from course_lib.errors import CourseError
from course_lib.runs.files import read_object, storage_error, write_whole
from course_lib.settings import load_settings

FILE = "instructor.secret"  # in the home
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base 32: no I, L, O, U
ALIKE = str.maketrans("IiLlOo", "111100")
GROUPS, GROUP = 5, 4
COST = {"n": 2**14, "r": 8, "p": 1}  # of scrypt: 16 MiB and some 50 ms a try (RFC 7914)
LONGEST = 200  # characters of a try; more are not hashed
PATIENCE_S = 10.0
_one_at_a_time = threading.Lock()  # so that tries by the dozen do not take 16 MiB each


def secret_file() -> Path:
    """Where the hash is."""
    return load_settings().home / FILE


def first_secret() -> str | None:
    """A new secret where the home has none yet; None where it has one. Raises CourseError.

    Several processes may start at once: one of them makes the secret, and gets to show it.
    """
    return _make(secret_file(), again=False)


def new_secret() -> str:
    """A new secret in the place of the old one, which is good for nothing from now on. Raises CourseError."""
    made = _make(secret_file(), again=True)
    assert made is not None
    return made


def is_secret(given: str) -> bool:
    """Whether this is the secret; case, spaces and dashes do not matter, nor O for 0 and I or L for 1.

    Raises CourseError ``instructor_secret_missing`` while the home has no readable one.
    """
    path = secret_file()
    try:
        record = read_object(path)
        salt, wanted = bytes.fromhex(record["salt"]), bytes.fromhex(record["hash"])
        cost = {name: int(record[name]) for name in COST}
    except (OSError, KeyError, TypeError, ValueError) as problem:
        raise CourseError("instructor_secret_missing", path=path, reason=str(problem)) from problem
    if len(given) > LONGEST:
        return False
    return hmac.compare_digest(_hash(_folded(given), salt, cost), wanted)


def _make(path: Path, again: bool) -> str | None:
    secret = "-".join("".join(secrets.choice(ALPHABET) for _ in range(GROUP)) for _ in range(GROUPS))
    salt = secrets.token_bytes(16)
    record = {"salt": salt.hex(), "hash": _hash(_folded(secret), salt, COST).hex(), **COST}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(path.with_name(f"{path.name}.lock"), mode=0o600, timeout=PATIENCE_S):
            if path.exists() and not again:
                return None
            write_whole(path, json.dumps(record))
            with contextlib.suppress(OSError):  # a file system without modes; the hash alone opens nothing
                os.chmod(path, 0o600)
    except Timeout:
        raise CourseError("home_read_only", path=path, reason="lock") from None
    except OSError as problem:
        raise storage_error(problem, path) from problem
    return secret


def _folded(given: str) -> bytes:
    """The secret as it is compared."""
    return "".join(given.split()).replace("-", "").translate(ALIKE).upper().encode("utf-8", "replace")


def _hash(folded: bytes, salt: bytes, cost: dict[str, int]) -> bytes:
    with _one_at_a_time:
        return hashlib.scrypt(folded, salt=salt, maxmem=64 * 2**20, dklen=32, **cost)
