"""What a picture of an experiment may look at: its runs, the frame on show, or a light experiment's answer.

A picture is a public function of ``figures/<experiment>.py``, found by its name (``circular.orbit``):

    def orbit(shown: Shown, language: str, narrow: bool = False) -> Figure: ...

It draws something sensible when what it needs is not there yet: an empty frame, and a sentence that says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from course_lib.runs.view import RunView


@dataclass(frozen=True)
class Shown:
    """Everything that one drawing may read; nobody may change it."""

    runs: Sequence[RunView] = ()  # the lab's run, or its list of runs in the lesson's order
    names: Sequence[str] = ()  # what each run is called, in the reader's language
    at: int | None = None  # the frame where the slider stands; None: the newest
    frame: Mapping[str, Any] | None = None  # that frame's view.json, of the first run
    settings: Mapping[str, Any] = field(default_factory=dict)  # of a light experiment, or what a run was asked
    answer: Mapping[str, Any] | None = None  # what it answered
    items: pd.DataFrame | None = None  # the catalogue
