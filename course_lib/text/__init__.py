"""Short interface strings in both languages. Prose lives in lessons/.

``text("lab.train", "zh")`` looks the key up in ``zh.toml``; ``{name}`` gaps are filled from keyword arguments.
A test holds the two files to the same keys and the same gaps.
"""

from __future__ import annotations

import functools
import tomllib
from pathlib import Path
from typing import Any

LANGUAGES = ("zh", "en")


@functools.cache
def strings(language: str) -> dict[str, str]:
    """All strings of one language as a flat mapping ``section.key`` -> sentence."""
    if language not in LANGUAGES:
        raise ValueError(f"language is {language!r}; known are {LANGUAGES}")
    flat: dict[str, str] = {}

    def walk(prefix: str, node: dict[str, Any]) -> None:
        for key, value in node.items():
            if isinstance(value, dict):
                walk(f"{prefix}{key}.", value)
            else:
                flat[f"{prefix}{key}"] = str(value)

    walk("", tomllib.loads((Path(__file__).parent / f"{language}.toml").read_text(encoding="utf-8")))
    return flat


def text(key: str, language: str, **params: Any) -> str:
    """The string ``key`` in ``language``; raises KeyError with the missing key, so that tests find it."""
    sentence = strings(language)[key]
    return sentence.format(**params) if params else sentence
