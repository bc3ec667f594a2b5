"""The version of a piece of code: a digest of its own file and of everything of the course that it imports.

A run's name covers the version of the experiment that made it. Because only the import closure counts, a new lesson,
model or experiment orphans no run of another.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import importlib.metadata
from collections.abc import Iterator
from pathlib import Path

from course_lib.settings import PROJECT

# The registry names every dataset, and what comes through it has a version of its own (Address.version).
TOLD_BY_DATA = {"course_lib.data.registry"}
# Sentences, places and errors decide no number.
WITHOUT_RESULT = {"course_lib", *(f"course_lib.{name}" for name in ("text", "settings", "errors", "code_version"))}
HEAVY = ("torch", "transformers")  # a change of their version may change a result's last digits


def file_of(module: str) -> Path | None:
    """The source of a module of the course; None for a module of another package, or for no module."""
    if module.split(".")[0] != "course_lib":
        return None
    path = PROJECT / module.replace(".", "/")
    return next((one for one in (path.with_suffix(".py"), path / "__init__.py") if one.is_file()), None)


def module_of(path: Path) -> str:
    """``course_lib/models/sasrec.py`` is ``course_lib.models.sasrec``."""
    parts = path.relative_to(PROJECT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def import_closure(*modules: str) -> tuple[str, ...]:
    """``modules`` and every module of the course that they import, at the top or inside a function, sorted."""
    found: set[str] = set()
    ahead = list(modules)
    while ahead:
        module = ahead.pop()
        path = file_of(module)
        if module in found or module in WITHOUT_RESULT or path is None:
            continue
        found.add(module)
        if module not in TOLD_BY_DATA:
            ahead += _imports(path, path.stat().st_mtime_ns)
    return tuple(sorted(found - TOLD_BY_DATA))


@functools.lru_cache(maxsize=1024)
def _imports(path: Path, changed: int) -> tuple[str, ...]:
    return tuple(_imported(path))


def _imported(path: Path) -> Iterator[str]:
    """Every module named in an import; ``from a import b`` may mean the module a.b, or a name in a."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), filename=str(path))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@functools.lru_cache(maxsize=256)
def code_version(*modules: str) -> str:
    """12 hexadecimal digits over the import closure of ``modules``, and over torch's version where they use it.

    Line ends do not count, so a checkout on Windows gives the same digits.
    """
    digest, heavy = hashlib.sha256(), set()
    for module in import_closure(*modules):
        path = file_of(module)
        assert path is not None
        source = path.read_bytes().replace(b"\r\n", b"\n")
        digest.update(module.encode() + b"\0" + source + b"\0")
        heavy |= {name for name in HEAVY if f"import {name}" in source.decode() or f"from {name}" in source.decode()}
    for name in sorted(heavy):
        digest.update(f"{name} {_installed(name)}".encode())
    return digest.hexdigest()[:12]


def _installed(package: str) -> str:
    """A package's version, read from its metadata: it is not imported."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "none"
