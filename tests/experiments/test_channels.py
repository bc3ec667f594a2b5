"""Channels: other data than the shop's are refused, the same people are asked whatever the way, and one can be seen."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from course_lib.data import registry
from course_lib.errors import CourseError
from course_lib.experiments import channels
from course_lib.experiments.config import RunConfig
from course_lib.experiments.events import Folder


def made(folder: Path, **settings: Any) -> dict[str, Any]:
    """The result of a tiny run."""
    folder.mkdir()
    events = list(channels.run(RunConfig.tiny("channels", settings=settings), Folder(folder)))
    return dict(events[-1])


def test_only_the_shop_knows_who_came(tmp_path: Path) -> None:
    other = replace(RunConfig.tiny("channels"), data={"dataset": registry.resolve("complete-journey")})
    with pytest.raises(CourseError) as caught:
        list(channels.run(other, Folder(tmp_path)))
    assert caught.value.key == "channels_need_shop"


def test_every_way_is_asked_the_same_and_true_reads_all_of_it(tmp_path: Path) -> None:
    true, known = made(tmp_path / "true", identity="true"), made(tmp_path / "known", identity="known")
    assert true["asked"] == known["asked"]
    assert true["measures"]["guests"] == known["measures"]["guests"]
    assert true["measures"]["unread"]["value"] == true["measures"]["strangers"]["value"] == 0
    assert known["measures"]["unread"]["value"] > 0.2
    assert "matched" not in known["measures"], "nothing is matched where logins alone count"


def test_all_devices_matched_wrongly_are_matched_wrongly(tmp_path: Path) -> None:
    right, wrong = (made(tmp_path / name, wrong_matches=share) for name, share in (("right", 0.0), ("wrong", 1.0)))
    assert right["measures"]["matched"] == wrong["measures"]["matched"]
    assert right["measures"]["matched_wrongly"]["value"] < 0.2
    assert wrong["measures"]["matched_wrongly"]["value"] > 0.9
    assert wrong["measures"]["strangers"]["value"] > right["measures"]["strangers"]["value"]


def test_whoever_is_asked_for_is_shown_and_beyond_the_last_the_last() -> None:
    people = [{"user": 7, "visits": []}, {"user": 9, "visits": []}]
    shown = channels.Artefact({"people": people})
    assert channels.answer(shown, {"shopper": 1})["user"] == 7
    assert channels.answer(shown, {"shopper": 12}) == {"number": 2, "user": 9, "visits": []}
    assert channels.answer(channels.Artefact({"people": []}), {"shopper": 1}) == {"number": 0}
