"""Which models there are and which settings each has, read from the model files without importing torch.

A model is one file in this folder with a docstring, literals ``TASK`` and ``SETTINGS``, and a class that ends in
``Model``:

    TASK = "next_item"           # what it learns; an experiment chooses among the models of a task
    SETTINGS = {
        "width": (64, 8, 256),   # default, lowest, highest
        "blend": (0.1, 0.0, 1.0),
        "loss": ("softmax", "softmax", "bce"),  # text: default, then the choices
    }

A model that is trained may add a literal ``TRAINING``, such as ``{"epochs": 8}``: defaults of the training loop that
suit it better than the loop's own.

The web process never imports torch, so it reads these literals from the source.
"""

from __future__ import annotations

import ast
import functools
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from course_lib.errors import CourseError

FOLDER = Path(__file__).parent
Value = int | float | str


@dataclass(frozen=True)
class Setting:
    """One hyper-parameter: its default, and the range (numbers) or the choices (text) it may take."""

    name: str
    default: Value
    low: int | float | None = None
    high: int | float | None = None
    choices: tuple[str, ...] = ()

    def check(self, value: Any) -> Value:
        """``value`` converted to the setting's type; raises CourseError naming the setting and its range."""
        if self.choices:
            if value not in self.choices:
                raise CourseError("setting_not_a_choice", name=self.name, value=value, known=", ".join(self.choices))
            return str(value)
        assert self.low is not None
        assert self.high is not None
        kind = int if isinstance(self.default, int) else float
        try:
            number = kind(value)
            if isinstance(value, float) and number != value:
                raise ValueError
        except (TypeError, ValueError, OverflowError):
            key = "setting_not_whole" if kind is int else "setting_not_a_number"
            raise CourseError(key, name=self.name, value=value, low=self.low, high=self.high) from None
        if not self.low <= number <= self.high:  # also refuses nan
            raise CourseError("setting_out_of_range", name=self.name, value=value, low=self.low, high=self.high)
        return number


def parse_settings(literal: Mapping[str, tuple[Any, ...]]) -> dict[str, Setting]:
    """Settings from the ``SETTINGS`` literal of a model file or of the training loop."""
    settings = {}
    for name, (default, *rest) in literal.items():
        if isinstance(default, str):
            settings[name] = Setting(name, default, choices=tuple(rest))
        else:
            settings[name] = Setting(name, default, low=rest[0], high=rest[1])
    return settings


def check_settings(owner: str, known: Mapping[str, Setting], given: Mapping[str, Any]) -> dict[str, Value]:
    """``given`` completed with defaults; raises CourseError for an unknown name or a bad value."""
    for name in given:
        if name not in known:
            raise CourseError("unknown_setting", model=owner, name=name, known=", ".join(known) or "–")
    return {name: setting.check(given.get(name, setting.default)) for name, setting in known.items()}


@dataclass(frozen=True)
class SourceFacts:
    """What a source file says of itself without being run."""

    summary: str  # first line of its docstring
    literals: Mapping[str, Any]  # values of the names asked for, where it defines them
    functions: frozenset[str]  # names of its functions
    imports: frozenset[str]  # packages that it imports at the top


def read_source(path: Path, names: Collection[str]) -> SourceFacts:
    """Reads the literals called ``names``; raises SyntaxError or ValueError where the file, or a literal, is none."""
    tree = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
    literals = {
        _target(node): ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value and _target(node) in names
    }
    imports = [alias.name for node in tree.body if isinstance(node, ast.Import) for alias in node.names]
    imports += [node.module or "" for node in tree.body if isinstance(node, ast.ImportFrom)]
    return SourceFacts(
        (ast.get_docstring(tree) or "").split("\n")[0],
        literals,
        frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef)),
        frozenset(name.split(".")[0] for name in imports),
    )


def _target(node: ast.Assign | ast.AnnAssign) -> str:
    """The name that an assignment at the top of a file defines."""
    return getattr(node.target if isinstance(node, ast.AnnAssign) else node.targets[0], "id", "")


@dataclass(frozen=True)
class ModelCard:
    """What is known about a model without loading it."""

    name: str
    source: Path
    summary: str  # first line of the file's docstring
    task: str  # what it learns: the experiments that choose models of this task offer it
    settings: Mapping[str, Setting]
    neural: bool  # trained by the loop (torch) rather than counted
    training: Mapping[str, Value]  # its own defaults of the training loop


@functools.cache
def model_cards() -> Mapping[str, ModelCard]:
    """All models in this folder, by name (the file's name with dashes)."""
    cards = {}
    for path in sorted(FOLDER.glob("*.py")):
        facts = read_source(path, ("TASK", "SETTINGS", "TRAINING"))
        if "TASK" not in facts.literals:
            continue
        name = path.stem.replace("_", "-")
        settings, training = parse_settings(facts.literals.get("SETTINGS", {})), facts.literals.get("TRAINING", {})
        task, neural = str(facts.literals["TASK"]), "torch" in facts.imports
        cards[name] = ModelCard(name, path, facts.summary, task, settings, neural, training)
    return cards


def model_card(name: str) -> ModelCard:
    """One model's card; raises CourseError with the known names."""
    cards = model_cards()
    if name not in cards:
        raise CourseError("unknown_model", name=name, known=", ".join(cards))
    return cards[name]
