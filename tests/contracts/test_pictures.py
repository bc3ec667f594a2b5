"""What every picture of a trained experiment promises: it draws what a real tiny run of it has made."""

from __future__ import annotations

import json
from typing import Any

import pytest

from course_lib.data.registry import load_items, resolve
from course_lib.experiments.catalogue import check_asked
from course_lib.experiments.events import VIEW, frame_folder
from course_lib.figures.pictures import picture, pictures
from course_lib.figures.shown import Shown
from tests.contracts.conftest import Made

# What a tiny run on the smallest shop has nothing for: too few pairs, accounts that reach nobody, another log.
# Each is drawn from an answer of its own in tests/figures or tests/experiments.
OF_OTHER_RUNS = {"association_rules.shuffled", "injection.account", "confounded_campaign.weeks"}
OTHERWISE = {"next_item"}  # its panel puts an answer together from frames: tests/figures/test_contract.py


def drawn_from(made: Made, name: str, narrow: bool, language: str) -> dict[str, Any]:
    """One picture as the lab's page draws it: the finished run at its last frame with an answer, and a list of two."""
    last = max(made.view.frames)
    view = json.loads((frame_folder(made.folder, last) / VIEW).read_text(encoding="utf-8"))
    items = load_items(resolve("shop", "tiny"))
    answer = made.ask(None, **{ask: [1, 2] for ask, kind in made.card.asks.items() if kind == "items"})
    asked = check_asked(made.card, {})
    one = Shown((made.view,), ("One",), last, view, asked, answer, items)
    two = Shown((made.view, made.view), ("One", "Two"), items=items)
    plots = [picture(name)(shown, language, narrow).plot() for shown in (one, two)]
    for plot in plots:
        json.dumps(plot, allow_nan=False)
    return max(plots, key=marks)


def marks(plot: dict[str, Any]) -> int:
    """Traces and drawn shapes."""
    return len(plot["data"]) + len(plot["layout"].get("shapes", ()))


def test_its_pictures_draw_what_its_run_made(made: Made, experiment: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """In both languages and widths; none of them is bare in every state."""
    monkeypatch.setenv("LIVEREC_HOME", str(made.folder.parent.parent))
    own = [name for name in pictures() if name.partition(".")[0] == experiment]
    assert own
    if experiment in OTHERWISE:
        return
    bare = []
    for name in own:
        for language in ("zh", "en"):
            found = [marks(drawn_from(made, name, narrow, language)) for narrow in (False, True)]
            bare += [name] if not any(found) else []
    assert set(bare) <= OF_OTHER_RUNS
