"""What the practice lesson concludes from its numbers."""

from __future__ import annotations

import re
import tomllib

from course_lib.cli import measure

RECORD = tomllib.loads(measure.FILE.read_text(encoding="utf-8"))["practice"]


def numbers(name: str) -> list[float]:
    """The numbers in a printed value, both of a range."""
    return [float(one.replace(",", "")) for one in re.findall(r"-?[\d,]*\.?\d+", RECORD[name])]


def test_what_practice_concludes_from_its_numbers() -> None:
    one = {name: numbers(name)[0] for name in RECORD}
    # Accuracy: the network does not beat "never", and says "click" more often wrongly than rightly
    assert one["over_never"] < 0
    assert one["accuracy"] < one["never"] == one["three_accuracy"]
    assert one["three_said"] == 0 < one["said"]
    assert round(one["accuracy"], 2) == round(one["never"], 2) == 0.94  # the slide's figure
    assert one["rare_over"] == 0
    assert one["rare_auc"] > 0.6
    # In each shop the log loss prefers three epochs, the clicks ten; accuracy is not better after ten
    for shop in ("", "_1", "_2"):
        assert one[f"ten{shop}_loss"] > one[f"three{shop}_loss"] + 0.003
        assert one[f"ten{shop}_clicks"] > one[f"three{shop}_clicks"] + 0.05
        assert one[f"three{shop}_accuracy"] - 0.003 < one[f"ten{shop}_accuracy"] <= one[f"three{shop}_accuracy"]
    differences = [one[f"ten{shop}_auc"] - one[f"three{shop}_auc"] for shop in ("", "_1", "_2")]
    assert min(differences) < 0 < max(differences)
    # The chances are too bold, and once they are put right ten epochs lose nothing
    assert one["ten_slope"] < 0.7 < 0.9 < one["three_slope"]
    assert one["ten_scaled"] <= one["three_scaled"]
    assert one["ten_ndcg"] > one["three_ndcg"]
    assert one["stop_log_loss"] < one["stop_clicks"] < 10
    assert min(numbers("stopping_cost_en")) > 0
    # One order for everybody: the same AUC, far fewer clicks
    assert abs(one["logistic_auc"] - one["auc"]) < 0.01
    assert abs(one["logistic_clicks"] - one["counted_clicks"]) < 0.03
    assert min(numbers("over_logistic_en")) > 0.05
    assert one["best_clicks"] > 2 * one["clicks"]


def test_what_the_edits_show() -> None:
    one = {name: numbers(name)[0] for name in RECORD}
    low, high = numbers("own_range_en")
    for edit in ("no_layer", "attention"):  # "nothing that the intervals can tell"; "as many clicks"
        its_low, its_high = numbers(f"{edit}_range_en")
        assert its_low < high
        assert low < its_high
    assert numbers("logistic_range_en")[1] < low - 0.05
    assert one["attention_parameters"] < one["parameters"] / 10
    assert one["attention_auc"] > max(one["auc"], one["no_layer_auc"], one["random_auc"], one["pairwise_auc"]) + 0.01
    assert abs(1 - one["attention_slope"]) < abs(1 - one["own_slope"]) / 2  # "truer chances"
    assert one["pairwise_over"] < -0.3  # "absurd"
    assert numbers("pairwise_range_en")[0] > numbers("logistic_range_en")[1]
    assert one["random_slope"] < one["own_slope"]
    assert numbers("random_range_en")[0] > numbers("logistic_range_en")[1]
