"""What section 5.4 promises of its command: loss and accuracy, epoch by epoch."""

from __future__ import annotations

import json

import pytest

from course_lib.cli.main import main

LINE = ["run", "click_mlp", "--tiny", "--epochs", "2", "--batch-size", "64"]


def test_it_prints_loss_and_accuracy_by_epoch(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*LINE, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)["by_epoch"]
    assert main(LINE) == 0, "the run is there already, and opens"
    lines = capsys.readouterr().out.split("\n")
    epochs = [line.split() for line in lines if line.split()[:1] in (["0"], ["1"], ["2"])]
    assert [row[0] for row in epochs] == ["0", "1", "2"]
    assert epochs[0][1] == "-", "before training there is no training loss"
    for row, one in zip(epochs[1:], told[1:], strict=True):
        assert row[1:3] == [f"{one['loss']:.4f}", f"{one['accuracy']:.4f}"]
    assert any("accuracy" in line and "loss" in line for line in lines) or any("准确率" in line for line in lines)


@pytest.mark.parametrize(("option", "value"), [("--epochs", "0"), ("--epochs", "1000000"), ("--batch-size", "no")])
def test_absurd_settings_get_a_sentence(option: str, value: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "click_mlp", option, value]) != 0
    said = capsys.readouterr().err
    assert option.strip("-").replace("-", "_") in said
    assert "Traceback" not in said
