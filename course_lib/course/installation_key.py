"""The installation's own secret, a file in the home: what is signed or hashed with it, no other installation can make.

It signs the browsers' names, and hashes what must be recognised but not read back: resume codes, addresses. Web
processes that share a database share the home too, and with it the key.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import hmac
import os
import secrets
from pathlib import Path

from filelock import FileLock

from course_lib.errors import CourseError
from course_lib.settings import load_settings

KEY_FILE = "identity.key"  # in the home
KEY_BYTES = 32


def private_once(path: Path, content: str) -> str:
    """What is in ``path``, which gets ``content`` if it is not there yet, readable by its owner alone.

    Several processes may ask at once: one writes, whole, and all get what it wrote. Raises OSError.
    """
    with contextlib.suppress(FileNotFoundError):  # any other error is no reason to write a second one
        return path.read_text(encoding="ascii")
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path.with_name(f"{path.name}.lock"), mode=0o600):
        with contextlib.suppress(FileNotFoundError):
            return path.read_text(encoding="ascii")
        part = path.with_name(f".{path.name}.part")
        part.unlink(missing_ok=True)  # of a process that died
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    return content


def signing_key() -> bytes:
    """The installation's key, made at the first start. Raises CourseError ``identity_key`` where there can be none."""
    return _key(load_settings().home / KEY_FILE)


@functools.lru_cache(maxsize=8)
def _key(path: Path) -> bytes:
    """Read once a process; a failure is not remembered, so that one which passes costs nobody their name."""
    try:
        key = bytes.fromhex(private_once(path, secrets.token_hex(KEY_BYTES)))
    except (OSError, ValueError) as problem:
        raise CourseError("identity_key", path=path, reason=str(problem)) from problem
    if len(key) < KEY_BYTES:
        raise CourseError("identity_key", path=path, reason=f"{len(key)} < {KEY_BYTES} bytes")
    return key


def keyed_hash(purpose: str, content: str) -> str:
    """64 hexadecimal digits: HMAC-SHA256 of ``content`` for one ``purpose``, so that no two purposes share a value.

    Without the key nobody can find ``content`` by trying all that it may be. Raises CourseError.
    """
    return hmac.new(signing_key(), f"{purpose}\x00{content}".encode("utf-8", "replace"), hashlib.sha256).hexdigest()
