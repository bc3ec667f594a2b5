"""Learning curve, loss curve and result bars show the numbers they were given, with their intervals."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from course_lib.figures import learning_curve, loss_curve, result_bars
from course_lib.figures.curves import LOSS_POINTS, thin_losses
from course_lib.figures.palette import MODELS


def test_learning_curve_holds_the_run_and_its_references(make: Any) -> None:
    frame = learning_curve(make.run(2, total=4), "en").frame
    run = frame[frame["kind"] == "run"]
    assert run["epoch"].tolist() == [0, 1, 2]
    assert run["value"].tolist() == pytest.approx([0, 0.07, 0.14])
    assert run["high"].tolist() == pytest.approx([0.01, 0.08, 0.15])
    others = frame[frame["kind"] != "run"].set_index("series")
    assert others["value"].to_dict() == {
        "popularity": 0.05, "item-knn": 0.15, "markov": 0.2, "oracle.filtered": 0.3, "oracle.known": 0.35,
    }  # fmt: skip
    assert others.loc["markov", ["low", "high"]].tolist() == pytest.approx([0.19, 0.21])


def test_learning_curve_draws_band_and_whiskers(make: Any) -> None:
    data = learning_curve(make.run(1, total=4), "en").plot()["data"]
    band, curve = data[-2:]
    assert band["y"] == pytest.approx([0.01, 0.08, 0.06, -0.01])
    assert curve["y"] == pytest.approx([0, 0.07])
    whiskers = [trace["error_y"] for trace in data if "error_y" in trace]
    assert len(whiskers) == 5
    assert all(whisker["array"] == pytest.approx([0.01]) for whisker in whiskers)


def test_learning_curve_without_oracle_and_without_anything(make: Any) -> None:
    run = make.run(2)
    run.events["references"] = ({"baselines": {}, "oracle": None},)
    assert "oracle" not in set(learning_curve(run, "en").frame["kind"])
    nothing = learning_curve(make.run(-1), "en")
    assert nothing.frame.empty
    assert "no epoch is finished" in nothing.alt
    assert any("first epoch" in note["text"] for note in nothing.plot()["layout"]["annotations"])


def test_a_missing_value_is_a_gap_not_a_zero(make: Any) -> None:
    figure = learning_curve(make.run(3, nan_at=1), "en")
    run = figure.frame[figure.frame["kind"] == "run"]
    assert math.isnan(run["value"].iat[1])
    assert figure.plot()["data"][-1]["x"] == [0, 2, 3]


def test_labels_at_the_right_end_do_not_touch(make: Any) -> None:
    run = make.run(2)
    same = {name: make.score(0.15) for name in ("popularity", "item-knn", "markov")}
    run.events["references"] = ({"baselines": same, "oracle": None},)
    labels = [note for note in learning_curve(run, "en").plot()["layout"]["annotations"] if note.get("xref") == "paper"]
    shifts = sorted(note["yshift"] for note in labels)
    assert shifts == pytest.approx([-14, 0, 14])


def test_alt_of_the_learning_curve_says_the_numbers(make: Any) -> None:
    alt = learning_curve(make.run(8), "zh").alt
    assert "第 8 轮" in alt
    assert "0.280" in alt
    assert "0.270" in alt
    assert "热门榜 0.050" in alt


def test_loss_curve_has_the_line_of_guessing(make: Any) -> None:
    figure = loss_curve(make.run(2), "en")
    guess = figure.frame[figure.frame["series"] == "guessing"]
    assert guess["loss"].tolist() == [pytest.approx(math.log(1000))]
    assert "1,000" in figure.alt
    run = make.run(2)
    run.config.settings = {"loss": "bce"}  # other units: ln(V) would mislead
    assert "guessing" not in set(loss_curve(run, "en").frame["series"])


def test_long_losses_are_averaged_not_dropped() -> None:
    steps = [(float(n), float(n % 10)) for n in range(1, 1001)]
    thinned = thin_losses(steps)
    assert len(thinned) <= LOSS_POINTS
    assert sum(point["events"] for point in thinned) == 1000
    assert sum(point["loss"] * point["events"] for point in thinned) / 1000 == pytest.approx(4.5)
    assert thinned[-1]["step"] == 1000
    assert (thinned[0]["low"], thinned[0]["high"]) == (1, 8)


def test_thinned_points_do_not_move_when_steps_are_added() -> None:
    steps = [(float(n), math.sin(n)) for n in range(1, 901)]
    before, after = thin_losses(steps[:600]), thin_losses(steps)
    assert before[:-1] == after[: len(before) - 1]
    assert thin_losses(steps[:LOSS_POINTS])[0]["events"] == 1


def test_result_bars_say_value_interval_and_share(make: Any) -> None:
    figure = result_bars(make.result, "sasrec", "en")
    frame = figure.frame.set_index("series")
    assert frame.index.tolist() == ["popularity", "item-knn", "markov", "sasrec", "oracle.filtered", "oracle.known"]
    assert frame.loc["sasrec", "share"] == pytest.approx(0.28 / 0.3)
    plot = figure.plot()
    assert [bar["x"][0] for bar in plot["data"]] == frame["value"].tolist()
    assert "[0.270–0.290]" in json.dumps(plot, ensure_ascii=False)
    assert "SASRec 0.280 [0.270–0.290]" in figure.alt


def test_result_bars_without_an_oracle(make: Any) -> None:
    frame = result_bars({**make.result, "oracle": None}, "sasrec", "en").frame
    assert frame["share"].isna().all()
    assert "oracle" not in set(frame["kind"])


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("model", sorted(MODELS))
def test_a_picture_of_scores_says_of_which_shoppers(make: Any, model: str, language: str) -> None:
    run = make.run(2)
    run.config.settings["model"] = model
    curve, bars = learning_curve(run, language), result_bars(make.result, model, language)
    for figure, word in ((curve, "验证集 validation"), (bars, "测试集 test")):
        shown = figure.plot()["layout"]["title"]["text"]
        assert any(part in shown.lower() for part in word.split())
        assert "…" not in shown or model.startswith("oracle"), "the model's name is whole"
