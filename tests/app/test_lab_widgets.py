"""The lab's widgets as a browser gets them; tests/browser looks at them in one."""

from __future__ import annotations

import pytest
from lab_page import key, nothing_broke, open_page, set_stage
from lab_stage import Stage

CHOSEN = {"width": "48", "layers": "1", "heads": "3", "history_length": "12"}


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch, tmp_path) -> Stage:
    return set_stage(monkeypatch, tmp_path)


def test_the_second_drawing_alone_shows_the_links_values(stage) -> None:
    # A slow browser gets two drawings as one, without the first one's order to show a value.
    page = open_page("en", **CHOSEN, epochs="9", seed="77").run()
    nothing_broke(page)
    for name, value in {**CHOSEN, "data": ("shop", "tiny")}.items():
        widget = page.selectbox(key(f"widget.{name}"))
        assert not widget.proto.set_value
        assert str(widget.value) == str(value)
        assert widget.proto.options[widget.proto.default] == widget.proto.options[widget.index], name
    assert page.number_input(key("widget.epochs")).proto.default == 9
    assert page.number_input(key("widget.seed")).proto.default == 77
