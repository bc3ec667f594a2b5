"""The click project's source as a page shows it: the whole file, and what the chosen edits change in it.

The page may not import what it shows, because that imports torch: the files are read, and the parts found by name.
course_lib/training/click_edits.py says which setting puts which part in the place of which.
"""

from __future__ import annotations

import ast
import difflib
import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from course_lib.settings import PROJECT

MAIN = PROJECT / "course_lib" / "training" / "click_main.py"
EDITS = PROJECT / "course_lib" / "training" / "click_edits.py"
# The founding document's section 5.2, as it is printed, without its comments.
KERAS = """\
import tensorflow as tf
from tensorflow.keras.layers import Dense, Activation
from tensorflow.keras.models import Sequential

model = Sequential()
model.add(Dense(units=256, activation='relu', input_shape=(input_shape,)))
model.add(Dense(units=128, activation='relu'))
model.add(Dense(units=64, activation='relu'))
model.add(Dense(units=1, activation='sigmoid'))

model.compile(optimizer='adam', loss='binary_crossentropy', metrics=['accuracy'])

model.fit(x_train, y_train, epochs=10, batch_size=64)

model.evaluate(x_test, y_test)
"""
BESIDE = ("Net", "loss", "fit", "evaluate")  # parts of the project that do what the listing does, in its order
SETTINGS = ("net", "loss", "negatives")  # of the experiment click_mlp, each a table in EDITS by its name in capitals


@functools.cache
def project_source() -> str:
    """The whole project, one file."""
    return MAIN.read_text(encoding="utf-8")


@functools.cache
def _tables() -> Mapping[str, Mapping[str, str]]:
    """By setting: ``of`` is the part of the project, every other key a choice with the part in its place."""
    tree = ast.parse(EDITS.read_text(encoding="utf-8"))
    named = {
        node.targets[0].id: ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and isinstance(node.value, ast.Dict)
    }
    return {setting: named[setting.upper()] for setting in SETTINGS}


@functools.cache
def part(path: Path, name: str) -> str:
    """The source of the class or function ``name`` of a file."""
    source = path.read_text(encoding="utf-8")
    for node in ast.parse(source).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and node.name == name:
            found = ast.get_source_segment(source, node)
            assert found is not None
            return found
    raise KeyError(name)


def beside() -> str:
    """What does the same as KERAS, of the project's source."""
    return "\n\n\n".join(part(MAIN, name) for name in BESIDE)


def edited(settings: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(part of the project, part in its place) for each setting that is not the project's own."""
    found = []
    for setting, table in _tables().items():
        instead = table.get(str(settings.get(setting, "")))
        if instead is not None:
            found.append((table["of"], instead))
    return found


def difference(settings: Mapping[str, Any]) -> str:
    """A unified diff of the parts that these settings put in place of the project's; empty where there are none."""
    lines: list[str] = []
    for ours, instead in edited(settings):
        before, after = part(MAIN, ours).splitlines(), part(EDITS, instead).splitlines()
        lines += difflib.unified_diff(before, after, f"{MAIN.name}: {ours}", f"{EDITS.name}: {instead}", "", "", 3, "")
    return "\n".join(lines)
